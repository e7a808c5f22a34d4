// The fetcher's transport and resolver, answered by a SyntheticWeb at virtual times. Keeps what fetcher/transport.h
// promises: a request is not sent after its start_by (read when the connection is up, as curl's PREREQFUNCTION does),
// bodies come in pieces that may be refused with kPause, Cancel ends a transfer with what it has, and the sink is never
// called from within Start. A crash of the fetcher (destruction) breaks all connections.
// Thread rule: one thread.
#pragma once

#include <absl/functional/any_invocable.h>

#include <map>
#include <memory>
#include <string>

#include "common/random.h"
#include "fetcher/resolver.h"
#include "fetcher/transport.h"
#include "tests/support/sim_clock.h"
#include "tests/support/synthetic_web.h"

namespace weft::test {

// What an outside observer sees of requests: the web's side of them. Times are the world's.
struct SeenRequest {
  uint64_t id = 0;
  std::string fetcher;      // machine
  Life life = kWorld;
  std::string origin;
  std::string host;
  std::string path;         // and query
  bool robots = false;
  absl::Time start_by;      // as the fetcher gave it, in the world's time
  absl::Time asked;         // when the fetcher began it: connecting comes first
};
class RequestTap {
 public:
  virtual ~RequestTap() = default;
  virtual void OnRequest(const SeenRequest& request) = 0;
  // The response has left the host, or the connection is closed.
  virtual void OnResponseOver(const SeenRequest& request) = 0;
  // The fetcher has taken a piece of the body into its memory.
  virtual void OnTaken(const SeenRequest&, uint64_t /*bytes*/) {}
  // The fetcher has been handed the end of the response.
  virtual void OnAnswered(const SeenRequest& request, const WebAnswer& answer, const FetchResult& result) = 0;
};

// Runs a callback as an event of the node, which is ticked afterwards.
using EnterNode = absl::AnyInvocable<void(absl::AnyInvocable<void()>)>;

struct SimTransportOptions {
  absl::Duration timeout = absl::Seconds(20);
  absl::Duration rtt = absl::Milliseconds(10);
  size_t piece = 64 * 1024;
};

class SimTransport : public Transport {
 public:
  SimTransport(SimClock& clock, const SimNodeClock& node_clock, Life life, std::string machine, SyntheticWeb& web,
               RequestTap* tap, uint64_t seed, const SimTransportOptions& options, EnterNode enter);
  ~SimTransport() override;

  Handle Start(const FetchRequest& request, FetchSink* sink) override;
  void Resume(Handle handle) override;
  void Cancel(Handle handle) override;

 private:
  struct Transfer {
    FetchRequest request;
    FetchSink* sink = nullptr;
    SeenRequest seen;
    WebAnswer answer;
    FetchResult result;
    absl::Time began;
    size_t given = 0;
    uint64_t taken = 0;    // bytes the sink took
    bool sent = false;
    bool over = false;     // told to the tap
    bool answered = false; // the head has come
    bool paused = false;
  };
  // Runs `step` on the transfer as an event of the node, if it still is there then.
  void Later(Handle handle, absl::Duration wait, void (SimTransport::*step)(Handle));
  void Connect(Handle handle);
  void Answer(Handle handle);
  void Body(Handle handle);
  void TimeOut(Handle handle);
  void Fail(Handle handle, Outcome outcome, std::string detail);
  void Finish(Handle handle);
  void TellOver(Transfer& transfer);
  void ScheduleBody(Handle handle);

  SimClock& clock_;
  const SimNodeClock& node_clock_;
  Life life_;
  std::string machine_;
  SyntheticWeb& web_;
  RequestTap* tap_;
  std::unique_ptr<Random> random_;
  SimTransportOptions options_;
  EnterNode enter_;
  Handle next_;
  std::map<Handle, Transfer> transfers_;
  // Shared with what it has yet to do: a fetcher that is told new settings makes another one in the middle of its life.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

class SimResolver : public Resolver {
 public:
  SimResolver(SimClock& clock, Life life, SyntheticWeb& web, uint64_t seed, EnterNode enter);
  ~SimResolver() override { *alive_ = false; }
  void Resolve(const std::string& host, uint16_t port, Callback callback) override;

 private:
  SimClock& clock_;
  Life life_;
  SyntheticWeb& web_;
  std::unique_ptr<Random> random_;
  EnterNode enter_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);   // as above
};

}  // namespace weft::test
