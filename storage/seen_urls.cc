#include "storage/seen_urls.h"

#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>

#include "common/status.h"
#include "storage/byte_coding.h"

namespace weft {
namespace {

constexpr uint32_t kSlots = 5;
constexpr uint32_t kNoteBits = 6;
constexpr uint32_t kNoteMask = 63;
constexpr uint64_t kPage = 4096;
// A set of up to this many bytes is one segment: it grows in a millisecond, and 4,096 segments would touch as many pages.
constexpr uint64_t kOneSegmentBytes = 1 << 20;
constexpr uint64_t kMostSegments = 4096;
constexpr uint32_t kLeastBuckets = 4;
constexpr size_t kEntryBytes = 13;

// Used slots at which a segment grows: 85%. The last size is used up to 90% before it becomes a cache.
constexpr uint64_t MostUsed(uint32_t buckets, bool last) { return uint64_t{buckets} * kSlots * (last ? 90 : 85) / 100; }

uint32_t LowHalf(uint64_t hi) { return static_cast<uint32_t>(hi); }

}  // namespace

// Slots are filled from the front: a bucket is full when its last slot has a note.
struct alignas(64) SeenUrls::Bucket {
  uint64_t lo[kSlots];
  uint32_t hi[kSlots];
  uint32_t notes;

