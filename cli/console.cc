#include "cli/console.h"

#include <fmt/format.h>
#include <unistd.h>

#include "cli/output.h"

namespace weft {

Console::Console() : is_terminal_(isatty(STDERR_FILENO) == 1) {}

void Console::Line(const std::string& text) {
  MutexLock lock(mutex_);
  if (live_.empty()) {
    PrintError("{}\n", text);
  } else {
    PrintError("\r\x1b[K{}\n{}", text, live_);
  }
}

void Console::Live(const std::string& text) {
  if (!is_terminal_) return;
  MutexLock lock(mutex_);
  live_ = text;
  PrintError("\r\x1b[K{}", live_);
}

void Console::EndLive() {
  MutexLock lock(mutex_);
  if (live_.empty()) return;
  live_.clear();
  PrintError("\n");
}

}  // namespace weft
