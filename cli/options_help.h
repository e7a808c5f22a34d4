// The help texts, written from the table of options.
#pragma once

#include <string>

#include "cli/options.h"

namespace weft {

// `weft --help`: the commands.
std::string OverallHelp();
// `weft COMMAND --help`: usage, options by group with unit and default, examples.
std::string CommandHelp(Command command);
// Every option of every command as Markdown: docs/options.md.
std::string OptionsReference();
// One line: "weft crawl SEEDS... --out DIR [options]".
std::string CommandUsage(Command command);

}  // namespace weft
