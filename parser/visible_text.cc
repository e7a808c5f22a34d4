#include "parser/visible_text.h"

#include <utility>

#include "parser/ascii.h"

namespace weft {

void VisibleText::Add(std::string_view characters) {
  size_t i = 0;
  while (i < characters.size()) {
    if (IsHtmlSpace(characters[i])) {
      BreakWord();
      ++i;
      continue;
    }
    size_t end = i;
    while (end < characters.size() && !IsHtmlSpace(characters[end])) ++end;
    if (pending_ != 0 && !text_.empty()) text_.push_back(pending_);
    pending_ = 0;
    text_.append(characters.substr(i, end - i));
    i = end;
  }
}

std::string VisibleText::Take() {
  pending_ = 0;
  return std::exchange(text_, {});
}

std::string CollapseSpace(std::string_view text) {
  VisibleText collapsed;
  collapsed.Add(text);
  return collapsed.Take();
}

}  // namespace weft
