#include "common/zmq_watch.h"

#include <errno.h>
#include <zmq.h>

#include <atomic>
#include <cstdint>
#include <cstring>
#include <string>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace weft {
namespace {

constexpr int kEvents = ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_CONNECT_RETRIED | ZMQ_EVENT_DISCONNECTED |
                        ZMQ_EVENT_HANDSHAKE_FAILED_AUTH | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
                        ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL;

std::optional<ConnectionEvent> Named(uint16_t event) {
  switch (event) {
    case ZMQ_EVENT_HANDSHAKE_SUCCEEDED: return ConnectionEvent::kOpened;
    case ZMQ_EVENT_CONNECT_RETRIED: return ConnectionEvent::kRetried;
    case ZMQ_EVENT_DISCONNECTED: return ConnectionEvent::kLost;
    case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH: return ConnectionEvent::kKeyRefused;
    case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL: return ConnectionEvent::kMismatch;
    case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL: return ConnectionEvent::kBroken;
    default: return std::nullopt;
  }
}

}  // namespace

ZmqWatch::ZmqWatch(void* context, void* socket) : watched_(socket) {
  if (socket == nullptr) return;
  // Never the same twice: libzmq gives a name back some time after its socket was closed.
  static std::atomic<uint64_t> made = 0;
  const std::string endpoint = fmt::format("inproc://weft-watch-{}", ++made);
  events_ = zmq_socket(context, ZMQ_PAIR);
  // Without a bound: libzmq's own thread would wait for room, and with it everybody's traffic.
  const int none = 0;
  for (int option : {ZMQ_LINGER, ZMQ_RCVHWM, ZMQ_SNDHWM}) {
    if (events_ != nullptr) zmq_setsockopt(events_, option, &none, sizeof none);
  }
  if (events_ == nullptr || zmq_socket_monitor(socket, endpoint.c_str(), kEvents) != 0 ||
      zmq_connect(events_, endpoint.c_str()) != 0) {
    spdlog::warn("connections are not watched: {}", zmq_strerror(errno));
    if (events_ != nullptr) zmq_close(events_);
    events_ = nullptr;
    return;
  }
  size_t size = sizeof descriptor_;
  zmq_getsockopt(events_, ZMQ_FD, &descriptor_, &size);
}

ZmqWatch::~ZmqWatch() {
  if (events_ == nullptr) return;
  zmq_socket_monitor(watched_, nullptr, 0);
  zmq_close(events_);
}

std::optional<ConnectionEvent> ZmqWatch::Next() {
  std::optional<ConnectionEvent> found;
  while (events_ != nullptr && !found) {
    zmq_msg_t frame;
    zmq_msg_init(&frame);
    if (zmq_msg_recv(&frame, events_, ZMQ_DONTWAIT) < 0) {
      zmq_msg_close(&frame);
      return std::nullopt;
    }
    uint16_t event = 0;
    if (zmq_msg_size(&frame) >= sizeof event) std::memcpy(&event, zmq_msg_data(&frame), sizeof event);
    found = Named(event);
    // The address comes behind it.
    while (zmq_msg_more(&frame) != 0 && zmq_msg_recv(&frame, events_, ZMQ_DONTWAIT) >= 0) {
    }
    zmq_msg_close(&frame);
  }
  return found;
}

}  // namespace weft
