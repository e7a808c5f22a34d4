#include "storage/warc_parser.h"

#include <algorithm>
#include <optional>

#include "common/ascii.h"
#include "storage/warc_format.h"

namespace weft {
namespace {

constexpr size_t kReadBytes = 64 * 1024;

// Length of the head at the front with its empty line; nullopt: there is none within the limit.
std::optional<size_t> FindHeadEnd(WarcInput& input) {
  size_t scanned = 0;
  while (true) {
    const std::string_view ahead = input.buffered();
    for (size_t lf = ahead.find('\n', scanned); lf != std::string_view::npos; lf = ahead.find('\n', scanned)) {
      const std::string_view behind = ahead.substr(lf + 1, 2);
      if (behind == "\r\n") return lf + 3;
      if (behind.substr(0, 1) == "\n") return lf + 2;
      if (behind.empty() || behind == "\r") break;  // not yet known: look again with more bytes
      scanned = lf + 1;
    }
    if (ahead.find('\n', scanned) == std::string_view::npos) scanned = ahead.size();
    if (scanned > kLongestWarcHead || !input.Fill()) return std::nullopt;
  }
}

std::string_view TakeLine(std::string_view& rest) {
  const size_t end = rest.find('\n');
  std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

// Fills version and fields.
void ParseHead(std::string_view head, WarcRecord& record) {
  const std::string_view first = TakeLine(head);
  record.version = std::string(first.substr(0, first.find_first_of(" \t")));
  record.fields.clear();
  while (!head.empty()) {
    const std::string_view line = TakeLine(head);
    if (line.empty()) continue;
    if (line.front() == ' ' || line.front() == '\t') {
      if (record.fields.empty()) continue;
      std::string& value = record.fields.back().second;
      const std::string_view more = TrimAsciiSpace(line);
      if (!value.empty() && !more.empty()) value += ' ';
      value += more;
      continue;
    }
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    record.fields.emplace_back(TrimAsciiSpace(line.substr(0, colon)), TrimAsciiSpace(line.substr(colon + 1)));
  }
}

std::optional<uint64_t> ContentLength(const WarcRecord& record) {
  const std::string_view text = record.Get("Content-Length");
  if (text.empty() || text.size() > 18) return std::nullopt;
  uint64_t length = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    length = length * 10 + static_cast<uint64_t>(c - '0');
  }
  return length;
}

}  // namespace

std::string_view WarcInput::Peek(size_t count) {
  while (buffered().size() < count && Fill()) {
  }
  return buffered().substr(0, count);
}

bool WarcInput::Fill() {
  if (next_ > 0) {
    buffer_.erase(0, next_);
    next_ = 0;
  }
  const size_t before = buffer_.size();
  buffer_.resize(before + kReadBytes);
  const size_t got = Read(buffer_.data() + before, kReadBytes);
  buffer_.resize(before + got);
  return got > 0;
}

bool WarcInput::Take(uint64_t count, std::string* out) {
  while (count > 0) {
    if (buffered().empty() && !Fill()) return false;
    const std::string_view piece = buffered().substr(0, static_cast<size_t>(std::min<uint64_t>(count, SIZE_MAX)));
    if (out != nullptr) out->append(piece);
    Consume(piece.size());
    count -= piece.size();
  }
  return true;
}

void WarcInput::SkipLineEnds() {
  while (true) {
    const std::string_view ahead = Peek(1);
    if (ahead.empty() || (ahead.front() != '\r' && ahead.front() != '\n')) return;
    Consume(1);
  }
}

void WarcInput::Clear() {
  buffer_.clear();
  next_ = 0;
}

std::string_view WarcFaultText(WarcFault fault) {
  switch (fault) {
    case WarcFault::kNone: break;
    case WarcFault::kNotWarc: return "not a WARC record";
    case WarcFault::kEndlessHead: return "a WARC head without an end";
    case WarcFault::kNoLength: return "a WARC record without a readable Content-Length";
    case WarcFault::kTooLong: return "a WARC record longer than the reader's limit";
    case WarcFault::kCut: return "a WARC record that is cut short";
  }
  return "";
}

WarcFault ReadWarcRecord(WarcInput& input, uint64_t available, uint64_t max_bytes, WarcRecord& record) {
  if (!EqualIgnoringCase(input.Peek(5), "WARC/")) return WarcFault::kNotWarc;
  const std::optional<size_t> head_size = FindHeadEnd(input);
  if (!head_size.has_value()) return WarcFault::kEndlessHead;
  record.head = std::string(input.buffered().substr(0, *head_size));
  ParseHead(record.head, record);
  input.Consume(*head_size);
  const std::optional<uint64_t> length = ContentLength(record);
  if (!length.has_value()) return WarcFault::kNoLength;
  // Known before anything is read, so that a file full of lying heads costs no more than its size.
  if (*length > available - std::min<uint64_t>(available, *head_size)) return WarcFault::kCut;
  record.block.clear();
  const bool too_long = *length > max_bytes;
  if (!input.Take(*length, too_long ? nullptr : &record.block)) return WarcFault::kCut;
  record.terminated = input.Peek(kRecordEnd.size()) == kRecordEnd;
  input.SkipLineEnds();
  return too_long ? WarcFault::kTooLong : WarcFault::kNone;
}

}  // namespace weft
