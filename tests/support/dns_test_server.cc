#include "tests/support/dns_test_server.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <mutex>
#include <thread>
#include <utility>

namespace weft::test {
namespace {

void Check(bool ok, const char* what) {
  if (ok) return;
  perror(what);
  std::abort();
}

void Append16(std::string& out, unsigned value) {
  out += static_cast<char>(value >> 8 & 0xFF);
  out += static_cast<char>(value & 0xFF);
}

void Append32(std::string& out, uint32_t value) {
  Append16(out, value >> 16);
  Append16(out, value & 0xFFFF);
}

std::string EncodedName(std::string_view name) {
  std::string out;
  while (!name.empty()) {
    const size_t dot = name.find('.');
    const std::string_view label = name.substr(0, dot);
    out += static_cast<char>(label.size());
    out += label;
    if (dot == std::string_view::npos) break;
    name.remove_prefix(dot + 1);
  }
  out += '\0';
  return out;
}

struct Question {
  std::string name;
  DnsType type = DnsType::kA;
  size_t end = 0;  // in the packet
  bool ok = false;
};

Question ParseQuestion(std::string_view packet) {
  Question question;
  size_t at = 12;
  while (at < packet.size() && packet[at] != 0) {
    const auto size = static_cast<unsigned char>(packet[at]);
    if (at + 1 + size >= packet.size()) return question;
    if (!question.name.empty()) question.name += '.';
    question.name += packet.substr(at + 1, size);
    at += size + 1u;
  }
  if (at + 5 > packet.size()) return question;
  question.type = static_cast<DnsType>(static_cast<unsigned char>(packet[at + 1]) << 8 |
                                       static_cast<unsigned char>(packet[at + 2]));
  question.end = at + 5;
  question.ok = true;
  return question;
}

// RFC 1035 4.1.3. `owner` is an encoded name.
void AppendRecord(std::string& out, const std::string& owner, unsigned type, uint32_t ttl, std::string_view data) {
  out += owner;
  Append16(out, type);
  Append16(out, 1);
  Append32(out, ttl);
  Append16(out, static_cast<unsigned>(data.size()));
  out += data;
}

std::string AddressBytes(const std::string& text, DnsType type) {
  char bytes[16];
  const int family = type == DnsType::kA ? AF_INET : AF_INET6;
  if (inet_pton(family, text.c_str(), bytes) != 1) return "";
  return std::string(bytes, type == DnsType::kA ? 4 : 16);
}

std::string Encode(std::string_view packet, const Question& question, const DnsReply& reply) {
  std::string records;
  unsigned count = 0;
  const std::string asked("\xC0\x0C", 2);  // a pointer to the question's name
  std::string owner = asked;
  if (!reply.alias.empty()) {
    owner = EncodedName(reply.alias);
    AppendRecord(records, asked, 5, reply.alias_ttl, owner);
    ++count;
  }
  for (const std::string& text : reply.addresses) {
    const std::string bytes = AddressBytes(text, question.type);
    if (bytes.empty()) continue;
    AppendRecord(records, owner, static_cast<unsigned>(question.type), reply.ttl, bytes);
    ++count;
  }
  std::string out(packet.substr(0, 2));
  Append16(out, 0x8180u | static_cast<unsigned>(reply.rcode));  // a response, recursion asked for and available
  Append16(out, 1);
  Append16(out, count);
  Append32(out, 0);
  out += packet.substr(12, question.end - 12);
  return out + records;
}

}  // namespace

class DnsTestServer::Server {
 public:
  explicit Server(Answerer answerer) : answerer_(std::move(answerer)) {
    socket_ = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    Check(socket_ >= 0, "socket");
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    Check(bind(socket_, reinterpret_cast<sockaddr*>(&address), size) == 0, "bind");
    Check(getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size) == 0, "getsockname");
    port_ = ntohs(address.sin_port);
    wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    Check(wake_ >= 0, "eventfd");
    thread_ = std::thread([this] { Run(); });
  }

  ~Server() {
    const uint64_t one = 1;
    Check(write(wake_, &one, sizeof one) == sizeof one, "write");
    thread_.join();
    close(socket_);
    close(wake_);
  }

  uint16_t port() const { return port_; }
  std::vector<std::string> questions() const {
    std::lock_guard lock(mutex_);
    return questions_;
  }

 private:
  void Run() {
    for (;;) {
      pollfd fds[] = {{wake_, POLLIN, 0}, {socket_, POLLIN, 0}};
      poll(fds, 2, -1);
      if (fds[0].revents != 0) return;
      Serve();
    }
  }

  void Serve() {
    char buffer[2048];
    sockaddr_in peer{};
    socklen_t size = sizeof peer;
    const ssize_t got = recvfrom(socket_, buffer, sizeof buffer, 0, reinterpret_cast<sockaddr*>(&peer), &size);
    if (got < 0) return;
    const std::string_view packet(buffer, static_cast<size_t>(got));
    const Question question = ParseQuestion(packet);
    if (!question.ok) return;
    {
      std::lock_guard lock(mutex_);
      questions_.push_back((question.type == DnsType::kA ? "A " : "AAAA ") + question.name);
    }
    const DnsReply reply = answerer_(question.name, question.type);
    if (reply.silent) return;
    const std::string out = Encode(packet, question, reply);
    sendto(socket_, out.data(), out.size(), 0, reinterpret_cast<sockaddr*>(&peer), size);
  }

  const Answerer answerer_;
  int socket_ = -1;
  int wake_ = -1;
  uint16_t port_ = 0;
  mutable std::mutex mutex_;
  std::vector<std::string> questions_;
  std::thread thread_;
};

DnsTestServer::DnsTestServer(Answerer answerer) : server_(std::make_unique<Server>(std::move(answerer))) {}
DnsTestServer::~DnsTestServer() = default;

std::string DnsTestServer::endpoint() const { return fmt::format("127.0.0.1:{}", server_->port()); }
std::vector<std::string> DnsTestServer::questions() const { return server_->questions(); }

}  // namespace weft::test
