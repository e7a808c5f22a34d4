#include "cli/line_splitter.h"

namespace weft {
namespace {

// What a long line took is given back after it.
constexpr size_t kKeptCapacity = 1024 * 1024;

}  // namespace

void LineSplitter::Feed(std::string_view bytes, OnLine on_line) {
  while (!bytes.empty()) {
    const size_t end = bytes.find('\n');
    if (end == std::string_view::npos) return Keep(bytes);
    const std::string_view piece = bytes.substr(0, end);
    bytes.remove_prefix(end + 1);
    if (kept_.empty() && !too_long_ && piece.size() <= longest_) {
      on_line(piece);
    } else {
      Keep(piece);
      GiveKept(on_line);
    }
  }
}

void LineSplitter::Finish(OnLine on_line) {
  if (!kept_.empty() || too_long_) GiveKept(on_line);
}

void LineSplitter::Keep(std::string_view piece) {
  if (!too_long_ && piece.size() > longest_ - kept_.size()) {
    too_long_ = true;
    std::string().swap(kept_);
  }
  if (!too_long_) kept_ += piece;
}

void LineSplitter::GiveKept(OnLine on_line) {
  on_line(too_long_ ? std::nullopt : std::optional<std::string_view>(kept_));
  too_long_ = false;
  kept_.clear();
  if (kept_.capacity() > kKeptCapacity) std::string().swap(kept_);
}

}  // namespace weft
