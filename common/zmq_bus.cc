#include "common/zmq_bus.h"

#include <errno.h>
#include <sys/epoll.h>
#include <zmq.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "common/digest.h"
#include "common/payload_registry.h"
#include "common/random.h"
#include "common/status.h"
#include "common/zmq_message.h"
#include "common/zmq_socket_options.h"
#include "common/zmq_watch.h"
#include "common/zmq_zap.h"

// libzmq hands messages from thread to thread by means that ThreadSanitizer does not see, as it is not instrumented.
#ifdef __SANITIZE_THREAD__
extern "C" void __tsan_acquire(void* address);
extern "C" void __tsan_release(void* address);
#define WEFT_HANDS_OVER(address) __tsan_release(address)
#define WEFT_TAKES_OVER(address) __tsan_acquire(address)
#else
#define WEFT_HANDS_OVER(address) static_cast<void>(address)
#define WEFT_TAKES_OVER(address) static_cast<void>(address)
#endif

namespace weft {
namespace {

constexpr size_t kRoutingIdBytes = 16;
constexpr int kBacklog = 1024;
constexpr absl::Duration kOpenAgain = absl::Seconds(1);
constexpr int kBrokenInARow = 5;
constexpr absl::Duration kPatience = absl::Seconds(15);  // nodes send heartbeats each second, and are answered
constexpr uint64_t kUnanswered = 10;                     // who stood still itself has sent fewer

// What a payload frame of libzmq holds: given back by whoever drops the frame last, on whatever thread.
struct HeldPayload {
  PayloadRegistry* registry;
  Payload payload;
};

void FreePayload(void* bytes, void* hint) {
  WEFT_TAKES_OVER(hint);
  std::unique_ptr<HeldPayload> held(static_cast<HeldPayload*>(hint));
  held->registry->Release(bytes);
}

bool IsTcp(const std::string& endpoint) { return endpoint.rfind("tcp://", 0) == 0; }

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// Empty if `peer` is not the hex form of a routing id.
std::string RoutingId(const PeerId& peer) {
  std::string bytes;
  if (peer.size() != 2 * kRoutingIdBytes) return bytes;
  for (size_t i = 0; i < peer.size(); i += 2) {
    int high = HexDigit(peer[i]);
    int low = HexDigit(peer[i + 1]);
    if (high < 0 || low < 0) return {};
    bytes.push_back(static_cast<char>(high * 16 + low));
  }
  return bytes;
}

}  // namespace

ZmqContext::ZmqContext() : handle_(zmq_ctx_new()), payloads_(std::make_unique<PayloadRegistry>()) {
  if (handle_ == nullptr) {
    spdlog::critical("zmq_ctx_new: {}", zmq_strerror(errno));
    std::abort();
  }
}

ZapHandler& ZmqContext::zap() {
  if (zap_ == nullptr) zap_ = std::make_unique<ZapHandler>(handle_);
  return *zap_;
}

ZmqContext::~ZmqContext() {
  if (zap_ != nullptr) zmq_ctx_shutdown(handle_);
  zap_.reset();
  while (zmq_ctx_term(handle_) != 0 && errno == EINTR) continue;
}

struct ZmqBus::Impl {
  struct Socket {
    void* handle = nullptr;  // null: closed
    int descriptor = -1;
    PeerId peer;             // of a DEALER
    bool router = false;
    std::string endpoint;    // of a DEALER, and what it takes to open it again
    PeerKey server_key;
    std::array<uint64_t, 2> routing_id{};
    std::unique_ptr<ZmqWatch> watch;
    uint64_t open_again = 0;  // a timer; 0: none
    int broken = 0;           // handshakes of a DEALER that ended without a reason, since one succeeded
    bool is_open = false;     // of a DEALER, its handshake was the last that was heard of it
    uint64_t unanswered = 0;  // messages sent by a DEALER since one came
    absl::Time unanswered_since;
  };

