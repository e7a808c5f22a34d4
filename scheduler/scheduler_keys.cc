// Whose frames the scheduler takes: keys that hold (rule 33), and of two processes with one key the first.
#include <utility>

#include <fmt/format.h>

#include "scheduler/scheduler_node_impl.h"

namespace weft {
namespace {

// A process that is alive is heard within so many heartbeats.
constexpr int kBeatsOfProof = 3;

}  // namespace

bool SchedulerNode::Impl::MaySpeak(const PeerId& from, const PeerKey& key) {
  NodeEntry* node = nodes.Find(from);
  // Where no key is asked for, none is needed. A connection never changes hands.
  const bool holds = key.empty() || KeyHolds(keys, key);
  const bool same = node == nullptr || node->key == key;
  if (holds && same && (node == nullptr || !node->replaced)) return true;
  ++refused_frames;
  if (node != nullptr && same && node->replaced) {
    RefuseNode(from, *node, "its token is used by another process now: a process that had stood still for long, or a copy");
  }
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

// Another process works under the same key, and was heard after that time.
bool SchedulerNode::Impl::HasTwin(const PeerId& peer, const NodeEntry& node, absl::Time heard_after) const {
  if (node.key.empty() || node.info.tool()) return false;
  for (const auto& [other_peer, other] : nodes.nodes()) {
    const bool twin = other_peer != peer && other.key == node.key && other.works() && !other.said_goodbye &&
                      other.info.process() != node.info.process();
    if (twin && other.last_heard > heard_after) return true;
  }
  return false;
}

// Who registers under a key that is at work waits until its twin is heard, and is refused then. A twin that died, as when a
// worker is started again, is not: it gives way, and the other registers anew.
void SchedulerNode::Impl::SettleTwins() {
  const absl::Time now = clock.SteadyNow();
  bool parsers_changed = false;
  for (auto& [peer, node] : nodes.nodes()) {
    if (node.waits_since == absl::InfiniteFuture()) continue;
    if (HasTwin(peer, node, node.waits_since)) {
      RefuseNode(peer, node, fmt::format("the token '{}' is in use by another process; each process needs its own: weft token "
                                         "new, on the scheduler's machine", keys[node.key].name));
      continue;
    }
    const bool alone = !HasTwin(peer, node, absl::InfinitePast());
    if (!alone && now - node.waits_since <= kBeatsOfProof * options.heartbeat) continue;
    for (auto& [other_peer, other] : nodes.nodes()) {
      if (other.key != node.key || !other.works() || other.info.process() == node.info.process()) continue;
      parsers_changed = parsers_changed || other.info.parses();
      other.registered = false;
      other.replaced = true;
      leases.NodeGone(other_peer);
    }
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
