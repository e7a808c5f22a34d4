#include "cli/output.h"

#include <cerrno>
#include <cstdio>

#include "cli/exit_codes.h"

namespace weft {

void PutError(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

void TellProblem(std::string_view text) { PrintError("weft: {}\n", text); }

void PutLine(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fputc('\n', stdout);
}

int EndOfOutput(int code) {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return code;
  if (errno != EPIPE) TellProblem("cannot write the output");
  return kExitFailed;
}

}  // namespace weft
