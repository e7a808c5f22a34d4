#include "cli/console.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

namespace weft {

Console::Console() : is_terminal_(isatty(STDERR_FILENO) == 1) {}

void Console::Line(const std::string& text) {
  MutexLock lock(mutex_);
  if (live_.empty()) {
    fmt::print(stderr, "{}\n", text);
  } else {
    fmt::print(stderr, "\r\x1b[K{}\n{}", text, live_);
  }
  std::fflush(stderr);
}

void Console::Live(const std::string& text) {
  if (!is_terminal_) return;
  MutexLock lock(mutex_);
  live_ = text;
  fmt::print(stderr, "\r\x1b[K{}", live_);
  std::fflush(stderr);
}

void Console::EndLive() {
  MutexLock lock(mutex_);
  if (live_.empty()) return;
  live_.clear();
  fmt::print(stderr, "\n");
}

}  // namespace weft
