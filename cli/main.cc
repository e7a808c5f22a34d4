// The one binary: reads the command line and hands it to the command.
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/options.h"
#include "cli/output.h"
#include "common/status.h"

int main(int argc, char** argv) {
  const auto line = weft::ParseCommandLine(std::vector<std::string>(argv, argv + argc));
  if (!line.ok()) {
    weft::TellProblem(weft::ErrorText(line.status()));
    return weft::kExitUsage;
  }
  if (!line->help.empty()) {
    weft::Put(line->help);
    return weft::EndOfOutput(weft::kExitOk);
  }
  const weft::CommandMain run = weft::FindCommandMain(line->command);
  if (run == nullptr) {
    weft::PrintError("weft: this build does not hold the command '{}'\n", weft::CommandName(line->command));
    return weft::kExitFailed;
  }
  const int code = run(*line);
  return code == weft::kExitOk ? weft::EndOfOutput(code) : code;
}
