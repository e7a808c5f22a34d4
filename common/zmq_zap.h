// Answers libzmq whether a connection's key may come in (ZAP, ZeroMQ RFC 27): a thread of its own, one per ZeroMQ context,
// with an allow-list per domain; a domain is a bus. The connection's key becomes the User-Id of all that it sends.
// Thread rule: any thread.
#pragma once

#include <map>
#include <set>
#include <string>
#include <thread>

#include "common/bus.h"
#include "common/mutex.h"

namespace weft {

class ZapHandler {
 public:
  // Answers requests when it returns: what is bound later never lets anybody in unasked. Aborts if it cannot be bound.
  explicit ZapHandler(void* zmq_context);
  // After the context was shut down, which ends the thread.
  ~ZapHandler();
  ZapHandler(const ZapHandler&) = delete;
  ZapHandler& operator=(const ZapHandler&) = delete;

  // The name of a new domain, in which nobody is allowed yet.
  std::string NewDomain();
  void Allow(const std::string& domain, const std::set<PeerKey>& keys);
  void Forget(const std::string& domain);

 private:
  void Serve(void* socket);
  bool Allows(const std::string& domain, const PeerKey& key);

  Mutex mutex_;
  std::map<std::string, std::set<PeerKey>> domains_ ABSL_GUARDED_BY(mutex_);
  uint64_t next_ ABSL_GUARDED_BY(mutex_) = 1;
  std::thread thread_;
};

}  // namespace weft
