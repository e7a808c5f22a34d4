#include "cli/reach.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <iostream>
#include <iterator>
#include <memory>

#include "cli/join_token.h"
#include "cli/key_files.h"
#include "common/clock.h"
#include "common/ip_address.h"
#include "common/status.h"

namespace weft {
namespace {

constexpr absl::Duration kProbe = absl::Seconds(2);

struct HostPort {
  std::string host;   // without brackets
  std::string port;
};

HostPort Split(const std::string& endpoint) {
  const size_t begin = endpoint.find("://") == std::string::npos ? 0 : endpoint.find("://") + 3;
  const size_t colon = endpoint.rfind(':');
  if (colon == std::string::npos || colon < begin) return {endpoint.substr(begin), "0"};
  std::string host = endpoint.substr(begin, colon - begin);
  if (host.size() > 1 && host.front() == '[') host = host.substr(1, host.size() - 2);
  return {host, endpoint.substr(colon + 1)};
}

using Addresses = std::unique_ptr<addrinfo, void (*)(addrinfo*)>;

Addresses LookUp(const HostPort& at, int type) {
  addrinfo hints{};
  hints.ai_socktype = type;
  addrinfo* found = nullptr;
  if (getaddrinfo(at.host.c_str(), at.port.c_str(), &hints, &found) != 0) found = nullptr;
  return Addresses(found, [](addrinfo* list) {
    if (list != nullptr) freeaddrinfo(list);
  });
}

std::string NumberOf(const sockaddr* address, socklen_t size) {
  std::array<char, NI_MAXHOST> text{};
  if (getnameinfo(address, size, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST) != 0) return "";
  return text.data();
}

std::string Bracketed(const std::string& host) { return host.find(':') == std::string::npos ? host : "[" + host + "]"; }

// The index of the first descriptor that is connected before the deadline.
size_t WaitForOne(std::vector<pollfd>& waiting) {
  const absl::Time deadline = SystemClock().SteadyNow() + kProbe;
  for (size_t open = waiting.size(); open > 0;) {
    const int64_t left = absl::ToInt64Milliseconds(deadline - SystemClock().SteadyNow());
    if (left <= 0 || poll(waiting.data(), waiting.size(), static_cast<int>(left)) <= 0) break;
    for (size_t i = 0; i < waiting.size(); ++i) {
      if (waiting[i].fd < 0 || waiting[i].revents == 0) continue;
      int error = 0;
      socklen_t size = sizeof error;
      getsockopt(waiting[i].fd, SOL_SOCKET, SO_ERROR, &error, &size);
      if (error == 0 && (waiting[i].revents & POLLOUT) != 0) return i;
      close(waiting[i].fd);
      waiting[i].fd = -1;
      --open;
    }
  }
  return waiting.size();
}

absl::StatusOr<JoinToken> FindToken(const CrawlInvocation& call, absl::FunctionRef<void(const std::string&)> warn) {
  if (LooksLikeToken(call.join)) {
    if (!call.join_from_environment) {
      warn("the token was given on the command line, where other users of this machine can read it; --join FILE, --join - and "
           "WEFT_JOIN keep it to yourself");
    }
    return ReadToken(call.join);
  }
  if (call.join == "-") {
    std::string text;
    std::getline(std::cin, text);
    return ReadToken(text);
  }
  WEFT_ASSIGN_OR_RETURN(const std::string text, ReadPrivateFile(call.join));
  auto token = ReadToken(text);
  if (!token.ok()) return InvalidArgument("{}: {}", call.join, ErrorText(token.status()));
  return token;
}

}  // namespace

std::string FirstThatAnswers(const std::vector<std::string>& endpoints) {
  if (endpoints.size() < 2) return endpoints.empty() ? "" : endpoints.front();
  std::vector<pollfd> waiting;
  for (const std::string& endpoint : endpoints) {
    const Addresses at = LookUp(Split(endpoint), SOCK_STREAM);
    int fd = at == nullptr ? -1 : socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, at->ai_addr, at->ai_addrlen) != 0 && errno != EINPROGRESS) {
      close(fd);
      fd = -1;
    }
    waiting.push_back({fd, POLLOUT, 0});
  }
  const size_t first = WaitForOne(waiting);
  for (const pollfd& one : waiting) {
    if (one.fd >= 0) close(one.fd);
  }
  return first < endpoints.size() ? endpoints[first] : endpoints.front();
}

