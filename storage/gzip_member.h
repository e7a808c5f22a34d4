// One gzip member (RFC 1952): written by igzip at level 1 (design: compression is one of the three walls), read by
// zlib. Thread rule: objects belong to one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "storage/byte_source.h"
#include "storage/member_reader.h"

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
class GzipMemberReader : public MemberReader {
 public:
  explicit GzipMemberReader(const ByteSource& source);
  ~GzipMemberReader() override;
  GzipMemberReader(const GzipMemberReader&) = delete;
  GzipMemberReader& operator=(const GzipMemberReader&) = delete;

  void Start(uint64_t offset) override;
  size_t Read(char* to, size_t size) override;
  uint64_t position() const override;

 private:
  struct Zlib;
  const ByteSource& source_;
  std::unique_ptr<Zlib> zlib_;
  std::string input_;
  uint64_t input_offset_ = 0;  // in the source, of input_'s first byte
};

}  // namespace weft
