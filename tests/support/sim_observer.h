// The independent observer of a simulated cluster: sees every message, request, write and sync, and hands each to the
// checks of the rules in docs/protocol.md that it bears on. It knows nothing of the nodes' insides.
// Thread rule: one thread.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "common/url_rules.h"
#include "scheduler/scheduler_node.h"
#include "tests/support/sim_commit_check.h"
#include "tests/support/sim_credit_check.h"
#include "tests/support/sim_hand_out_check.h"
#include "tests/support/sim_key_check.h"
#include "tests/support/sim_lease_check.h"
#include "tests/support/sim_leave_check.h"
#include "tests/support/sim_link_check.h"
#include "tests/support/sim_network.h"
#include "tests/support/sim_page_store.h"
#include "tests/support/sim_politeness_check.h"
#include "tests/support/sim_session_check.h"
#include "tests/support/sim_transport.h"
#include "tests/support/sim_violations.h"

namespace weft::test {

struct ObserverTerms {
  absl::Duration delay;
  uint32_t host_connections = 1;
  bool ignore_robots = false;
  bool faultless = true;  // no crash, pause or loss hinders anybody
  bool lossless = true;   // and nothing is lost because its reader has not heard yet whose frames it may take
  bool trace = false;
  absl::Duration lease = absl::Seconds(10);
  uint64_t body_memory = UINT64_MAX;  // a fetcher's, for all bodies under way
  uint64_t refused_cap = UINT64_MAX;  // of records per host (rule 35)
};

class SimObserver : public NetworkTap, public RequestTap, public KvTap, public SchedulerObserver {
 public:
  SimObserver(const SimClock& clock, const SyntheticWeb& web, const ObserverTerms& terms,
              std::vector<const SimPageDisk*> disks);

  void OnSent(const SimBus& from, const SimBus* to, const Message& message) override;
  void OnDelivered(const SimBus* from, const SimBus& to, const Message& message) override;
  void OnRequest(const SeenRequest& request) override;
  void OnResponseOver(const SeenRequest& request) override;
  void OnTaken(const SeenRequest& request, uint64_t bytes) override;
  void OnAnswered(const SeenRequest& request, const WebAnswer& answer, const FetchResult& result) override;
  void OnWrite(const KvBatch& batch) override;
  void OnSync() override;
  void OnUrlEnd(const UrlEnd& end) override;
  void OnNotice(const std::string& text) override;

  void OnProcess(Life life, const std::string& machine, const SimNodeClock& node_clock);
  void OnProcessGone(Life life, const std::string& machine);
  // Somebody tells the scheduler to stop, so that what it tells its nodes does not mean that the crawl is finished.
  void OnStopTold() { stop_told_ = true; }
  // A line of the script: always traced.
  void Note(const std::string& text);

  Violations& violations() { return violations_; }
  CommitCheck& commits() { return commits_; }
  PolitenessCheck& politeness() { return politeness_; }
  CreditCheck& credit() { return credit_; }
  const HandOutCheck& hand_outs() const { return hand_outs_; }
  const SessionCheck& sessions() const { return sessions_; }
  const LinkCheck& links() const { return links_; }
  KeyCheck& keys() { return keys_; }
  const LeaveCheck& leaves() const { return leaves_; }
  uint64_t requests() const { return requests_; }
  // Grows with every step that brings a crawl nearer its end.
  uint64_t progress() const { return requests_ + commits_.commits(); }
  // A digest of everything seen: equal for equal runs. What happens at one moment may be seen in any order.
  uint64_t digest() const { return digest_; }

  // By which leases of hosts that are for a tag go to fetchers that have it alone.
  void SetRoutes(const wire::CrawlSettings& settings, std::map<std::string, std::vector<std::string>> tags);

 private:
  void OnSentByScheduler(const SimBus* to, const wire::Frame& frame);
  void CheckRoute(const std::string& machine, const wire::LeaseGrant& grant);
  // A fetcher's word that a host has asked for a pause, on its way.
  struct Told {
    uint64_t session = 0;
    uint64_t seq = 0;
    Life fetcher = kWorld;
    std::string host;
    bool announced = false;  // by itself, not only by the lease's release
  };
  void CheckRobots(const SeenRequest& request);
  void CheckTold(const wire::Frame& from_scheduler);
  void Mix(uint64_t life, uint64_t what);
  void Trace(const std::string& line);
  void TraceFrame(const char* what, const std::string& from, const std::string& to, const Message& message);

  const SimClock& clock_;
  const SyntheticWeb& web_;
  ObserverTerms terms_;
  std::vector<const SimPageDisk*> disks_;
  Violations violations_;
  UrlRules rules_;
  std::map<std::string, std::vector<std::string>> tags_;   // of fetchers, by machine
  LeaseCheck leases_;
  PolitenessCheck politeness_;
  HandOutCheck hand_outs_;
  CommitCheck commits_;
  LinkCheck links_;
  CreditCheck credit_;
  SessionCheck sessions_;
  KeyCheck keys_;
  LeaveCheck leaves_;
  std::vector<Told> told_;
  std::set<std::string> robots_known_;  // origins whose robots.txt somebody has received
  std::map<Life, std::map<uint64_t, uint64_t>> taken_;  // bytes of transfers under way
  bool stop_told_ = false;
  uint64_t requests_ = 0;
  uint64_t digest_ = 0;
};

}  // namespace weft::test
