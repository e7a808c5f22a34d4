// A tiny name server on UDP, for tests of the resolver: it answers by the function it is given, slowly or not at all if
// told so, and remembers what it was asked.
// Thread rule: it runs on a thread of its own, where the function is called too; the rest may be called from any thread.
#pragma once

#include <absl/time/time.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace weft::test {

enum class DnsType : uint16_t { kA = 1, kAaaa = 28 };

struct DnsReply {
  bool silent = false;             // no answer
  int rcode = 0;                   // 0 no error, 2 server failure, 3 no such name, 5 refused
  std::string alias;               // a CNAME in front of the addresses
  uint32_t alias_ttl = 300;
  std::vector<std::string> addresses;  // of the type asked for: others are left out
  uint32_t ttl = 300;
};

class DnsTestServer {
 public:
  using Answerer = std::function<DnsReply(const std::string& name, DnsType type)>;
  explicit DnsTestServer(Answerer answerer);
  ~DnsTestServer();

  // "127.0.0.1:PORT", as AresResolverOptions::servers takes it.
  std::string endpoint() const;
  // "A name" or "AAAA name", in the order of arrival.
  std::vector<std::string> questions() const;

 private:
  class Server;
  std::unique_ptr<Server> server_;
};

}  // namespace weft::test
