#include "common/zmq_bus.h"

#include <absl/container/flat_hash_map.h>
#include <spdlog/spdlog.h>
#include <sys/epoll.h>
#include <zmq.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "common/digest.h"
#include "common/random.h"
#include "common/status.h"

namespace weft {
namespace {

// Above every credit (pages: 64 items a parser, leases: 4 a connection) plus the reserve for control (rule 27).
constexpr int kHighWaterMark = 100'000;
constexpr int kMaxDrain = 200;   // messages a socket may hand over in one turn, so that no other waits for long
constexpr std::string_view kRouterPrefix = "r:";

std::string ZmqError() { return zmq_strerror(zmq_errno()); }

void SetInt(void* socket, int option, int value) { zmq_setsockopt(socket, option, &value, sizeof value); }

// "tcp://[::ffff:127.0.0.1]:7700" as people write it: "tcp://127.0.0.1:7700".
std::string PlainAddress(std::string endpoint) {
  constexpr std::string_view kMapped = "[::ffff:";
  const size_t begin = endpoint.find(kMapped);
  const size_t end = endpoint.find(']');
  if (begin == std::string::npos || end == std::string::npos || end < begin) return endpoint;
  endpoint.erase(end, 1);
  endpoint.erase(begin, kMapped.size());
  return endpoint;
}

// Keeps the payload alive until ZeroMQ is done with its bytes.
void DropPayload(void*, void* hint) { delete static_cast<Payload*>(hint); }

class Part {
 public:
  Part() { zmq_msg_init(&message_); }
  explicit Part(std::string_view bytes) {
    zmq_msg_init_size(&message_, bytes.size());
    std::memcpy(zmq_msg_data(&message_), bytes.data(), bytes.size());
  }
  // Without copying: ZeroMQ holds a reference.
  explicit Part(const Payload& payload) {
    // ZeroMQ's interface takes a pointer to non-const bytes; it only reads them.
    zmq_msg_init_data(&message_, const_cast<char*>(payload->data()), payload->size(), DropPayload,
                      new Payload(payload));
  }
  ~Part() { zmq_msg_close(&message_); }
  Part(const Part&) = delete;
  Part& operator=(const Part&) = delete;

  bool Receive(void* socket) { return zmq_msg_recv(&message_, socket, ZMQ_DONTWAIT) >= 0; }
  bool Send(void* socket, bool more) {
    return zmq_msg_send(&message_, socket, ZMQ_DONTWAIT | (more ? ZMQ_SNDMORE : 0)) >= 0;
  }
  bool more() const { return zmq_msg_more(const_cast<zmq_msg_t*>(&message_)) != 0; }
  std::string_view bytes() const {
    zmq_msg_t* message = const_cast<zmq_msg_t*>(&message_);
    return {static_cast<const char*>(zmq_msg_data(message)), zmq_msg_size(message)};
  }

 private:
  zmq_msg_t message_;
};

}  // namespace

ZmqContext::ZmqContext() : handle_(zmq_ctx_new()) {}
ZmqContext::~ZmqContext() { zmq_ctx_term(handle_); }

struct ZmqBus::Impl {
  Impl(ZmqContext& c, EventLoop& l, absl::AnyInvocable<void(const PeerId&, Message)> handler)
      : context(c), loop(l), on_message(std::move(handler)), random(SystemRandom()) {}

  absl::StatusOr<void*> NewSocket(int type) const;
  void Watch(void* socket);
  bool Drain(void* socket, const PeerId& dealer);
  bool ReceiveOne(void* socket, const PeerId& dealer, bool& got);
  bool DrainAll();

