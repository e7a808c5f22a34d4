// Where the bytes are that a tokenizer of HTML stops at: bits for 64 bytes at a time, made with the widest vectors of the
// machine for a window of some kilobytes. Positions may only go forward at the speed that is promised (each byte is looked at
// once); going back is correct, too. Constant memory, no allocation. Belongs to one thread; the document must outlive it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weft {

// What the bits are made with.
enum class VectorWidth : uint8_t { kPlain, kSse2, kAvx2, kAvx512 };
// The widest that the machine has; WEFT_VECTORS=plain|sse2|avx2 in the environment asks for less, for comparisons.
VectorWidth UsedVectorWidth();
bool HasVectorWidth(VectorWidth width);
std::string_view VectorWidthName(VectorWidth width);

class MarkupIndex {
 public:
  explicit MarkupIndex(std::string_view html, VectorWidth width = UsedVectorWidth());

  // The first "<" at or after `from` that begins markup: a letter, "/", "!" or "?" follows. The document's size: none.
  size_t NextMarkup(size_t from) { return Next<&Block::markup>(from); }
  // White space, "/", "=" or ">".
  size_t NextDelimiter(size_t from) { return Next<&Block::delimiters>(from); }
  size_t NextDoubleQuote(size_t from) { return Next<&Block::quotes>(from); }

  // One bit for each of 64 bytes.
  struct Block {
    uint64_t markup;
    uint64_t delimiters;
    uint64_t quotes;
  };
  // Fills `count` blocks from 64 x count bytes; the byte behind the last is looked at, too.
  using IndexBlocks = void (*)(const char* data, size_t count, Block* blocks);

 private:
  static constexpr size_t kBlocks = 64;

  template <uint64_t Block::* kBits>
  size_t Next(size_t from) {
    size_t block = from / 64;
    uint64_t bits = BlockAt(block).*kBits >> (from % 64);
    if (bits != 0) [[likely]] return from + static_cast<size_t>(__builtin_ctzll(bits));
    while (++block * 64 < html_.size()) {
      bits = BlockAt(block).*kBits;
      if (bits != 0) return block * 64 + static_cast<size_t>(__builtin_ctzll(bits));
    }
    return html_.size();
  }

  const Block& BlockAt(size_t block) {
    if (block - first_ >= kBlocks) [[unlikely]] Fill(block);
    return blocks_[block - first_];
  }
  void Fill(size_t first);
  void FillLast(size_t first, size_t count);

  std::string_view html_;
  IndexBlocks index_;
  size_t first_ = ~size_t{0} - kBlocks;  // nothing is filled yet
  std::array<Block, kBlocks> blocks_;
};

}  // namespace weft
