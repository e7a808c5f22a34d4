// Numbers in network byte order, so that byte order is number order. Any alignment. Pure functions; any thread.
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>

namespace weft {

template <std::unsigned_integral T>
constexpr T BytesReversed(T value) {
  if constexpr (sizeof(T) == 8) return __builtin_bswap64(value);
  if constexpr (sizeof(T) == 4) return __builtin_bswap32(value);
  if constexpr (sizeof(T) == 2) return __builtin_bswap16(value);
  return value;
}

// Writes sizeof(T) bytes.
template <std::unsigned_integral T>
void StoreBigEndian(T value, char* out) {
  if constexpr (std::endian::native == std::endian::little) value = BytesReversed(value);
  std::memcpy(out, &value, sizeof value);
}

// Reads sizeof(T) bytes.
template <std::unsigned_integral T>
T LoadBigEndian(const char* in) {
  T value;
  std::memcpy(&value, in, sizeof value);
  return std::endian::native == std::endian::little ? BytesReversed(value) : value;
}

}  // namespace weft