  Impl(ZmqContext& zmq_context, EventLoop& node_loop, absl::AnyInvocable<void(const PeerId&, Message)> handler)
      : context(zmq_context), loop(node_loop), on_message(std::move(handler)) {}

  absl::StatusOr<std::unique_ptr<Socket>> Open(int type);
  absl::Status OpenRouter();
  absl::StatusOr<std::string> BindRouter(const std::string& endpoint);
  absl::Status ConnectDealer(Socket& socket);
  void OpenAgain(const PeerId& peer);
  bool IsStuck(const Socket& socket) const;
  void Watch(Socket& socket);
  bool DrainWatch(Socket& socket);
  void OnConnection(Socket& socket, ConnectionEvent event);
  bool MayCome(const PeerKey& key) const { return key.empty() || allowed.contains(key); }
  Socket* Keep(std::unique_ptr<Socket> socket);
  void Close(Socket& socket);
  Socket* DealerOf(const PeerId& peer);

  bool Poll();
  bool Drain(Socket& socket);
  bool Receive(Socket& socket);
  bool Parse(ZmqMessage& frame, ZmqMessage& payload, Message& message);

  bool SendRoutingId(const PeerId& peer);
  bool SendFrame(void* handle, const Message& message);
  bool SendPayload(void* handle, const Payload& payload);

