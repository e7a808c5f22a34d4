// The compressing sinks of export_file.h.
#include <zstd.h>

#include <utility>

#include "common/status.h"
#include "storage/export_file.h"
#include "storage/gzip_member.h"

namespace weft {
namespace {

constexpr size_t kMemberBytes = 4 << 20;  // of content
constexpr int kZstdLevel = 3;

class GzipSink : public ByteSink {
 public:
  explicit GzipSink(std::unique_ptr<ByteSink> to) : to_(std::move(to)) { members_.Begin(&member_); }

  absl::Status Write(std::string_view bytes) override {
    members_.Add(bytes);
    content_ += bytes.size();
    if (content_ < kMemberBytes) return absl::OkStatus();
    WEFT_RETURN_IF_ERROR(EndMember());
    content_ = 0;
    members_.Begin(&member_);
    return absl::OkStatus();
  }
  absl::Status Finish() override {
    WEFT_RETURN_IF_ERROR(EndMember());
    return to_->Finish();
  }

 private:
  absl::Status EndMember() {
    members_.Finish();
    const absl::Status status = to_->Write(member_);
    member_.clear();
    return status;
  }

  std::unique_ptr<ByteSink> to_;
  GzipMemberWriter members_;
  std::string member_;
  size_t content_ = 0;
};

class ZstdSink : public ByteSink {
 public:
  explicit ZstdSink(std::unique_ptr<ByteSink> to) : to_(std::move(to)), context_(ZSTD_createCCtx()) {
    ZSTD_CCtx_setParameter(context_, ZSTD_c_compressionLevel, kZstdLevel);
    ZSTD_CCtx_setParameter(context_, ZSTD_c_checksumFlag, 1);
    room_.resize(ZSTD_CStreamOutSize());
  }
  ~ZstdSink() override { ZSTD_freeCCtx(context_); }
  ZstdSink(const ZstdSink&) = delete;
  ZstdSink& operator=(const ZstdSink&) = delete;

  absl::Status Write(std::string_view bytes) override { return Press(bytes, ZSTD_e_continue); }
  absl::Status Finish() override {
    WEFT_RETURN_IF_ERROR(Press("", ZSTD_e_end));
    return to_->Finish();
  }

 private:
  absl::Status Press(std::string_view bytes, ZSTD_EndDirective mode) {
    ZSTD_inBuffer in = {bytes.data(), bytes.size(), 0};
    size_t left = 0;
    do {
      ZSTD_outBuffer out = {room_.data(), room_.size(), 0};
      left = ZSTD_compressStream2(context_, &out, &in, mode);
      if (ZSTD_isError(left) != 0) return Internal("zstd: {}", ZSTD_getErrorName(left));
      WEFT_RETURN_IF_ERROR(to_->Write(std::string_view(room_.data(), out.pos)));
    } while (in.pos < in.size || (mode == ZSTD_e_end && left != 0));
    return absl::OkStatus();
  }

  std::unique_ptr<ByteSink> to_;
  ZSTD_CCtx* context_;
  std::string room_;
};

}  // namespace

Compression CompressionOf(std::string_view path) {
  if (path.ends_with(".gz")) return Compression::kGzip;
  if (path.ends_with(".zst")) return Compression::kZstd;
  return Compression::kNone;
}

std::unique_ptr<ByteSink> Compressed(Compression compression, std::unique_ptr<ByteSink> to) {
  switch (compression) {
    case Compression::kNone: break;
    case Compression::kGzip: return std::make_unique<GzipSink>(std::move(to));
    case Compression::kZstd: return std::make_unique<ZstdSink>(std::move(to));
  }
  return to;
}

}  // namespace weft
