// Titles and texts of pages that lie in WARC files, read by offset. Thread rule: one thread.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "parser/link_extractor.h"
#include "storage/wacz.h"

namespace weft {

class ArchivePages {
 public:
  // Files by their last names, as an index has them.
  ArchivePages(const std::vector<std::string>& files, bool with_text);
  // Leaves the page as it is where the record cannot be read, or holds no HTML.
  void Describe(const std::string& filename, uint64_t offset, WaczPage& page);

 private:
  std::map<std::string, std::string> paths_;
  bool with_text_;
  std::unique_ptr<LinkExtractor> extractor_;
};

}  // namespace weft
