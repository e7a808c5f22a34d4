// SimHash (Charikar 2002): 64 bits of a text, of which alike texts differ in few. Features are pairs of neighbouring words;
// words with digits in them count as one and the same, and several in a row as one, so that pages which differ in numbers alone are
// alike and a table of numbers does not outweigh the words around it.
//
//   SimHash sketch(document);
//   sketch.Add(piece);           // of the document, as often as there are pieces
//   sketch.Value();              // 0: too few words to say anything
//
// Linear in the text, no allocation, any bytes. The value is of this recipe alone: it is compared, never stored for long.
// Thread rule: a SimHash belongs to one thread.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weft {

// Sums up features of 64 bits each: a bit of the answer is set where more features have it than have it not. A feature given
// n times weighs n.
class FeatureSum {
 public:
  void Add(uint64_t feature) {
    waiting_[count_++ % kBlock] = feature;
    if (count_ % kBlock == 0) AddBlock();
  }
  uint64_t count() const { return count_; }
  uint64_t Majority() const;

 private:
  static constexpr size_t kBlock = 16;
  static constexpr size_t kPlanes = 48;  // counts up to 2^48 blocks
  void AddBlock();
  void Ripple(uint64_t carry, size_t plane);

  std::array<uint64_t, kBlock> waiting_ = {};
  // Bit b of plane p is bit p of the number of features, in full blocks, that have bit b.
  std::array<uint64_t, kPlanes> planes_ = {};
  size_t top_ = 0;  // planes above are zero
  uint64_t count_ = 0;
};

class SimHash {
 public:
  // Fewer pairs of words are no text.
  static constexpr uint64_t kLeastFeatures = 4;

  // `document` must outlive the sketch: pieces of it are read in words of eight bytes, beyond their ends where it goes on.
  explicit SimHash(std::string_view document) : end_(document.data() + document.size()) {}

  // A piece of the document; words do not go across pieces.
  void Add(std::string_view piece);
  // Forgets what was added.
  void Clear() {
    sum_ = {};
    before_ = 0;
    number_before_ = false;
  }
  uint64_t Value() const;

 private:
  void AddBlock(const char* data, size_t size, const char* limit);
  void AddLong(const char* data, size_t size);
  void AddWord(uint64_t word);

  const char* end_;
  uint64_t before_ = 0;  // the last word's hash
  bool number_before_ = false;
  FeatureSum sum_;
};

// In how many bits two values differ.
inline int SimHashDistance(uint64_t a, uint64_t b) { return std::popcount(a ^ b); }
uint64_t SimHashOf(std::string_view text);

}  // namespace weft
