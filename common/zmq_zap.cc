#include "common/zmq_zap.h"

#include <errno.h>
#include <zmq.h>

#include <array>
#include <cstdlib>
#include <future>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace weft {
namespace {

constexpr const char* kEndpoint = "inproc://zeromq.zap.01";
constexpr size_t kKeyBytes = 32;
// version, request id, domain, address, routing id, mechanism, then credentials: one frame of them for CURVE.
constexpr size_t kRequestFrames = 7;
constexpr size_t kMostFrames = 16;

// False: the context is shut down. A message is whole or not there.
bool ReadRequest(void* socket, std::vector<std::string>& frames) {
  frames.clear();
  bool more = true;
  while (more) {
    zmq_msg_t frame;
    zmq_msg_init(&frame);
    if (zmq_msg_recv(&frame, socket, 0) < 0) {
      const bool again = errno == EINTR;
      zmq_msg_close(&frame);
      if (again) continue;
      return false;
    }
    if (frames.size() < kMostFrames) frames.emplace_back(static_cast<const char*>(zmq_msg_data(&frame)), zmq_msg_size(&frame));
    more = zmq_msg_more(&frame) != 0;
    zmq_msg_close(&frame);
  }
  return true;
}

void Answer(void* socket, const std::string& request_id, const PeerKey& key) {
  const bool in = !key.empty();
  const std::array<std::string_view, 6> reply = {"1.0", request_id, in ? "200" : "400", in ? "OK" : "key not accepted", key, ""};
  for (size_t i = 0; i < reply.size(); ++i) {
    zmq_send(socket, reply[i].data(), reply[i].size(), i + 1 < reply.size() ? ZMQ_SNDMORE : 0);
  }
}

}  // namespace

ZapHandler::ZapHandler(void* zmq_context) {
  std::promise<bool> bound;
  std::future<bool> is_bound = bound.get_future();
  thread_ = std::thread([this, zmq_context, &bound] {
    void* socket = zmq_socket(zmq_context, ZMQ_REP);
    const bool ok = socket != nullptr && zmq_bind(socket, kEndpoint) == 0;
    bound.set_value(ok);  // `bound` is gone after this
    if (ok) Serve(socket);
    if (socket != nullptr) zmq_close(socket);
  });
  if (is_bound.get()) return;
  spdlog::critical("the keys of connections cannot be checked: {}", zmq_strerror(errno));
  std::abort();
}

ZapHandler::~ZapHandler() { thread_.join(); }

void ZapHandler::Serve(void* socket) {
  const int linger = 0;
  zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof linger);
  std::vector<std::string> frames;
  while (ReadRequest(socket, frames)) {
    PeerKey key;
    const bool curve = frames.size() == kRequestFrames && frames[5] == "CURVE" && frames[6].size() == kKeyBytes;
    if (curve) {
      std::array<char, 41> text{};
      zmq_z85_encode(text.data(), reinterpret_cast<const uint8_t*>(frames[6].data()), kKeyBytes);
      if (Allows(frames[2], text.data())) key = text.data();
    }
    Answer(socket, frames.size() > 1 ? frames[1] : "", key);
  }
}

bool ZapHandler::Allows(const std::string& domain, const PeerKey& key) {
  MutexLock lock(mutex_);
  const auto it = domains_.find(domain);
  return it != domains_.end() && it->second.contains(key);
}

std::string ZapHandler::NewDomain() {
  MutexLock lock(mutex_);
  std::string domain = fmt::format("weft-{}", next_++);
  domains_[domain];
  return domain;
}

void ZapHandler::Allow(const std::string& domain, const std::set<PeerKey>& keys) {
  MutexLock lock(mutex_);
  domains_[domain] = keys;
}

void ZapHandler::Forget(const std::string& domain) {
  MutexLock lock(mutex_);
  domains_.erase(domain);
}

}  // namespace weft
