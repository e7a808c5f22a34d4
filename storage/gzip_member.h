// One gzip member (RFC 1952): written by igzip at level 1 (design: compression is one of the three walls), read by
// zlib. Thread rule: objects belong to one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "storage/byte_source.h"

namespace weft {

// Compresses members into a caller's buffer, piece by piece, without joining the pieces first. Reusable.
class GzipMemberWriter {
 public:
  GzipMemberWriter();
  ~GzipMemberWriter();
  // Appends one member to `out`; it is whole after Finish().
  void Begin(std::string* out);
  void Add(std::string_view piece);
  void Finish();

 private:
  void Deflate(std::string_view piece, bool last);
  struct State;
  std::unique_ptr<State> state_;
};

// Reads members of a source, one at a time. Any bytes are valid input; memory is zlib's window and one buffer.
class GzipMemberReader {
 public:
  enum class State {
    kReading,
    kEnd,      // the member is whole, its checks hold
    kDamaged,  // not gzip, or broken
    kCut,      // the source ends within the member
  };

  explicit GzipMemberReader(const ByteSource& source);
  ~GzipMemberReader();
  GzipMemberReader(const GzipMemberReader&) = delete;
  GzipMemberReader& operator=(const GzipMemberReader&) = delete;

  void Start(uint64_t offset);
  // Up to `size` bytes of the member's content; 0 when it ended, see state().
  size_t Read(char* to, size_t size);
  State state() const { return state_; }
  // In the source: behind the last byte that was used.
  uint64_t position() const;

 private:
  struct Zlib;
  const ByteSource& source_;
  std::unique_ptr<Zlib> zlib_;
  std::string input_;
  uint64_t input_offset_ = 0;  // in the source, of input_'s first byte
  State state_ = State::kEnd;
};

}  // namespace weft
