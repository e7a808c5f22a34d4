// Lines out of a stream of bytes that comes in pieces. Holds at most the longest line that is allowed.
// Thread rule: one thread.
#pragma once

#include <absl/functional/function_ref.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace weft {

class LineSplitter {
 public:
  // Without its newline; nullopt for a line longer than the limit. The view lasts for the call.
  using OnLine = absl::FunctionRef<void(std::optional<std::string_view> line)>;

  explicit LineSplitter(size_t longest) : longest_(longest) {}

  void Feed(std::string_view bytes, OnLine on_line);
  // The last line, if it has no newline.
  void Finish(OnLine on_line);

 private:
  void Keep(std::string_view piece);
  void GiveKept(OnLine on_line);

  size_t longest_;
  std::string kept_;      // of a line whose end has not come yet
  bool too_long_ = false;  // that line is passed over
};

}  // namespace weft
