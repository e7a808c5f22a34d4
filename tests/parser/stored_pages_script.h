// Stored pages as a test writes them down.
#pragma once

#include <fmt/format.h>

#include <string>
#include <utility>
#include <vector>

#include "common/status.h"
#include "storage/stored_pages.h"

namespace weft::test {

class ScriptedPages : public StoredPages {
 public:
  // An HTML page at `url`; `seconds` orders pages by their time.
  ScriptedPages& Add(const std::string& url, const std::string& body = "", int seconds = 0, int status = 200) {
    PageOnDisk page;
    page.url = url;
    page.response = fmt::format("HTTP/1.1 {} X\r\nContent-Type: text/html\r\n\r\n{}", status, body);
    page.began = absl::FromUnixSeconds(1000 + (seconds == 0 ? static_cast<int>(pages_.size()) : seconds));
    page.place = {70, "f.warc.gz", pages_.size(), 50, "digest"};
    pages_.push_back(std::move(page));
    return *this;
  }
  ScriptedPages& AddDamage() {
    pages_.emplace_back();
    return *this;
  }
  absl::StatusOr<PageOnDisk> Next() override {
    if (next_ == pages_.size()) return NotFound("no further page");
    return At(next_++);
  }
  absl::StatusOr<PageOnDisk> ReadAt(const WarcPlace& place) override { return At(place.offset); }

  std::vector<PageOnDisk>& pages() { return pages_; }

 private:
  absl::StatusOr<PageOnDisk> At(size_t index) const {
    if (pages_[index].url.empty()) return DataLoss("damaged");
    return pages_[index];
  }
  std::vector<PageOnDisk> pages_;
  size_t next_ = 0;
};

}  // namespace weft::test
