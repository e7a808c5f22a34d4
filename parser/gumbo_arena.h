// Memory of one parse tree: bump allocation, freed all at once. Thread rule: belongs to one extractor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace weft {

class GumboArena {
 public:
  // Aligned for any type; nullptr when the process is out of memory.
  void* Allocate(size_t bytes);
  // Reclaims the newest allocation; others wait for Reset.
  void Free(void* pointer);
  // Forgets everything. Between pages no more than kKeptBytes stay allocated.
  void Reset();

  // Bytes taken from the system for this page, and whether an address is among them.
  size_t bytes() const { return bytes_; }
  bool Contains(const void* pointer, size_t size) const;

  static constexpr size_t kChunkBytes = 256 << 10;
  static constexpr size_t kKeptBytes = 2 << 20;

 private:
  struct Chunk {
    std::unique_ptr<char[]> data;
    size_t size = 0;
  };
  bool AddChunk(size_t bytes);

  std::vector<Chunk> chunks_;
  size_t current_ = 0;  // chunk in use; those before it are full
  char* free_ = nullptr;
  char* end_ = nullptr;
  char* newest_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace weft
