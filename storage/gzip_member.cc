#include "storage/gzip_member.h"

#include <isa-l/igzip_lib.h>
#include <zlib.h>

#include <algorithm>
#include <cstdlib>

namespace weft {
namespace {
constexpr size_t kInputBytes = 64 * 1024;
constexpr size_t kLargestStep = 1u << 30;  // the libraries count in 32 bits
}  // namespace

struct GzipMemberWriter::State {
  isal_zstream stream;
  std::string level_buffer = std::string(ISAL_DEF_LVL1_DEFAULT, '\0');
  std::string* out = nullptr;
};

GzipMemberWriter::GzipMemberWriter() : state_(std::make_unique<State>()) {}
GzipMemberWriter::~GzipMemberWriter() = default;

void GzipMemberWriter::Begin(std::string* out) {
  isal_zstream& stream = state_->stream;
  isal_deflate_init(&stream);
  stream.level = 1;
  stream.level_buf = reinterpret_cast<uint8_t*>(state_->level_buffer.data());
  stream.level_buf_size = static_cast<uint32_t>(state_->level_buffer.size());
  stream.gzip_flag = IGZIP_GZIP;
  state_->out = out;
}

void GzipMemberWriter::Add(std::string_view piece) {
  while (piece.size() > kLargestStep) {
    Deflate(piece.substr(0, kLargestStep), false);
    piece.remove_prefix(kLargestStep);
  }
  if (!piece.empty()) Deflate(piece, false);
}

void GzipMemberWriter::Finish() { Deflate({}, true); }

void GzipMemberWriter::Deflate(std::string_view piece, bool last) {
  isal_zstream& stream = state_->stream;
  std::string& out = *state_->out;
  stream.next_in = reinterpret_cast<uint8_t*>(const_cast<char*>(piece.data()));
  stream.avail_in = static_cast<uint32_t>(piece.size());
  stream.end_of_stream = last ? 1 : 0;
  do {
    const size_t begin = out.size();
    const size_t room = piece.size() / 4 + 4096;
    out.resize(begin + room);
    stream.next_out = reinterpret_cast<uint8_t*>(out.data() + begin);
    stream.avail_out = static_cast<uint32_t>(room);
    // Fails only for parameters that it does not know.
    if (isal_deflate(&stream) != COMP_OK) std::abort();
    out.resize(begin + room - stream.avail_out);
  } while (stream.avail_in > 0 || stream.avail_out == 0 || (last && stream.internal_state.state != ZSTATE_END));
}

struct GzipMemberReader::Zlib {
  z_stream stream{};
  bool ready = false;
  ~Zlib() {
    if (ready) inflateEnd(&stream);
  }
};

GzipMemberReader::GzipMemberReader(const ByteSource& source) : source_(source), zlib_(std::make_unique<Zlib>()) {
  zlib_->ready = inflateInit2(&zlib_->stream, 16 + MAX_WBITS) == Z_OK;
}

GzipMemberReader::~GzipMemberReader() = default;

void GzipMemberReader::Start(uint64_t offset) {
  z_stream& stream = zlib_->stream;
  const bool ready = zlib_->ready && inflateReset(&stream) == Z_OK;
  state_ = ready ? State::kReading : State::kDamaged;
  // The next member usually begins within what was read for the one before.
  if (offset >= input_offset_ && offset <= input_offset_ + input_.size()) {
    const size_t skip = static_cast<size_t>(offset - input_offset_);
    stream.next_in = reinterpret_cast<Bytef*>(input_.data() + skip);
    stream.avail_in = static_cast<uInt>(input_.size() - skip);
    return;
  }
  input_.clear();
  input_offset_ = offset;
  stream.next_in = reinterpret_cast<Bytef*>(input_.data());
  stream.avail_in = 0;
}

uint64_t GzipMemberReader::position() const { return input_offset_ + input_.size() - zlib_->stream.avail_in; }

size_t GzipMemberReader::Read(char* to, size_t size) {
  z_stream& stream = zlib_->stream;
  const size_t step = std::min(size, kLargestStep);
  stream.next_out = reinterpret_cast<Bytef*>(to);
  stream.avail_out = static_cast<uInt>(step);
  while (state_ == State::kReading && stream.avail_out > 0) {
    if (stream.avail_in == 0) {
      input_offset_ += input_.size();
      input_.resize(kInputBytes);
      input_.resize(source_.ReadAt(input_offset_, input_.data(), kInputBytes));
      stream.next_in = reinterpret_cast<Bytef*>(input_.data());
      stream.avail_in = static_cast<uInt>(input_.size());
    }
    const int code = inflate(&stream, Z_NO_FLUSH);
    if (code == Z_STREAM_END) {
      state_ = State::kEnd;
    } else if (code == Z_BUF_ERROR) {
      state_ = State::kCut;  // room is left, so it is the input that ended
    } else if (code != Z_OK) {
      state_ = State::kDamaged;
    }
  }
  return step - stream.avail_out;
}

}  // namespace weft
