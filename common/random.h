// Randomness as a seam: ids, seeds and jitter come from here, so that a simulation repeats from one seed.
// Thread rule: an object belongs to one thread.
#pragma once

#include <absl/time/time.h>

#include <cstdint>
#include <memory>

namespace weft {

class Random {
 public:
  virtual ~Random() = default;
  virtual uint64_t Next() = 0;

  // Never 0: session ids, incarnations and lineages use 0 as "none".
  uint64_t NextId() {
    uint64_t id = Next();
    return id == 0 ? 1 : id;
  }
  // In [0, bound), 0 for bound 0.
  uint64_t Below(uint64_t bound) { return bound == 0 ? 0 : Next() % bound; }
  // In [0, 1).
  double Unit() { return static_cast<double>(Next() >> 11) * 0x1.0p-53; }
  // base * [1, 1 + spread).
  absl::Duration Jittered(absl::Duration base, double spread) { return base + base * (spread * Unit()); }
};

// Seeded from the operating system.
std::unique_ptr<Random> SystemRandom();
// The same sequence for the same seed (SplitMix64).
std::unique_ptr<Random> SeededRandom(uint64_t seed);

}  // namespace weft
