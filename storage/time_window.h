// The head of a family of the CrawlDb that is ordered by time within each shard: what comes first is in memory, the rest on
// disk, however long the family is. Per shard a bound divides the two: everything below it is here, everything else is read
// when the part that is here has been used up. What is written to the family is told to Insert, what is deleted to Erase.
// Thread rule: one thread.
#pragma once

#include <absl/functional/function_ref.h>
#include <absl/status/statusor.h>

#include <algorithm>
#include <array>
#include <compare>
#include <cstdint>
#include <limits>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "common/fingerprint.h"
#include "common/status.h"

namespace weft {

template <typename Item>
class TimeWindow {
 public:
  struct Entry {
    uint64_t time = 0;   // on the crawl clock
    Item item = {};
    auto operator<=>(const Entry&) const = default;
  };
  // Up to `limit` entries of the shard's family, in order, from `from` on.
  using Reader = absl::FunctionRef<absl::StatusOr<std::vector<Entry>>(uint16_t shard, const Entry& from, size_t limit)>;

  // At most twice `piece` entries of a shard are kept.
  explicit TimeWindow(size_t piece = 256) : piece_(piece) {}

  // Nothing of the family is read any more: it is empty, and what is told is all there is.
  void StartEmpty() {
    for (Part& part : parts_) part.whole = true;
  }

  void Insert(uint16_t shard, const Entry& entry) {
    Part& part = parts_[shard % kShardCount];
    if (!part.whole && !(entry < part.bound)) return;
    part.entries.insert(entry);
    if (part.entries.size() <= 2 * piece_) return;
    auto keep = part.entries.begin();
    std::advance(keep, static_cast<std::ptrdiff_t>(piece_));
    part.bound = *keep;
    part.whole = false;
    part.entries.erase(keep, part.entries.end());
  }
  void Erase(uint16_t shard, const Entry& entry) { parts_[shard % kShardCount].entries.erase(entry); }

  struct Found {
    uint16_t shard = 0;
    Entry entry;
  };
  // The first of all shards; nullopt: the family is empty.
  absl::StatusOr<std::optional<Found>> First(Reader read) {
    std::optional<Found> first;
    for (uint16_t shard = 0; shard < kShardCount; ++shard) {
      Part& part = parts_[shard];
      WEFT_RETURN_IF_ERROR(FillIfUsedUp(shard, read));
      if (part.entries.empty()) continue;
      const Entry& head = *part.entries.begin();
      if (!first || head < first->entry) first = Found{shard, head};
    }
    return first;
  }
  // The shard's entries up to `time`, in order; at most `limit`, and at least one if there is one.
  absl::StatusOr<std::vector<Entry>> Through(uint16_t shard, uint64_t time, size_t limit, Reader read) {
    WEFT_RETURN_IF_ERROR(FillIfUsedUp(shard, read));
    std::vector<Entry> found;
    for (const Entry& entry : parts_[shard].entries) {
      if (entry.time > time || found.size() >= limit) break;
      found.push_back(entry);
    }
    return found;
  }
  size_t size() const {
    size_t sum = 0;
    for (const Part& part : parts_) sum += part.entries.size();
    return sum;
  }

 private:
  struct Part {
    std::set<Entry> entries;   // all that lie below the bound
    Entry bound = {};
    bool whole = false;        // everything is here: there is no bound
  };

  absl::Status FillIfUsedUp(uint16_t shard, Reader read) {
    Part& part = parts_[shard];
    if (part.whole || !part.entries.empty()) return absl::OkStatus();
    WEFT_ASSIGN_OR_RETURN(std::vector<Entry> entries, read(shard, part.bound, piece_ + 1));
    part.whole = entries.size() <= piece_;
    if (!part.whole) {
      part.bound = entries.back();
      entries.pop_back();
    }
    part.entries.insert(entries.begin(), entries.end());
    return absl::OkStatus();
  }

  size_t piece_;
  std::array<Part, kShardCount> parts_;
};

}  // namespace weft
