#include "parser/near_duplicates.h"

#include <algorithm>
#include <array>
#include <bit>
#include <numeric>

#include "parser/sim_hash.h"

namespace weft {
namespace {

constexpr size_t kLeastNew = 4096;

// Six blocks of 10 and 11 bits.
constexpr std::array<uint64_t, 6> kBlocks = {0x7ffULL,       0x7ffULL << 11, 0x7ffULL << 22,
                                             0x7ffULL << 33, 0x3ffULL << 44, 0x3ffULL << 54};
static_assert((kBlocks[0] | kBlocks[1] | kBlocks[2] | kBlocks[3] | kBlocks[4] | kBlocks[5]) == ~0ULL);

}  // namespace

// What is new is sorted in when it is as much as what was there: each sketch is stored once however many pages have it.
void NearDuplicates::Add(uint64_t sketch) {
  if (sketch == 0) return;
  sketches_.push_back(sketch);
  if (sketches_.size() - distinct_ < std::max(distinct_, kLeastNew)) return;
  std::sort(sketches_.begin(), sketches_.end());
  sketches_.erase(std::unique(sketches_.begin(), sketches_.end()), sketches_.end());
  distinct_ = sketches_.size();
}

uint32_t NearDuplicates::RootOf(uint32_t index) {
  while (parents_[index] != index) index = parents_[index] = parents_[parents_[index]];
  return index;
}

// The lesser index is the root: that of the least sketch.
void NearDuplicates::Join(uint32_t a, uint32_t b) {
  a = RootOf(a);
  b = RootOf(b);
  parents_[std::max(a, b)] = std::min(a, b);
}

void NearDuplicates::JoinBucket(const Keyed* begin, const Keyed* end) {
  for (const Keyed* a = begin; a != end; ++a) {
    for (const Keyed* b = a + 1; b != end; ++b) {
      if (SimHashDistance(sketches_[a->index], sketches_[b->index]) <= kMostBits) Join(a->index, b->index);
    }
  }
}

void NearDuplicates::Finish() {
  std::sort(sketches_.begin(), sketches_.end());
  sketches_.erase(std::unique(sketches_.begin(), sketches_.end()), sketches_.end());
  distinct_ = sketches_.size();
  parents_.resize(sketches_.size());
  std::iota(parents_.begin(), parents_.end(), 0u);
  std::vector<Keyed> keyed(sketches_.size());
  for (uint32_t choice = 0; choice < 1u << kBlocks.size(); ++choice) {
    if (std::popcount(choice) != 3) continue;
    uint64_t mask = 0;
    for (size_t block = 0; block < kBlocks.size(); ++block) mask |= (choice >> block & 1) != 0 ? kBlocks[block] : 0;
    for (uint32_t i = 0; i < keyed.size(); ++i) keyed[i] = {sketches_[i] & mask, i};
    std::sort(keyed.begin(), keyed.end(), [](const Keyed& a, const Keyed& b) { return a.key < b.key; });
    for (size_t begin = 0, end = 0; begin < keyed.size(); begin = end) {
      while (end < keyed.size() && keyed[end].key == keyed[begin].key) ++end;
      JoinBucket(keyed.data() + begin, keyed.data() + end);
    }
  }
  for (uint32_t i = 0; i < parents_.size(); ++i) parents_[i] = RootOf(i);
}

uint64_t NearDuplicates::ClusterOf(uint64_t sketch) const {
  const auto found = std::lower_bound(sketches_.begin(), sketches_.end(), sketch);
  if (found == sketches_.end() || *found != sketch) return sketch;
  return sketches_[parents_[static_cast<size_t>(found - sketches_.begin())]];
}

}  // namespace weft
