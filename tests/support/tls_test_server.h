// A TLS server with a certificate of its own making, for tests of certificate checks. It answers one request per
// connection with fixed bytes and closes it in an orderly way.
// Thread rule: it runs on a thread of its own; everything here may be called from any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace weft::test {

struct TlsTestIdentity {
  std::string host = "host.example";  // the certificate's only name
  bool expired = false;
};

class TlsTestServer {
 public:
  // Listens on an ephemeral port of 127.0.0.1. Aborts if it cannot.
  TlsTestServer(const TlsTestIdentity& identity, std::string response);
  ~TlsTestServer();

  uint16_t port() const;
  // A PEM file that a client may trust to trust this server; gone with it.
  const std::string& ca_file() const;
  int requests() const;

 private:
  class Server;
  std::unique_ptr<Server> server_;
};

}  // namespace weft::test
