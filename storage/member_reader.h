// One compressed piece of a file that holds one record: a gzip member or a zstd frame. Any bytes are valid input, memory
// is bounded. Thread rule: objects belong to one thread.
#pragma once

#include <cstddef>
#include <cstdint>

namespace weft {

class MemberReader {
 public:
  enum class State {
    kReading,
    kEnd,      // the member is whole, its checks hold
    kDamaged,  // of another form, or broken
    kCut,      // the source ends within the member
  };

  virtual ~MemberReader() = default;
  virtual void Start(uint64_t offset) = 0;
  // Up to `size` bytes of the member's content; 0 when it ended, see state().
  virtual size_t Read(char* to, size_t size) = 0;
  // In the source: behind the last byte that was used.
  virtual uint64_t position() const = 0;
  State state() const { return state_; }

 protected:
  State state_ = State::kEnd;
};

}  // namespace weft
