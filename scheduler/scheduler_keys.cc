// Whose frames the scheduler takes: keys that hold (rule 33), and of two processes with one key, or one name, the first.
#include <algorithm>
#include <cstdint>
#include <utility>

#include <fmt/format.h>

#include "scheduler/scheduler_node_impl.h"

namespace weft {
namespace {

// A process that is alive is heard within so many heartbeats.
constexpr int kBeatsOfProof = 3;

// "machine/pid", which nobody chose: a process alone has it, or containers that share a host name and each are process 1. Their nodes
// are told apart by what they draw at random.
bool HasChosenName(const wire::Register& info) {
  const std::string& name = info.worker();
  const std::string front = info.machine() + "/";
  const bool chosen = !name.starts_with(front) || name.find_first_not_of("0123456789", front.size()) != std::string::npos;
  return !name.empty() && chosen;
}

bool SameKey(const NodeEntry& a, const NodeEntry& b) { return !a.key.empty() && a.key == b.key; }

// A fetcher and a parser by themselves may well be parts of what people call one worker.
bool SameName(const NodeEntry& a, const NodeEntry& b) {
  const bool same_work = (a.info.fetches() && b.info.fetches()) || (a.info.parses() && b.info.parses());
  return same_work && a.info.worker() == b.info.worker() && HasChosenName(a.info) && HasChosenName(b.info);
}

bool AreTwins(const NodeEntry& a, const NodeEntry& b) {
  return a.info.process() != b.info.process() && (SameKey(a, b) || SameName(a, b));
}

std::string WhyTwinRefused(const NodeEntry& twin, bool same_key, const NodeKeys& keys) {
  if (same_key) {
    const auto token = keys.find(twin.key);
    return fmt::format("the token '{}' is in use by another process; each process needs its own: weft token new, on the scheduler's machine",
                       token == keys.end() ? "" : token->second.name);
  }
  return fmt::format("the name '{}' is in use by another worker, on {}; give this one another with --name, or leave --name out",
                     twin.info.worker(), twin.info.machine());
}

std::string WhyReplaced(const NodeEntry& node, bool same_key) {
  if (same_key) return "its token is used by another process now: a process that had stood still for long, or a copy";
  return fmt::format("the name '{}' is another worker's now, which took it while this one was not heard; start this one again with a --name of "
                     "its own", node.info.worker());
}

}  // namespace

bool SchedulerNode::Impl::MaySpeak(const PeerId& from, const PeerKey& key) {
  NodeEntry* node = nodes.Find(from);
  // Where no key is asked for, none is needed. A connection never changes hands.
  const bool holds = key.empty() || KeyHolds(keys, key);
  const bool same = node == nullptr || node->key == key;
  if (holds && same && (node == nullptr || node->replaced.empty())) return true;
  ++refused_frames;
  if (node != nullptr && same && !node->replaced.empty()) RefuseNode(from, *node, node->replaced);
  return false;
}

// What it has out under leases comes back when their deadlines have passed: whether it stops asking is not for us to know.
void SchedulerNode::Impl::RefuseNode(const PeerId& peer, NodeEntry& node, const std::string& reason) {
  if (node.refused) return;
  node.refused = true;
  ++refused_registrations;
  const bool parsed = node.works() && node.info.parses();
  node.registered = false;
  node.waits_since = absl::InfiniteFuture();
  leases.NodeGone(peer);
  wire::Frame frame;
  frame.mutable_register_refused()->set_reason(reason);
  node.link.Send({std::move(frame), nullptr});
  if (parsed) nodes.PushParsers();
}

// Another process works under the same key, or name, and was heard after that time; null: none.
const NodeEntry* SchedulerNode::Impl::FindTwin(const PeerId& peer, const NodeEntry& node, absl::Time heard_after) const {
  if (node.info.tool()) return nullptr;
  for (const auto& [other_peer, other] : nodes.nodes()) {
    const bool at_work = other_peer != peer && other.works() && !other.said_goodbye;
    if (at_work && AreTwins(other, node) && other.last_heard > heard_after) return &other;
  }
  return nullptr;
}

// Twins that are not heard any more. Under another key a name proves nothing: such a one stays until it is forgotten.
bool SchedulerNode::Impl::ReplaceTwins(const NodeEntry& node, bool& parsers_changed) {
  bool all = true;
  for (auto& [other_peer, other] : nodes.nodes()) {
    if (!other.works() || !AreTwins(other, node)) continue;
    if (other.key != node.key && !other.said_goodbye) all = false;
    if (other.key != node.key) continue;
    parsers_changed = parsers_changed || other.info.parses();
    other.registered = false;
    other.replaced = WhyReplaced(other, SameKey(other, node));
    leases.NodeGone(other_peer);
  }
  return all;
}

// Whether the process of `node` registered its first node before that of `other` did.
bool SchedulerNode::Impl::CameBefore(const NodeEntry& node, const NodeEntry& other) const {
  uint64_t first = UINT64_MAX;
  uint64_t others = UINT64_MAX;
  for (const auto& [peer, one] : nodes.nodes()) {
    if (one.arrival == 0 || one.info.tool() || one.refused) continue;
    if (one.info.process() == node.info.process()) first = std::min(first, one.arrival);
    if (one.info.process() == other.info.process()) others = std::min(others, one.arrival);
  }
  return first < others;
}

void SchedulerNode::Impl::RefuseTwinsOf(const NodeEntry& node) {
  for (auto& [peer, other] : nodes.nodes()) {
    if (other.works() && AreTwins(other, node)) RefuseNode(peer, other, WhyTwinRefused(node, SameKey(other, node), keys));
  }
}

// Who registers under a key, or a name, that is at work waits until its twin is heard, and is refused then. A twin that died, as when
// a worker is started again, is not: it gives way, and the other registers anew.
void SchedulerNode::Impl::SettleTwins() {
  const absl::Time now = clock.SteadyNow();
  bool parsers_changed = false;
  for (auto& [peer, node] : nodes.nodes()) {
    if (node.waits_since == absl::InfiniteFuture()) continue;
    if (const NodeEntry* twin = FindTwin(peer, node, node.waits_since)) {
      // Of two workers that begin at once each may have a node at work: who came first has them all.
      if (CameBefore(node, *twin)) {
        RefuseTwinsOf(node);
      } else {
        RefuseNode(peer, node, WhyTwinRefused(*twin, SameKey(*twin, node), keys));
      }
      continue;
    }
    const bool alone = FindTwin(peer, node, absl::InfinitePast()) == nullptr;
    if (!alone && now - node.waits_since <= kBeatsOfProof * options.heartbeat) continue;
    if (!ReplaceTwins(node, parsers_changed)) continue;
    node.waits_since = absl::InfiniteFuture();
    SayUnknown(peer, node.link.peer_session());
  }
  if (parsers_changed) nodes.PushParsers();
}

void SchedulerNode::Impl::SendAllowedKeys(NodeEntry& parser) {
  if (!parser.info.parses() || parser.key.empty()) return;
  wire::Frame frame;
  wire::AllowedKeys* allowed = frame.mutable_allowed_keys();
  for (const PeerKey& key : KeysThatFetch(keys)) allowed->add_keys(key);
  for (const PeerKey& key : KeysOfTools(keys)) allowed->add_tools(key);
  parser.link.Send({std::move(frame), nullptr});
}

void SchedulerNode::SetKeys(NodeKeys keys) {
  Impl& s = *impl_;
  if (!s.failed.ok()) return;
  s.keys = std::move(keys);
  s.bus.AllowKeys(KeysThatHold(s.keys));
  // Parsers last: who may not know of them any more is not told that they are gone.
  for (const bool parsers : {false, true}) {
    for (auto& [peer, node] : s.nodes.nodes()) {
      if (node.info.parses() != parsers || node.key.empty() || KeyHolds(s.keys, node.key)) continue;
      const auto known = s.keys.find(node.key);
      s.RefuseNode(peer, node, known == s.keys.end() ? std::string("its key is not known here any more")
                                                     : fmt::format("the token '{}' was revoked", known->second.name));
    }
  }
  for (auto& [peer, node] : s.nodes.nodes()) {
    if (node.registered) s.SendAllowedKeys(node);
  }
}

}  // namespace weft
