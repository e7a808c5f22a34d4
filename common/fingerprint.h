// Stable fingerprints: what CrawlDb keys are made of. 128 bits of XXH3 under a seed that is drawn when the crawl is
// created and kept in its CrawlDb: an unseeded hash lets a site craft two URLs that are taken for one.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace weft {

struct Fingerprint {
  uint64_t hi = 0;
  uint64_t lo = 0;

  auto operator<=>(const Fingerprint&) const = default;
  bool empty() const { return hi == 0 && lo == 0; }

  // 16 bytes, big endian, so that byte order is number order.
  std::string ToBytes() const;
  // The inverse; empty() unless `bytes` has exactly 16 bytes.
  static Fingerprint FromBytes(std::string_view bytes);
  // 32 hexadecimal digits.
  std::string ToHex() const;

  template <typename H>
  friend H AbslHashValue(H h, const Fingerprint& f) {
    return H::combine(std::move(h), f.lo);
  }
};

class Fingerprinter {
 public:
  explicit Fingerprinter(uint64_t seed) : seed_(seed) {}
  Fingerprint Of(std::string_view text) const;
  // 64 bits under the same seed, for host and origin ids.
  uint64_t Short(std::string_view text) const;

 private:
  uint64_t seed_;
};

// The number of virtual shards is fixed for ever: CrawlDb keys start with the shard.
inline constexpr uint16_t kShardCount = 64;
// The shard of a registrable domain (or of a host that has none). Unseeded: it must be the same everywhere.
uint16_t ShardOf(std::string_view registrable_domain);

}  // namespace weft
