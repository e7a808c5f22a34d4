#include <brotli/decode.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>

#include "common/ascii.h"
#include "common/http_message.h"
#include "common/status.h"

namespace weft {
namespace {

// Output is taken in pieces of this size, so a limit is overrun by at most one piece of scratch, never by a body.
constexpr size_t kPieceBytes = 64 * 1024;
constexpr size_t kRatioFreeBytes = 1024 * 1024;
// RFC 9659: a zstd content coding must not need a window above 8 MiB.
constexpr int kZstdWindowLogMax = 23;

// Collects output under the limits. `input_bytes` is what came over the wire: with two codings, the outer one's.
class Output {
 public:
  Output(const DecodeLimits& limits, size_t input_bytes, Decoded& out) : limits_(limits), input_bytes_(input_bytes), out_(out) {}

  // False when a limit ends the decoding.
  bool Take(std::string_view piece) {
    const size_t room = limits_.max_bytes - std::min(limits_.max_bytes, out_.body.size());
    if (piece.size() > room) {
      out_.body.append(piece.substr(0, room));
      return Fail(fmt::format("limit: more than {} bytes", limits_.max_bytes));
    }
    out_.body.append(piece);
    if (out_.body.size() > kRatioFreeBytes && out_.body.size() / std::max<size_t>(limits_.max_ratio, 1) >= std::max<size_t>(input_bytes_, 1)) {
      return Fail(fmt::format("limit: ratio above {}", limits_.max_ratio));
    }
    return true;
  }

  bool Fail(std::string problem) {
    out_.complete = false;
    out_.problem = std::move(problem);
    return false;
  }

 private:
  const DecodeLimits& limits_;
  size_t input_bytes_;
  Decoded& out_;
};

struct Scratch {
  std::unique_ptr<std::array<char, kPieceBytes>> bytes = std::make_unique<std::array<char, kPieceBytes>>();
  char* data() { return bytes->data(); }
  std::string_view view(size_t size) { return {bytes->data(), size}; }
};

bool BeginsGzip(std::string_view bytes) { return bytes.size() >= 2 && bytes[0] == '\x1f' && bytes[1] == '\x8b'; }

// RFC 1950: method 8 and a checked header.
bool BeginsZlib(std::string_view bytes) {
  if (bytes.size() < 2) return false;
  const int cmf = static_cast<unsigned char>(bytes[0]);
  const int flags = static_cast<unsigned char>(bytes[1]);
  return (cmf & 0x0f) == 8 && (cmf >> 4) <= 7 && ((cmf << 8) | flags) % 31 == 0;
}

class Inflater {
 public:
  explicit Inflater(int window_bits) { ready_ = inflateInit2(&stream_, window_bits) == Z_OK; }
  ~Inflater() {
    if (ready_) inflateEnd(&stream_);
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  // Inflates one stream (a gzip member, a zlib or raw stream) from the front of `input` and advances it.
  bool Run(std::string_view name, std::string_view& input, Output& out) {
    if (!ready_ || inflateReset(&stream_) != Z_OK) return out.Fail(fmt::format("{}: no memory", name));
    while (true) {
      const size_t step = std::min<size_t>(input.size(), 1u << 30);
      stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input.data()));
      stream_.avail_in = static_cast<uInt>(step);
      stream_.next_out = reinterpret_cast<Bytef*>(scratch_.data());
      stream_.avail_out = static_cast<uInt>(kPieceBytes);
      const int code = inflate(&stream_, Z_NO_FLUSH);
      const size_t got = kPieceBytes - stream_.avail_out;
      input.remove_prefix(step - stream_.avail_in);
      if (!out.Take(scratch_.view(got))) return false;
      if (code == Z_STREAM_END) return true;
      if (code == Z_BUF_ERROR || (code == Z_OK && input.empty() && stream_.avail_out > 0)) {
        return out.Fail(fmt::format("{}: cut short", name));
      }
      if (code != Z_OK) return out.Fail(fmt::format("{}: {}", name, stream_.msg ? stream_.msg : "damaged"));
    }
  }

