// weft node list, drain and forget; weft checkpoint: what is asked of a running cluster.
#include <fmt/ranges.h>

#include <filesystem>

#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/node_text.h"
#include "cli/output.h"
#include "cli/tool_contact.h"
#include "common/status.h"
#include "common/units.h"

namespace weft {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(10);
constexpr absl::Duration kCopyPatience = absl::Hours(24);

int Fail(const absl::Status& status) {
  TellProblem(ErrorText(status));
  return kExitFailed;
}

absl::StatusOr<wire::Frame> AskScheduler(const CommandLine& line, wire::Frame request, absl::Duration patience, bool slow) {
  WEFT_ASSIGN_OR_RETURN(const ToolContact contact, ConnectTool(line, kPatience));
  return contact.client->Ask(std::move(request), patience, slow);
}

absl::StatusOr<wire::NodeReply> AskOfNode(const CommandLine& line, wire::NodeRequest::What what, absl::Duration patience) {
  wire::Frame request;
  request.mutable_node_request()->set_what(what);
  request.mutable_node_request()->set_name(line.invocation.node_name);
  request.mutable_node_request()->set_deadline_us(static_cast<int64_t>(line.invocation.drain_us));
  WEFT_ASSIGN_OR_RETURN(wire::Frame answer, AskScheduler(line, std::move(request), patience, true));
  if (!answer.has_node_reply()) return Internal("an answer that was not asked for");
  if (!answer.node_reply().problem().empty()) return FailedPrecondition("{}", answer.node_reply().problem());
  return answer.node_reply();
}

}  // namespace

int NodeListCommand(const CommandLine& line) {
  wire::Frame request;
  request.mutable_status_request();
  auto answer = AskScheduler(line, std::move(request), kPatience, false);
  if (!answer.ok()) return Fail(answer.status());
  const wire::StatusReply& status = answer->status_reply();
  if (line.invocation.json) {
    nlohmann::ordered_json nodes = nlohmann::ordered_json::array();
    nlohmann::ordered_json away = nlohmann::ordered_json::array();
    for (const wire::NodeStatus& node : status.nodes()) nodes.push_back(NodeJson(node));
    for (const wire::NodeStatus& place : status.places()) away.push_back(PlaceJson(place));
    Print("{}\n", nlohmann::ordered_json{{"nodes", nodes}, {"pages_away", away}}.dump());
    return kExitOk;
  }
  if (status.nodes().empty()) Print("no node is connected\n");
  for (const wire::NodeStatus& node : status.nodes()) Print("{}\n", NodeText(node));
  for (const wire::NodeStatus& place : status.places()) Print("{}\n", PlaceText(place));
  return kExitOk;
}

int NodeDrainCommand(const CommandLine& line) {
  const absl::Duration deadline = absl::Microseconds(static_cast<int64_t>(line.invocation.drain_us));
  auto reply = AskOfNode(line, wire::NodeRequest::DRAIN, deadline + kPatience);
  if (!reply.ok()) return Fail(reply.status());
  if (!reply->late().empty()) {
    PrintError("weft: at the deadline {} had not ended; what is not handed in is fetched again\n",
               fmt::join(reply->late(), ", "));
    return kExitFailed;
  }
  Print("drained: {}\n", fmt::join(reply->nodes(), ", "));
  return kExitOk;
}

int NodeForgetCommand(const CommandLine& line) {
  auto reply = AskOfNode(line, wire::NodeRequest::FORGET, kPatience);
  if (!reply.ok()) return Fail(reply.status());
  Print("forgotten: {}{} returned\n", reply->nodes().empty() ? "" : fmt::format("{}; ", fmt::join(reply->nodes(), ", ")),
        HumanCount(reply->leases(), "lease"));
  for (const std::string& place : reply->pages()) {
    Print("lost: the pages in {}, unless that directory is brought back\n", place);
  }
  return kExitOk;
}

int CheckpointCommand(const CommandLine& line) {
  wire::Frame request;
  wire::CheckpointRequest* wanted = request.mutable_checkpoint_request();
  if (!line.invocation.checkpoint_to.empty()) {
    wanted->set_to(std::filesystem::absolute(line.invocation.checkpoint_to).lexically_normal().string());
  }
  auto answer = AskScheduler(line, std::move(request), kCopyPatience, true);
  if (!answer.ok()) return Fail(answer.status());
  const wire::CheckpointReply& made = answer->checkpoint_reply();
  if (!made.problem().empty()) return Fail(FailedPrecondition("no checkpoint was made: {}", made.problem()));
  Print("{}: {}, to commit {}, in {}\n", made.path(), HumanSize(made.bytes()), made.commit(),
        weft::FormatDuration(absl::Trunc(absl::Microseconds(made.took_us()), absl::Milliseconds(1))));
  return kExitOk;
}

}  // namespace weft
