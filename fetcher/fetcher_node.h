// The fetcher as an event handler: takes host leases from the scheduler, asks within them (robots.txt first), and hands
// pages to parsers, holding each until its parser has acknowledged it.
// Thread rule: one loop.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/node.h"
#include "common/random.h"
#include "fetcher/resolver.h"
#include "fetcher/transport.h"

namespace weft {

struct FetcherOptions {
  std::string name;                 // for people
  std::string scheduler_endpoint;
  PeerKey scheduler_key;            // "": it asks for none
  uint64_t process = 0;             // as in Register
  std::string machine;              // host name
  std::string worker;               // the process that it is a part of, for people
  std::string version;              // of this program
  std::vector<std::string> tags;    // hosts that a rule sends to one of these come here
};

// Makes what needs the crawl's settings, which a fetcher learns at registration.
class FetcherParts {
 public:
  virtual ~FetcherParts() = default;
  virtual absl::StatusOr<std::unique_ptr<Transport>> MakeTransport(const wire::CrawlSettings& settings) = 0;
  virtual absl::StatusOr<std::unique_ptr<Resolver>> MakeResolver(const wire::CrawlSettings& settings) = 0;
};

class FetcherNode : public Node {
 public:
  FetcherNode(const FetcherOptions& options, FetcherParts& parts, const Clock& clock, Random& random, Bus& bus);
  ~FetcherNode() override;

  void Start() override;
  void OnMessage(const PeerId& from, Message message) override;
  void OnTick() override;
  absl::Time NextWake() const override;

  // Returns leases, waits for pages to be acknowledged until the deadline, says goodbye. Then stopped() is true.
  void Drain(absl::Duration deadline);
  bool stopped() const;
  // Set when the scheduler refused this node for good: what it said.
  const std::string& refused() const;
  // Registered, and the scheduler was heard within the last three heartbeats.
  bool hears_scheduler() const;

  struct Counters {
    uint64_t requests = 0;
    uint64_t robots_requests = 0;
    uint64_t active = 0;
    uint64_t held_pages = 0;
    uint64_t held_bytes = 0;
    uint64_t leases = 0;
  };
  Counters counters() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace weft
