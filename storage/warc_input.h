// Where records are parsed from: a file's own bytes, or what one of its members holds.
// Thread rule: an input belongs to one thread; the source outlives it.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "storage/byte_source.h"
#include "storage/member_reader.h"
#include "storage/warc_parser.h"

namespace weft {

// The file's own bytes.
class PlainInput : public WarcInput {
 public:
  explicit PlainInput(const ByteSource& source) : source_(source) {}
  uint64_t position() const { return read_ - buffered().size(); }
  void Seek(uint64_t offset) {
    if (offset >= position() && offset <= read_) {
      Consume(static_cast<size_t>(offset - position()));
      return;
    }
    Clear();
    read_ = offset;
  }

 private:
  size_t Read(char* to, size_t size) override {
    const size_t got = source_.ReadAt(read_, to, size);
    read_ += got;
    return got;
  }
  const ByteSource& source_;
  uint64_t read_ = 0;
};

// What one gzip member or zstd frame holds.
class MemberInput : public WarcInput {
 public:
  void Use(std::unique_ptr<MemberReader> member) { member_ = std::move(member); }
  void Start(uint64_t offset) {
    Clear();
    member_->Start(offset);
  }
  bool whole() const { return member_->state() == MemberReader::State::kEnd; }
  bool damaged() const { return member_->state() == MemberReader::State::kDamaged; }
  uint64_t position() const { return member_->position(); }
  void SkipToEnd() {
    do {
      Clear();
    } while (Fill());
  }

 private:
  size_t Read(char* to, size_t size) override { return member_->Read(to, size); }
  std::unique_ptr<MemberReader> member_;
};

}  // namespace weft