  ZmqContext& context;
  EventLoop& loop;
  absl::AnyInvocable<void(const PeerId&, Message)> on_message;
  std::unique_ptr<Random> random;
  void* router = nullptr;
  absl::flat_hash_map<PeerId, void*> dealers;
  std::vector<PeerId> closing;       // disconnected from within a message's handler
  bool draining = false;
  uint64_t next_dealer = 1;
  ZmqBusCounters counts;
  std::shared_ptr<bool> alive = std::make_shared<bool>(true);  // the loop's poller may be called after this object
};

absl::StatusOr<void*> ZmqBus::Impl::NewSocket(int type) const {
  void* socket = zmq_socket(context.handle(), type);
  if (socket == nullptr) return Unavailable("no more sockets: {}", ZmqError());
  SetInt(socket, ZMQ_SNDHWM, kHighWaterMark);
  SetInt(socket, ZMQ_RCVHWM, kHighWaterMark);
  SetInt(socket, ZMQ_LINGER, 500);
  SetInt(socket, ZMQ_HANDSHAKE_IVL, 10'000);
  SetInt(socket, ZMQ_RECONNECT_IVL, 100);
  SetInt(socket, ZMQ_RECONNECT_IVL_MAX, 3'000);
  SetInt(socket, ZMQ_TCP_KEEPALIVE, 1);
  SetInt(socket, ZMQ_IPV6, 1);
  int64_t most = kMaxFrameBytes;
  zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &most, sizeof most);
  if (type == ZMQ_ROUTER) {
    SetInt(socket, ZMQ_ROUTER_MANDATORY, 1);
  } else {
    // Fresh for every connection: a router that still knows an older one would drop this one.
    uint64_t id[2] = {random->NextId(), random->Next()};
    char name[1 + sizeof id] = {'w'};
    std::memcpy(name + 1, id, sizeof id);
    zmq_setsockopt(socket, ZMQ_ROUTING_ID, name, sizeof name);
  }
  return socket;
}

void ZmqBus::Impl::Watch(void* socket) {
  int fd = -1;
  size_t size = sizeof fd;
  zmq_getsockopt(socket, ZMQ_FD, &fd, &size);
  // Edge-triggered by nature: the descriptor only says "look again"; the poller drains before every wait.
  loop.Watch(fd, EPOLLIN, [](uint32_t) {});
}

bool ZmqBus::Impl::ReceiveOne(void* socket, const PeerId& dealer, bool& got) {
  got = false;
  PeerId from = dealer;
  if (dealer.empty()) {
    Part id;
    if (!id.Receive(socket)) return false;
    from = std::string(kRouterPrefix) + HexLower(id.bytes());
    if (!id.more()) return true;
  }
  Part head;
  if (!head.Receive(socket)) return false;
  Message message;
  bool fits = head.bytes().size() <= kMaxFrameBytes &&
              message.frame.ParseFromArray(head.bytes().data(), static_cast<int>(head.bytes().size())) &&
              message.frame.version() == kProtocolVersion;
  bool more = head.more();
  for (int part = 0; more; ++part) {
    Part body;
    if (!body.Receive(socket)) return false;
    more = body.more();
    if (part > 0 || body.bytes().size() > kMaxPayloadBytes) {
      fits = false;
      continue;
    }
    // A copy of at most 256 KiB (3 us for a mean page) is cheaper than a registry that would hand the pointer over.
    message.payload = std::make_shared<const std::string>(body.bytes());
  }
  ++counts.received;
  if (!fits) {
    ++counts.dropped_malformed;
    return true;
  }
  got = true;
  on_message(from, std::move(message));
  return true;
}

bool ZmqBus::Impl::Drain(void* socket, const PeerId& dealer) {
  bool any = false;
  bool got = false;
  for (int i = 0; i < kMaxDrain && ReceiveOne(socket, dealer, got); ++i) any = true;
  return any;
}

bool ZmqBus::Impl::DrainAll() {
  draining = true;
  bool any = router != nullptr && Drain(router, "");
  std::vector<std::pair<PeerId, void*>> sockets(dealers.begin(), dealers.end());
  for (const auto& [peer, socket] : sockets) {
    if (dealers.contains(peer)) any = Drain(socket, peer) || any;
  }
  draining = false;
  return any;
}

ZmqBus::ZmqBus(ZmqContext& context, EventLoop& loop,
               absl::AnyInvocable<void(const PeerId& from, Message message)> on_message)
    : impl_(std::make_unique<Impl>(context, loop, std::move(on_message))) {
  loop.AddPoller([impl = impl_.get(), alive = impl_->alive] { return *alive && impl->DrainAll(); });
}

ZmqBus::~ZmqBus() {
  *impl_->alive = false;
  auto close = [this](void* socket) {
    int fd = -1;
    size_t size = sizeof fd;
    zmq_getsockopt(socket, ZMQ_FD, &fd, &size);
    impl_->loop.Unwatch(fd);
    zmq_close(socket);
  };
  for (auto& [peer, socket] : impl_->dealers) close(socket);
  if (impl_->router != nullptr) close(impl_->router);
}

absl::StatusOr<std::string> ZmqBus::Bind(const std::string& endpoint) {
  if (impl_->router == nullptr) {
    WEFT_ASSIGN_OR_RETURN(impl_->router, impl_->NewSocket(ZMQ_ROUTER));
    impl_->Watch(impl_->router);
  }
  if (zmq_bind(impl_->router, endpoint.c_str()) != 0) {
    if (zmq_errno() == EADDRINUSE) {
      return Unavailable("{} is in use by another process; choose another port, or tcp://127.0.0.1:0 for any",
                         endpoint);
    }
    return Unavailable("cannot listen at {}: {}", endpoint, ZmqError());
  }
  char bound[512] = {};
  size_t size = sizeof bound;
  if (zmq_getsockopt(impl_->router, ZMQ_LAST_ENDPOINT, bound, &size) != 0) return endpoint;
  return PlainAddress(bound);
}

absl::StatusOr<PeerId> ZmqBus::Connect(const std::string& endpoint) {
  WEFT_ASSIGN_OR_RETURN(void* socket, impl_->NewSocket(ZMQ_DEALER));
  if (zmq_connect(socket, endpoint.c_str()) != 0) {
    absl::Status status = InvalidArgument("cannot connect to '{}': {}", endpoint, ZmqError());
    zmq_close(socket);
    return status;
  }
  impl_->Watch(socket);
  PeerId peer = fmt::format("d:{}", impl_->next_dealer++);
  impl_->dealers[peer] = socket;
  return peer;
}

void ZmqBus::Disconnect(const PeerId& peer) {
  auto it = impl_->dealers.find(peer);
  if (it == impl_->dealers.end()) return;
  void* socket = it->second;
  impl_->dealers.erase(it);
  int fd = -1;
  size_t size = sizeof fd;
  zmq_getsockopt(socket, ZMQ_FD, &fd, &size);
  impl_->loop.Unwatch(fd);
  if (impl_->draining) {
    // Its messages are being handed over right now: closed once that is done.
    impl_->loop.Post([socket] { zmq_close(socket); });
  } else {
    zmq_close(socket);
  }
}

void ZmqBus::Send(const PeerId& peer, const Message& message) {
  void* socket = nullptr;
  std::string id;
  if (peer.starts_with(kRouterPrefix)) {
    socket = impl_->router;
    for (size_t i = kRouterPrefix.size(); i + 1 < peer.size(); i += 2) {
      id.push_back(static_cast<char>(std::stoi(peer.substr(i, 2), nullptr, 16)));
    }
  } else {
    auto it = impl_->dealers.find(peer);
    if (it != impl_->dealers.end()) socket = it->second;
  }
  if (socket == nullptr) {
    ++impl_->counts.dropped_unsendable;
    return;
  }
  std::string bytes = message.frame.SerializeAsString();
  bool payload = message.payload != nullptr;
  // The first part decides: a peer that is gone or full refuses it, and nothing of the message is sent.
  bool sent = id.empty() || Part(id).Send(socket, true);
  sent = sent && Part(bytes).Send(socket, payload);
  if (sent && payload) sent = Part(message.payload).Send(socket, false);
  if (sent) {
    ++impl_->counts.sent;
  } else {
    ++impl_->counts.dropped_unsendable;
  }
}

const ZmqBusCounters& ZmqBus::counters() const { return impl_->counts; }

}  // namespace weft