 private:
  z_stream stream_{};
  bool ready_ = false;
  Scratch scratch_;
};

// RFC 1952: one or more members.
void DecodeGzip(std::string_view input, Output& out) {
  Inflater inflater(16 + MAX_WBITS);
  do {
    if (!inflater.Run("gzip", input, out)) return;
  } while (BeginsGzip(input));
}

// "deflate" means zlib (RFC 9110 section 8.4.1.2), but some servers send the raw stream (RFC 1951). A raw stream may
// look like a zlib header by chance, so the better of the two readings counts.
Decoded DecodeDeflate(std::string_view input, size_t wire_bytes, const DecodeLimits& limits) {
  const auto attempt = [&](int window_bits) {
    Decoded decoded;
    Output out(limits, wire_bytes, decoded);
    std::string_view rest = input;
    Inflater(window_bits).Run("deflate", rest, out);
    return decoded;
  };
  if (!BeginsZlib(input)) return attempt(-MAX_WBITS);
  Decoded zlib = attempt(MAX_WBITS);
  if (zlib.complete) return zlib;
  Decoded raw = attempt(-MAX_WBITS);
  return raw.complete || raw.body.size() > zlib.body.size() ? raw : zlib;
}

void DecodeBrotli(std::string_view input, Output& out) {
  const std::unique_ptr<BrotliDecoderState, void (*)(BrotliDecoderState*)> state(
      BrotliDecoderCreateInstance(nullptr, nullptr, nullptr), BrotliDecoderDestroyInstance);
  if (state == nullptr) {
    out.Fail("br: no memory");
    return;
  }
  Scratch scratch;
  const auto* next_in = reinterpret_cast<const uint8_t*>(input.data());
  size_t in_left = input.size();
  while (true) {
    auto* next_out = reinterpret_cast<uint8_t*>(scratch.data());
    size_t out_left = kPieceBytes;
    const auto result = BrotliDecoderDecompressStream(state.get(), &in_left, &next_in, &out_left, &next_out, nullptr);
    if (!out.Take(scratch.view(kPieceBytes - out_left)) || result == BROTLI_DECODER_RESULT_SUCCESS) return;
    if (result == BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT) {
      out.Fail("br: cut short");
      return;
    }
    if (result == BROTLI_DECODER_RESULT_ERROR) {
      out.Fail(fmt::format("br: {}", BrotliDecoderErrorString(BrotliDecoderGetErrorCode(state.get()))));
      return;
    }
  }
}

void DecodeZstd(std::string_view input, Output& out) {
  const std::unique_ptr<ZSTD_DCtx, size_t (*)(ZSTD_DCtx*)> context(ZSTD_createDCtx(), ZSTD_freeDCtx);
  if (context == nullptr || ZSTD_isError(ZSTD_DCtx_setParameter(context.get(), ZSTD_d_windowLogMax, kZstdWindowLogMax))) {
    out.Fail("zstd: no memory");
    return;
  }
  Scratch scratch;
  ZSTD_inBuffer in{input.data(), input.size(), 0};
  while (true) {
    ZSTD_outBuffer piece{scratch.data(), kPieceBytes, 0};
    const size_t before = in.pos;
    const size_t hint = ZSTD_decompressStream(context.get(), &piece, &in);
    if (!out.Take(scratch.view(piece.pos))) return;
    if (ZSTD_isError(hint)) {
      out.Fail(fmt::format("zstd: {}", ZSTD_getErrorName(hint)));
      return;
    }
    if (hint == 0 && in.pos == in.size) return;
    if (in.pos == before && piece.pos < kPieceBytes && in.pos == in.size) {
      out.Fail("zstd: cut short");
      return;
    }
  }
}

// A zstd frame or a skippable frame (RFC 8878 section 3.1).
bool BeginsZstd(std::string_view bytes) {
  if (bytes.size() < 4) return false;
  const bool skippable = (bytes[0] & '\xf0') == '\x50' && bytes.substr(1, 3) == "\x2a\x4d\x18";
  return skippable || bytes.substr(0, 4) == "\x28\xb5\x2f\xfd";
}

enum class Coding { kIdentity, kGzip, kDeflate, kBrotli, kZstd, kUnknown };

Coding CodingFromName(std::string_view name) {
  if (name.empty() || EqualIgnoringCase(name, "identity")) return Coding::kIdentity;
  if (EqualIgnoringCase(name, "gzip") || EqualIgnoringCase(name, "x-gzip")) return Coding::kGzip;
  if (EqualIgnoringCase(name, "deflate")) return Coding::kDeflate;
  if (EqualIgnoringCase(name, "br")) return Coding::kBrotli;
  if (EqualIgnoringCase(name, "zstd")) return Coding::kZstd;
  return Coding::kUnknown;
}

Decoded NotCoded(std::string_view name, std::string_view input, Output& out, Decoded& decoded) {
  if (out.Take(input)) out.Fail(fmt::format("{}: the body is not coded", name));
  return std::move(decoded);
}

Decoded DecodeOne(std::string_view name, std::string_view input, size_t wire_bytes, const DecodeLimits& limits) {
  Decoded decoded;
  Output out(limits, wire_bytes, decoded);
  switch (CodingFromName(name)) {
    case Coding::kIdentity:
      out.Take(input);
      break;
    case Coding::kGzip:
      if (!input.empty() && input.front() != '\x1f') return NotCoded("gzip", input, out, decoded);
      DecodeGzip(input, out);
      break;
    case Coding::kDeflate:
      return DecodeDeflate(input, wire_bytes, limits);
    case Coding::kBrotli:
      DecodeBrotli(input, out);
      break;
    case Coding::kZstd:
      if (input.size() >= 4 && !BeginsZstd(input)) return NotCoded("zstd", input, out, decoded);
      DecodeZstd(input, out);
      break;
    case Coding::kUnknown:
      if (out.Take(input)) out.Fail(fmt::format("unknown content coding: {}", name.substr(0, 40)));
      break;
  }
  return decoded;
}

}  // namespace

Decoded DecodeCoding(std::string_view coding, std::string_view input, const DecodeLimits& limits) {
  return DecodeOne(coding, input, input.size(), limits);
}

Decoded DecodeContent(const HttpHead& head, std::string_view payload, const DecodeLimits& limits) {
  std::vector<std::string_view> codings = head.List("Content-Encoding");
  std::erase_if(codings, [](std::string_view name) { return CodingFromName(name) == Coding::kIdentity; });
  // Nothing came, so nothing was coded: servers send the header with empty bodies too.
  if (codings.empty() || payload.empty()) return DecodeOne("identity", payload, payload.size(), limits);
  if (codings.size() > static_cast<size_t>(std::max(limits.max_codings, 0))) {
    Decoded refused;
    refused.complete = false;
    refused.problem = fmt::format("limit: more than {} codings", limits.max_codings);
    return refused;
  }
  Decoded result;
  std::string_view input = payload;
  std::string held;
  for (auto coding = codings.rbegin(); coding != codings.rend(); ++coding) {
    Decoded step = DecodeOne(*coding, input, payload.size(), limits);
    const bool known = CodingFromName(*coding) != Coding::kUnknown;
    if (result.complete && !step.complete) {
      result.complete = false;
      result.problem = step.problem;
    }
    held = std::move(step.body);
    input = held;
    if (!known) break;
  }
  result.body = std::move(held);
  return result;
}

}  // namespace weft
