// Clusters of near duplicates: pages whose sketches (sim_hash.h) differ in at most three bits, and pages that such pages join.
// Exact, whatever the order in which sketches are added. Of 64 bits in six blocks at most three differ in three bits: two near
// sketches agree in three blocks at least, so that each of the 20 choices of three blocks, sorted by, brings some pair together.
// Takes 36 bytes a distinct sketch in memory. Time: 20 sorts, and the pairs that agree in three blocks, which are few in pages that
// nobody made alike on purpose; of n that were, up to 10 n^2 comparisons of a nanosecond.
// Thread rule: one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace weft {

class NearDuplicates {
 public:
  static constexpr int kMostBits = 3;

  // 0 is no sketch.
  void Add(uint64_t sketch);
  // All are added.
  void Finish();
  // The least sketch of its cluster; of one that was not added itself.
  uint64_t ClusterOf(uint64_t sketch) const;
  size_t sketches() const { return sketches_.size(); }

 private:
  struct Keyed {
    uint64_t key;    // three blocks, all others zero
    uint32_t index;
  };
  uint32_t RootOf(uint32_t index);
  void Join(uint32_t a, uint32_t b);
  void JoinBucket(const Keyed* begin, const Keyed* end);

  std::vector<uint64_t> sketches_;  // sorted and distinct once it is finished
  size_t distinct_ = 0;             // of them, sorted, in front; what follows is new
  std::vector<uint32_t> parents_;
};

}  // namespace weft
