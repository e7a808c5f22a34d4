// Connects a tool to a running scheduler: by its directory on its own machine (--data), where who may write needs no key, or by
// --join or --scheduler.
// Thread rule: one thread; blocks until the scheduler has answered or the patience is over.
#pragma once

#include <absl/status/statusor.h>

#include <memory>

#include "cli/crawl_directory.h"
#include "cli/options.h"
#include "cli/tool_client.h"

namespace weft {

struct ToolContact {
  std::unique_ptr<CrawlDirectory> directory;   // that --data names
  std::unique_ptr<ToolClient> client;
};

// Unavailable, for people, where no scheduler runs or answers.
absl::StatusOr<ToolContact> ConnectTool(const CommandLine& line, absl::Duration patience);

}  // namespace weft
