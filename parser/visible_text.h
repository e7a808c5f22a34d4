// Gathers the visible text of a page: white space collapsed, block elements on lines of their own.
#pragma once

#include <string>
#include <string_view>

namespace weft {

class VisibleText {
 public:
  // Characters, references resolved.
  void Add(std::string_view characters);
  // A block element begins or ends.
  void BreakLine() { pending_ = '\n'; }
  // A table cell begins or ends.
  void BreakWord() {
    if (pending_ == 0) pending_ = ' ';
  }
  std::string Take();

 private:
  std::string text_;
  char pending_ = 0;  // separator owed before the next visible character
};

// Text with runs of ASCII white space as one space and none at the ends.
std::string CollapseSpace(std::string_view text);

}  // namespace weft
