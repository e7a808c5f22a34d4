// The nodes that are connected to the scheduler: their sessions, what they are, their credit, and when they were heard.
// Thread rule: the scheduler's loop.
#pragma once

#include <absl/time/time.h>

#include <map>
#include <string>
#include <string_view>

#include "common/session_link.h"

namespace weft {

struct NodeEntry {
  NodeEntry(Bus* bus, const PeerId& peer, uint64_t session, uint64_t first_life) : link(bus, peer, session, first_life) {}

  SessionLink link;
  bool registered = false;
  wire::Register info;
  absl::Time last_heard;
  // Leases are counted per session: granted <= limit (rule 25).
  uint64_t lease_limit = 0;
  uint64_t leases_granted = 0;
  uint64_t leases_held = 0;
  // The newest heartbeat: grants run from the moment it was sent (rule 16).
  int64_t heartbeat_sent_us = 0;
  absl::Time heartbeat_received = absl::InfinitePast();
  // The node proves that it hears us by echoing one of the last two nonces (rule 17).
  uint64_t nonce = 0;
  uint64_t nonce_before = 0;
  bool draining = false;
  bool said_goodbye = false;
  // Whose frames are taken from this connection: who sent the first one (rule 33). "": it needs none.
  PeerKey key;
  // Another process registered, or is about to, under the same key or name (scheduler_keys.cc).
  absl::Time waits_since = absl::InfiniteFuture();
  uint64_t arrival = 0;  // its first registration's place among all; 0: none yet
  std::string replaced;  // not empty: by one that did, and what this one is told when it speaks again
  bool refused = false;  // and told so, in this session
  bool told_to_drain = false;
  // What it last told of itself.
  uint64_t pages = 0;
  uint64_t held = 0;
  absl::Duration lag;
  double pages_per_s = 0;
  wire::StoreStatus store;  // without a URL: none
  wire::Refusals refusals;
  absl::Time rate_at = absl::InfinitePast();

  // "": every node has it.
  bool HasTag(std::string_view tag) const;
  bool works() const { return registered && !info.tool(); }
  // The node begins anew: what it registered as, and its credit, belong to the session before.
  void BeginSession();
  void NoteLoad(const wire::Heartbeat& beat, absl::Time now);
  // "machine/pid", or the name that its worker was given.
  std::string_view worker() const { return info.worker().empty() ? std::string_view(info.name()) : info.worker(); }
  // As a person may call it: by itself, with its worker, or with its machine.
  bool IsCalled(std::string_view name) const;
};

class NodeTable {
 public:
  NodeTable(Bus& bus, uint64_t session) : bus_(bus), session_(session) {}

  // Bounded: a stranger beyond the limit is not remembered (null). `now`: when a new one was heard.
  NodeEntry* FindOrAdd(const PeerId& peer, absl::Time now);
  NodeEntry* Find(const PeerId& peer);
  void Remove(const PeerId& peer);
  // To a node that has gone: dropped.
  void Send(const PeerId& peer, wire::Frame frame);
  void PushParsers();
  // Those that work, by their random id; null: not connected.
  NodeEntry* FindWorking(uint64_t node_id);

  // The fetcher with the most free lease credit that was heard since `heard_after` and has the tag; null if none has any.
  NodeEntry* FetcherWithCredit(absl::Time heard_after, std::string_view tag = {});
  // Of all that have the tag.
  uint64_t CreditFor(std::string_view tag, absl::Time heard_after) const;
  // Nobody was silent while this process itself stood still (rule 30).
  void ExtendSilence(absl::Duration gap);

  std::map<PeerId, NodeEntry>& nodes() { return nodes_; }
  const std::map<PeerId, NodeEntry>& nodes() const { return nodes_; }

 private:
  static constexpr size_t kMaxNodes = 4096;

  Bus& bus_;
  uint64_t session_;
  uint64_t lost_links_ = 0;            // forgotten with messages that may still be under way
  std::map<PeerId, NodeEntry> nodes_;  // ordered: a simulated run repeats
};

// All live parsers' addresses, as nodes are told.
void FillParsers(const NodeTable& nodes, google::protobuf::RepeatedPtrField<wire::ParserAddress>* parsers);
// As tools are told: those that leave may still be asked for what is stored.
void FillServing(const NodeTable& nodes, google::protobuf::RepeatedPtrField<wire::ParserAddress>* parsers);

}  // namespace weft
