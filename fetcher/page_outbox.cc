#include "fetcher/page_outbox.h"

#include <algorithm>
#include <utility>

namespace weft {
namespace {

constexpr absl::Duration kRefusalPause = absl::Seconds(5);

}  // namespace

PageOutbox::PageOutbox(Bus& bus, const Clock& clock, Random& random, uint64_t node_id,
                       absl::AnyInvocable<void(const OutPage& page)> released)
    : bus_(bus), clock_(clock), random_(random), node_id_(node_id), released_(std::move(released)) {}

void PageOutbox::Greet(Parser& parser) {
  parser.credit_items = parser.credit_bytes = 0;
  parser.sent_items = parser.sent_bytes = 0;
  wire::Frame frame;
  frame.mutable_page_hello()->set_node_id(node_id_);
  parser.link.Send({std::move(frame), nullptr});
}

void PageOutbox::SetParsers(const google::protobuf::RepeatedPtrField<wire::ParserAddress>& parsers) {
  std::vector<PeerId> gone;
  for (const auto& [peer, known] : parsers_) {
    bool listed = std::any_of(parsers.begin(), parsers.end(), [&parser = known](const wire::ParserAddress& address) {
      return address.node_id() == parser.node_id && address.endpoint() == parser.endpoint;
    });
    if (!listed) gone.push_back(peer);
  }
  for (const PeerId& peer : gone) {
    Recall(peer);
    bus_.Disconnect(peer);
    parsers_.erase(peer);
  }
  for (const wire::ParserAddress& address : parsers) {
    bool known = std::any_of(parsers_.begin(), parsers_.end(),
                             [&](const auto& entry) { return entry.second.node_id == address.node_id(); });
    if (known) continue;
    auto peer = bus_.ConnectTo(address.endpoint(), address.public_key());
    if (!peer.ok()) continue;  // told again with the next change of the list
    Parser parser{address.node_id(), address.endpoint(), SessionLink(&bus_, *peer, random_.NextId()), 0, 0, 0, 0,
                  clock_.SteadyNow(), absl::InfinitePast(), absl::InfinitePast()};
    Greet(parsers_.emplace(*peer, std::move(parser)).first->second);
  }
  Assign();
}

void PageOutbox::Recall(const PeerId& peer) {
  for (auto& [id, held] : pages_) {
    if (held.parser != peer) continue;
    held.parser.clear();
    held.out.page.set_crashes(held.out.page.crashes() + 1);  // it may be what it was lost by (rule 14)
    waiting_.push_back(id);
  }
}

PageOutbox::Parser* PageOutbox::Choose(uint64_t bytes) {
  Parser* best = nullptr;
  uint64_t best_free = 0;
  absl::Time now = clock_.SteadyNow();
  for (auto& [peer, parser] : parsers_) {
    if (parser.blocked_until > now || parser.sent_items >= parser.credit_items ||
        parser.sent_bytes + bytes > parser.credit_bytes) {
      continue;
    }
    uint64_t free = parser.credit_items - parser.sent_items;
    if (best == nullptr || free > best_free || (free == best_free && parser.node_id < best->node_id)) {
      best = &parser;
      best_free = free;
    }
  }
  return best;
}

void PageOutbox::SendPage(Parser& parser, Held& held) {
  held.parser = parser.link.peer();
  parser.sent_items += 1;
  parser.sent_bytes += held.out.bytes;
  wire::Frame frame;
  *frame.mutable_page() = held.out.page;
  parser.link.Send({std::move(frame), held.out.chunks.empty() ? nullptr : held.out.chunks[0]});
  for (size_t i = 1; i < held.out.chunks.size(); ++i) {
    wire::Frame chunk;
    chunk.mutable_page_chunk()->set_page_id(held.out.page.page_id());
    chunk.mutable_page_chunk()->set_index(static_cast<uint32_t>(i));
    parser.link.Send({std::move(chunk), held.out.chunks[i]});
  }
}

void PageOutbox::Assign() {
  while (!waiting_.empty()) {
    auto it = pages_.find(waiting_.front());
    if (it == pages_.end() || !it->second.parser.empty()) {
      waiting_.pop_front();
      continue;
    }
    Parser* parser = Choose(it->second.out.bytes);
    if (parser == nullptr) return;
    waiting_.pop_front();
    SendPage(*parser, it->second);
  }
}

void PageOutbox::Add(OutPage page) {
  uint64_t id = next_page_id_++;
  page.page.set_page_id(id);
  page.page.set_chunks(static_cast<uint32_t>(page.chunks.size()));
  page.page.set_body_bytes(page.bytes);
  pages_[id].out = std::move(page);
  pages_[id].since = clock_.SteadyNow();
  waiting_.push_back(id);
  Assign();
}

absl::Duration PageOutbox::OldestAge() const {
  return pages_.empty() ? absl::ZeroDuration() : clock_.SteadyNow() - pages_.begin()->second.since;
}

void PageOutbox::OnAck(Parser& parser, const wire::PageAck& ack) {
  parser.credit_items = std::max(parser.credit_items, ack.credit_items());
  parser.credit_bytes = std::max(parser.credit_bytes, ack.credit_bytes());
  for (uint64_t id : ack.page_ids()) {
    auto it = pages_.find(id);
    if (it == pages_.end()) continue;
    // Whoever acknowledges: the page is stored and recorded.
    OutPage out = std::move(it->second.out);
    pages_.erase(it);
    released_(out);
  }
}

void PageOutbox::OnRefused(Parser& parser, const wire::PageRefused& refused) {
  parser.blocked_until = clock_.SteadyNow() + kRefusalPause;
  for (uint64_t id : refused.page_ids()) {
    auto it = pages_.find(id);
    if (it == pages_.end() || it->second.parser != parser.link.peer()) continue;
    it->second.parser.clear();
    waiting_.push_back(id);
  }
}

void PageOutbox::OnMessage(const PeerId& from, Message message) {
  auto it = parsers_.find(from);
  if (it == parsers_.end()) return;
  Parser& parser = it->second;
  if (message.frame.body_case() == wire::Frame::kSessionUnknown) {
    if (message.frame.peer_session() == parser.link.my_session()) {
      Recall(from);
      parser.link = SessionLink(&bus_, from, random_.NextId());
      Greet(parser);
      Assign();
    }
    return;
  }
  uint64_t addressee = message.frame.peer_session();
  if (addressee != 0 && addressee != parser.link.my_session()) return;  // late, to an earlier session of ours
  parser.last_heard = clock_.SteadyNow();
  uint64_t session_before = parser.link.peer_session();
  SessionLink::Received received = parser.link.Receive(std::move(message));
  if (received.peer_lost_us || (received.new_session && session_before != 0)) {
    // The parser began anew: what it held of ours is gone with its memory.
    Recall(from);
    parser.link = SessionLink(&bus_, from, random_.NextId());
    Greet(parser);
    Assign();
    return;
  }
  for (Message& delivered : received.deliver) {
    switch (delivered.frame.body_case()) {
      case wire::Frame::kPageAck:
        OnAck(parser, delivered.frame.page_ack());
        break;
      case wire::Frame::kPageRefused:
        OnRefused(parser, delivered.frame.page_refused());
        break;
      case wire::Frame::kPageBeatReply:
        parser.credit_items = std::max(parser.credit_items, delivered.frame.page_beat_reply().credit_items());
        parser.credit_bytes = std::max(parser.credit_bytes, delivered.frame.page_beat_reply().credit_bytes());
        break;
      default:
        break;
    }
  }
  Assign();
}

void PageOutbox::OnTick(absl::Duration heartbeat, absl::Duration dead_after) {
  absl::Time now = clock_.SteadyNow();
  for (auto& [peer, parser] : parsers_) {
    if (now - parser.last_beat >= heartbeat) {
      parser.last_beat = now;
      wire::Frame frame;
      frame.mutable_page_beat();
      parser.link.SendUnsequenced({std::move(frame), nullptr});
    }
    if (now - parser.last_heard > dead_after) {
      // Silent: its pages go elsewhere; should it come back, it does so under a new session of ours.
      Recall(peer);
      parser.link = SessionLink(&bus_, peer, random_.NextId());
      Greet(parser);
      parser.last_heard = now;
    }
  }
  Assign();
}

uint64_t PageOutbox::free_items() const {
  uint64_t free = 0;
  absl::Time now = clock_.SteadyNow();
  for (const auto& [peer, parser] : parsers_) {
    if (parser.blocked_until > now || parser.sent_bytes >= parser.credit_bytes) continue;
    if (parser.credit_items > parser.sent_items) free += parser.credit_items - parser.sent_items;
  }
  return free > waiting_.size() ? free - waiting_.size() : 0;
}

void PageOutbox::FillHolding(google::protobuf::RepeatedPtrField<wire::UrlTicket>* tickets) const {
  for (const auto& [id, held] : pages_) {
    if (held.out.page.robots()) continue;
    wire::UrlTicket* ticket = tickets->Add();
    *ticket = held.out.page.ticket();
    ticket->clear_url();
    ticket->clear_stored();
    ticket->clear_via();
  }
}

}  // namespace weft
