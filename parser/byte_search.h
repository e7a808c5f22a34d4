// The next of a byte or of either of two, where it is mostly near: the first 64 bytes are looked at inline, what is farther by memchr, which the C
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

// Index of the first `a` or `b` at or after `from`; npos if there is none.
inline size_t FindEither(std::string_view text, char a, char b, size_t from) {
  size_t i = from;
#if defined(__SSE2__)
  for (; i + 16 <= text.size(); i += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + i));
    const int found = _mm_movemask_epi8(_mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(a)), _mm_cmpeq_epi8(bytes, _mm_set1_epi8(b))));
    if (found != 0) return i + static_cast<size_t>(__builtin_ctz(static_cast<unsigned>(found)));
  }
#endif
  for (; i < text.size(); ++i) {
    if (text[i] == a || text[i] == b) return i;
  }
  return text.npos;
}

}  // namespace weft
