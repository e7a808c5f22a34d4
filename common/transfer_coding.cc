#include <algorithm>
#include <cstdint>
#include <limits>

#include "common/ascii.h"
#include "common/http_message.h"

namespace weft {
namespace {

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = LowerAscii(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

enum class SizeLine { kWhole, kCut, kMalformed };

// "1a3 ; ext=value" CRLF at the front of `rest`; consumed when whole.
SizeLine TakeChunkSize(std::string_view& rest, uint64_t& size) {
  size = 0;
  size_t i = 0;
  for (; i < rest.size() && HexValue(rest[i]) >= 0; ++i) {
    if (size > std::numeric_limits<uint64_t>::max() >> 4) return SizeLine::kMalformed;
    size = size << 4 | static_cast<uint64_t>(HexValue(rest[i]));
  }
  if (i == rest.size()) return SizeLine::kCut;
  if (i == 0) return SizeLine::kMalformed;
  while (i < rest.size() && (rest[i] == ' ' || rest[i] == '\t')) ++i;
  if (i < rest.size() && rest[i] != ';' && rest[i] != '\r' && rest[i] != '\n') return SizeLine::kMalformed;
  const size_t end = rest.find('\n', i);
  if (end == std::string_view::npos) return SizeLine::kCut;
  rest.remove_prefix(end + 1);
  return SizeLine::kWhole;
}

bool TakeLineEnd(std::string_view& rest) {
  const size_t size = rest.substr(0, 2) == "\r\n" ? 2 : !rest.empty() && rest.front() == '\n' ? 1 : 0;
  rest.remove_prefix(size);
  return size > 0;
}

// Whether fewer bytes came than Content-Length says (RFC 9112 section 8). A malformed value says nothing.
bool ShorterThanAnnounced(const HttpHead& head, size_t size) {
  const int status = head.status();
  if (status / 100 == 1 || status == 204 || status == 304) return false;
  const std::string_view value = head.Get("Content-Length");
  uint64_t announced = 0;
  if (value.empty() || value.size() > 18) return false;
  for (const char c : value) {
    if (c < '0' || c > '9') return false;
    announced = announced * 10 + static_cast<uint64_t>(c - '0');
  }
  return size < announced;
}

// Compression as a transfer coding (RFC 9112 section 7.2) is rare, but what is beneath is the payload.
void UndoCompression(const std::vector<std::string_view>& codings, PayloadView& out) {
  for (auto coding = codings.rbegin(); coding != codings.rend(); ++coding) {
    if (EqualIgnoringCase(*coding, "chunked") || EqualIgnoringCase(*coding, "identity")) continue;
    Decoded decoded = DecodeCoding(*coding, out.payload);
    out.complete = out.complete && decoded.complete;
    out.owned = std::move(decoded.body);
    out.payload = out.owned;
  }
}

}  // namespace

Dechunked Dechunk(std::string_view wire_body) {
  Dechunked out;
  out.complete = false;
  std::string_view rest = wire_body;
  while (true) {
    uint64_t size = 0;
    if (TakeChunkSize(rest, size) != SizeLine::kWhole) return out;
    if (size == 0) break;
    const size_t have = static_cast<size_t>(std::min<uint64_t>(size, rest.size()));
    out.body.append(rest.substr(0, have));
    rest.remove_prefix(have);
    if (have < size || !TakeLineEnd(rest)) return out;
  }
  out.complete = true;
  return out;
}

void ExtractPayload(const HttpHead& head, std::string_view wire_body, PayloadView& out) {
  out.owned.clear();
  out.payload = wire_body;
  out.complete = true;
  const std::vector<std::string_view> codings = head.List("Transfer-Encoding");
  if (codings.empty()) {
    out.complete = !ShorterThanAnnounced(head, wire_body.size());
    return;
  }
  const bool chunked = std::any_of(codings.begin(), codings.end(),
                                   [](std::string_view coding) { return EqualIgnoringCase(coding, "chunked"); });
  if (chunked) {
    uint64_t size = 0;
    std::string_view front = wire_body;
    if (TakeChunkSize(front, size) == SizeLine::kMalformed) {
      out.complete = false;
      return;
    }
    Dechunked dechunked = Dechunk(wire_body);
    out.complete = dechunked.complete;
    out.owned = std::move(dechunked.body);
    out.payload = out.owned;
  }
  UndoCompression(codings, out);
}

}  // namespace weft
