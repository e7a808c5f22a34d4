#include "fetcher/body_budget.h"

namespace weft {

void BodyBudget::Begin(uint64_t id) {
  active_.insert(id);
  used_ += kMaxPayloadBytes;
}

bool BodyBudget::Grow(uint64_t id) {
  bool oldest = !active_.empty() && *active_.begin() == id;
  if (!oldest && used_ + kMaxPayloadBytes > limit_) {
    paused_.insert(id);
    return false;
  }
  used_ += kMaxPayloadBytes;
  return true;
}

void BodyBudget::End(uint64_t id, uint64_t chunks, uint64_t kept) {
  active_.erase(id);
  paused_.erase(id);
  Release(chunks * kMaxPayloadBytes);
  used_ += kept;
}

uint64_t BodyBudget::Resumable() {
  if (paused_.empty()) return 0;
  uint64_t first = *paused_.begin();
  if (first != *active_.begin() && used_ + kMaxPayloadBytes > limit_) return 0;
  paused_.erase(paused_.begin());
  return first;
}

}  // namespace weft
