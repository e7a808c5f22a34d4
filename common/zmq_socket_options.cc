#include "common/zmq_socket_options.h"

#include <errno.h>
#include <zmq.h>

#include <array>
#include <string_view>

#include <spdlog/spdlog.h>

#include "common/bus.h"

namespace weft {
namespace {

constexpr int kHighWaterMark = 100'000;
// ZMQ_ZAP_ENFORCE_DOMAIN, which 4.3.4 knows but declares among its drafts: without a handler nobody comes in.
constexpr int kZapEnforceDomain = 93;
constexpr int64_t kCurveOverhead = 64;  // a frame grows by 33 bytes under CURVE

}  // namespace

void SetInt(void* socket, int option, int value) {
  if (zmq_setsockopt(socket, option, &value, sizeof value) != 0) {
    spdlog::error("zmq option {} = {}: {}", option, value, zmq_strerror(errno));
  }
}

void SetCommonOptions(void* socket) {
  const int64_t longest = kMaxFrameBytes + kCurveOverhead;
  zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &longest, sizeof longest);
  SetInt(socket, ZMQ_LINGER, 1000);  // a last goodbye
  SetInt(socket, ZMQ_SNDHWM, kHighWaterMark);
  SetInt(socket, ZMQ_RCVHWM, kHighWaterMark);
  SetInt(socket, ZMQ_HANDSHAKE_IVL, 5'000);  // who says nothing costs a descriptor that long
  SetInt(socket, ZMQ_RECONNECT_IVL, 100);
  SetInt(socket, ZMQ_RECONNECT_IVL_MAX, 5'000);
  SetInt(socket, ZMQ_IMMEDIATE, 0);  // messages wait for the connection
  SetInt(socket, ZMQ_IPV6, 1);
  SetInt(socket, ZMQ_TCP_KEEPALIVE, 1);
  SetInt(socket, ZMQ_TCP_KEEPALIVE_IDLE, 60);
  SetInt(socket, ZMQ_TCP_KEEPALIVE_INTVL, 10);
  SetInt(socket, ZMQ_TCP_KEEPALIVE_CNT, 3);
}

// The ROUTER gives up first: a DEALER that reconnects while its old connection counts as alive there is refused, for
// its routing id is taken.
void SetHeartbeat(void* socket, int interval_ms, int timeout_ms) {
  SetInt(socket, ZMQ_HEARTBEAT_IVL, interval_ms);
  SetInt(socket, ZMQ_HEARTBEAT_TIMEOUT, timeout_ms);
}

void AskForKeys(void* socket, const std::string& secret_key, const std::string& domain) {
  SetInt(socket, ZMQ_CURVE_SERVER, 1);
  zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, secret_key.data(), secret_key.size());
  zmq_setsockopt(socket, ZMQ_ZAP_DOMAIN, domain.data(), domain.size());
  SetInt(socket, kZapEnforceDomain, 1);
}

bool ShowKeys(void* socket, const KeyPair& own, const PeerKey& server_key) {
  return zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, server_key.data(), server_key.size()) == 0 &&
         zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, own.public_key.data(), own.public_key.size()) == 0 &&
         zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, own.secret_key.data(), own.secret_key.size()) == 0;
}

// A socket that takes IPv6 too tells IPv4 addresses mapped: "tcp://[::ffff:127.0.0.1]:7700".
std::string LastEndpoint(void* socket) {
  constexpr std::string_view kMapped = "[::ffff:";
  std::array<char, 1024> text{};
  size_t size = text.size();
  if (zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, text.data(), &size) != 0) return {};
  std::string endpoint = text.data();
  const size_t begin = endpoint.find(kMapped);
  const size_t end = endpoint.find(']');
  if (begin == std::string::npos || end == std::string::npos || end < begin) return endpoint;
  return endpoint.erase(end, 1).erase(begin, kMapped.size());
}

}  // namespace weft
