// The next of a byte, where it is mostly near: the first 64 bytes are looked at inline, what is farther by memchr, which the C
// library dispatches to the widest vectors of the machine.
#pragma once

#include <cstddef>
#include <cstring>
#include <string_view>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace weft {

// Index of the first `c` at or after `from`; npos if there is none.
inline size_t FindByte(std::string_view text, char c, size_t from) {
  const char* const data = text.data();
  size_t i = from;
#if defined(__SSE2__)
  const __m128i wanted = _mm_set1_epi8(c);
  for (int steps = 0; steps < 4 && i + 16 <= text.size(); ++steps, i += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(data + i));
    const int found = _mm_movemask_epi8(_mm_cmpeq_epi8(bytes, wanted));
    if (found != 0) return i + static_cast<size_t>(__builtin_ctz(static_cast<unsigned>(found)));
  }
#endif
  if (i >= text.size()) return text.npos;
  const void* found = std::memchr(data + i, c, text.size() - i);
  return found == nullptr ? text.npos : static_cast<size_t>(static_cast<const char*>(found) - data);
}

}  // namespace weft
