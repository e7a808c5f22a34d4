// A scripted HTTP server on raw sockets, for tests of what real servers do wrong. It answers every request with the
// script that its handler gives: bytes as they stand, pauses, drips, endless bytes, a reset. Nothing is added to them.
// Thread rule: it runs on a thread of its own, where the handler is called too; the rest may be called from any thread.
#pragma once

#include <absl/time/time.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace weft::test {

struct HttpTestRequest {
  std::string head;         // as received, with the empty line
  std::string method;
  std::string target;
  int connection = 0;       // from 1, in the order of accepting
  std::string peer;         // the address it came from
  // First field of that name, trimmed; empty if none.
  std::string Header(std::string_view name) const;
};

// What to do, step by step. After the last step the connection waits for its next request.
class HttpScript {
 public:
  HttpScript& Send(std::string bytes);
  // `bytes` in pieces of `piece`, one every `interval`.
  HttpScript& Drip(std::string bytes, size_t piece, absl::Duration interval);
  HttpScript& Wait(absl::Duration time);
  // `bytes` again and again until the peer goes.
  HttpScript& SendForever(std::string bytes);
  // Nothing more, until the peer goes.
  HttpScript& Hang();
  HttpScript& Close();
  // Ends the connection with a TCP reset.
  HttpScript& Reset();

  struct Step {
    enum class Kind { kSend, kDrip, kWait, kForever, kHang, kClose, kReset } kind;
    std::string bytes;
    size_t piece = 0;
    absl::Duration interval;
  };
  const std::vector<Step>& steps() const { return steps_; }

 private:
  std::vector<Step> steps_;
};

// A whole answer with Content-Length, on a connection that stays open. `headers` are lines that end in CRLF.
HttpScript Answer(int status, std::string_view content_type, std::string_view body, std::string_view headers = "");
HttpScript HtmlPage(std::string_view body);
// One chunk of a chunked coding; an empty one is the last.
std::string Chunk(std::string_view bytes);

class HttpTestServer {
 public:
  using Handler = std::function<HttpScript(const HttpTestRequest&)>;
  // Listens on an ephemeral port of `address` (127.0.0.0/8 or ::1). Aborts if it cannot.
  explicit HttpTestServer(Handler handler, std::string address = "127.0.0.1");
  // Every request gets the same.
  explicit HttpTestServer(HttpScript script, std::string address = "127.0.0.1");
  ~HttpTestServer();

  // From now on any bytes are a request, not only those that end in an empty line.
  void AnswerAnything();

  uint16_t port() const;
  const std::string& address() const;
  // "http://127.0.0.1:PORT" + target.
  std::string Url(std::string_view target) const;
  std::vector<HttpTestRequest> requests() const;
  // Accepted since the start, and open now.
  int connections() const;
  int open_connections() const;

 private:
  class Server;
  std::unique_ptr<Server> server_;
};

// A port of `address` on which nothing listens (it was bound a moment ago).
uint16_t UnusedPort(const std::string& address = "127.0.0.1");

}  // namespace weft::test
