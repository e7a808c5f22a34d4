// What a person at the terminal sees: plain lines, and one live line that is redrawn in place. All on standard error.
// Thread rule: any thread.
#pragma once

#include <string>

#include "common/mutex.h"

namespace weft {

class Console {
 public:
  Console();
  // A whole line; the live line, if there is one, is drawn again below it.
  void Line(const std::string& text);
  // Redraws the live line (terminals only; elsewhere nothing is printed).
  void Live(const std::string& text);
  // Ends the live line, so that what follows begins on a line of its own.
  void EndLive();
  bool is_terminal() const { return is_terminal_; }

 private:
  bool is_terminal_;
  Mutex mutex_;
  std::string live_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace weft
