#include "scheduler/anchor_list.h"

#include <charconv>
#include <optional>

#include "common/status.h"

namespace weft {
namespace {

std::string ChunkName(uint64_t number) { return fmt::format("{}/{}", kMetaAnchorChunks, number); }

absl::StatusOr<uint64_t> ChunkCount(const CrawlDb& db) {
  WEFT_ASSIGN_OR_RETURN(std::optional<std::string> text, db.GetMeta(kMetaAnchorChunks));
  uint64_t count = 0;
  if (!text) return count;
  const char* end = text->data() + text->size();
  if (auto read = std::from_chars(text->data(), end, count); read.ec != std::errc() || read.ptr != end) {
    return DataLoss("crawl.db: the number of seed lists is not a number: '{}'", *text);
  }
  return count;
}

}  // namespace

absl::Status AppendAnchors(CrawlDb& db, const std::vector<std::string>& urls) {
  if (urls.empty()) return absl::OkStatus();
  WEFT_ASSIGN_OR_RETURN(uint64_t count, ChunkCount(db));
  std::string lines;
  for (const std::string& url : urls) lines += url + "\n";
  WEFT_RETURN_IF_ERROR(db.PutMeta(ChunkName(count), lines));
  return db.PutMeta(kMetaAnchorChunks, fmt::format("{}", count + 1));
}

absl::StatusOr<std::vector<std::string>> ReadAnchors(const CrawlDb& db) {
  WEFT_ASSIGN_OR_RETURN(uint64_t count, ChunkCount(db));
  std::vector<std::string> urls;
  for (uint64_t number = 0; number < count; ++number) {
    WEFT_ASSIGN_OR_RETURN(std::optional<std::string> lines, db.GetMeta(ChunkName(number)));
    // A chunk is written before it is counted: without it the scope would be narrower than the user has said.
    if (!lines) return DataLoss("crawl.db: seed list {} of {} is missing", number + 1, count);
    for (size_t begin = 0; begin < lines->size();) {
      size_t end = std::min(lines->find('\n', begin), lines->size());
      urls.push_back(lines->substr(begin, end - begin));
      begin = end + 1;
    }
  }
  return urls;
}

}  // namespace weft
