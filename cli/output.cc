#include "cli/output.h"

#include <signal.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "cli/exit_codes.h"

namespace weft {

// The signal that a closed pipe raises goes to this thread, and is taken back before it could end the process.
void PutError(std::string_view text) {
  sigset_t pipe;
  sigset_t before;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, &before);
  const bool written = std::fwrite(text.data(), 1, text.size(), stderr) == text.size() && std::fflush(stderr) == 0;
  const timespec at_once{};
  if (!written && sigismember(&before, SIGPIPE) == 0) sigtimedwait(&pipe, nullptr, &at_once);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void TellProblem(std::string_view text) { PrintError("weft: {}\n", text); }

void Put(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); }

void PutLine(std::string_view text) {
  Put(text);
  std::fputc('\n', stdout);
}

int EndOfOutput(int code) {
  const int error = std::fflush(stdout) == 0 ? 0 : errno;
  if (error == 0 && std::ferror(stdout) == 0) return code;
  if (error != EPIPE) TellProblem(error == 0 ? "cannot write the output" : fmt::format("cannot write the output: {}", std::strerror(error)));
  return kExitFailed;
}

}  // namespace weft
