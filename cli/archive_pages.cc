#include "cli/archive_pages.h"

#include <utility>

#include "common/http_message.h"
#include "parser/html_sniff.h"
#include "storage/warc_payload.h"
#include "storage/warc_reader.h"

namespace weft {

ArchivePages::ArchivePages(const std::vector<std::string>& files, bool with_text)
    : with_text_(with_text), extractor_(NewLinearExtractor()) {
  for (const std::string& file : files) paths_.emplace(file.substr(file.rfind('/') + 1), file);
}

void ArchivePages::Describe(const std::string& filename, uint64_t offset, WaczPage& page) {
  const auto path = paths_.find(filename);
  if (path == paths_.end()) return;
  const auto reader = WarcReader::Open(path->second, offset);
  if (!reader.ok()) return;
  const auto record = (*reader)->Next();
  if (!record.ok() || record->offset != offset) return;
  const auto payload = PayloadOf(*record);
  const auto url = Url::Parse(page.url);
  if (!payload.ok() || !url.ok() || !IsHtml(payload->mime, payload->bytes)) return;
  const auto head = HttpHead::ParseResponse(record->block);
  LinkExtractor::Input input;
  input.html = payload->bytes;
  input.url = &*url;
  const std::string content_type(head.ok() ? head->Get("Content-Type") : record->Get("Content-Type"));
  input.content_type = content_type;
  input.want_text = with_text_;
  input.kinds = LinkKinds();
  ExtractedPage read = extractor_->Extract(input);
  page.title = std::move(read.title);
  page.text = std::move(read.text);
}

}  // namespace weft
