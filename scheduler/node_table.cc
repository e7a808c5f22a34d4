#include "scheduler/node_table.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "common/utf8.h"

namespace weft {
namespace {

constexpr size_t kMostWords = 1024;

// A fetcher with credit.
bool MayLease(const NodeEntry& node, absl::Time heard_after) {
  const bool stays = !node.draining && !node.told_to_drain;
  return node.registered && node.info.fetches() && stays && node.heartbeat_received >= heard_after &&
         node.lease_limit > node.leases_granted;
}

}  // namespace

void NodeEntry::BeginSession() {
  registered = false;
  lease_limit = leases_granted = 0;
  nonce = nonce_before = 0;
  heartbeat_received = absl::InfinitePast();
  said_goodbye = draining = told_to_drain = false;
  waits_since = absl::InfiniteFuture();
  refused = false;
}

// Smoothed over about ten seconds; a node that has begun anew counts from there.
void NodeEntry::NoteLoad(const wire::Heartbeat& beat, absl::Time now) {
  constexpr double kWindow = 10;
  constexpr double kShortest = 0.2;
  held = beat.held();
  lag = absl::Microseconds(std::max<int64_t>(0, beat.lag_us()));
  store = beat.store();
  refusals = beat.refusals();
  // Words of a node: they are shown, and held for each.
  for (std::string* text : {store.mutable_url(), store.mutable_trouble(), store.mutable_last_error()}) {
    if (text->size() > kMostWords) *text = ReplaceInvalidUtf8(text->substr(0, kMostWords));
  }
  const double seconds = rate_at == absl::InfinitePast() ? 0 : absl::ToDoubleSeconds(now - rate_at);
  if (rate_at != absl::InfinitePast() && seconds < kShortest) return;
  if (seconds > 0 && beat.pages() >= pages) {
    const double rate = static_cast<double>(beat.pages() - pages) / seconds;
    pages_per_s += (rate - pages_per_s) * (1 - std::exp(-seconds / kWindow));
  }
  pages = beat.pages();
  rate_at = now;
}

bool NodeEntry::IsCalled(std::string_view name) const {
  return !name.empty() && (name == info.name() || name == worker() || name == info.machine());
}

bool NodeEntry::HasTag(std::string_view tag) const {
  return tag.empty() || std::find(info.tags().begin(), info.tags().end(), tag) != info.tags().end();
}

NodeEntry* NodeTable::FindWorking(uint64_t node_id) {
  NodeEntry* found = nullptr;
  for (auto& [peer, node] : nodes_) {
    if (!node.works() || node.info.node_id() != node_id) continue;
    // After a reconnect its old connection is there until it has been silent for long.
    if (found == nullptr || node.last_heard > found->last_heard) found = &node;
  }
  return found;
}

NodeEntry* NodeTable::FindOrAdd(const PeerId& peer, absl::Time now) {
  auto it = nodes_.find(peer);
  if (it == nodes_.end()) {
    if (nodes_.size() >= kMaxNodes) return nullptr;
    it = nodes_.try_emplace(peer, &bus_, peer, session_, lost_links_).first;
    it->second.last_heard = now;
  }
  return &it->second;
}

void NodeTable::Remove(const PeerId& peer) {
  const NodeEntry* node = Find(peer);
  if (node != nullptr && node->link.unconfirmed() > 0) ++lost_links_;
  nodes_.erase(peer);
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

uint64_t NodeTable::CreditFor(std::string_view tag, absl::Time heard_after) const {
  uint64_t credit = 0;
  for (const auto& [peer, node] : nodes_) {
    if (MayLease(node, heard_after) && node.HasTag(tag)) credit += node.lease_limit - node.leases_granted;
  }
  return credit;
}

NodeEntry* NodeTable::FetcherWithCredit(absl::Time heard_after, std::string_view tag) {
  NodeEntry* best = nullptr;
  uint64_t best_free = 0;
  for (auto& [peer, node] : nodes_) {
    if (!MayLease(node, heard_after) || !node.HasTag(tag)) continue;
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

namespace {

void AddParser(const NodeEntry& node, google::protobuf::RepeatedPtrField<wire::ParserAddress>* parsers) {
  wire::ParserAddress* address = parsers->Add();
  address->set_node_id(node.info.node_id());
  address->set_endpoint(node.info.pages_endpoint());
  address->set_public_key(node.key);
  address->set_pages_dir_id(node.info.pages_dir_id());
}

}  // namespace

void FillParsers(const NodeTable& nodes, google::protobuf::RepeatedPtrField<wire::ParserAddress>* parsers) {
  for (const auto& [peer, node] : nodes.nodes()) {
    if (node.registered && node.info.parses() && !node.draining) AddParser(node, parsers);
  }
}

void FillServing(const NodeTable& nodes, google::protobuf::RepeatedPtrField<wire::ParserAddress>* parsers) {
  for (const auto& [peer, node] : nodes.nodes()) {
    if (node.registered && node.info.parses() && !node.said_goodbye) AddParser(node, parsers);
  }
}

}  // namespace weft
