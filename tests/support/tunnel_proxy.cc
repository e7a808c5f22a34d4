#include "tests/support/tunnel_proxy.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <thread>
#include <utility>

namespace weft::test {
namespace {

void Check(bool good, const char* what) {
  if (good) return;
  std::perror(what);
  std::abort();
}

sockaddr_in Loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

// False: one of the two has nothing more to say.
bool Pass(int from, int to) {
  char buffer[16384];
  const ssize_t got = recv(from, buffer, sizeof buffer, 0);
  return got > 0 && send(to, buffer, static_cast<size_t>(got), MSG_NOSIGNAL) == got;
}

}  // namespace

class TunnelProxy::Server {
 public:
  Server(uint16_t to, std::string answer) : to_(to), answer_(std::move(answer)) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = Loopback(0);
    socklen_t size = sizeof address;
    Check(bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0, "bind");
    Check(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0, "getsockname");
    Check(listen(listener_, 64) == 0, "listen");
    port_ = ntohs(address.sin_port);
    wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    Check(wake_ >= 0, "eventfd");
    thread_ = std::thread([this] { Run(); });
  }
  ~Server() {
    const uint64_t one = 1;
    Check(write(wake_, &one, sizeof one) == sizeof one, "write");
    thread_.join();
    close(listener_);
    close(wake_);
  }

  uint16_t port() const { return port_; }
  std::vector<std::string> heads() const {
    const std::scoped_lock lock(mutex_);
    return heads_;
  }

 private:
  // False: this server ends.
  bool Wait(int a, int b, short (&ready)[2]) const {
    pollfd fds[] = {{wake_, POLLIN, 0}, {a, POLLIN, 0}, {b, POLLIN, 0}};
    poll(fds, b < 0 ? 2 : 3, -1);
    ready[0] = fds[1].revents;
    ready[1] = b < 0 ? short{0} : fds[2].revents;
    return fds[0].revents == 0;
  }

  // One connection after the other.
  void Run() {
    short ready[2];
    while (Wait(listener_, -1, ready)) {
      const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (client < 0) continue;
      Serve(client);
      close(client);
    }
  }

  void Serve(int client) {
    std::string head;
    short ready[2];
    while (head.find("\r\n\r\n") == std::string::npos) {
      char byte;
      if (!Wait(client, -1, ready) || recv(client, &byte, 1, 0) != 1) return;
      head += byte;
    }
    {
      const std::scoped_lock lock(mutex_);
      heads_.push_back(head);
    }
    if (send(client, answer_.data(), answer_.size(), MSG_NOSIGNAL) < 0 || !answer_.starts_with("HTTP/1.1 2")) return;
    const int upstream = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = Loopback(to_);
    if (connect(upstream, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
      bool open = true;
      while (open && Wait(client, upstream, ready)) {
        if (ready[0] != 0) open = Pass(client, upstream);
        if (open && ready[1] != 0) open = Pass(upstream, client);
      }
    }
    close(upstream);
  }

  const uint16_t to_;
  const std::string answer_;
  int listener_ = -1;
  int wake_ = -1;
  uint16_t port_ = 0;
  mutable std::mutex mutex_;
  std::vector<std::string> heads_;
  std::thread thread_;
};

TunnelProxy::TunnelProxy(uint16_t to, std::string answer) : server_(std::make_unique<Server>(to, std::move(answer))) {}
TunnelProxy::~TunnelProxy() = default;

std::string TunnelProxy::Url() const { return fmt::format("http://127.0.0.1:{}", server_->port()); }
std::vector<std::string> TunnelProxy::heads() const { return server_->heads(); }

}  // namespace weft::test
