#include "common/fingerprint.h"

#include <fmt/format.h>
#include <xxhash.h>

namespace weft {
namespace {

void PutBigEndian(uint64_t value, char* out) {
  for (int i = 0; i < 8; ++i) out[i] = static_cast<char>(value >> (56 - 8 * i));
}

uint64_t GetBigEndian(const char* in) {
  uint64_t value = 0;
  for (int i = 0; i < 8; ++i) value = value << 8 | static_cast<unsigned char>(in[i]);
  return value;
}

}  // namespace

std::string Fingerprint::ToBytes() const {
  std::string bytes(16, '\0');
  PutBigEndian(hi, bytes.data());
  PutBigEndian(lo, bytes.data() + 8);
  return bytes;
}

Fingerprint Fingerprint::FromBytes(std::string_view bytes) {
  if (bytes.size() != 16) return {};
  return {GetBigEndian(bytes.data()), GetBigEndian(bytes.data() + 8)};
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
