#include "common/fingerprint.h"

#include <fmt/format.h>
#include <xxhash.h>

#include "common/big_endian.h"

namespace weft {

std::string Fingerprint::ToBytes() const {
  std::string bytes(16, '\0');
  StoreBigEndian(hi, bytes.data());
  StoreBigEndian(lo, bytes.data() + 8);
  return bytes;
}

Fingerprint Fingerprint::FromBytes(std::string_view bytes) {
  if (bytes.size() != 16) return {};
  return {LoadBigEndian<uint64_t>(bytes.data()), LoadBigEndian<uint64_t>(bytes.data() + 8)};
}

std::string Fingerprint::ToHex() const { return fmt::format("{:016x}{:016x}", hi, lo); }

Fingerprint Fingerprinter::Of(std::string_view text) const {
  XXH128_hash_t hash = XXH3_128bits_withSeed(text.data(), text.size(), seed_);
  return {hash.high64, hash.low64};
}

uint64_t Fingerprinter::Short(std::string_view text) const {
  return XXH3_64bits_withSeed(text.data(), text.size(), seed_);
}

uint16_t ShardOf(std::string_view registrable_domain) {
  return static_cast<uint16_t>(XXH3_64bits(registrable_domain.data(), registrable_domain.size()) % kShardCount);
}

}  // namespace weft
