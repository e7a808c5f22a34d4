// The URL-seen test in memory: which fingerprints the CrawlDb holds a record of, and what a link to such a record could
// change, so that nearly every link is answered without a read.
//
// Answers: kKnown and kNew are certain, kMaybe is for the CrawlDb to decide. An entry keeps 96 bits of the fingerprint,
// which is a keyed hash: among n entries a new URL is taken for a known one with a chance of n / 2^96 a check. With 10^8
// entries that is 1.3e-21, so after 10^12 checks one in a billion crawls has lost one URL: counted as exact. A filter's
// "perhaps" never is.
//
// Layout: buckets of one cache line with five entries of 12 bytes and their notes, in up to 4,096 segments by the
// fingerprint's first bits. A segment that is 85% full grows by a seventh, alone: at most a few hundred kilobytes are moved
// at once, so no check ever waits for longer than a millisecond. Memory is reserved once and touched as it fills: 14-17 bytes
// a URL (the fingerprint's order is the bucket's order, so growing is one pass in order).
//
// A segment that may not grow any more puts everything that it knows into a blocked Bloom filter (a quarter of the budget
// is kept for it) and its table becomes a cache of recent and popular entries: what is in it is kKnown, what the filter has
// not is kNew, the rest kMaybe. The filter's answer is wrong for about 1% of new URLs when it holds four times what the
// table held.
// Thread rule: one thread.
#pragma once

#include <absl/functional/function_ref.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/fingerprint.h"

namespace weft {

// What is remembered of a known URL, in six bits: which links to it change its record.
class SeenNote {
 public:
  // Only the record can tell.
  static constexpr SeenNote Ask() { return SeenNote(1); }
  // No link that is found changes it.
  static constexpr SeenNote Settled() { return SeenNote(63); }
  // A link (no seed, no sitemap) that is at least this deep changes nothing.
  static constexpr SeenNote NearestDepth(uint32_t depth) {
    return depth <= kDeepest ? SeenNote(static_cast<uint8_t>(depth + 2)) : Ask();
  }
  // Empty bits are no note; what is not one of the above is Ask().
  static constexpr SeenNote FromBits(uint8_t bits) { return bits >= 1 && bits <= 63 ? SeenNote(bits) : Ask(); }

  constexpr bool settled() const { return bits_ == 63; }
  constexpr bool LinkChangesNothing(uint32_t depth) const { return settled() || (bits_ >= 2 && depth + 2 >= bits_); }
  constexpr uint8_t bits() const { return bits_; }
  constexpr bool operator==(const SeenNote&) const = default;

 private:
  static constexpr uint32_t kDeepest = 60;
  explicit constexpr SeenNote(uint8_t bits) : bits_(bits) {}
  uint8_t bits_;
};

struct SeenAnswer {
  enum class Kind : uint8_t { kNew, kMaybe, kKnown };
  Kind kind = Kind::kMaybe;
  SeenNote note = SeenNote::Ask();   // of kKnown
};

class SeenUrls {
 public:
  static constexpr uint64_t kLeastMemory = 64 << 10;
  // Reserves `memory_bytes` (at least kLeastMemory) of address space; ResourceExhausted where that cannot be had.
  static absl::StatusOr<std::unique_ptr<SeenUrls>> Create(uint64_t memory_bytes);
  ~SeenUrls();
  SeenUrls(const SeenUrls&) = delete;
  SeenUrls& operator=(const SeenUrls&) = delete;

  // One answer per key, in order. A batch costs less than its checks one by one: cache lines are fetched together.
  void Check(std::span<const Fingerprint> keys, std::span<SeenAnswer> answers);
  SeenAnswer Check(const Fingerprint& key);
  // The CrawlDb holds a record of `key`: new here, or its note is another one now.
  void Put(const Fingerprint& key, SeenNote note);

  // Entries in the table. While complete() these are all that were ever put.
  uint64_t size() const { return size_; }
  bool complete() const { return full_segments_ == 0; }
  // Of tables and filter that are in use.
  uint64_t memory_bytes() const;

  // --- Saving: segment by segment, between changes ---
  size_t segments() const { return segments_.size(); }
  // What a saved segment can be loaded into: everything while it is complete, else only a set of the same shape.
  uint64_t shape() const { return uint64_t{segment_bytes_} << 20 | filter_bytes_ / 64; }
  // Appends the segment's entries and, where there is one, its filter.
  void SaveSegment(size_t segment, std::string& out) const;
  // Adds what SaveSegment wrote. DataLoss: not such bytes; FailedPrecondition: it has a filter of another shape.
  absl::Status LoadSegment(std::string_view bytes);
  // Room for this many entries, so that loading does not grow segments one step at a time.
  void Reserve(uint64_t entries);

 private:
  struct Bucket;
  struct Segment {
    uint32_t buckets = 0;
    uint32_t used = 0;
    bool full = false;   // has a filter, and is a cache of it
  };

  SeenUrls() = default;
  size_t SegmentOf(uint64_t lo) const { return shift_ == 0 ? 0 : static_cast<size_t>(lo >> (64 - shift_)); }
  uint32_t HomeOf(uint64_t lo, uint32_t buckets) const {
    return static_cast<uint32_t>(((lo << shift_) >> 32) * buckets >> 32);
  }
  Bucket* TableOf(size_t segment) const;
  char* FilterOf(size_t segment) const;
  SeenAnswer Look(size_t segment, uint64_t lo, uint32_t hi);
  uint64_t* FilterBlock(size_t segment, uint32_t hi) const;
  void PutIn(size_t segment, uint64_t lo, uint32_t hi, SeenNote note);
  void PutCached(Segment& segment, Bucket* table, uint64_t lo, uint32_t hi, SeenNote note);
  // Into a table that has room and does not hold the key.
  static void Place(Bucket* table, uint32_t buckets, uint32_t home, uint64_t lo, uint32_t hi, uint32_t note);
  void Grow(size_t segment);
  void Resize(size_t segment, uint32_t buckets);
  void TurnFull(size_t segment);
  void Spread();
  absl::Status LoadFilter(size_t segment, std::string_view filter);

  char* memory_ = nullptr;
  uint64_t mapped_bytes_ = 0;
  uint64_t table_bytes_ = 0;       // for all tables
  uint64_t filter_bytes_ = 0;      // a segment's
  uint64_t segment_bytes_ = 0;     // a segment's table
  size_t most_segments_ = 1;
  int shift_ = 0;                  // segments are 2 to this
  uint64_t size_ = 0;
  size_t full_segments_ = 0;
  std::vector<Segment> segments_;
  std::vector<Bucket> scratch_;    // a segment while it grows
};

}  // namespace weft
