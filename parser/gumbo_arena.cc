#include "parser/gumbo_arena.h"

#include <algorithm>
#include <new>

namespace weft {
namespace {

constexpr size_t kAlignment = alignof(std::max_align_t);
// Chunks double up to this, so that a large tree has few.
constexpr size_t kLargestGrowth = 16 << 20;

}  // namespace

void* GumboArena::Allocate(size_t bytes) {
  const size_t size = (std::max<size_t>(bytes, 1) + kAlignment - 1) / kAlignment * kAlignment;
  if (static_cast<size_t>(end_ - free_) < size && !AddChunk(size)) return nullptr;
  newest_ = free_;
  free_ += size;
  return newest_;
}

void GumboArena::Free(void* pointer) {
  if (pointer == nullptr || pointer != newest_) return;
  free_ = newest_;
  newest_ = nullptr;
}

bool GumboArena::AddChunk(size_t bytes) {
  if (current_ + 1 < chunks_.size() && chunks_[current_ + 1].size >= bytes) {
    ++current_;
  } else {
    const size_t grown = chunks_.empty() ? kChunkBytes : std::min(kLargestGrowth, chunks_.back().size * 2);
    const size_t size = std::max(grown, bytes);
    std::unique_ptr<char[]> data(new (std::nothrow) char[size]);
    if (data == nullptr) return false;
    chunks_.push_back({std::move(data), size});
    current_ = chunks_.size() - 1;
  }
  bytes_ += chunks_[current_].size;
  free_ = chunks_[current_].data.get();
  end_ = free_ + chunks_[current_].size;
  return true;
}

void GumboArena::Reset() {
  size_t kept = 0;
  size_t count = 0;
  while (count < chunks_.size() && kept + chunks_[count].size <= kKeptBytes) kept += chunks_[count++].size;
  chunks_.resize(count);
  current_ = 0;
  newest_ = nullptr;
  bytes_ = chunks_.empty() ? 0 : chunks_[0].size;
  free_ = chunks_.empty() ? nullptr : chunks_[0].data.get();
  end_ = free_ + bytes_;
}

bool GumboArena::Contains(const void* pointer, size_t size) const {
  const auto address = reinterpret_cast<uintptr_t>(pointer);
  return std::any_of(chunks_.begin(), chunks_.end(), [&](const Chunk& chunk) {
    const auto begin = reinterpret_cast<uintptr_t>(chunk.data.get());
    return address >= begin && size <= chunk.size && address - begin <= chunk.size - size;
  });
}

}  // namespace weft