  uint32_t NoteAt(uint32_t slot) const { return notes >> (slot * kNoteBits) & kNoteMask; }
  void SetNote(uint32_t slot, uint32_t note) {
    notes = (notes & ~(kNoteMask << (slot * kNoteBits))) | note << (slot * kNoteBits);
  }
  bool full() const { return NoteAt(kSlots - 1) != 0; }
  uint32_t used() const {
    uint32_t slot = 0;
    while (slot < kSlots && NoteAt(slot) != 0) ++slot;
    return slot;
  }
  // kSlots: not here.
  uint32_t Find(uint64_t key_lo, uint32_t key_hi) const {
    for (uint32_t slot = 0; slot < kSlots; ++slot) {
      if (lo[slot] == key_lo && hi[slot] == key_hi && NoteAt(slot) != 0) return slot;
    }
    return kSlots;
  }
  void Set(uint32_t slot, uint64_t key_lo, uint32_t key_hi, uint32_t note) {
    lo[slot] = key_lo;
    hi[slot] = key_hi;
    SetNote(slot, note);
  }
  void Swap(uint32_t a, uint32_t b) {
    std::swap(lo[a], lo[b]);
    std::swap(hi[a], hi[b]);
    const uint32_t note = NoteAt(a);
    SetNote(a, NoteAt(b));
    SetNote(b, note);
  }
};

absl::StatusOr<std::unique_ptr<SeenUrls>> SeenUrls::Create(uint64_t memory_bytes) {
  static_assert(sizeof(Bucket) == 64);
  memory_bytes = std::max(memory_bytes, kLeastMemory);
  std::unique_ptr<SeenUrls> set(new SeenUrls());
  uint64_t tables = memory_bytes / 4 * 3;
  if (tables > 4 * kOneSegmentBytes) {
    set->most_segments_ = std::clamp<uint64_t>(std::bit_floor(tables / (256 << 10)), 16, kMostSegments);
  }
  // Whole pages, so that a segment's growth touches no neighbour's.
  set->segment_bytes_ = std::max(kPage, tables / set->most_segments_ / kPage * kPage);
  set->filter_bytes_ = std::max<uint64_t>(64, memory_bytes / 4 / set->most_segments_ / 64 * 64);
  set->table_bytes_ = set->segment_bytes_ * set->most_segments_;
  set->mapped_bytes_ = set->table_bytes_ + set->filter_bytes_ * set->most_segments_;
  void* memory = mmap(nullptr, set->mapped_bytes_, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) {
    return absl::ResourceExhaustedError(fmt::format("{} bytes for the set of known URLs: {}", set->mapped_bytes_, std::strerror(errno)));
  }
  set->memory_ = static_cast<char*>(memory);
  // Huge pages would hold the whole budget from the first thousand URLs on.
  madvise(memory, set->mapped_bytes_, MADV_NOHUGEPAGE);
  set->segments_.assign(1, Segment{kLeastBuckets, 0, false});
  return set;
}

SeenUrls::~SeenUrls() {
  if (memory_ != nullptr) munmap(memory_, mapped_bytes_);
}

SeenUrls::Bucket* SeenUrls::TableOf(size_t segment) const {
  return reinterpret_cast<Bucket*>(memory_ + segment * segment_bytes_);
}

char* SeenUrls::FilterOf(size_t segment) const { return memory_ + table_bytes_ + segment * filter_bytes_; }

uint64_t SeenUrls::memory_bytes() const {
  uint64_t bytes = full_segments_ * filter_bytes_ + segments_.size() * sizeof(Segment) + scratch_.capacity() * 64;
  for (const Segment& segment : segments_) bytes += uint64_t{segment.buckets} * sizeof(Bucket);
  return bytes;
}

// ---- the filter of a full segment: six bits in one cache line ----

namespace {

constexpr int kFilterBits = 6;

// Nine bits of the product for each of the six.
uint64_t FilterHash(uint64_t lo) { return lo * 0x9E3779B97F4A7C15ull; }

void FilterAdd(uint64_t* block, uint64_t lo) {
  uint64_t bits = FilterHash(lo);
  for (int i = 0; i < kFilterBits; ++i, bits >>= 9) block[bits >> 6 & 7] |= uint64_t{1} << (bits & 63);
}

bool FilterHas(const uint64_t* block, uint64_t lo) {
  uint64_t bits = FilterHash(lo);
  bool all = true;
  for (int i = 0; i < kFilterBits; ++i, bits >>= 9) all &= (block[bits >> 6 & 7] >> (bits & 63) & 1) != 0;
  return all;
}

}  // namespace

uint64_t* SeenUrls::FilterBlock(size_t segment, uint32_t hi) const {
  const uint64_t block = uint64_t{hi} * (filter_bytes_ / 64) >> 32;
  return reinterpret_cast<uint64_t*>(FilterOf(segment) + block * 64);
}

// ---- checking ----

SeenAnswer SeenUrls::Look(size_t segment, uint64_t lo, uint32_t hi) {
  const Segment& info = segments_[segment];
  Bucket* table = TableOf(segment);
  uint32_t at = HomeOf(lo, info.buckets);
  if (info.full) {
    Bucket& bucket = table[at];
    uint32_t slot = bucket.Find(lo, hi);
    if (slot == kSlots) {
      return {FilterHas(FilterBlock(segment, hi), lo) ? SeenAnswer::Kind::kMaybe : SeenAnswer::Kind::kNew};
    }
    const SeenNote note = SeenNote::FromBits(static_cast<uint8_t>(bucket.NoteAt(slot)));
    // What is asked for often moves away from the slots that are given to others.
    if (slot > 0) bucket.Swap(slot, slot - 1);
    return {SeenAnswer::Kind::kKnown, note};
  }
  for (;;) {
    const Bucket& bucket = table[at];
    const uint32_t slot = bucket.Find(lo, hi);
    if (slot != kSlots) {
      return {SeenAnswer::Kind::kKnown, SeenNote::FromBits(static_cast<uint8_t>(bucket.NoteAt(slot)))};
    }
    if (!bucket.full()) return {SeenAnswer::Kind::kNew};
    at = at + 1 == info.buckets ? 0 : at + 1;
  }
}

SeenAnswer SeenUrls::Check(const Fingerprint& key) { return Look(SegmentOf(key.lo), key.lo, LowHalf(key.hi)); }

void SeenUrls::Check(std::span<const Fingerprint> keys, std::span<SeenAnswer> answers) {
  constexpr size_t kAhead = 64;
  for (size_t begin = 0; begin < keys.size(); begin += kAhead) {
    const size_t end = std::min(keys.size(), begin + kAhead);
    for (size_t i = begin; i < end; ++i) {
      const size_t segment = SegmentOf(keys[i].lo);
      const Segment& info = segments_[segment];
      __builtin_prefetch(TableOf(segment) + HomeOf(keys[i].lo, info.buckets));
      if (info.full) __builtin_prefetch(FilterBlock(segment, LowHalf(keys[i].hi)));
    }
    for (size_t i = begin; i < end; ++i) answers[i] = Check(keys[i]);
  }
}

// ---- changing ----

void SeenUrls::Put(const Fingerprint& key, SeenNote note) { PutIn(SegmentOf(key.lo), key.lo, LowHalf(key.hi), note); }

void SeenUrls::PutIn(size_t segment, uint64_t lo, uint32_t hi, SeenNote note) {
  Segment& info = segments_[segment];
  Bucket* table = TableOf(segment);
  if (info.full) {
    FilterAdd(FilterBlock(segment, hi), lo);
    return PutCached(info, table, lo, hi, note);
  }
  uint32_t at = HomeOf(lo, info.buckets);
  for (;; at = at + 1 == info.buckets ? 0 : at + 1) {
    Bucket& bucket = table[at];
    const uint32_t slot = bucket.Find(lo, hi);
    if (slot != kSlots) return bucket.SetNote(slot, note.bits());
    if (bucket.full()) continue;
    bucket.Set(bucket.used(), lo, hi, note.bits());
    break;
  }
  ++info.used;
  ++size_;
  if (info.used > MostUsed(info.buckets, false)) Grow(segment);
}

void SeenUrls::PutCached(Segment& info, Bucket* table, uint64_t lo, uint32_t hi, SeenNote note) {
  Bucket& bucket = table[HomeOf(lo, info.buckets)];
  const uint32_t slot = bucket.Find(lo, hi);
  if (slot != kSlots) return bucket.SetNote(slot, note.bits());
  if (!bucket.full()) {
    bucket.Set(bucket.used(), lo, hi, note.bits());
    ++info.used;
    ++size_;
    return;
  }
  // The last goes. A newcomer stands before the one that was last but one: both have to be asked for to stay.
  bucket.Set(kSlots - 1, lo, hi, note.bits());
  bucket.Swap(kSlots - 1, kSlots - 2);
}

void SeenUrls::Place(Bucket* table, uint32_t buckets, uint32_t home, uint64_t lo, uint32_t hi, uint32_t note) {
  while (table[home].full()) home = home + 1 == buckets ? 0 : home + 1;
  table[home].Set(table[home].used(), lo, hi, note);
}

void SeenUrls::Grow(size_t segment) {
  const Segment& info = segments_[segment];
  const uint64_t room = (segments_.size() == 1 && most_segments_ > 1 ? kOneSegmentBytes : segment_bytes_) / sizeof(Bucket);
  const uint64_t wanted = uint64_t{info.buckets} + info.buckets / 7 + 4;
  if (info.buckets < room) return Resize(segment, static_cast<uint32_t>(std::min(wanted, room)));
  if (segments_.size() < most_segments_) return Spread();
  if (info.used > MostUsed(info.buckets, true)) TurnFull(segment);
}

void SeenUrls::Resize(size_t segment, uint32_t buckets) {
  Segment& info = segments_[segment];
  Bucket* table = TableOf(segment);
  scratch_.assign(table, table + info.buckets);
  std::memset(static_cast<void*>(table), 0, info.buckets * sizeof(Bucket));
  info.buckets = buckets;
  for (const Bucket& bucket : scratch_) {
    for (uint32_t slot = 0; slot < bucket.used(); ++slot) {
      Place(table, buckets, HomeOf(bucket.lo[slot], buckets), bucket.lo[slot], bucket.hi[slot], bucket.NoteAt(slot));
    }
  }
}

// From one segment to all of them.
void SeenUrls::Spread() {
  Bucket* table = TableOf(0);
  const uint32_t buckets = segments_[0].buckets;
  scratch_.assign(table, table + buckets);
  std::memset(static_cast<void*>(table), 0, buckets * sizeof(Bucket));
  const uint64_t entries = size_;
  shift_ = std::countr_zero(most_segments_);
  segments_.assign(most_segments_, Segment{kLeastBuckets, 0, false});
  size_ = 0;
  const std::vector<Bucket> all = std::move(scratch_);
  scratch_.clear();
  Reserve(entries);
  for (const Bucket& bucket : all) {
    for (uint32_t slot = 0; slot < bucket.used(); ++slot) {
      PutIn(SegmentOf(bucket.lo[slot]), bucket.lo[slot], bucket.hi[slot],
            SeenNote::FromBits(static_cast<uint8_t>(bucket.NoteAt(slot))));
    }
  }
}

void SeenUrls::TurnFull(size_t segment) {
  Segment& info = segments_[segment];
  const Bucket* table = TableOf(segment);
  for (uint32_t at = 0; at < info.buckets; ++at) {
    for (uint32_t slot = 0; slot < table[at].used(); ++slot) {
      FilterAdd(FilterBlock(segment, table[at].hi[slot]), table[at].lo[slot]);
    }
  }
  // Entries that lie behind their full home bucket are not found any more: the filter knows them.
  info.full = true;
  ++full_segments_;
}

void SeenUrls::Reserve(uint64_t entries) {
  if (segments_.size() < most_segments_ && entries * sizeof(Bucket) / kSlots * 100 / 85 > kOneSegmentBytes) {
    if (size_ > 0) return;   // spread when it is full
    shift_ = std::countr_zero(most_segments_);
    segments_.assign(most_segments_, Segment{kLeastBuckets, 0, false});
  }
  const uint64_t room = (segments_.size() == 1 && most_segments_ > 1 ? kOneSegmentBytes : segment_bytes_) / sizeof(Bucket);
  const uint64_t wanted = entries / segments_.size() * 100 / 85 / kSlots + kLeastBuckets;
  for (size_t i = 0; i < segments_.size(); ++i) {
    const Segment& info = segments_[i];
    const uint32_t buckets = static_cast<uint32_t>(std::min(wanted, room));
    if (!info.full && buckets > info.buckets) Resize(i, buckets);
  }
}

// ---- saving ----

// Entries (4 bytes), bytes of the filter (4), segment and segments (4 each), then 13 bytes an entry, then the filter.
void SeenUrls::SaveSegment(size_t segment, std::string& out) const {
  const Segment& info = segments_[segment];
  const Bucket* table = TableOf(segment);
  out.reserve(out.size() + 16 + size_t{info.used} * kEntryBytes + (info.full ? filter_bytes_ : 0));
  PutFixed32(out, info.used);
  PutFixed32(out, info.full ? static_cast<uint32_t>(filter_bytes_) : 0);
  PutFixed32(out, static_cast<uint32_t>(segment));
  PutFixed32(out, static_cast<uint32_t>(segments_.size()));
  for (uint32_t at = 0; at < info.buckets; ++at) {
    const Bucket& bucket = table[at];
    for (uint32_t slot = 0; slot < bucket.used(); ++slot) {
      std::array<char, kEntryBytes> entry;
      std::memcpy(entry.data(), &bucket.lo[slot], 8);
      std::memcpy(entry.data() + 8, &bucket.hi[slot], 4);
      entry[12] = static_cast<char>(bucket.NoteAt(slot));
      out.append(entry.data(), entry.size());
    }
  }
  if (info.full) out.append(FilterOf(segment), filter_bytes_);
}

absl::Status SeenUrls::LoadSegment(std::string_view bytes) {
  ByteReader in(bytes);
  const uint64_t entries = in.Fixed32();
  const uint64_t filter_bytes = in.Fixed32();
  const uint64_t segment = in.Fixed32();
  const uint64_t segments = in.Fixed32();
  if (!in.ok() || bytes.size() != 16 + entries * kEntryBytes + filter_bytes) return DataLoss("a segment is cut short");
  if (filter_bytes > 0) {
    if (filter_bytes != filter_bytes_ || segments != most_segments_ || segment >= most_segments_) {
      return FailedPrecondition("it was saved under another memory budget");
    }
    WEFT_RETURN_IF_ERROR(LoadFilter(segment, bytes.substr(bytes.size() - filter_bytes)));
  }
  const char* at = bytes.data() + 16;
  for (uint64_t i = 0; i < entries; ++i, at += kEntryBytes) {
    uint64_t lo = 0;
    uint32_t hi = 0;
    std::memcpy(&lo, at, 8);
    std::memcpy(&hi, at + 8, 4);
    PutIn(SegmentOf(lo), lo, hi, SeenNote::FromBits(static_cast<uint8_t>(at[12])));
  }
  return absl::OkStatus();
}

// The segment is full from the beginning: what of its entries finds no room is in the filter.
absl::Status SeenUrls::LoadFilter(size_t segment, std::string_view filter) {
  if (segments_.size() < most_segments_) {
    if (size_ > 0) return FailedPrecondition("it was saved under another memory budget");
    shift_ = std::countr_zero(most_segments_);
    segments_.assign(most_segments_, Segment{kLeastBuckets, 0, false});
  }
  Segment& info = segments_[segment];
  if (info.used > 0 || info.full) return DataLoss("a segment is there twice");
  Resize(segment, static_cast<uint32_t>(segment_bytes_ / sizeof(Bucket)));
  std::memcpy(FilterOf(segment), filter.data(), filter.size());
  info.full = true;
  ++full_segments_;
  return absl::OkStatus();
}

}  // namespace weft
