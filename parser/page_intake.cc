#include "parser/page_intake.h"

#include <utility>

namespace weft {

uint64_t BodyBytes(const ArrivedPage& page) {
  uint64_t bytes = 0;
  for (const Payload& chunk : page.chunks) bytes += chunk == nullptr ? 0 : chunk->size();
  return bytes;
}

PageIntake::PageIntake(Bus& bus, const Clock& clock, uint64_t session, uint64_t credit_items, uint64_t credit_bytes)
    : bus_(bus), clock_(clock), session_(session), credit_items_(credit_items), credit_bytes_(credit_bytes) {}

void PageIntake::SayCredit(Fetcher& fetcher) {
  wire::Frame frame;
  wire::PageAck* ack = frame.mutable_page_ack();
  for (uint64_t id : fetcher.acknowledged) ack->add_page_ids(id);
  fetcher.acknowledged.clear();
  if (!stopped_) {
    fetcher.said_items = fetcher.done_items + credit_items_;
    ack->set_credit_items(fetcher.said_items);
    ack->set_credit_bytes(fetcher.done_bytes + credit_bytes_);
  }
  fetcher.link.Send({std::move(frame), nullptr});
}

void PageIntake::OnMessage(const PeerId& from, Message message) {
  auto it = fetchers_.find(from);
  if (!MayBring(message.from_key) || (it != fetchers_.end() && it->second.key != message.from_key)) {
    ++refused_;
    return;
  }
  if (it == fetchers_.end()) {
    if (message.frame.peer_session() != 0) {
      wire::Frame frame;
      frame.set_version(kProtocolVersion);
      frame.set_session(session_);
      frame.set_peer_session(message.frame.session());
      frame.mutable_session_unknown();
      bus_.Send(from, {std::move(frame), nullptr});
      return;
    }
    it = fetchers_.try_emplace(from, SessionLink(&bus_, from, session_)).first;
    it->second.key = message.from_key;
  }
  Fetcher& fetcher = it->second;
  fetcher.last_heard = clock_.SteadyNow();
  SessionLink::Received received = fetcher.link.Receive(std::move(message));
  if (received.peer_lost_us) return;
  if (received.new_session) {
    fetcher.greeted = false;
    fetcher.done_items = fetcher.done_bytes = fetcher.said_items = 0;
    fetcher.acknowledged.clear();
    fetcher.partial.clear();
  }
  for (Message& delivered : received.deliver) {
    switch (delivered.frame.body_case()) {
      case wire::Frame::kPageHello:
        fetcher.greeted = true;
        SayCredit(fetcher);
        break;
      case wire::Frame::kPageBeat: {
        wire::Frame answer;
        wire::PageBeatReply* reply = answer.mutable_page_beat_reply();
        if (fetcher.greeted && !stopped_) {
          reply->set_credit_items(fetcher.done_items + credit_items_);
          reply->set_credit_bytes(fetcher.done_bytes + credit_bytes_);
        }
        fetcher.link.SendUnsequenced({std::move(answer), nullptr}, &delivered.frame);
        break;
      }
      case wire::Frame::kPage:
        OnPage(from, fetcher, delivered);
        break;
      case wire::Frame::kPageChunk:
        OnChunk(fetcher, delivered);
        break;
      default:
        break;
    }
  }
}

void PageIntake::OnPage(const PeerId& from, Fetcher& fetcher, Message& message) {
  ArrivedPage arrived;
  arrived.from = from;
  arrived.from_session = fetcher.link.peer_session();
  arrived.arrived = clock_.SteadyNow();
  arrived.page = std::move(*message.frame.mutable_page());
  if (message.payload != nullptr) arrived.chunks.push_back(std::move(message.payload));
  if (arrived.chunks.size() >= arrived.page.chunks()) {
    ready_.push_back(std::move(arrived));
  } else {
    uint64_t id = arrived.page.page_id();
    fetcher.partial[id] = std::move(arrived);
  }
}

void PageIntake::OnChunk(Fetcher& fetcher, Message& message) {
  auto it = fetcher.partial.find(message.frame.page_chunk().page_id());
  if (it == fetcher.partial.end() || message.payload == nullptr) return;
  it->second.chunks.push_back(std::move(message.payload));
  if (it->second.chunks.size() < it->second.page.chunks()) return;
  ready_.push_back(std::move(it->second));
  fetcher.partial.erase(it);
}

void PageIntake::AllowKeys(std::set<PeerKey> keys) {
  allowed_ = std::move(keys);
  std::vector<PeerId> gone;
  for (const auto& [peer, fetcher] : fetchers_) {
    if (!MayBring(fetcher.key)) gone.push_back(peer);
  }
  for (const PeerId& peer : gone) {
    std::erase_if(ready_, [&](const ArrivedPage& page) { return page.from == peer; });
    fetchers_.erase(peer);
  }
}

bool PageIntake::Take(ArrivedPage& page) {
  if (ready_.empty()) return false;
  page = std::move(ready_.front());
  ready_.pop_front();
  return true;
}

void PageIntake::ReturnCredit(const ArrivedPage& page, uint64_t bytes, bool acknowledged) {
  auto it = fetchers_.find(page.from);
  // A fetcher that began anew has its whole credit, and holds nothing that this would release.
  if (it == fetchers_.end() || it->second.link.peer_session() != page.from_session) return;
  it->second.done_items += 1;
  it->second.done_bytes += bytes;
  if (acknowledged) it->second.acknowledged.push_back(page.page.page_id());
}

void PageIntake::Acknowledge(const ArrivedPage& page, uint64_t bytes) { ReturnCredit(page, bytes, true); }

void PageIntake::Refuse(const ArrivedPage& page, uint64_t bytes, const std::string& reason) {
  ReturnCredit(page, bytes, false);
  auto it = fetchers_.find(page.from);
  if (it == fetchers_.end() || it->second.link.peer_session() != page.from_session) return;
  wire::Frame frame;
  frame.mutable_page_refused()->add_page_ids(page.page.page_id());
  frame.mutable_page_refused()->set_reason(reason);
  it->second.link.Send({std::move(frame), nullptr});
}

void PageIntake::OnTick(absl::Duration dead_after) {
  absl::Time now = clock_.SteadyNow();
  std::vector<PeerId> silent;
  for (auto& [peer, fetcher] : fetchers_) {
    if (!fetcher.acknowledged.empty()) SayCredit(fetcher);
    if (now - fetcher.last_heard > 2 * dead_after) silent.push_back(peer);
  }
  for (const PeerId& peer : silent) fetchers_.erase(peer);
}

}  // namespace weft
