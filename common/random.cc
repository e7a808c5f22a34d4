#include "common/random.h"

#include <sys/random.h>

#include <cstdlib>

namespace weft {
namespace {

class SplitMix64 : public Random {
 public:
  explicit SplitMix64(uint64_t seed) : state_(seed) {}
  uint64_t Next() override {
    uint64_t z = (state_ += 0x9E3779B97F4A7C15ULL);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
  }

 private:
  uint64_t state_;
};

class KernelRandom : public Random {
 public:
  uint64_t Next() override {
    uint64_t value = 0;
    if (getrandom(&value, sizeof value, 0) != static_cast<ssize_t>(sizeof value)) std::abort();
    return value;
  }
};

}  // namespace

std::unique_ptr<Random> SystemRandom() { return std::make_unique<KernelRandom>(); }
std::unique_ptr<Random> SeededRandom(uint64_t seed) { return std::make_unique<SplitMix64>(seed); }

}  // namespace weft
