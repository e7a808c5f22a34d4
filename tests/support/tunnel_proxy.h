// An HTTP proxy that opens tunnels (CONNECT, RFC 9110 9.3.6), whatever host is asked for, to one port of 127.0.0.1.
// Thread rule: it runs on a thread of its own; everything here may be called from any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace weft::test {

class TunnelProxy {
 public:
  // Listens on an ephemeral port of 127.0.0.1. Aborts if it cannot. `answer`: to every CONNECT; a tunnel follows if it is 2xx.
  explicit TunnelProxy(uint16_t to, std::string answer = "HTTP/1.1 200 here you are\r\nVia: tunnel\r\n\r\n");
  ~TunnelProxy();

  // "http://127.0.0.1:PORT"
  std::string Url() const;
  // Heads of the requests, as they came.
  std::vector<std::string> heads() const;

 private:
  class Server;
  std::unique_ptr<Server> server_;
};

}  // namespace weft::test
