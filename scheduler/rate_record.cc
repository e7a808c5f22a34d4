#include "scheduler/rate_record.h"

#include <algorithm>
#include <utility>

namespace weft {
namespace {

constexpr CrawlTime kSecond = 1'000'000;
// What one release may bring; more is not believed.
constexpr size_t kMostBegun = 256;

}  // namespace

uint64_t RateRecord::Add(uint64_t host_id, std::vector<CrawlTime> begun, CrawlTime now) {
  if (begun.empty()) return 0;
  if (begun.size() > kMostBegun) begun.resize(kMostBegun);
  if (recent_.size() >= most_hosts_ && !recent_.contains(host_id)) {
    absl::erase_if(recent_, [&](const auto& entry) { return entry.second.back() + kSecond <= now; });
    if (recent_.size() >= most_hosts_) recent_.clear();
  }
  std::vector<CrawlTime>& recent = recent_[host_id];
  recent.insert(recent.end(), begun.begin(), begun.end());
  std::sort(recent.begin(), recent.end());
  uint64_t busiest = 0;
  for (size_t first = 0, i = 0; i < recent.size(); ++i) {
    while (recent[first] + kSecond <= recent[i]) ++first;
    busiest = std::max<uint64_t>(busiest, i - first + 1);
  }
  const CrawlTime last = recent.back();
  recent.erase(recent.begin(), std::find_if(recent.begin(), recent.end(), [&](CrawlTime at) { return at + kSecond > last; }));
  if (recent.size() > kMostBegun) recent.erase(recent.begin(), recent.end() - static_cast<std::ptrdiff_t>(kMostBegun));
  return busiest;
}

}  // namespace weft
