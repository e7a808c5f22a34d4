#include "parser/gumbo_arena.h"

#include <gtest/gtest.h>

#include <cstring>
#include <set>

namespace weft {
namespace {

TEST(GumboArena, GivesAlignedMemoryOfItsOwn) {
  GumboArena arena;
  std::set<void*> given;
  for (size_t size : {0, 1, 7, 16, 1000, 300'000, 5}) {
    void* memory = arena.Allocate(size);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(memory) % alignof(std::max_align_t), 0U);
    EXPECT_TRUE(given.insert(memory).second);
    EXPECT_TRUE(arena.Contains(memory, size));
    std::memset(memory, 1, size);
  }
}

TEST(GumboArena, ReusesTheNewestAllocationAfterFree) {
  GumboArena arena;
  void* kept = arena.Allocate(10);
  void* freed = arena.Allocate(10);
  arena.Free(freed);
  EXPECT_EQ(arena.Allocate(10), freed);
  arena.Free(kept);  // not the newest: waits for Reset
  EXPECT_NE(arena.Allocate(10), kept);
}

TEST(GumboArena, ResetGivesLargeMemoryBack) {
  GumboArena arena;
  for (int i = 0; i < 100; ++i) arena.Allocate(1 << 20);
  EXPECT_GE(arena.bytes(), 100U << 20);
  arena.Reset();
  EXPECT_LE(arena.bytes(), GumboArena::kKeptBytes);
}

TEST(GumboArena, ASmallPageTakesNoNewMemoryAfterReset) {
  GumboArena arena;
  void* first = arena.Allocate(100);
  arena.Reset();
  EXPECT_EQ(arena.Allocate(100), first);
}

TEST(GumboArena, KnowsItsOwnAddresses) {
  GumboArena arena;
  void* memory = arena.Allocate(64);
  int elsewhere = 0;
  EXPECT_FALSE(arena.Contains(&elsewhere, 1));
  EXPECT_FALSE(arena.Contains(nullptr, 1));
  EXPECT_FALSE(arena.Contains(memory, GumboArena::kChunkBytes + 1));
}

}  // namespace
}  // namespace weft
