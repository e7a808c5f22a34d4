#include "cli/tool_contact.h"

#include <fmt/format.h>

#include <cstdio>

#include "cli/output.h"
#include "cli/reach.h"
#include "common/status.h"

namespace weft {

absl::StatusOr<ToolContact> ConnectTool(const CommandLine& line, absl::Duration patience) {
  ToolContact contact;
  Reach reach;
  if (line.invocation.data_dir.empty()) {
    WEFT_ASSIGN_OR_RETURN(reach, FindReach(line, [](const std::string& text) { TellProblem(text); }));
  } else {
    WEFT_ASSIGN_OR_RETURN(contact.directory, CrawlDirectory::OpenToRead(line.invocation.data_dir));
    if (contact.directory->running_pid() == 0) {
      return Unavailable("--data {}: no scheduler runs there; start it first", line.invocation.data_dir);
    }
    reach.endpoint = contact.directory->control_endpoint();
  }
  WEFT_ASSIGN_OR_RETURN(contact.client, ToolClient::Connect(reach, patience));
  return contact;
}

}  // namespace weft
