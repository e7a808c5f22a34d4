// The inside of FetcherNode, for its own files: the scheduler's side (fetcher_node.cc), leases (fetcher_leases.cc) and
// downloads (fetcher_downloads.cc).
#pragma once

#include <absl/container/flat_hash_map.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "common/crawl_key.h"
#include "common/http_message.h"
#include "common/session_link.h"
#include "common/status.h"
#include "fetcher/body_budget.h"
#include "fetcher/download.h"
#include "fetcher/fetcher_node.h"
#include "fetcher/lease_run.h"
#include "fetcher/page_outbox.h"
#include "fetcher/retry_after.h"

namespace weft {

inline constexpr absl::Duration kTick = absl::Milliseconds(200);
inline constexpr absl::Duration kFarewell = absl::Seconds(2);
inline constexpr absl::Duration kNoCreditPatience = absl::Seconds(10);
// Hosts wait most of their time for their delay: a fetcher holds more leases than it has connections.
inline constexpr uint64_t kLeasesPerConnection = 4;

struct FetcherNode::Impl : LeaseRunHost {
  Impl(const FetcherOptions& o, FetcherParts& p, const Clock& c, Random& r, Bus& b)
      : options(o), parts(p), clock(c), random(r), bus(b), node_id(r.NextId()),
        outbox(b, c, r, node_id, [this](const OutPage& page) { PageReleased(page); }) {}

  // --- the scheduler ---
  void Connect();
  void BeginSession();
  void SendRegister();
  uint64_t LeaseLimit() const;
  bool RoomUnsaid() const;
  void Beat();
  void OnScheduler(Message& message);
  void OnRegistered(const wire::Registered& registered);
  void OnGrant(const wire::LeaseGrant& grant);
  void OnHeartbeatReply(const wire::HeartbeatReply& reply);
  void OnPermit(const wire::HostPermit& permit);
  void OnAddressPermit(const wire::AddressPermit& permit);
  void OnEndedAck(const wire::EndedAck& ack);
  void ToScheduler(wire::Frame frame) { link->Send({std::move(frame), nullptr}); }

  // --- leases ---
  LeaseRun* Find(uint64_t id);
  void AdvanceDue();
  void Touch(LeaseRun& run);
  void Refile(LeaseRun& run);
  void ReleaseIfReady(LeaseRun& run);
  void CloseAll(wire::LeaseRelease::Why why);
  void DropLeases();

  // LeaseRunHost
  bool MayStart(bool for_robots) override;
  void StartUrl(LeaseRun& run, const wire::UrlTicket& ticket, const Url& url, const IpAddress& address) override;
  void StartRobots(LeaseRun& run, const Url& url, const IpAddress& address) override;
  void Resolve(LeaseRun& run, const std::string& host, uint16_t port) override;
  void AskPermit(LeaseRun& run, const std::string& host) override;
  void AskAddress(LeaseRun& run, const std::vector<IpAddress>& addresses, bool for_permit) override;
  void PermitDone(LeaseRun& run, const std::string& host, absl::Duration last_request_age) override;
  void ReportEnded(LeaseRun& run, const wire::UrlTicket& ticket, Outcome outcome, const std::string& detail) override;
  void AskMore(LeaseRun& run, uint32_t urls) override;
  void SendEnded(const wire::Epoch& epoch, const wire::UrlTicket& ticket, Outcome outcome, const std::string& detail,
                 const std::vector<std::string>& sitemaps = {});

  // --- downloads ---
  struct Active {
    std::unique_ptr<Download> download;
    Transport::Handle handle = 0;
    uint64_t lease = 0;
    wire::Epoch epoch;
    bool robots = false;
    wire::UrlTicket ticket;
    std::vector<std::string> sitemaps;  // of robots.txt, not told yet when it began
    std::string host;
    bool cancelled = false;
  };
  // A download whose lease has gone with its scheduler's life: it may go on until the lease would have ended.
  void CancelOrphans();
  void OnOrphanEnd(const Active& one, const FetchResult& result, bool page);
  void KeepPause(const std::string& host, absl::Duration wait);
  void SendPause(const std::string& host, absl::Duration wait);
  void TellPauses();
  void Begin(LeaseRun& run, bool robots, const wire::UrlTicket& ticket, const Url& url, const IpAddress& address);
  void OnDownloadEnd(Download& download, FetchResult result);
  void KeepPage(Active& active, const FetchResult& result, bool robots);
  void PageReleased(const OutPage& page) {
    budget.Release(page.bytes);
    ++handed_in;
  }
  void CancelLease(const LeaseRun& run);
  void ResumePaused();
  uint64_t MaxLeases() const;
  bool HandedIn() const { return leases.empty() && active.empty() && outbox.empty() && unacked.empty(); }

  FetcherOptions options;
  FetcherParts& parts;
  const Clock& clock;
  Random& random;
  Bus& bus;
  uint64_t node_id;

  PeerId scheduler;
  std::unique_ptr<SessionLink> link;
  bool registered = false;
  std::string refused;
  wire::Registered terms;
  uint64_t nonce = 0;
  uint64_t highest_commit = 0;
  uint64_t leases_taken = 0;       // since it registered, cumulative
  uint64_t lease_limit = 0;        // as last said, likewise
  absl::Time last_beat = absl::InfinitePast();
  absl::Time last_heard = absl::InfinitePast();

  std::unique_ptr<Transport> transport;
  std::unique_ptr<Resolver> resolver;
  LeaseRunSettings run_settings;
  BodyBudget budget{256ull << 20};
  PageOutbox outbox;

  std::map<uint64_t, std::unique_ptr<LeaseRun>> leases;   // by counter
  std::set<std::pair<absl::Time, uint64_t>> wakes;
  absl::flat_hash_map<uint64_t, absl::Time> wake_of;
  std::set<uint64_t> blocked;      // want to go on, no room
  absl::Time starved_since = absl::InfiniteFuture();

  std::map<uint64_t, Active> active;   // by download id
  std::vector<std::unique_ptr<Download>> finished;  // destroyed at the next tick, never inside their own callback
  uint64_t next_download = 1;
  // Downloads of a host whose lease is gone: a new lease of it waits for them.
  absl::flat_hash_map<std::string, int> host_active;
  std::set<std::pair<absl::Time, uint64_t>> orphaned;  // lease's deadline, download
  std::map<std::string, absl::Time> pauses;           // that hosts have asked for; for a scheduler that forgot
  std::map<std::string, wire::UrlEnded> unacked;  // by key, generation, attempt

  bool draining = false;
  bool stopped = false;
  bool said_goodbye = false;
  absl::Time drain_deadline = absl::InfiniteFuture();
  Counters counts;
  uint64_t handed_in = 0;          // pages that parsers have acknowledged
};

}  // namespace weft
