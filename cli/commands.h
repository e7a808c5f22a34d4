// What the commands are run by: one file each, *_command.cc.
#pragma once

#include "cli/options.h"

namespace weft {

// Runs a checked command line and answers an ExitCode; messages go to standard error.
using CommandMain = int (*)(const CommandLine& line);

int CrawlCommand(const CommandLine& line);
int SchedulerCommand(const CommandLine& line);
int WorkerCommand(const CommandLine& line);
int FetcherCommand(const CommandLine& line);
int ParserCommand(const CommandLine& line);
int SeedsAddCommand(const CommandLine& line);
int StatusCommand(const CommandLine& line);
int ExportCommand(const CommandLine& line);
int PolitenessCommand(const CommandLine& line);
int TrapsCommand(const CommandLine& line);
int NodeListCommand(const CommandLine& line);
int NodeDrainCommand(const CommandLine& line);
int NodeForgetCommand(const CommandLine& line);
int CheckpointCommand(const CommandLine& line);
int InspectCommand(const CommandLine& line);
int WarcCheckCommand(const CommandLine& line);
int WarcCatCommand(const CommandLine& line);
int WarcExtractCommand(const CommandLine& line);
int IndexCommand(const CommandLine& line);
int WaczCommand(const CommandLine& line);
int ImportCommand(const CommandLine& line);
int TokenNewCommand(const CommandLine& line);
int TokenListCommand(const CommandLine& line);
int TokenRevokeCommand(const CommandLine& line);
int StorePushCommand(const CommandLine& line);
int StorePullCommand(const CommandLine& line);
int StoreListCommand(const CommandLine& line);

// Null for a command that this build does not hold.
CommandMain FindCommandMain(Command command);

}  // namespace weft
