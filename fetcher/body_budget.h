// Bounds the memory of bodies in flight and of pages that no parser has acknowledged (--body-memory). A download begins
// with one chunk reserved; each further chunk needs a growth token. The oldest download always gets one, so that there is
// progress however tight memory is; others pause (protocol rule 26).
// Thread rule: the fetcher's loop.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>

#include "common/bus.h"

namespace weft {

class BodyBudget {
 public:
  explicit BodyBudget(uint64_t limit) : limit_(limit) {}

  // Room for one more download to begin.
  bool CanBegin() const { return used_ + kMaxPayloadBytes <= limit_ || active_.empty(); }
  // Ids ascend with time.
  void Begin(uint64_t id);
  // One more chunk for `id`, or it must pause until Resumable names it.
  bool Grow(uint64_t id);
  // The download is over: of the `chunks` reserved for it, `kept` bytes stay used until Release.
  void End(uint64_t id, uint64_t chunks, uint64_t kept);
  void Release(uint64_t bytes) { used_ -= bytes < used_ ? bytes : used_; }
  // A paused download that may go on now, 0 for none. It is no longer listed as paused.
  uint64_t Resumable();

  uint64_t used() const { return used_; }
  uint64_t limit() const { return limit_; }

 private:
  uint64_t limit_;
  uint64_t used_ = 0;
  std::set<uint64_t> active_;
  std::set<uint64_t> paused_;
};

}  // namespace weft
