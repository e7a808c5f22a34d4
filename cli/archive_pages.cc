#include "cli/archive_pages.h"

#include <utility>

#include "common/http_message.h"
#include "common/status.h"
#include "parser/html_sniff.h"
#include "storage/atomic_output.h"
#include "storage/cdxj.h"
#include "storage/warc_payload.h"
#include "storage/warc_place.h"

namespace weft {

ArchivePages::ArchivePages(const std::vector<std::string>& files, bool with_text)
    : with_text_(with_text), extractor_(NewLinearExtractor()) {
  for (const std::string& file : files) paths_.emplace(file.substr(file.rfind('/') + 1), file);
}

absl::StatusOr<WarcRecord> ArchivePages::RecordAt(const std::string& filename, uint64_t offset) const {
  const auto path = paths_.find(filename);
  if (path == paths_.end()) return NotFound("{} is not among the files", filename);
  WEFT_ASSIGN_OR_RETURN(const auto reader, WarcReader::Open(path->second, offset));
  WEFT_ASSIGN_OR_RETURN(WarcRecord record, reader->Next());
  if (record.offset != offset) return DataLoss("{}: no record begins at {}", filename, offset);
  return record;
}

void ArchivePages::ReadPage(const WarcRecord& response, WaczPage& page) {
  const auto payload = PayloadOf(response);
  const auto url = Url::Parse(page.url);
  if (!payload.ok() || !url.ok() || !IsHtml(payload->mime, payload->bytes)) return;
  const auto head = HttpHead::ParseResponse(response.block);
  LinkExtractor::Input input;
  input.html = payload->bytes;
  input.url = &*url;
  const std::string content_type(head.ok() ? head->Get("Content-Type") : response.Get("Content-Type"));
  input.content_type = content_type;
  input.want_text = with_text_;
  input.kinds = LinkKinds();
  ExtractedPage read = extractor_->Extract(input);
  page.title = std::move(read.title);
  page.text = std::move(read.text);
}

void ArchivePages::Describe(const std::string& filename, uint64_t offset, WaczPage& page) {
  const auto record = RecordAt(filename, offset);
  if (record.ok()) ReadPage(*record, page);
}

bool ArchivePages::DescribeRevisit(const std::string& filename, uint64_t offset, WaczPage& page) {
  const auto revisit = RecordAt(filename, offset);
  if (!revisit.ok() || !IsRevisit(*revisit)) return false;
  // What a later visit of the same URL found again is that URL's page.
  const std::string_view of = revisit->Get("WARC-Refers-To-Target-URI");
  if (of.empty() || of == revisit->Get("WARC-Target-URI")) return false;
  const auto head = HttpHead::ParseResponse(revisit->block);
  const std::string mime = head.ok() ? CdxjMime(head->Get("Content-Type")) : "";
  if (!head.ok() || head->status() != 200 || (mime != "text/html" && mime != "application/xhtml+xml")) return false;
  if (!NamesPayload(*revisit)) return true;
  const auto whole = MadeWhole(DirectoryOf(paths_.at(filename)), *revisit);
  if (whole.ok()) ReadPage(*whole, page);
  return true;
}

}  // namespace weft
