#include "storage/zstd_frame.h"

#include <zstd.h>

#include <cstdlib>

#include "common/http_message.h"
#include "common/status.h"

namespace weft {
namespace {

constexpr size_t kInputBytes = 64 * 1024;
constexpr size_t kSkippableHead = 8;
constexpr int kLevel = 3;  // smaller than gzip at its best, at a fraction of its time

size_t LittleEndian32(std::string_view bytes) {
  size_t value = 0;
  for (size_t i = 0; i < 4; ++i) value |= static_cast<size_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
  return value;
}

}  // namespace

absl::StatusOr<std::string> ReadZstdDictionary(const ByteSource& source) {
  std::string head(kSkippableHead, '\0');
  head.resize(source.ReadAt(0, head.data(), head.size()));
  if (!head.starts_with(kZstdDictionaryMagic)) return std::string();
  if (head.size() < kSkippableHead) return DataLoss("a dictionary that is cut short at offset 0");
  const size_t size = LittleEndian32(std::string_view(head).substr(4));
  if (size > kLargestZstdDictionary) return DataLoss("a dictionary of {} bytes at offset 0", size);
  std::string bytes(size, '\0');
  bytes.resize(source.ReadAt(kSkippableHead, bytes.data(), size));
  if (bytes.size() < size) return DataLoss("a dictionary that is cut short at offset 0");
  if (!bytes.starts_with(kZstdMagic)) return bytes;
  Decoded unpacked = DecodeCoding("zstd", bytes, {.max_bytes = kLargestZstdDictionary});
  if (!unpacked.complete) return DataLoss("a dictionary that is damaged at offset 0");
  return std::move(unpacked.body);
}

struct ZstdFrameWriter::Context {
  ZSTD_CCtx* zstd = ZSTD_createCCtx();
  std::string* out = nullptr;
  ~Context() { ZSTD_freeCCtx(zstd); }

  // Fails only without memory, or where the pieces are not what Begin was told.
  static size_t Checked(size_t result) {
    if (ZSTD_isError(result)) std::abort();
    return result;
  }

  void Compress(std::string_view piece, ZSTD_EndDirective end) {
    ZSTD_inBuffer in{piece.data(), piece.size(), 0};
    while (true) {
      const size_t begin = out->size();
      out->resize(begin + (piece.size() - in.pos) / 4 + 4096);
      ZSTD_outBuffer room{out->data() + begin, out->size() - begin, 0};
      const size_t left = Checked(ZSTD_compressStream2(zstd, &room, &in, end));
      out->resize(begin + room.pos);
      if (in.pos == in.size && (end == ZSTD_e_continue || left == 0)) return;
    }
  }
};

ZstdFrameWriter::ZstdFrameWriter() : context_(std::make_unique<Context>()) {
  if (context_->zstd == nullptr) std::abort();
  Context::Checked(ZSTD_CCtx_setParameter(context_->zstd, ZSTD_c_compressionLevel, kLevel));
  Context::Checked(ZSTD_CCtx_setParameter(context_->zstd, ZSTD_c_checksumFlag, 1));
}

ZstdFrameWriter::~ZstdFrameWriter() = default;

void ZstdFrameWriter::Begin(std::string* out, uint64_t size) {
  Context::Checked(ZSTD_CCtx_reset(context_->zstd, ZSTD_reset_session_only));
  Context::Checked(ZSTD_CCtx_setPledgedSrcSize(context_->zstd, size));
  context_->out = out;
}

void ZstdFrameWriter::Add(std::string_view piece) { context_->Compress(piece, ZSTD_e_continue); }

void ZstdFrameWriter::Finish() { context_->Compress({}, ZSTD_e_end); }

struct ZstdFrameReader::Context {
  ZSTD_DCtx* zstd = ZSTD_createDCtx();
  ~Context() { ZSTD_freeDCtx(zstd); }
};

ZstdFrameReader::ZstdFrameReader(const ByteSource& source, std::string_view dictionary)
    : source_(source), context_(std::make_unique<Context>()) {
  // Fails only without memory: then no frame can be read, and Start says so.
  const bool loaded = context_->zstd != nullptr &&
                      !ZSTD_isError(ZSTD_DCtx_loadDictionary(context_->zstd, dictionary.data(), dictionary.size()));
  if (!loaded) context_.reset();
}

ZstdFrameReader::~ZstdFrameReader() = default;

void ZstdFrameReader::Start(uint64_t offset) {
  const bool ready = context_ != nullptr && !ZSTD_isError(ZSTD_DCtx_reset(context_->zstd, ZSTD_reset_session_only));
  state_ = ready ? State::kReading : State::kDamaged;
  // The next frame usually begins within what was read for the one before.
  if (offset >= input_offset_ && offset <= input_offset_ + input_.size()) {
    used_ = static_cast<size_t>(offset - input_offset_);
    return;
  }
  input_.clear();
  used_ = 0;
  input_offset_ = offset;
}

size_t ZstdFrameReader::Read(char* to, size_t size) {
  ZSTD_outBuffer out{to, size, 0};
  while (state_ == State::kReading && out.pos < size) {
    if (used_ == input_.size()) {
      input_offset_ += input_.size();
      input_.resize(kInputBytes);
      input_.resize(source_.ReadAt(input_offset_, input_.data(), kInputBytes));
      used_ = 0;
    }
    const size_t wrote = out.pos;
    ZSTD_inBuffer in{input_.data(), input_.size(), used_};
    const size_t hint = ZSTD_decompressStream(context_->zstd, &out, &in);
    const bool moved = in.pos > used_ || out.pos > wrote;
    used_ = in.pos;
    if (ZSTD_isError(hint)) {
      state_ = State::kDamaged;
    } else if (hint == 0) {
      state_ = State::kEnd;
    } else if (!moved) {
      state_ = State::kCut;  // room is left, so it is the input that ended
    }
  }
  return out.pos;
}

}  // namespace weft
