#include "tests/support/sim_tool.h"

#include <algorithm>
#include <utility>

namespace weft::test {
namespace {

constexpr absl::Duration kBeat = absl::Seconds(1);

}  // namespace

SimTool::SimTool(SimToolOptions options, const Clock& clock, Random& random, Bus& bus)
    : options_(std::move(options)), clock_(clock), random_(random), bus_(bus), node_id_(random.NextId()) {}

void SimTool::Start() {
  auto peer = bus_.ConnectTo(options_.scheduler_endpoint, options_.scheduler_key);
  done_ = !peer.ok();
  if (done_) return;
  scheduler_ = *peer;
  BeginSession();
}

void SimTool::BeginSession() {
  link_ = std::make_unique<SessionLink>(&bus_, scheduler_, random_.NextId());
  registered_ = false;
  nonce_ = 0;
  ask_at_ = absl::InfiniteFuture();
  last_beat_ = absl::InfinitePast();
  wire::Frame frame;
  wire::Register* info = frame.mutable_register_();
  info->set_name(options_.name);
  info->set_machine(options_.name);
  info->set_node_id(node_id_);
  info->set_process(options_.process);
  info->set_tool(true);
  link_->Send({std::move(frame), nullptr});
}

void SimTool::Ask() {
  ask_at_ = absl::InfiniteFuture();
  wire::Frame frame;
  *frame.mutable_node_request() = options_.request;
  link_->Send({std::move(frame), nullptr});
}

void SimTool::OnMessage(const PeerId& from, Message message) {
  if (done_ || from != scheduler_) return;
  if (message.frame.has_session_unknown()) {
    if (message.frame.peer_session() == link_->my_session()) BeginSession();
    return;
  }
  const uint64_t addressee = message.frame.peer_session();
  if (addressee != 0 && addressee != link_->my_session()) return;
  const uint64_t session_before = link_->peer_session();
  SessionLink::Received received = link_->Receive(std::move(message));
  if (received.peer_lost_us || (received.new_session && session_before != 0)) return BeginSession();
  for (Message& delivered : received.deliver) {
    wire::Frame& frame = delivered.frame;
    if (frame.has_heartbeat_reply()) nonce_ = frame.heartbeat_reply().nonce();
    if (frame.has_registered() && !std::exchange(registered_, true)) Ask();
    if (frame.has_register_refused()) done_ = true;
    if (!frame.has_node_reply()) continue;
    reply_ = std::move(*frame.mutable_node_reply());
    done_ = reply_->problem().empty() || ++refusals_ >= options_.tries;
    ask_at_ = clock_.SteadyNow() + options_.again;
  }
}

void SimTool::OnTick() {
  if (done_) return;
  const absl::Time now = clock_.SteadyNow();
  if (registered_ && now >= ask_at_) Ask();
  if (now - last_beat_ < kBeat) return;
  last_beat_ = now;
  wire::Frame frame;
  frame.mutable_heartbeat()->set_sent_steady_us(absl::ToUnixMicros(now));
  frame.mutable_heartbeat()->set_nonce_echo(nonce_);
  link_->SendUnsequenced({std::move(frame), nullptr});
}

absl::Time SimTool::NextWake() const {
  return done_ ? absl::InfiniteFuture() : std::min(ask_at_, last_beat_ + kBeat);
}

}  // namespace weft::test
