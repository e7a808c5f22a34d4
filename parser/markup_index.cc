#include "parser/markup_index.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#define WEFT_TARGET(name) __attribute__((target(name)))
#endif

namespace weft {
namespace {

using Block = MarkupIndex::Block;

constexpr uint8_t kLessThan = 1;
constexpr uint8_t kBeginsMarkup = 2;  // after "<"
constexpr uint8_t kDelimiter = 4;
constexpr uint8_t kQuote = 8;

constexpr auto kClasses = [] {
  std::array<uint8_t, 256> classes = {};
  for (unsigned c = 'a'; c <= 'z'; ++c) classes[c] = classes[c - 32] = kBeginsMarkup;
  classes['!'] = classes['?'] = kBeginsMarkup;
  classes['/'] = kBeginsMarkup | kDelimiter;
  for (const unsigned char c : {' ', '\t', '\n', '\f', '\r', '=', '>'}) classes[c] = kDelimiter;
  classes['<'] = kLessThan;
  classes['"'] = kQuote;
  return classes;
}();

uint8_t ClassOf(char c) { return kClasses[static_cast<unsigned char>(c)]; }

// What the vectors find in 64 bytes; `begins` is of the bytes themselves, not of those before them.
struct Found {
  uint64_t less_than;
  uint64_t begins;
  uint64_t delimiters;
  uint64_t quotes;
};

// `next`: the byte behind the 64.
inline void Put(const Found& found, char next, Block* block) {
  const uint64_t last = (ClassOf(next) & kBeginsMarkup) != 0 ? uint64_t{1} << 63 : 0;
  block->markup = found.less_than & (found.begins >> 1 | last);
  block->delimiters = found.delimiters;
  block->quotes = found.quotes;
}

void IndexPlain(const char* data, size_t count, Block* blocks) {
  for (size_t i = 0; i < count; ++i, data += 64) {
    Found found = {};
    for (unsigned bit = 0; bit < 64; ++bit) {
      const uint8_t classes = ClassOf(data[bit]);
      found.less_than |= uint64_t{(classes & kLessThan) != 0} << bit;
      found.begins |= uint64_t{(classes & kBeginsMarkup) != 0} << bit;
      found.delimiters |= uint64_t{(classes & kDelimiter) != 0} << bit;
      found.quotes |= uint64_t{(classes & kQuote) != 0} << bit;
    }
    Put(found, data[64], &blocks[i]);
  }
}

#if defined(__x86_64__)

// White space: of the bytes 9 to 13 all but 11, and 32. A byte is a letter if it lies from 'a' to 'z' with bit 5 set; compares
// are of signed bytes, so that what is above 127 is none.
void IndexSse2(const char* data, size_t count, Block* blocks) {
  for (size_t i = 0; i < count; ++i, data += 64) {
    Found found = {};
    for (unsigned part = 0; part < 4; ++part) {
      const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(data + part * 16));
      const auto is = [bytes](char c) { return _mm_cmpeq_epi8(bytes, _mm_set1_epi8(c)); };
      const auto bits = [part](__m128i matches) {
        return static_cast<uint64_t>(static_cast<unsigned>(_mm_movemask_epi8(matches))) << (part * 16);
      };
      const __m128i lower = _mm_or_si128(bytes, _mm_set1_epi8(0x20));
      const __m128i letters = _mm_and_si128(_mm_cmpgt_epi8(lower, _mm_set1_epi8('a' - 1)), _mm_cmplt_epi8(lower, _mm_set1_epi8('z' + 1)));
      const __m128i controls = _mm_andnot_si128(
          is(11), _mm_and_si128(_mm_cmpgt_epi8(bytes, _mm_set1_epi8(8)), _mm_cmplt_epi8(bytes, _mm_set1_epi8(14))));
      const __m128i slash = is('/');
      found.less_than |= bits(is('<'));
      found.begins |= bits(_mm_or_si128(_mm_or_si128(letters, slash), _mm_or_si128(is('!'), is('?'))));
      found.delimiters |= bits(_mm_or_si128(_mm_or_si128(controls, slash), _mm_or_si128(is(' '), _mm_or_si128(is('='), is('>')))));
      found.quotes |= bits(is('"'));
    }
    Put(found, data[64], &blocks[i]);
  }
}

// By the lower four bits: the one delimiter below 128 that has them, but for the carriage return, which is looked for apart.
// A shuffle gives the entry for each byte, and 0 for bytes above 127; a byte that is its own entry is a delimiter.
struct DelimiterTable {
  std::array<char, 64> entries = {};
  constexpr DelimiterTable() {
    entries.fill(-1);
    for (size_t lane = 0; lane < entries.size(); lane += 16) {
      for (const char c : {' ', '\t', '\n', '\f', '=', '>', '/'}) entries[lane + static_cast<size_t>(c % 16)] = c;
    }
  }
};
constexpr DelimiterTable kDelimiterOf;

WEFT_TARGET("avx2") void IndexAvx2(const char* data, size_t count, Block* blocks) {
  const __m256i delimiter_of = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kDelimiterOf.entries.data()));
  for (size_t i = 0; i < count; ++i, data += 64) {
    Found found = {};
    for (unsigned part = 0; part < 2; ++part) {
      const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(data + part * 32));
      const __m256i lower = _mm256_or_si256(bytes, _mm256_set1_epi8(0x20));
      const __m256i letters = _mm256_and_si256(_mm256_cmpgt_epi8(lower, _mm256_set1_epi8('a' - 1)),
                                               _mm256_cmpgt_epi8(_mm256_set1_epi8('z' + 1), lower));
      const __m256i slash = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('/'));
      const __m256i signs = _mm256_or_si256(_mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('!')), _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('?')));
      const __m256i delimiters = _mm256_or_si256(_mm256_cmpeq_epi8(_mm256_shuffle_epi8(delimiter_of, bytes), bytes),
                                                 _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('\r')));
      const __m256i begins = _mm256_or_si256(_mm256_or_si256(letters, slash), signs);
      const unsigned shift = part * 32;
      found.less_than |= uint64_t{static_cast<unsigned>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('<'))))} << shift;
      found.begins |= uint64_t{static_cast<unsigned>(_mm256_movemask_epi8(begins))} << shift;
      found.delimiters |= uint64_t{static_cast<unsigned>(_mm256_movemask_epi8(delimiters))} << shift;
      found.quotes |= uint64_t{static_cast<unsigned>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('"'))))} << shift;
    }
    Put(found, data[64], &blocks[i]);
  }
}

