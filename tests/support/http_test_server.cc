#include "tests/support/http_test_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <thread>
#include <tuple>
#include <utility>

#include "common/clock.h"

namespace weft::test {
namespace {

using Step = HttpScript::Step;

void Check(bool ok, const char* what) {
  if (ok) return;
  perror(what);
  std::abort();
}

struct Endpoint {
  sockaddr_storage storage{};
  socklen_t size = 0;
  sockaddr* address() { return reinterpret_cast<sockaddr*>(&storage); }
};

Endpoint EndpointOf(const std::string& address) {
  Endpoint endpoint;
  if (address.find(':') != std::string::npos) {
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&endpoint.storage);
    v6->sin6_family = AF_INET6;
    Check(inet_pton(AF_INET6, address.c_str(), &v6->sin6_addr) == 1, "inet_pton");
    endpoint.size = sizeof *v6;
  } else {
    auto* v4 = reinterpret_cast<sockaddr_in*>(&endpoint.storage);
    v4->sin_family = AF_INET;
    Check(inet_pton(AF_INET, address.c_str(), &v4->sin_addr) == 1, "inet_pton");
    endpoint.size = sizeof *v4;
  }
  return endpoint;
}

// A bound socket and its port.
std::pair<int, uint16_t> BindEphemeral(const std::string& address) {
  Endpoint endpoint = EndpointOf(address);
  const int fd = socket(endpoint.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  Check(fd >= 0, "socket");
  Check(bind(fd, endpoint.address(), endpoint.size) == 0, "bind");
  Check(getsockname(fd, endpoint.address(), &endpoint.size) == 0, "getsockname");
  const uint16_t port = endpoint.storage.ss_family == AF_INET6
                            ? reinterpret_cast<sockaddr_in6*>(&endpoint.storage)->sin6_port
                            : reinterpret_cast<sockaddr_in*>(&endpoint.storage)->sin_port;
  return {fd, ntohs(port)};
}

// One accepted connection: bytes in, steps out.
struct Connection {
  int fd = -1;
  int number = 0;
  std::string peer;
  std::string in;
  std::deque<Step> steps;
  size_t sent = 0;          // of the first step's bytes
  absl::Time not_before = absl::InfinitePast();
  bool step_begun = false;

  bool Waiting(absl::Time now) const { return not_before > now; }
};

enum class Progress { kBlocked, kIdle, kGone };

}  // namespace

std::string HttpTestRequest::Header(std::string_view name) const {
  for (size_t at = head.find("\r\n"); at != std::string::npos; at = head.find("\r\n", at)) {
    at += 2;
    const std::string_view line = std::string_view(head).substr(at, head.find("\r\n", at) - at);
    if (line.size() <= name.size() || line[name.size()] != ':') continue;
    if (strncasecmp(line.data(), name.data(), name.size()) != 0) continue;
    const std::string_view value = line.substr(name.size() + 1);
    const size_t first = value.find_first_not_of(' ');
    return first == std::string_view::npos ? "" : std::string(value.substr(first));
  }
  return "";
}

HttpScript& HttpScript::Send(std::string bytes) {
  steps_.push_back({Step::Kind::kSend, std::move(bytes), 0, {}});
  return *this;
}
HttpScript& HttpScript::Drip(std::string bytes, size_t piece, absl::Duration interval) {
  steps_.push_back({Step::Kind::kDrip, std::move(bytes), piece, interval});
  return *this;
}
HttpScript& HttpScript::Wait(absl::Duration time) {
  steps_.push_back({Step::Kind::kWait, "", 0, time});
  return *this;
}
HttpScript& HttpScript::SendForever(std::string bytes) {
  steps_.push_back({Step::Kind::kForever, std::move(bytes), 0, {}});
  return *this;
}
HttpScript& HttpScript::Hang() {
  steps_.push_back({Step::Kind::kHang, "", 0, {}});
  return *this;
}
HttpScript& HttpScript::Close() {
  steps_.push_back({Step::Kind::kClose, "", 0, {}});
  return *this;
}
HttpScript& HttpScript::Reset() {
  steps_.push_back({Step::Kind::kReset, "", 0, {}});
  return *this;
}

HttpScript Answer(int status, std::string_view content_type, std::string_view body, std::string_view headers) {
  return HttpScript().Send(fmt::format("HTTP/1.1 {} Status\r\nContent-Type: {}\r\nContent-Length: {}\r\n{}\r\n{}", status,
                                       content_type, body.size(), headers, body));
}

HttpScript HtmlPage(std::string_view body) { return Answer(200, "text/html", body); }

std::string Chunk(std::string_view bytes) { return fmt::format("{:x}\r\n{}\r\n", bytes.size(), bytes); }

uint16_t UnusedPort(const std::string& address) {
  const auto [fd, port] = BindEphemeral(address);
  close(fd);
  return port;
}

class HttpTestServer::Server {
 public:
  Server(Handler handler, std::string address) : handler_(std::move(handler)), address_(std::move(address)) {
    std::tie(listener_, port_) = BindEphemeral(address_);
    Check(listen(listener_, 512) == 0, "listen");
    wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    Check(wake_ >= 0, "eventfd");
    thread_ = std::thread([this] { Run(); });
  }

