// Titles and texts of pages that lie in WARC files, read by offset. Thread rule: one thread.
#pragma once

#include <absl/status/statusor.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "parser/link_extractor.h"
#include "storage/wacz.h"
#include "storage/warc_reader.h"

namespace weft {

class ArchivePages {
 public:
  // Files by their last names, as an index has them.
  ArchivePages(const std::vector<std::string>& files, bool with_text);
  // Leaves the page as it is where the record cannot be read, or holds no HTML.
  void Describe(const std::string& filename, uint64_t offset, WaczPage& page);
  // Whether the revisit there is an HTML page with status 200 whose bytes another URL had before. Title and text are those of the
  // record that it refers to, where it says which and that is beside it.
  bool DescribeRevisit(const std::string& filename, uint64_t offset, WaczPage& page);

 private:
  // A record that cannot be read: an error.
  absl::StatusOr<WarcRecord> RecordAt(const std::string& filename, uint64_t offset) const;
  void ReadPage(const WarcRecord& response, WaczPage& page);

  std::map<std::string, std::string> paths_;
  bool with_text_;
  std::unique_ptr<LinkExtractor> extractor_;
};

}  // namespace weft