WEFT_TARGET("avx512f,avx512bw") void IndexAvx512(const char* data, size_t count, Block* blocks) {
  const __m512i delimiter_of = _mm512_loadu_si512(kDelimiterOf.entries.data());
  for (size_t i = 0; i < count; ++i, data += 64) {
    const __m512i bytes = _mm512_loadu_si512(data);
    const __m512i from_a = _mm512_sub_epi8(_mm512_or_si512(bytes, _mm512_set1_epi8(0x20)), _mm512_set1_epi8('a'));
    Found found;
    found.less_than = _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8('<'));
    found.quotes = _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8('"'));
    found.begins = _mm512_cmplt_epu8_mask(from_a, _mm512_set1_epi8(26)) | _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8('/')) |
                   _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8('!')) | _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8('?'));
    found.delimiters = _mm512_cmpeq_epi8_mask(_mm512_shuffle_epi8(delimiter_of, bytes), bytes) |
                       _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8('\r'));
    Put(found, data[64], &blocks[i]);
  }
}

#endif

MarkupIndex::IndexBlocks FunctionOf(VectorWidth width) {
  switch (width) {
#if defined(__x86_64__)
    case VectorWidth::kAvx512: return IndexAvx512;
    case VectorWidth::kAvx2: return IndexAvx2;
    case VectorWidth::kSse2: return IndexSse2;
#endif
    default: return IndexPlain;
  }
}

VectorWidth ChooseVectorWidth() {
  const char* asked = std::getenv("WEFT_VECTORS");
  for (const VectorWidth width : {VectorWidth::kPlain, VectorWidth::kSse2, VectorWidth::kAvx2}) {
    if (asked != nullptr && VectorWidthName(width) == asked && HasVectorWidth(width)) return width;
  }
  for (const VectorWidth width : {VectorWidth::kAvx512, VectorWidth::kAvx2, VectorWidth::kSse2}) {
    if (HasVectorWidth(width)) return width;
  }
  return VectorWidth::kPlain;
}

}  // namespace

bool HasVectorWidth(VectorWidth width) {
  switch (width) {
#if defined(__x86_64__)
    case VectorWidth::kAvx512: return __builtin_cpu_supports("avx512bw") != 0;
    case VectorWidth::kAvx2: return __builtin_cpu_supports("avx2") != 0;
    case VectorWidth::kSse2: return true;
#else
    case VectorWidth::kAvx512:
    case VectorWidth::kAvx2:
    case VectorWidth::kSse2: return false;
#endif
    case VectorWidth::kPlain: return true;
  }
  return false;
}

VectorWidth UsedVectorWidth() {
  static const VectorWidth kWidth = ChooseVectorWidth();
  return kWidth;
}

std::string_view VectorWidthName(VectorWidth width) {
  switch (width) {
    case VectorWidth::kPlain: return "plain";
    case VectorWidth::kSse2: return "sse2";
    case VectorWidth::kAvx2: return "avx2";
    case VectorWidth::kAvx512: return "avx512";
  }
  return "";
}

MarkupIndex::MarkupIndex(std::string_view html, VectorWidth width) : html_(html), index_(FunctionOf(width)) {}

// The byte behind the last block is read, so the last whole block is left to FillLast unless more follows it.
void MarkupIndex::Fill(size_t first) {
  first_ = first;
  const size_t begin = std::min(first * 64, html_.size());
  const size_t whole = (html_.size() - begin) / 64;
  const size_t count = std::min(kBlocks, whole == 0 || begin + whole * 64 < html_.size() ? whole : whole - 1);
  index_(html_.data() + begin, count, blocks_.data());
  if (count < kBlocks) FillLast(begin + count * 64, count);
}

// From `begin` on at most 64 bytes are left.
void MarkupIndex::FillLast(size_t begin, size_t count) {
  std::array<char, 65> last = {};
  const size_t left = html_.size() - begin;
  std::memcpy(last.data(), html_.data() + begin, left);
  index_(last.data(), 1, &blocks_[count]);
  std::fill(blocks_.begin() + static_cast<std::ptrdiff_t>(count) + 1, blocks_.end(), Block{});
}

}  // namespace weft
