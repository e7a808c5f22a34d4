// One host lease at work: robots.txt first, then its URLs, one connection's delay after the other, never past the deadline.
// It decides what may be asked and when; starting downloads and talking to the scheduler is the node's (LeaseRunHost).
// Thread rule: the fetcher's loop.
#pragma once

#include <absl/time/time.h>

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/outcome.h"
#include "common/wire.pb.h"
#include "fetcher/proxy_choice.h"
#include "fetcher/request_meter.h"
#include "fetcher/resolver.h"
#include "fetcher/robots_rules.h"
#include "fetcher/transport.h"

namespace weft {

class LeaseRun;

// What a lease needs of its fetcher.
class LeaseRunHost {
 public:
  virtual ~LeaseRunHost() = default;
  // A connection, memory and page credit for one more download are there. `for_robots`: no page credit is needed.
  virtual bool MayStart(bool for_robots) = 0;
  virtual void StartUrl(LeaseRun& run, const wire::UrlTicket& ticket, const Url& url, const IpAddress& address) = 0;
  virtual void StartRobots(LeaseRun& run, const Url& url, const IpAddress& address) = 0;
  virtual void Resolve(LeaseRun& run, const std::string& host, uint16_t port) = 0;
  // A request to a host outside the lease (rule 22); answered by OnPermit.
  virtual void AskPermit(LeaseRun& run, const std::string& host) = 0;
  // One of these is to be connected to; answered by OnAddress. `for_permit`: for the request under the host permit.
  virtual void AskAddress(LeaseRun& run, const std::vector<IpAddress>& addresses, bool for_permit) = 0;
  virtual void PermitDone(LeaseRun& run, const std::string& host, absl::Duration last_request_age) = 0;
  virtual void ReportEnded(LeaseRun& run, const wire::UrlTicket& ticket, Outcome outcome, const std::string& detail) = 0;
  virtual void AskMore(LeaseRun& run, uint32_t urls) = 0;
};

struct LeaseRunSettings {
  std::string robots_token;
  bool ignore_robots = false;
  ProxyChoice proxies;             // of a host that has one the name is resolved there, and no address is known
  std::vector<Cidr> allowed_private;
  bool read_sitemaps = true;       // that robots.txt names
  bool address_permits = false;    // connections to an address are limited (rule 21)
};

class LeaseRun {
 public:
  LeaseRun(const wire::LeaseGrant& grant, absl::Time deadline, const LeaseRunSettings& settings, const Clock& clock,
           LeaseRunHost& host);

  void TopUp(const wire::LeaseGrant& grant);
  void Renew(absl::Time deadline) { deadline_ = std::max(deadline_, deadline); }
  // Asks what may be asked now. Call at NextWake() and after every event of this lease. True: it wants to go on but the
  // fetcher has no room (MayStart answered false).
  bool Advance();
  // When something may be done next by time alone.
  absl::Time NextWake() const;

  void OnResolved(absl::StatusOr<std::vector<IpAddress>> addresses);
  void OnPermit(const wire::HostPermit& permit);
  void OnAddress(const wire::AddressPermit& permit);
  // A download of this lease has ended. `body` of the wire, for robots.txt.
  void OnRobotsEnd(const FetchResult& result, std::string_view body);
  enum class Verdict { kPage, kHandled };
  // kPage: a response that goes to a parser. Everything else was reported or put back.
  Verdict OnUrlEnd(const wire::UrlTicket& ticket, const FetchResult& result);

  // What robots.txt names, as absolute URLs, until SitemapsTold(): with whatever ends first under this lease. Each lease
  // tells them, for what the one before told may have been lost with it.
  const std::vector<std::string>& sitemaps() const { return sitemaps_; }
  void SitemapsTold() { sitemaps_.clear(); }

  // Closed at the lease's deadline: somebody else will ask for it.
  void OnUrlCancelled(const wire::UrlTicket& ticket, absl::Time ended);

