#include "tests/support/sim_credit_check.h"

#include <algorithm>

namespace weft::test {

void CreditCheck::OnSent(const Message& message) {
  const wire::Frame& frame = message.frame;
  size_t bytes = frame.ByteSizeLong();
  if (bytes > kMaxFrameBytes) violations_.Add("frame-size", "a frame of {} bytes (body {})", bytes, static_cast<int>(frame.body_case()));
  if (message.payload && message.payload->size() > kMaxPayloadBytes) {
    violations_.Add("frame-size", "a payload of {} bytes", message.payload->size());
  }
  if (frame.version() != kProtocolVersion) violations_.Add("frame-size", "a frame of protocol version {}", frame.version());
  if (!frame.has_page()) return;
  Account& account = accounts_[{frame.session(), frame.peer_session()}];
  if (!account.sent.insert(frame.page().page_id()).second) return;  // sent again, or repeated by the network
  account.sent_bytes += frame.page().body_bytes();
  largest_ = std::max<uint64_t>(largest_, account.sent.size() - account.acknowledged.size());
  if (account.sent.size() > account.items) {
    violations_.Add("credit", "page {} is number {} of its session, {} were granted", frame.page().page_id(),
                    account.sent.size(), account.items);
  }
  if (account.sent_bytes > account.bytes) {
    violations_.Add("credit", "page {} brings the session to {} bytes, {} were granted", frame.page().page_id(),
                    account.sent_bytes, account.bytes);
  }
}

void CreditCheck::Grant(const wire::Frame& frame, uint64_t items, uint64_t bytes) {
  Account& account = accounts_[{frame.peer_session(), frame.session()}];
  account.items = std::max(account.items, items);
  account.bytes = std::max(account.bytes, bytes);
}

void CreditCheck::OnDelivered(const wire::Frame& frame) {
  if (frame.has_page_beat_reply()) {
    Grant(frame, frame.page_beat_reply().credit_items(), frame.page_beat_reply().credit_bytes());
  } else if (frame.has_page_ack()) {
    Grant(frame, frame.page_ack().credit_items(), frame.page_ack().credit_bytes());
    Account& account = accounts_[{frame.peer_session(), frame.session()}];
    for (uint64_t id : frame.page_ack().page_ids()) account.acknowledged.insert(id);
  }
}

}  // namespace weft::test
