#include "scheduler/node_desk.h"

#include <algorithm>
#include <utility>

#include "common/status.h"
#include "common/units.h"

namespace weft {
namespace {

constexpr size_t kMostDrains = 64;
constexpr absl::Duration kLongestDrain = absl::Hours(24);
// After a node's own deadline, for its goodbye to arrive.
constexpr absl::Duration kLast = absl::Seconds(1);

bool Matches(const PagesPlace& place, uint64_t id, std::string_view name) {
  return name == place.worker || name == place.machine || name == fmt::format("{:016x}", id);
}

}  // namespace

void NodeDesk::Answer(const PeerId& asker, wire::NodeReply reply) {
  wire::Frame frame;
  *frame.mutable_node_reply() = std::move(reply);
  nodes_.Send(asker, std::move(frame));
}

void NodeDesk::Drain(const PeerId& asker, const wire::NodeRequest& request) {
  Drained drained;
  drained.asker = asker;
  for (const auto& [peer, node] : nodes_.nodes()) {
    if (!node.works() || node.said_goodbye || !node.IsCalled(request.name())) continue;
    drained.nodes.push_back({node.info.node_id(), node.info.name(), node.info.fetches()});
  }
  std::sort(drained.nodes.begin(), drained.nodes.end(), [](const Leaving& a, const Leaving& b) { return a.name < b.name; });
  wire::NodeReply refusal;
  if (drained.nodes.empty()) {
    refusal.set_problem(fmt::format("no node is called '{}'; weft node list names them", request.name()));
    return Answer(asker, std::move(refusal));
  }
  if (drains_.size() >= kMostDrains) {
    refusal.set_problem(fmt::format("{} drains are under way; wait for their end", drains_.size()));
    return Answer(asker, std::move(refusal));
  }
  absl::Duration most = request.deadline_us() > 0 ? absl::Microseconds(request.deadline_us()) : options_.drain;
  drained.deadline = clock_.SteadyNow() + std::min(most, kLongestDrain);
  drains_.push_back(std::move(drained));
  OnTick();
}

bool NodeDesk::HasLeft(uint64_t node_id) {
  const NodeEntry* node = nodes_.FindWorking(node_id);
  return node == nullptr || node->said_goodbye;
}

// One that has registered again meanwhile is told again.
void NodeDesk::Tell(const Leaving& leaving, absl::Duration left) {
  NodeEntry* node = nodes_.FindWorking(leaving.node_id);
  if (node == nullptr || node->said_goodbye || node->told_to_drain) return;
  wire::Frame frame;
  frame.mutable_drain()->set_deadline_us(absl::ToInt64Microseconds(std::max(left, absl::Seconds(1))));
  node->link.Send({std::move(frame), nullptr});
  node->told_to_drain = true;
}

bool NodeDesk::Advance(Drained& drained) {
  const absl::Duration left = drained.deadline - clock_.SteadyNow();
  bool fetchers_left = true;
  for (const Leaving& one : drained.nodes) {
    if (!one.fetches) continue;
    Tell(one, left);
    fetchers_left = fetchers_left && HasLeft(one.node_id);
  }
  for (const Leaving& one : drained.nodes) {
    if (!one.fetches && (fetchers_left || left < absl::ZeroDuration())) Tell(one, left);
  }
  wire::NodeReply reply;
  for (const Leaving& one : drained.nodes) {
    reply.add_nodes(one.name);
    if (!HasLeft(one.node_id)) reply.add_late(one.name);
  }
  if (!reply.late().empty() && left + kLast > absl::ZeroDuration()) return false;
  Answer(drained.asker, std::move(reply));
  return true;
}

void NodeDesk::OnTick() {
  std::erase_if(drains_, [this](Drained& drained) { return Advance(drained); });
}

void NodeDesk::ExtendDeadlines(absl::Duration gap) {
  for (Drained& drained : drains_) drained.deadline += gap;
}

absl::Status NodeDesk::Forget(const PeerId& asker, const wire::NodeRequest& request, PagesPlaces& places) {
  wire::NodeReply reply;
  std::vector<PeerId> gone;
  const absl::Time now = clock_.SteadyNow();
  for (const auto& [peer, node] : nodes_.nodes()) {
    if (!node.works() || !node.IsCalled(request.name())) continue;
    if (!node.said_goodbye && now - node.last_heard <= options_.dead_after) {
      reply.set_problem(fmt::format("{} was heard {} ago: it is alive; weft node drain lets it leave in order", node.info.name(),
                                    weft::FormatDuration(absl::Trunc(now - node.last_heard, absl::Milliseconds(1)))));
      Answer(asker, std::move(reply));
      return absl::OkStatus();
    }
    // Silence does not tell a dead node from one that is cut off, which may ask until then (rule 16).
    if (const absl::Duration left = leases_.AsksUntil(peer) - now; !node.said_goodbye && left > absl::ZeroDuration()) {
      reply.set_problem(fmt::format("{} may still be asking under leases, if it is only cut off: try again in {}", node.info.name(),
                                    weft::FormatDuration(absl::Ceil(left, absl::Seconds(1)))));
      Answer(asker, std::move(reply));
      return absl::OkStatus();
    }
    gone.push_back(peer);
  }
  for (const PeerId& peer : gone) {
    reply.add_nodes(nodes_.Find(peer)->info.name());
    WEFT_ASSIGN_OR_RETURN(const uint64_t returned, leases_.EndLeasesOf(peer));
    reply.set_leases(reply.leases() + returned);
    leases_.NodeGone(peer);
    nodes_.Remove(peer);
  }
  if (!gone.empty()) nodes_.PushParsers();
  for (auto& [id, place] : places) {
    const uint64_t wanted = id;
    const bool here = std::any_of(nodes_.nodes().begin(), nodes_.nodes().end(), [&](const auto& one) {
      return one.second.works() && !one.second.said_goodbye && one.second.info.pages_dir_id() == wanted;
    });
    if (here || !Matches(place, id, request.name())) continue;
    place.forgotten = true;
    reply.add_pages(fmt::format("{}:{}", place.machine, place.path));
  }
  if (!reply.pages().empty()) WEFT_RETURN_IF_ERROR(WritePagesPlaces(db_, places));
  if (gone.empty() && reply.pages().empty()) {
    reply.set_problem(fmt::format("no node or pages directory is called '{}'; weft node list names them", request.name()));
  }
  Answer(asker, std::move(reply));
  return absl::OkStatus();
}

}  // namespace weft