  ZmqContext& context;
  EventLoop& loop;
  absl::AnyInvocable<void(const PeerId&, Message)> on_message;
  std::vector<std::unique_ptr<Socket>> sockets;
  Socket* router = nullptr;
  std::unique_ptr<Random> random = SystemRandom();
  uint64_t poller = 0;
  uint64_t connections = 0;
  absl::Duration patience = kPatience;
  KeyPair own;              // empty: no keys are used
  std::string zap_domain;   // "": nothing is bound with keys
  std::set<PeerKey> allowed;
  ZmqBusCounters counters;
};

absl::StatusOr<std::unique_ptr<ZmqBus::Impl::Socket>> ZmqBus::Impl::Open(int type) {
  auto socket = std::make_unique<Socket>();
  socket->handle = zmq_socket(context.handle(), type);
  if (socket->handle == nullptr) return Unavailable("cannot open a zmq socket: {}", zmq_strerror(errno));
  size_t size = sizeof socket->descriptor;
  zmq_getsockopt(socket->handle, ZMQ_FD, &socket->descriptor, &size);
  SetCommonOptions(socket->handle);
  return socket;
}

// The descriptor only wakes the loop: it tells that the socket has something to do, once. What there is to receive is
// found by Poll before every sleep, as a send may use that signal up.
ZmqBus::Impl::Socket* ZmqBus::Impl::Keep(std::unique_ptr<Socket> socket) {
  loop.Watch(socket->descriptor, EPOLLIN, [](uint32_t) {});
  sockets.push_back(std::move(socket));
  return sockets.back().get();
}

void ZmqBus::Impl::Close(Socket& socket) {
  if (socket.handle == nullptr) return;
  if (socket.open_again != 0) loop.CancelTimer(socket.open_again);
  socket.open_again = 0;
  if (socket.watch != nullptr && socket.watch->descriptor() >= 0) loop.Unwatch(socket.watch->descriptor());
  socket.watch.reset();
  loop.Unwatch(socket.descriptor);
  zmq_close(socket.handle);
  socket.handle = nullptr;
}

ZmqBus::Impl::Socket* ZmqBus::Impl::DealerOf(const PeerId& peer) {
  for (std::unique_ptr<Socket>& socket : sockets) {
    if (socket->handle != nullptr && !socket->router && socket->peer == peer) return socket.get();
  }
  return nullptr;
}

bool ZmqBus::Impl::Poll() {
  bool busy = false;
  for (size_t i = 0; i < sockets.size(); ++i) {  // on_message may connect
    Socket& socket = *sockets[i];
    busy |= Drain(socket);
    busy |= DrainWatch(socket);
  }
  std::erase_if(sockets, [](const std::unique_ptr<Socket>& socket) { return socket->handle == nullptr; });
  return busy;
}

bool ZmqBus::Impl::Drain(Socket& socket) {
  int received = 0;
  while (received < kMessagesPerPoll && socket.handle != nullptr && Receive(socket)) ++received;
  return received > 0;
}

// False: nothing there.
bool ZmqBus::Impl::Receive(Socket& socket) {
  ZmqMessage first;
  if (zmq_msg_recv(first.get(), socket.handle, ZMQ_DONTWAIT) < 0) return false;
  WEFT_TAKES_OVER(&context);
  // The other parts of a message come with its first.
  ZmqMessage second;
  ZmqMessage third;
  ZmqMessage excess;
  ZmqMessage* last = &first;
  for (ZmqMessage* next : {&second, &third}) {
    if (!last->more() || zmq_msg_recv(next->get(), socket.handle, ZMQ_DONTWAIT) < 0) break;
    last = next;
  }
  bool well_formed = !last->more() && (socket.router ? last != &first && first.size() == kRoutingIdBytes
                                                     : last != &third);
  while (last->more() && zmq_msg_recv(excess.get(), socket.handle, ZMQ_DONTWAIT) >= 0) last = &excess;

  Message message;
  if (socket.router && well_formed) {
    // Of the frame behind the routing id: libzmq loses the first one's metadata when it looks ahead.
    const char* key = zmq_msg_gets(second.get(), "User-Id");
    if (key != nullptr) message.from_key = key;
    if (!MayCome(message.from_key)) {
      ++counters.dropped_key;
      return true;
    }
  }
  well_formed = well_formed && (socket.router ? Parse(second, third, message) : Parse(first, second, message));
  if (!well_formed) {
    ++counters.dropped_malformed;
    return true;
  }
  ++counters.received;
  socket.unanswered = 0;
  on_message(socket.router ? HexLower(first.view()) : PeerId(socket.peer), std::move(message));
  return true;
}

// Who speaks another version is told so, and can hear it.
bool TellsOfVersions(const wire::Frame& frame) {
  return frame.body_case() == wire::Frame::kRegister || frame.body_case() == wire::Frame::kRegisterRefused;
}

// A payload of no bytes and none are told apart by the frame: who expects one has it said there.
bool ZmqBus::Impl::Parse(ZmqMessage& frame, ZmqMessage& payload, Message& message) {
  if (frame.size() > kMaxFrameBytes || payload.size() > kMaxPayloadBytes) return false;
  if (!message.frame.ParseFromArray(frame.data(), static_cast<int>(frame.size()))) return false;
  if (message.frame.version() != kProtocolVersion && !TellsOfVersions(message.frame)) return false;
  if (!frame.more()) return true;
  message.payload = context.payloads().Find(payload.data(), payload.size());
  // Written out: a Payload is shared with the sender where it can be, and with its keeper here (common/bus.h).
  if (!message.payload) message.payload = std::make_shared<const std::string>(payload.view());
  return true;
}

bool ZmqBus::Impl::SendRoutingId(const PeerId& peer) {
  std::string id = RoutingId(peer);
  return !id.empty() && router != nullptr &&
         zmq_send(router->handle, id.data(), id.size(), ZMQ_SNDMORE | ZMQ_DONTWAIT) >= 0;
}

bool ZmqBus::Impl::SendFrame(void* handle, const Message& message) {
  zmq_msg_t frame;
  const size_t size = message.frame.ByteSizeLong();
  if (zmq_msg_init_size(&frame, size) != 0) return false;
  message.frame.SerializeWithCachedSizesToArray(static_cast<uint8_t*>(zmq_msg_data(&frame)));
  WEFT_HANDS_OVER(&context);
  if (zmq_msg_send(&frame, handle, ZMQ_DONTWAIT | (message.payload ? ZMQ_SNDMORE : 0)) >= 0) return true;
  zmq_msg_close(&frame);
  return false;
}

bool ZmqBus::Impl::SendPayload(void* handle, const Payload& payload) {
  context.payloads().Hold(payload);
  auto* held = new HeldPayload{&context.payloads(), payload};  // owned by the frame from here on
  WEFT_HANDS_OVER(held);
  zmq_msg_t frame;
  if (zmq_msg_init_data(&frame, const_cast<char*>(payload->data()), payload->size(), FreePayload, held) != 0) {
    FreePayload(const_cast<char*>(payload->data()), held);
    zmq_msg_init(&frame);  // the message has begun and must end
  }
  WEFT_HANDS_OVER(&context);
  if (zmq_msg_send(&frame, handle, ZMQ_DONTWAIT) >= 0) return true;
  zmq_msg_close(&frame);
  return false;
}

ZmqBus::ZmqBus(ZmqContext& context, EventLoop& loop,
               absl::AnyInvocable<void(const PeerId& from, Message message)> on_message)
    : impl_(std::make_unique<Impl>(context, loop, std::move(on_message))) {
  impl_->poller = loop.AddPoller([impl = impl_.get()] { return impl->Poll(); });
}

ZmqBus::~ZmqBus() {
  impl_->loop.RemovePoller(impl_->poller);
  if (!impl_->zap_domain.empty()) impl_->context.zap().Forget(impl_->zap_domain);
  for (std::unique_ptr<Impl::Socket>& socket : impl_->sockets) impl_->Close(*socket);
}

absl::Status ZmqBus::Impl::OpenRouter() {
  if (router != nullptr) return absl::OkStatus();
  WEFT_ASSIGN_OR_RETURN(std::unique_ptr<Socket> socket, Open(ZMQ_ROUTER));
  socket->router = true;
  SetInt(socket->handle, ZMQ_ROUTER_MANDATORY, 1);
  SetInt(socket->handle, ZMQ_BACKLOG, kBacklog);
  SetHeartbeat(socket->handle, 2'000, 6'000);
  router = Keep(std::move(socket));
  return absl::OkStatus();
}

absl::StatusOr<std::string> ZmqBus::Impl::BindRouter(const std::string& endpoint) {
  if (IsTcp(endpoint) && router->watch == nullptr) Watch(*router);
  if (zmq_bind(router->handle, endpoint.c_str()) == 0) return LastEndpoint(router->handle);
  const int error = errno;
  if (error == EADDRINUSE) {
    return Unavailable("{} is in use by another process; choose another port, or tcp://127.0.0.1:0 for any", endpoint);
  }
  if (error == EINVAL || error == EPROTONOSUPPORT || error == ENOCOMPATPROTO) {
    return InvalidArgument("{} is no endpoint to listen on: {}", endpoint, zmq_strerror(error));
  }
  return Unavailable("cannot listen on {}: {}", endpoint, zmq_strerror(error));
}

absl::StatusOr<std::string> ZmqBus::Bind(const std::string& endpoint) {
  // libzmq takes a domain, but not back: such an endpoint would let nobody in.
  if (!impl_->zap_domain.empty() && endpoint.rfind("inproc://", 0) != 0) {
    return FailedPrecondition("{}: what is open to all is bound before what asks for keys", endpoint);
  }
  WEFT_RETURN_IF_ERROR(impl_->OpenRouter());
  return impl_->BindRouter(endpoint);
}

absl::Status ZmqBus::UseKeys(const KeyPair& own) {
  WEFT_ASSIGN_OR_RETURN(const PeerKey public_key, PublicKeyOf(own.secret_key));
  if (public_key != own.public_key) return InvalidArgument("the halves of the key pair do not belong together");
  impl_->own = own;
  return absl::OkStatus();
}

absl::StatusOr<std::string> ZmqBus::BindWithKeys(const std::string& endpoint) {
  if (impl_->own.secret_key.empty()) return FailedPrecondition("{}: no key to listen with", endpoint);
  WEFT_RETURN_IF_ERROR(impl_->OpenRouter());
  if (impl_->zap_domain.empty()) {
    impl_->zap_domain = impl_->context.zap().NewDomain();
    impl_->context.zap().Allow(impl_->zap_domain, impl_->allowed);
  }
  AskForKeys(impl_->router->handle, impl_->own.secret_key, impl_->zap_domain);
  return impl_->BindRouter(endpoint);
}

void ZmqBus::AllowKeys(const std::set<PeerKey>& keys) {
  impl_->allowed = keys;
  if (!impl_->zap_domain.empty()) impl_->context.zap().Allow(impl_->zap_domain, keys);
}

absl::Status ZmqBus::Impl::ConnectDealer(Socket& socket) {
  zmq_setsockopt(socket.handle, ZMQ_ROUTING_ID, socket.routing_id.data(), kRoutingIdBytes);
  if (IsTcp(socket.endpoint)) SetHeartbeat(socket.handle, 5'000, 15'000);
  if (!socket.server_key.empty() && !ShowKeys(socket.handle, own, socket.server_key)) {
    return InvalidArgument("cannot connect to {}: its key, or ours, is none", socket.endpoint);
  }
  if (IsTcp(socket.endpoint)) Watch(socket);
  if (zmq_connect(socket.handle, socket.endpoint.c_str()) == 0) return absl::OkStatus();
  return InvalidArgument("cannot connect to {}: {}", socket.endpoint, zmq_strerror(errno));
}

absl::StatusOr<PeerId> ZmqBus::Connect(const std::string& endpoint) { return ConnectTo(endpoint, ""); }

absl::StatusOr<PeerId> ZmqBus::ConnectTo(const std::string& endpoint, const PeerKey& server_key) {
  const bool keys = !impl_->own.secret_key.empty();
  if (keys && server_key.empty() && IsTcp(endpoint)) {
    return FailedPrecondition("cannot connect to {}: it has no key, and this node has", endpoint);
  }
  if (!keys && !server_key.empty()) return FailedPrecondition("cannot connect to {}: it asks for a key", endpoint);
  WEFT_ASSIGN_OR_RETURN(std::unique_ptr<Impl::Socket> socket, impl_->Open(ZMQ_DEALER));
  // Fresh, so that nobody is taken for an earlier process. Ids that begin with a zero byte are libzmq's own.
  socket->routing_id = {impl_->random->Next() | 1, impl_->random->Next()};
  static_assert(sizeof socket->routing_id == kRoutingIdBytes);
  socket->endpoint = endpoint;
  socket->server_key = server_key;
  if (absl::Status connected = impl_->ConnectDealer(*socket); !connected.ok()) {
    impl_->loop.Watch(socket->descriptor, EPOLLIN, [](uint32_t) {});
    impl_->Close(*socket);
    return connected;
  }
  socket->peer = fmt::format("{}#{}", endpoint, ++impl_->connections);
  return impl_->Keep(std::move(socket))->peer;
}

// ---- what becomes of connections ----

void ZmqBus::Impl::Watch(Socket& socket) {
  socket.watch = std::make_unique<ZmqWatch>(context.handle(), socket.handle);
  if (socket.watch->descriptor() >= 0) loop.Watch(socket.watch->descriptor(), EPOLLIN, [](uint32_t) {});
}

bool ZmqBus::Impl::DrainWatch(Socket& socket) {
  bool busy = false;
  while (socket.watch != nullptr) {
    const std::optional<ConnectionEvent> event = socket.watch->Next();
    if (!event) break;
    busy = true;
    OnConnection(socket, *event);
  }
  return busy;
}

void ZmqBus::Impl::OnConnection(Socket& socket, ConnectionEvent event) {
  const bool handshake = event == ConnectionEvent::kKeyRefused || event == ConnectionEvent::kMismatch;
  if (socket.router) {
    if (handshake || event == ConnectionEvent::kBroken) ++counters.handshakes_failed;
    return;
  }
  if (event == ConnectionEvent::kKeyRefused) ++counters.key_refused;
  if (event == ConnectionEvent::kMismatch) ++counters.mismatches;
  // Both sides see that one asks for keys and one does not: where the other closes first, no reason reaches us.
  socket.is_open = event == ConnectionEvent::kOpened;
  if (socket.is_open) socket.broken = 0;
  if (event == ConnectionEvent::kBroken && ++socket.broken % kBrokenInARow == 0) ++counters.mismatches;
  if (handshake || event == ConnectionEvent::kLost) {
    // After a protocol error libzmq gives the connection up for good. Where it does not, it says at once that it retries.
    if (socket.open_again == 0) {
      socket.open_again = loop.At(SystemClock().SteadyNow() + kOpenAgain, [this, peer = socket.peer] { OpenAgain(peer); });
    }
  } else if (socket.open_again != 0) {
    loop.CancelTimer(socket.open_again);
    socket.open_again = 0;
  }
}

// A ROUTER that stood still finds the connections that came meanwhile beside the one of before, whose routing id they share, and reads
// none that comes while that one is still there. libzmq answers its heartbeats all the same, so nothing ends it but us.
bool ZmqBus::Impl::IsStuck(const Socket& socket) const {
  return socket.is_open && socket.unanswered >= kUnanswered && SystemClock().SteadyNow() - socket.unanswered_since > patience;
}

// A new socket for the same connection: its peer knows it by the same routing id.
void ZmqBus::Impl::OpenAgain(const PeerId& peer) {
  Socket* old = DealerOf(peer);
  if (old == nullptr) return;
  old->open_again = 0;
  auto opened = Open(ZMQ_DEALER);
  if (!opened.ok()) return;  // out of descriptors, say: nothing else tries again, so the node finds its peer silent
  Socket& fresh = **opened;
  fresh.endpoint = old->endpoint;
  fresh.server_key = old->server_key;
  fresh.routing_id = old->routing_id;
  fresh.peer = peer;
  SetInt(old->handle, ZMQ_LINGER, 0);
  Close(*old);
  if (absl::Status connected = ConnectDealer(fresh); !connected.ok()) spdlog::error("{}", ErrorText(connected));
  Keep(*std::move(opened));
}

void ZmqBus::Disconnect(const PeerId& peer) {
  Impl::Socket* dealer = impl_->DealerOf(peer);
  if (dealer != nullptr) impl_->Close(*dealer);
}

void ZmqBus::Send(const PeerId& peer, const Message& message) {
  const size_t payload_size = message.payload ? message.payload->size() : 0;
  bool sent = message.frame.ByteSizeLong() <= kMaxFrameBytes && payload_size <= kMaxPayloadBytes;
  if (!sent) spdlog::error("a message to {} is too long: {} + {} bytes", peer, message.frame.ByteSizeLong(), payload_size);
  Impl::Socket* dealer = impl_->DealerOf(peer);
  if (dealer != nullptr && impl_->IsStuck(*dealer)) {
    spdlog::info("{} does not answer over an open connection: it is opened again", peer);
    ++impl_->counters.opened_again;
    impl_->OpenAgain(peer);
    dealer = impl_->DealerOf(peer);
  }
  sent = sent && (dealer != nullptr || impl_->SendRoutingId(peer));
  if (sent) {
    void* handle = dealer != nullptr ? dealer->handle : impl_->router->handle;
    sent = impl_->SendFrame(handle, message) && (!message.payload || impl_->SendPayload(handle, message.payload));
  }
  if (sent && dealer != nullptr && dealer->unanswered++ == 0) dealer->unanswered_since = SystemClock().SteadyNow();
  ++(sent ? impl_->counters.sent : impl_->counters.dropped_unsendable);
}

BusRefusals ZmqBus::refusals() const {
  const ZmqBusCounters& counts = impl_->counters;
  return {counts.handshakes_failed, counts.dropped_key, counts.dropped_malformed};
}

void ZmqBus::SetPatience(absl::Duration patience) { impl_->patience = patience; }

const ZmqBusCounters& ZmqBus::counters() const { return impl_->counters; }

}  // namespace weft
