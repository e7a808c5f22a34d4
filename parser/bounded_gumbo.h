// gumbo 0.10.1 with a bound on time and memory. gumbo has no limits of its own, does not check its allocator's answer
// and is quadratic in depth, so the bound sits in the allocator: each allocation (every tag makes some) is charged with
// the depth of the tree as it stands, and when the charge or the bytes pass the limit the parse is left with longjmp.
// gumbo is plain C and keeps no global state; all it had lies in the arena, which is reset.
// Thread rule: belongs to one extractor.
#pragma once

#include <gumbo.h>

#include <csetjmp>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "parser/gumbo_arena.h"

namespace weft {

class BoundedGumbo {
 public:
  BoundedGumbo() = default;
  BoundedGumbo(const BoundedGumbo&) = delete;
  BoundedGumbo& operator=(const BoundedGumbo&) = delete;

  // The tree, valid until the next Parse or Reset; nullptr if it would cost too much, or an assertion of gumbo failed. `utf8` is well-formed.
  const GumboOutput* Parse(std::string_view utf8);
  // Frees the tree, whatever its depth, without recursion.
  void Reset();

  // Of the last Parse: what was charged, and the memory taken.
  uint64_t work() const { return work_; }
  size_t bytes() const { return arena_.bytes(); }

  // Real pages take 15 to 35 bytes of tree a byte.
  static constexpr size_t MemoryLimit(size_t html_bytes) {
    const size_t limit = (4 << 20) + 64 * html_bytes;
    return limit < kMaxTreeMemory ? limit : kMaxTreeMemory;
  }
  static constexpr size_t kMaxTreeMemory = 128 << 20;

 private:
  static void* AllocateCallback(void* self, size_t size);
  static void FreeCallback(void* self, void* pointer);
  void* Allocate(size_t size);
  void Charge(size_t size);
  bool ParsesWithinLimits(std::string_view utf8);
  size_t DepthOf(const void* node) const;

  GumboArena arena_;
  std::jmp_buf too_costly_;
  const GumboOutput* output_ = nullptr;
  uint64_t work_ = 0;
  uint64_t work_limit_ = 0;
  size_t memory_limit_ = 0;
  size_t depth_ = 0;                 // of the tree when it was last measured
  size_t allocations_in_tag_ = 0;    // since the last node: grows with the attributes of a tag
  size_t nodes_ = 0;                 // since depth_ was measured
  const void* last_node_ = nullptr;  // newest allocation of a node's size
};

// Leaves the parse that this thread is in; false if it is in none. For assertions that fail.
bool LeaveFailedParse();

}  // namespace weft