std::string ListenTowards(const std::string& endpoint) {
  std::string host = "127.0.0.1";
  const Addresses at = LookUp(Split(endpoint), SOCK_DGRAM);
  const int fd = at == nullptr ? -1 : socket(at->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_storage ours{};
  socklen_t size = sizeof ours;
  // Connecting a datagram socket sends nothing; the kernel chooses the address that it would send from.
  if (fd >= 0 && connect(fd, at->ai_addr, at->ai_addrlen) == 0 &&
      getsockname(fd, reinterpret_cast<sockaddr*>(&ours), &size) == 0) {
    const std::string number = NumberOf(reinterpret_cast<sockaddr*>(&ours), size);
    if (!number.empty()) host = number;
  }
  if (fd >= 0) close(fd);
  return fmt::format("tcp://{}:*", Bracketed(host));
}

std::vector<std::string> ReachableAt(const std::string& endpoint) {
  const HostPort at = Split(endpoint);
  if (at.host != "0.0.0.0" && at.host != "*" && at.host != "::") return {endpoint};
  std::vector<std::string> found;
  std::vector<std::string> loopback;
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return {endpoint};
  for (const ifaddrs* one = list; one != nullptr; one = one->ifa_next) {
    if (one->ifa_addr == nullptr || (one->ifa_flags & IFF_UP) == 0) continue;
    const int family = one->ifa_addr->sa_family;
    if (family != AF_INET && (family != AF_INET6 || at.host == "0.0.0.0")) continue;
    const std::string number =
        NumberOf(one->ifa_addr, family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6));
    // Addresses with a zone hold on one link alone.
    if (number.empty() || number.find('%') != std::string::npos) continue;
    std::string reached = fmt::format("tcp://{}:{}", Bracketed(number), at.port);
    ((one->ifa_flags & IFF_LOOPBACK) != 0 ? loopback : found).push_back(std::move(reached));
  }
  freeifaddrs(list);
  found.insert(found.end(), loopback.begin(), loopback.end());
  return found;
}

std::string KeyRefusedText(const std::string& endpoint) {
  return fmt::format("the scheduler at {} does not accept this token: it was revoked, or made by another scheduler; weft token list, "
                     "on its machine, shows those that hold", endpoint);
}

std::string MismatchText(const std::string& endpoint) {
  return fmt::format("what listens at {} asks for a key where none was given (--join FILE), or the reverse, or is a scheduler with other keys than the "
                     "token's (a restored one without its keys/: make a new token), or is none",
                     endpoint);
}

absl::StatusOr<Reach> FindReach(const CommandLine& line, absl::FunctionRef<void(const std::string&)> warn) {
  const CrawlInvocation& call = line.invocation;
  Reach reach;
  if (call.join.empty()) {
    reach.endpoint = call.scheduler;
    if (!call.scheduler.empty() && std::getenv("WEFT_JOIN") != nullptr) {
      warn("WEFT_JOIN is set, and not used beside --scheduler; leave --scheduler out to join by it, or name a token's file with --join");
    }
    if (call.insecure) {
      warn("--insecure: nothing between this machine and the scheduler is encrypted or authenticated: whoever is on the way can "
           "read and change it");
    }
    return reach;
  }
  auto token = FindToken(call, warn);
  if (!token.ok()) return InvalidArgument("--join: {}", ErrorText(token.status()));
  reach.scheduler_key = token->scheduler_key;
  reach.own = token->keys;
  reach.endpoint = call.scheduler.empty() ? FirstThatAnswers(token->addresses) : call.scheduler;
  return reach;
}

}  // namespace weft
