#include "scheduler/node_table.h"

#include <utility>

namespace weft {

NodeEntry* NodeTable::FindOrAdd(const PeerId& peer, absl::Time now) {
  auto it = nodes_.find(peer);
  if (it == nodes_.end()) {
    if (nodes_.size() >= kMaxNodes) return nullptr;
    it = nodes_.try_emplace(peer, &bus_, peer, session_).first;
  }
  it->second.last_heard = now;
  return &it->second;
}

NodeEntry* NodeTable::Find(const PeerId& peer) {
  auto it = nodes_.find(peer);
  return it == nodes_.end() ? nullptr : &it->second;
}

void NodeTable::Send(const PeerId& peer, wire::Frame frame) {
  NodeEntry* node = Find(peer);
  if (node != nullptr) node->link.Send({std::move(frame), nullptr});
}

void NodeTable::PushParsers() {
  wire::Frame frame;
  FillParsers(*this, frame.mutable_peers()->mutable_parsers());
  for (auto& [peer, node] : nodes_) {
    if (node.registered && node.info.fetches()) node.link.Send({frame, nullptr});
  }
}

NodeEntry* NodeTable::FetcherWithCredit(absl::Time heard_after) {
  NodeEntry* best = nullptr;
  uint64_t best_free = 0;
  for (auto& [peer, node] : nodes_) {
    if (!node.registered || !node.info.fetches() || node.draining || node.heartbeat_received < heard_after) continue;
    if (node.lease_limit <= node.leases_granted) continue;
    uint64_t free = node.lease_limit - node.leases_granted;
    // The emptiest node first; the id only makes the choice repeatable.
    if (best == nullptr || free > best_free || (free == best_free && node.info.node_id() < best->info.node_id())) {
      best = &node;
      best_free = free;
    }
  }
  return best;
}

void NodeTable::ExtendSilence(absl::Duration gap) {
  for (auto& [peer, node] : nodes_) {
    node.last_heard += gap;
    node.heartbeat_received += gap;
    node.waits_since += gap;
  }
}

void FillParsers(const NodeTable& nodes, google::protobuf::RepeatedPtrField<wire::ParserAddress>* parsers) {
  for (const auto& [peer, node] : nodes.nodes()) {
    if (!node.registered || !node.info.parses() || node.draining) continue;
    wire::ParserAddress* address = parsers->Add();
    address->set_node_id(node.info.node_id());
    address->set_endpoint(node.info.pages_endpoint());
    address->set_public_key(node.key);
  }
}

}  // namespace weft
