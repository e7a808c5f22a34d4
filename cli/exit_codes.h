// What every command answers to the shell; the user guide lists them.
#pragma once

namespace weft {

enum ExitCode : int {
  kExitOk = 0,
  kExitFailed = 1,
  kExitUsage = 2,          // the command line, the config file or the seeds are wrong; nothing was started
  kExitNotStored = 3,      // all else went well, but some files could not be brought to the store; the same command goes on
  kExitInterrupted = 130,  // stopped by a signal with URLs left; the same command goes on
};

}  // namespace weft
