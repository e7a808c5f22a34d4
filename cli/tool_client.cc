#include "cli/tool_client.h"

#include <functional>
#include <optional>
#include <utility>

#include "cli/output.h"
#include "common/session_link.h"
#include "common/status.h"
#include "common/units.h"

namespace weft {
namespace {

constexpr absl::Duration kBeatEvery = absl::Milliseconds(250);
constexpr absl::Duration kSilence = absl::Seconds(2);  // after which the user is told

}  // namespace

struct ToolClient::Session {
  std::string endpoint;
  PeerId peer;
  std::unique_ptr<SessionLink> link;
  std::optional<wire::Frame> answer;
  bool lost = false;
};

ToolClient::ToolClient() : random_(SystemRandom()), loop_("tool", SystemClock()), session_(std::make_unique<Session>()) {
  bus_ = std::make_unique<ZmqBus>(context_, loop_, [this](const PeerId& from, Message message) {
    if (from != session_->peer || session_->link == nullptr) return;
    if (message.frame.body_case() == wire::Frame::kSessionUnknown) {
      session_->lost = true;
      loop_.Stop();
      return;
    }
    SessionLink::Received received = session_->link->Receive(std::move(message));
    for (Message& delivered : received.deliver) {
      if (delivered.frame.body_case() == wire::Frame::kHeartbeatReply) continue;
      session_->answer = std::move(delivered.frame);
      loop_.Stop();
    }
  });
}

ToolClient::~ToolClient() = default;

bool ToolClient::lost() const { return session_->lost; }

absl::StatusOr<std::unique_ptr<ToolClient>> ToolClient::Connect(const Reach& reach, absl::Duration patience) {
  std::unique_ptr<ToolClient> client(new ToolClient());
  Session& session = *client->session_;
  session.endpoint = reach.endpoint;
  if (reach.keyed()) WEFT_RETURN_IF_ERROR(client->bus_->UseKeys(reach.own));
  WEFT_ASSIGN_OR_RETURN(session.peer, client->bus_->ConnectTo(reach.endpoint, reach.scheduler_key));
  session.link = std::make_unique<SessionLink>(client->bus_.get(), session.peer, client->random_->NextId());
  wire::Frame frame;
  frame.mutable_register_()->set_tool(true);
  frame.mutable_register_()->set_name("tool");
  WEFT_ASSIGN_OR_RETURN(wire::Frame answer, client->Ask(std::move(frame), patience));
  if (answer.has_register_refused()) return FailedPrecondition("{}", answer.register_refused().reason());
  if (!answer.has_registered()) return Internal("{}: an answer that was not asked for", reach.endpoint);
  client->terms_ = answer.registered();
  return client;
}

std::string ToolClient::WhyNotConnected() const {
  const ZmqBusCounters& counters = bus_->counters();
  if (counters.received > 0) return "";
  if (counters.key_refused >= kRefusals) return KeyRefusedText(session_->endpoint);
  if (counters.mismatches > 0) return MismatchText(session_->endpoint);
  return "";
}

absl::StatusOr<wire::Frame> ToolClient::Ask(wire::Frame request, absl::Duration patience, bool slow) {
  session_->answer.reset();
  session_->link->Send({std::move(request), nullptr});
  bool late = false;
  uint64_t deadline = loop_.At(SystemClock().SteadyNow() + patience, [&] {
    late = true;
    loop_.Stop();
  });
  uint64_t hint = loop_.At(SystemClock().SteadyNow() + kSilence, [&] {
    if (slow) return;
    PrintError("weft: no answer from the scheduler at {} yet; trying for {}\n", session_->endpoint,
               weft::FormatDuration(patience));
  });
  // Heartbeats carry the evidence by which a lost message is sent again.
  uint64_t next_beat = 0;
  std::function<void()> beat = [&] {
    wire::Frame frame;
    frame.mutable_heartbeat()->set_sent_steady_us(absl::ToUnixMicros(SystemClock().SteadyNow()));
    session_->link->SendUnsequenced({std::move(frame), nullptr});
    next_beat = loop_.At(SystemClock().SteadyNow() + kBeatEvery, [&] { beat(); });
  };
  next_beat = loop_.At(SystemClock().SteadyNow() + kBeatEvery, [&] { beat(); });
  std::string why;
  uint64_t watch = loop_.AddPoller([&] {
    why = WhyNotConnected();
    if (!why.empty()) loop_.Stop();
    return false;
  });
  while (!late && !session_->lost && !session_->answer && why.empty()) loop_.Run();
  loop_.RemovePoller(watch);
  loop_.CancelTimer(deadline);
  loop_.CancelTimer(hint);
  loop_.CancelTimer(next_beat);
  if (session_->lost) return Unavailable("{}: the scheduler restarted meanwhile; try again", session_->endpoint);
  if (!session_->answer && !why.empty()) return FailedPrecondition("{}", why);
  if (!session_->answer) {
    return Unavailable("no scheduler answered at {} within {}; is it running there? Compare the address with what weft scheduler "
                       "printed when it began", session_->endpoint,
                       weft::FormatDuration(patience));
  }
  return *std::move(session_->answer);
}

}  // namespace weft