  // A request of an earlier lease of this host has ended.
  void HostWasAsked(absl::Time ended);
  // The pause that the host has asked for; zero if it has not.
  absl::Duration pause() const { return why_ == wire::LeaseRelease::THROTTLED ? RetryAfterLeft() : absl::ZeroDuration(); }

  // Asks nothing more; what was not asked goes back with the release.
  void Close(wire::LeaseRelease::Why why);
  bool closing() const { return closing_; }
  // The release may be sent: nothing is in flight any more.
  bool ReadyToRelease() const { return closing_ && in_flight_ == 0; }
  wire::LeaseRelease MakeRelease() const;

  const wire::Epoch& epoch() const { return epoch_; }
  uint64_t id() const { return epoch_.counter(); }
  absl::Time deadline() const { return deadline_; }
  // Of the one request to another host that robots.txt redirects to; infinite while none is allowed.
  absl::Time permit_deadline() const { return permit_host_.empty() ? absl::InfiniteFuture() : permit_until_; }
  const std::string& host() const { return host_; }
  // Of its own host; "": none.
  std::string_view proxy() const { return proxy_; }
  bool send_headers() const { return send_headers_; }
  uint64_t asked() const { return asked_; }
  int in_flight() const { return in_flight_; }

 private:
  bool AdvanceRobots(absl::Time now);
  bool StartNextUrl(absl::Time now);
  void AskForMore(absl::Time now);
  void ReturnPermit(absl::Duration last_request_age);
  void TakeRobots(const wire::RobotsState& robots);
  void TakeSitemaps();
  void HostFailed(Outcome outcome, const std::string& detail);
  void SlotDone(absl::Time ended);
  bool NeedAddress();
  void TakePinnedAddress(const std::string& text);
  void NoPermitForRobots(const std::string& detail);
  void Began(size_t slot, absl::Time now);
  absl::Duration RetryAfterLeft() const;
  bool HostHasFailed(const wire::UrlTicket& ticket, const FetchResult& result);
  const IpAddress& address() const { return addresses_[address_index_]; }

  wire::Epoch epoch_;
  std::string origin_;
  std::string host_;
  absl::Time deadline_;
  absl::Time started_;
  absl::Duration delay_;
  bool send_headers_ = false;
  const LeaseRunSettings& settings_;
  std::string proxy_;
  const Clock& clock_;
  LeaseRunHost& fetcher_;

  std::deque<wire::UrlTicket> urls_;
  // One per connection: when it may ask next; InfiniteFuture while it asks.
  std::vector<absl::Time> slots_;
  std::vector<absl::Time> slot_ended_;     // when the last response on it ended; InfinitePast: not known
  RequestMeter meter_;
  int in_flight_ = 0;
  uint64_t asked_ = 0;
  absl::Time last_end_ = absl::InfinitePast();

  enum class Lookup { kNone, kRunning, kPermit, kDone } lookup_ = Lookup::kNone;
  std::vector<IpAddress> addresses_;
  size_t address_index_ = 0;
  std::vector<IpAddress> addresses_wanted_;   // that a permit was asked for

  enum class Robots { kNeeded, kRunning, kReady } robots_step_ = Robots::kNeeded;
  std::optional<RobotsRules> rules_;       // none: everything is allowed
  std::vector<std::string> sitemaps_;
  wire::RobotsState fetched_robots_;
  bool robots_fetched_ = false;
  std::optional<Url> robots_url_;          // what to ask next
  int robots_hops_ = 0;
  std::string permit_host_;                // the redirect leads there, under a permit
  bool permit_out_ = false;
  absl::Time permit_asked_ = absl::InfinitePast();
  absl::Time permit_start_ = absl::InfiniteFuture();
  absl::Time permit_until_ = absl::InfinitePast();
  std::optional<IpAddress> permit_address_;

  bool more_asked_ = false;
  absl::Time more_after_ = absl::InfinitePast();

  bool closing_ = false;
  wire::LeaseRelease::Why why_ = wire::LeaseRelease::EMPTY;
  Outcome outcome_ = Outcome::kNone;
  std::string detail_;
  absl::Time retry_after_ = absl::InfinitePast();   // the host's own word: not before that
};

}  // namespace weft