  ~Server() {
    stopping_ = true;
    const uint64_t one = 1;
    Check(write(wake_, &one, sizeof one) == sizeof one, "write");
    thread_.join();
    for (Connection& connection : connections_) close(connection.fd);
    close(listener_);
    close(wake_);
  }

  void AnswerAnything() { any_bytes_ = true; }
  uint16_t port() const { return port_; }
  const std::string& address() const { return address_; }
  int accepted() const { return accepted_; }
  int open() const { return open_; }
  std::vector<HttpTestRequest> requests() const {
    std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  void Run() {
    while (!stopping_) {
      std::vector<pollfd> fds = {{wake_, POLLIN, 0}, {listener_, POLLIN, 0}};
      const absl::Time now = SystemClock().SteadyNow();
      absl::Time wake = absl::InfiniteFuture();
      for (const Connection& connection : connections_) {
        const bool waiting = connection.Waiting(now);
        if (waiting) wake = std::min(wake, connection.not_before);
        const bool writes = !connection.steps.empty() && !waiting && connection.steps.front().kind != Step::Kind::kHang;
        fds.push_back({connection.fd, static_cast<short>(POLLIN | (writes ? POLLOUT : 0)), 0});
      }
      const int64_t timeout = wake == absl::InfiniteFuture() ? -1 : absl::ToInt64Milliseconds(wake - now) + 1;
      poll(fds.data(), fds.size(), static_cast<int>(timeout));
      size_t next = 2;
      for (auto it = connections_.begin(); it != connections_.end(); ++next) {
        if (Serve(*it, fds[next].revents)) {
          ++it;
        } else {
          close(it->fd);
          it = connections_.erase(it);
          --open_;
        }
      }
      if (fds[1].revents != 0) Accept();
    }
  }

  void Accept() {
    for (;;) {
      sockaddr_storage from{};
      socklen_t size = sizeof from;
      const int fd = accept4(listener_, reinterpret_cast<sockaddr*>(&from), &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
      if (fd < 0) return;
      char text[INET6_ADDRSTRLEN] = {};
      getnameinfo(reinterpret_cast<sockaddr*>(&from), size, text, sizeof text, nullptr, 0, NI_NUMERICHOST);
      connections_.emplace_back();
      connections_.back().fd = fd;
      connections_.back().peer = text;
      connections_.back().number = ++accepted_;
      ++open_;
    }
  }

  // False once the connection is over.
  bool Serve(Connection& connection, short events) {
    if ((events & (POLLIN | POLLHUP | POLLERR)) != 0 && !Read(connection)) return false;
    for (;;) {
      if (connection.steps.empty() && !TakeRequest(connection)) return true;
      switch (Advance(connection)) {
        case Progress::kBlocked: return true;
        case Progress::kGone: return false;
        case Progress::kIdle: break;
      }
    }
  }

  static bool Read(Connection& connection) {
    char buffer[16384];
    for (;;) {
      const ssize_t got = recv(connection.fd, buffer, sizeof buffer, 0);
      if (got == 0) return false;
      if (got < 0) return errno == EAGAIN || errno == EINTR;
      connection.in.append(buffer, static_cast<size_t>(got));
    }
  }

  bool TakeRequest(Connection& connection) {
    size_t end = connection.in.find("\r\n\r\n");
    if (end == std::string::npos && any_bytes_ && !connection.in.empty()) end = connection.in.size();
    if (end == std::string::npos) return false;
    HttpTestRequest request;
    request.head = connection.in.substr(0, end + 4);
    connection.in.erase(0, end + 4);
    if (any_bytes_) request.head += "  ";  // a method and a target, both empty, for the lines below
    const size_t first = request.head.find(' ');
    const size_t second = request.head.find(' ', first + 1);
    request.method = request.head.substr(0, first);
    request.target = request.head.substr(first + 1, second - first - 1);
    request.connection = connection.number;
    request.peer = connection.peer;
    {
      std::lock_guard lock(mutex_);
      requests_.push_back(request);
    }
    const HttpScript script = handler_(request);
    connection.steps.assign(script.steps().begin(), script.steps().end());
    connection.sent = 0;
    return !connection.steps.empty();
  }

  static Progress NextStep(Connection& connection) {
    connection.steps.pop_front();
    connection.sent = 0;
    connection.step_begun = false;
    return Progress::kIdle;
  }

  static Progress Advance(Connection& connection) {
    const absl::Time now = SystemClock().SteadyNow();
    if (connection.Waiting(now)) return Progress::kBlocked;
    const Step& step = connection.steps.front();
    switch (step.kind) {
      case Step::Kind::kHang: return Progress::kBlocked;
      case Step::Kind::kClose: return Progress::kGone;
      case Step::Kind::kReset: {
        const linger now_and_hard{1, 0};
        setsockopt(connection.fd, SOL_SOCKET, SO_LINGER, &now_and_hard, sizeof now_and_hard);
        return Progress::kGone;
      }
      case Step::Kind::kWait:
        if (connection.step_begun) return NextStep(connection);
        connection.step_begun = true;
        connection.not_before = now + step.interval;
        return Progress::kBlocked;
      case Step::Kind::kSend:
      case Step::Kind::kDrip:
      case Step::Kind::kForever: return Write(connection, step, now);
    }
    return Progress::kGone;
  }

  static Progress Write(Connection& connection, const Step& step, absl::Time now) {
    size_t size = step.bytes.size() - connection.sent;
    if (step.kind == Step::Kind::kDrip) size = std::min(size, step.piece);
    if (size > 0) {
      const ssize_t put = send(connection.fd, step.bytes.data() + connection.sent, size, MSG_NOSIGNAL);
      if (put < 0) return errno == EAGAIN || errno == EINTR ? Progress::kBlocked : Progress::kGone;
      connection.sent += static_cast<size_t>(put);
    }
    if (step.kind == Step::Kind::kDrip) connection.not_before = now + step.interval;
    if (connection.sent < step.bytes.size()) return Progress::kIdle;
    if (step.kind != Step::Kind::kForever) return NextStep(connection);
    connection.sent = 0;
    return Progress::kBlocked;  // the others come next; the socket is polled for writing
  }

  const Handler handler_;
  const std::string address_;
  int listener_ = -1;
  int wake_ = -1;
  uint16_t port_ = 0;
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> any_bytes_ = false;
  std::atomic<int> accepted_ = 0;
  std::atomic<int> open_ = 0;
  mutable std::mutex mutex_;
  std::vector<HttpTestRequest> requests_;
  std::deque<Connection> connections_;
  std::thread thread_;
};

HttpTestServer::HttpTestServer(Handler handler, std::string address)
    : server_(std::make_unique<Server>(std::move(handler), std::move(address))) {}
HttpTestServer::HttpTestServer(HttpScript script, std::string address)
    : HttpTestServer([script = std::move(script)](const HttpTestRequest&) { return script; }, std::move(address)) {}
HttpTestServer::~HttpTestServer() = default;

void HttpTestServer::AnswerAnything() { server_->AnswerAnything(); }
uint16_t HttpTestServer::port() const { return server_->port(); }
const std::string& HttpTestServer::address() const { return server_->address(); }
std::vector<HttpTestRequest> HttpTestServer::requests() const { return server_->requests(); }
int HttpTestServer::connections() const { return server_->accepted(); }
int HttpTestServer::open_connections() const { return server_->open(); }

std::string HttpTestServer::Url(std::string_view target) const {
  const bool v6 = address().find(':') != std::string::npos;
  return fmt::format("http://{}{}{}:{}{}", v6 ? "[" : "", address(), v6 ? "]" : "", port(), target);
}

}  // namespace weft::test
