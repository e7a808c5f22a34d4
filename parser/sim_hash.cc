#include "parser/sim_hash.h"

#include <algorithm>
#include <cstring>
#include <utility>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace weft {
namespace {

constexpr size_t kStep = 64;
constexpr size_t kLongWord = 16;  // longer ones, such as text without spaces, are taken in parts
constexpr uint64_t kNumber = 0x9ae16a3b2f90404fULL;  // stands for every word with a digit
constexpr uint64_t kMixA = 0x9e3779b97f4a7c15ULL;
constexpr uint64_t kMixB = 0xd6e8feb86659fd93ULL;

uint64_t Mix(uint64_t x) {
  x = (x ^ (x >> 32)) * kMixB;
  return x ^ (x >> 32);
}

uint64_t Load(const char* data) {
  uint64_t word;
  std::memcpy(&word, data, sizeof word);
  return word;
}

// The first `size` (1 to 8) bytes of a word.
uint64_t LoadShort(const char* data, size_t size, const char* limit) {
  if (limit - data >= 8) return Load(data) & (~uint64_t{0} >> (64 - 8 * size));
  uint64_t word = 0;
  std::memcpy(&word, data, size);
  return word;
}

struct Classes {
  uint64_t words = 0;   // letters, digits, and all that is not ASCII
  uint64_t digits = 0;
};

#if defined(__SSE2__)
// Compares are of signed bytes: what is above 127 is negative.
Classes Classify(const char* data) {
  Classes classes;
  for (unsigned part = 0; part < 4; ++part) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(data + part * 16));
    const auto bits = [part](__m128i matches) {
      return static_cast<uint64_t>(static_cast<unsigned>(_mm_movemask_epi8(matches))) << (part * 16);
    };
    const auto between = [](__m128i of, char low, char high) {
      return _mm_and_si128(_mm_cmpgt_epi8(of, _mm_set1_epi8(static_cast<char>(low - 1))),
                           _mm_cmplt_epi8(of, _mm_set1_epi8(static_cast<char>(high + 1))));
    };
    const __m128i letters = between(_mm_or_si128(bytes, _mm_set1_epi8(0x20)), 'a', 'z');
    const __m128i digits = between(bytes, '0', '9');
    classes.digits |= bits(digits);
    classes.words |= bits(_mm_or_si128(_mm_or_si128(letters, digits), bytes));  // the sign bit: not ASCII
  }
  return classes;
}
#else
Classes Classify(const char* data) {
  Classes classes;
  for (unsigned i = 0; i < kStep; ++i) {
    const unsigned char c = static_cast<unsigned char>(data[i]);
    const bool digit = c >= '0' && c <= '9';
    const bool letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
    classes.digits |= uint64_t{digit} << i;
    classes.words |= uint64_t{digit || letter || c >= 0x80} << i;
  }
  return classes;
}
#endif

// A carry-save adder: a + b + c = 2 * high + low, for 64 sums at once.
void AddThree(uint64_t a, uint64_t b, uint64_t c, uint64_t& high, uint64_t& low) {
  const uint64_t either = a ^ b;
  high = (a & b) | (either & c);
  low = either ^ c;
}

uint64_t LowBits(size_t count) { return count >= 64 ? ~uint64_t{0} : (uint64_t{1} << count) - 1; }

}  // namespace

void FeatureSum::Ripple(uint64_t carry, size_t plane) {
  for (; carry != 0 && plane < kPlanes; ++plane) {
    const uint64_t before = planes_[plane];
    planes_[plane] = before ^ carry;
    carry &= before;
    top_ = std::max(top_, plane + 1);
  }
}

// Sixteen features at the cost of about four: Harley and Seal's population count, turned on its side.
void FeatureSum::AddBlock() {
  uint64_t ones = planes_[0], twos = planes_[1], fours = planes_[2], eights = planes_[3];
  std::array<uint64_t, 2> eight, four, two;
  for (size_t e = 0; e < 2; ++e) {
    for (size_t f = 0; f < 2; ++f) {
      const uint64_t* in = &waiting_[e * 8 + f * 4];
      AddThree(ones, in[0], in[1], two[0], ones);
      AddThree(ones, in[2], in[3], two[1], ones);
      AddThree(twos, two[0], two[1], four[f], twos);
    }
    AddThree(fours, four[0], four[1], eight[e], fours);
  }
  uint64_t sixteens = 0;
  AddThree(eights, eight[0], eight[1], sixteens, eights);
  planes_[0] = ones, planes_[1] = twos, planes_[2] = fours, planes_[3] = eights;
  top_ = std::max<size_t>(top_, 4);
  Ripple(sixteens, 4);
}

uint64_t FeatureSum::Majority() const {
  FeatureSum whole = *this;
  for (size_t i = 0; i < count_ % kBlock; ++i) whole.Ripple(waiting_[i], 0);
  uint64_t value = 0;
  for (unsigned bit = 0; bit < 64; ++bit) {
    uint64_t having = 0;
    for (size_t plane = 0; plane < whole.top_; ++plane) having |= (whole.planes_[plane] >> bit & 1) << plane;
    value |= uint64_t{2 * having > count_} << bit;
  }
  return value;
}

inline void SimHash::AddWord(uint64_t word) {
  if (word == kNumber && std::exchange(number_before_, true)) return;
  if (word != kNumber) number_before_ = false;
  sum_.Add(Mix((before_ ^ word) * kMixA));
  before_ = std::rotl(word, 29) * kMixB;
}

// Text without spaces: eight bytes are a word.
void SimHash::AddLong(const char* data, size_t size) {
  for (; size >= 8; data += 8, size -= 8) AddWord(Load(data));
  if (size > 0) AddWord(LoadShort(data, size, data + size));
}

void SimHash::Add(std::string_view piece) {
  const char* data = piece.data();
  size_t left = piece.size();
  while (left > 0) {
    // Up to 64 bytes, from a word's first byte or a space on.
    std::array<char, kStep> copy;
    const char* block = data;
    const char* limit = end_;
    if (end_ - data < static_cast<std::ptrdiff_t>(kStep)) {
      copy.fill(' ');
      std::memcpy(copy.data(), data, std::min(left, kStep));
      block = copy.data();
      limit = block + kStep;
    }
    const size_t size = std::min(left, kStep);
    const Classes classes = Classify(block);
    uint64_t words = classes.words & LowBits(size);
    size_t taken = size;
    while (words != 0) {
      const auto begin = static_cast<size_t>(std::countr_zero(words));
      const auto length = static_cast<size_t>(std::countr_one(words >> begin));
      const size_t end = begin + length;
      if (end == kStep && left > kStep && begin > 0) {
        taken = begin;  // it goes on: once more from its begin
        break;
      }
      const uint64_t bits = LowBits(length) << begin;
      words &= ~bits;
      if (length > kLongWord) {
        AddLong(block + begin, length);
      } else if ((classes.digits & bits) != 0) {
        AddWord(kNumber);
      } else if (length > 8) {
        AddWord(Load(block + begin) * kMixA + Load(block + end - 8) + length);
      } else {
        AddWord(LoadShort(block + begin, length, limit));
      }
    }
    data += taken;
    left -= taken;
  }
}

uint64_t SimHash::Value() const {
  if (sum_.count() < kLeastFeatures) return 0;
  const uint64_t value = sum_.Majority();
  return value == 0 ? 1 : value;
}

uint64_t SimHashOf(std::string_view text) {
  SimHash sketch(text);
  sketch.Add(text);
  return sketch.Value();
}

}  // namespace weft
