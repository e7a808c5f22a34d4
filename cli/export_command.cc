// weft export: committed pages as JSON Lines.
#include "cli/commands.h"
#include "cli/exit_codes.h"
namespace weft {
int ExportCommand(const CommandLine&) { return kExitFailed; }
}  // namespace weft
