#include "fetcher/lease_run.h"

#include <algorithm>
#include <utility>

#include "common/politeness.h"
#include "common/status.h"
#include "fetcher/retry_after.h"
#include "fetcher/robots_fetch.h"

namespace weft {
namespace {

// How long a top-up that brought nothing is not repeated.
constexpr absl::Duration kMoreAgain = absl::Milliseconds(100);
// A top-up is worth this much time at the lease's own rate (rule 23).
constexpr double kTopUpSeconds = 3;

std::string ForbiddenText(std::string_view address) {
  return fmt::format("{} is a private or special address; --allow-private-net {} allows it", address, address);
}

// A host whose name is an address says so to a proxy too, which may reach what we may not.
bool IsForbiddenAddress(std::string_view host, const std::vector<Cidr>& allowed) {
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  const auto address = IpAddress::Parse(host);
  return address.ok() && !AddressAllowed(*address, allowed);
}

}  // namespace

LeaseRun::LeaseRun(const wire::LeaseGrant& grant, absl::Time deadline, const LeaseRunSettings& settings,
                   const Clock& clock, LeaseRunHost& host)
    : epoch_(grant.epoch()), origin_(grant.origin()), host_(grant.host()), deadline_(deadline),
      started_(clock.SteadyNow()), delay_(absl::Microseconds(grant.delay_us())), send_headers_(grant.send_headers()),
      settings_(settings), proxy_(settings.proxies.For(host_)), clock_(clock), fetcher_(host), urls_(grant.urls().begin(), grant.urls().end()) {
  absl::Time first = started_;
  if (grant.last_request_age_us() >= 0) {
    first += std::max(absl::ZeroDuration(), delay_ - absl::Microseconds(grant.last_request_age_us()));
  }
  slots_.assign(std::max<size_t>(1, grant.connections()), first);
  slot_ended_.assign(slots_.size(), absl::InfinitePast());
  // Of several connections nobody knows which one it was.
  if (slots_.size() == 1 && grant.last_request_age_us() >= 0) {
    slot_ended_.front() = started_ - absl::Microseconds(grant.last_request_age_us());
  }
  if (settings_.address_permits && proxy_.empty()) TakePinnedAddress(grant.address());
  if (settings_.ignore_robots) {
    robots_step_ = Robots::kReady;
  } else if (grant.has_robots() && grant.robots().fresh_us() > 0) {
    TakeRobots(grant.robots());
  }
}

// Its permit came with the lease.
void LeaseRun::TakePinnedAddress(const std::string& text) {
  auto address = IpAddress::Parse(text);
  if (!address.ok() || !AddressAllowed(*address, settings_.allowed_private)) return;
  addresses_.assign(1, *address);
  lookup_ = Lookup::kDone;
}

void LeaseRun::Began(size_t slot, absl::Time now) {
  ++in_flight_;
  ++asked_;
  meter_.Began(now, slot_ended_[slot] == absl::InfinitePast() ? absl::InfiniteDuration() : now - slot_ended_[slot]);
}

absl::Duration LeaseRun::RetryAfterLeft() const {
  if (retry_after_ == absl::InfinitePast()) return absl::ZeroDuration();
  // What has passed is not "not said".
  return std::max(retry_after_ - clock_.SteadyNow(), absl::Microseconds(1));
}

void LeaseRun::TakeRobots(const wire::RobotsState& robots) {
  robots_step_ = Robots::kReady;
  if (robots.kind() != wire::RobotsState::RULES) return;
  rules_ = RobotsRules::Parse(robots.body(), settings_.robots_token);
  if (rules_->crawl_delay()) delay_ = std::max(delay_, std::min(*rules_->crawl_delay(), kLongestCrawlDelay));
  if (settings_.read_sitemaps) TakeSitemaps();
}

void LeaseRun::TakeSitemaps() {
  auto base = robots_url_ ? absl::StatusOr<Url>(*robots_url_) : Url::Parse(origin_ + "/robots.txt");
  if (!base.ok()) return;
  for (const std::string& line : rules_->sitemaps()) {
    if (sitemaps_.size() >= static_cast<size_t>(kMaxSitemapsOfRobots)) return;
    auto url = Url::Parse(line, *base);
    if (url.ok() && url->is_http() && url->href().size() <= kMaxUrlBytes) sitemaps_.push_back(url->request_target_url());
  }
}

void LeaseRun::TopUp(const wire::LeaseGrant& grant) {
  more_asked_ = false;
  more_after_ = grant.urls().empty() ? clock_.SteadyNow() + kMoreAgain : absl::InfinitePast();
  urls_.insert(urls_.end(), grant.urls().begin(), grant.urls().end());
}

void LeaseRun::Close(wire::LeaseRelease::Why why) {
  if (closing_) return;
  closing_ = true;
  why_ = why;
  if (permit_out_ && robots_step_ != Robots::kRunning) ReturnPermit(-absl::Microseconds(1));
}

// `last_request_age`: negative where nothing was asked under it.
void LeaseRun::ReturnPermit(absl::Duration last_request_age) {
  fetcher_.PermitDone(*this, permit_host_, last_request_age);
  permit_host_.clear();
  permit_out_ = false;
  permit_address_.reset();
  permit_start_ = absl::InfiniteFuture();
}

void LeaseRun::HostFailed(Outcome outcome, const std::string& detail) {
  if (closing_) return;
  outcome_ = outcome;
  detail_ = detail;
  Close(wire::LeaseRelease::HOST_FAILED);
}

bool LeaseRun::NeedAddress() {
  if (!proxy_.empty() && lookup_ == Lookup::kNone) {
    addresses_.assign(1, IpAddress());
    lookup_ = Lookup::kDone;
    if (IsForbiddenAddress(host_, settings_.allowed_private)) HostFailed(Outcome::kAddress, ForbiddenText(host_));
  }
  if (lookup_ == Lookup::kNone) {
    lookup_ = Lookup::kRunning;
    auto url = Url::Parse(origin_);
    fetcher_.Resolve(*this, host_, url.ok() ? url->port() : uint16_t{0});
  }
  return lookup_ != Lookup::kDone;
}

void LeaseRun::OnResolved(absl::StatusOr<std::vector<IpAddress>> addresses) {
  bool for_permit = permit_out_ && !permit_host_.empty();
  std::vector<IpAddress> allowed;
  if (addresses.ok()) {
    for (const IpAddress& address : *addresses) {
      if (AddressAllowed(address, settings_.allowed_private)) allowed.push_back(address);
    }
  }
  if (for_permit) {
    if (allowed.empty()) {
      FetchResult failed;
      failed.outcome = Outcome::kDns;
      failed.ended_steady = clock_.SteadyNow();
      failed.not_sent = true;
      ++in_flight_;
      slots_.front() = absl::InfiniteFuture();
      OnRobotsEnd(failed, "");
      return;
    }
    if (settings_.address_permits) {
      addresses_wanted_ = allowed;
      fetcher_.AskAddress(*this, allowed, /*for_permit=*/true);
    } else {
      permit_address_ = allowed.front();
    }
    return;
  }
  lookup_ = Lookup::kDone;
  if (!addresses.ok()) return HostFailed(Outcome::kDns, ErrorText(addresses.status()));
  if (allowed.empty()) {
    std::string text = addresses->empty() ? "" : addresses->front().ToString();
    return HostFailed(Outcome::kAddress, ForbiddenText(text));
  }
  address_index_ = 0;
  if (!settings_.address_permits) {
    addresses_ = std::move(allowed);
    return;
  }
  lookup_ = Lookup::kPermit;
  addresses_wanted_ = std::move(allowed);
  fetcher_.AskAddress(*this, addresses_wanted_, /*for_permit=*/false);
}

void LeaseRun::OnAddress(const wire::AddressPermit& permit) {
  auto address = IpAddress::Parse(permit.address());
  const bool wanted = address.ok() && std::find(addresses_wanted_.begin(), addresses_wanted_.end(), *address) !=
                                          addresses_wanted_.end();
  if (permit.permit_id() != 0) {
    if (!permit_out_ || permit_host_.empty() || robots_step_ == Robots::kRunning) return;
    if (wanted) {
      permit_address_ = *address;
    } else {
      ReturnPermit(-absl::Microseconds(1));
      NoPermitForRobots("robots.txt redirects to a host whose address is busy");
    }
    return;
  }
  if (lookup_ != Lookup::kPermit) return;
  if (!wanted) return Close(wire::LeaseRelease::NO_ADDRESS);
  addresses_.assign(1, *address);
  lookup_ = Lookup::kDone;
  // Its share of the address's connections; nothing is in flight yet.
  const size_t share = std::clamp<size_t>(permit.connections(), 1, slots_.size());
  slots_.resize(share, absl::InfinitePast());
  slot_ended_.resize(share, absl::InfinitePast());
}

bool LeaseRun::AdvanceRobots(absl::Time now) {
  if (robots_step_ != Robots::kNeeded) return false;
  if (!robots_url_) {
    auto url = Url::Parse(origin_ + "/robots.txt");
    if (!url.ok()) {
      HostFailed(Outcome::kProtocol, "the origin is not a URL: " + origin_);
      return false;
    }
    robots_url_ = *std::move(url);
  }
  if (!permit_host_.empty()) {
    // The permit's request has its own time and address.
    if (!permit_out_ || now < permit_start_) return false;
    if (now >= permit_until_) {
      robots_step_ = Robots::kReady;  // too late to ask there: as unreachable
      FetchResult late;
      late.outcome = Outcome::kTimeout;
      late.not_sent = true;
      late.ended_steady = now;
      robots_step_ = Robots::kRunning;
      ++in_flight_;
      OnRobotsEnd(late, "");
      return false;
    }
    if (!permit_address_) return false;
  } else {
    if (slots_.front() > now || NeedAddress()) return false;
    if (closing_) return false;
  }
  if (!fetcher_.MayStart(true)) return true;
  robots_step_ = Robots::kRunning;
  if (permit_host_.empty()) {
    Began(0, now);
  } else {
    ++in_flight_;
    ++asked_;
  }
  // Alone on the host until the rules are known.
  std::fill(slots_.begin(), slots_.end(), absl::InfiniteFuture());
  fetcher_.StartRobots(*this, *robots_url_, permit_host_.empty() ? address() : *permit_address_);
  return false;
}

// Nobody failed: to be tried again, and not counted.
void LeaseRun::NoPermitForRobots(const std::string& detail) {
  outcome_ = Outcome::kNone;
  detail_ = detail;
  Close(wire::LeaseRelease::ROBOTS_UNREACHABLE);
}

void LeaseRun::OnPermit(const wire::HostPermit& permit) {
  if (permit_host_.empty()) return;
  if (!permit.granted()) {
    permit_host_.clear();
    NoPermitForRobots("robots.txt redirects to a host that is busy");
    return;
  }
  permit_out_ = true;
  if (closing_) return ReturnPermit(-absl::Microseconds(1));
  absl::Time now = clock_.SteadyNow();
  permit_start_ = now + absl::Microseconds(permit.wait_us());
  // However late the permit comes: the scheduler counts from when it was asked.
  permit_until_ = permit_asked_ + absl::Microseconds(permit.runs_us());
  if (!settings_.proxies.For(permit_host_).empty()) {
    if (IsForbiddenAddress(permit_host_, settings_.allowed_private)) return OnResolved(std::vector<IpAddress>());
    permit_address_ = IpAddress();
  } else {
    fetcher_.Resolve(*this, permit_host_, robots_url_->port());
  }
}

void LeaseRun::OnRobotsEnd(const FetchResult& result, std::string_view body) {
  --in_flight_;
  absl::Time ended = result.ended_steady;
  const bool elsewhere = !permit_host_.empty();
  if (elsewhere) {
    ReturnPermit(result.not_sent ? -absl::Microseconds(1) : clock_.SteadyNow() - ended);
    ended = last_end_ == absl::InfinitePast() ? clock_.SteadyNow() : last_end_;
  } else if (!result.not_sent) {
    last_end_ = std::max(last_end_, ended);
    std::fill(slot_ended_.begin(), slot_ended_.end(), ended);
  }
  std::fill(slots_.begin(), slots_.end(), ended + delay_);
  if (closing_) return;
  if (result.not_sent && clock_.SteadyNow() >= deadline_) {
    robots_step_ = Robots::kNeeded;
    return;
  }
  if (result.outcome == Outcome::kConnect && !elsewhere && address_index_ + 1 < addresses_.size()) {
    ++address_index_;  // the name has more addresses
    robots_step_ = Robots::kNeeded;
    return;
  }
  RobotsAnswer answer = ReadRobotsAnswer(result, body, *robots_url_, robots_hops_);
  if (answer.redirect) {
    ++robots_hops_;
    robots_url_ = std::move(answer.redirect);
    robots_step_ = Robots::kNeeded;
    if (robots_url_->host() != host_) {
      permit_host_ = std::string(robots_url_->host());
      permit_asked_ = clock_.SteadyNow();
      permit_until_ = absl::InfiniteFuture();
      fetcher_.AskPermit(*this, permit_host_);
    }
    return;
  }
  if (answer.state.kind() == wire::RobotsState::UNREACHABLE) {
    // What failed elsewhere is not this host's failure (rule 8).
    outcome_ = elsewhere ? Outcome::kRobotsUnreachable : answer.outcome;
    if (answer.retry_after > absl::ZeroDuration()) retry_after_ = result.ended_steady + answer.retry_after;
    detail_ = result.outcome == Outcome::kResponse ? fmt::format("robots.txt answers {}", result.status) : result.detail;
    Close(wire::LeaseRelease::ROBOTS_UNREACHABLE);
    return;
  }
  fetched_robots_ = answer.state;
  robots_fetched_ = true;
  TakeRobots(fetched_robots_);
  std::fill(slots_.begin(), slots_.end(), ended + delay_);
}

bool LeaseRun::StartNextUrl(absl::Time now) {
  auto slot = std::min_element(slots_.begin(), slots_.end());
  while (!urls_.empty()) {
    if (*slot > now || now >= deadline_) return false;
    const wire::UrlTicket& ticket = urls_.front();
    auto url = Url::Parse(ticket.url());
    if (!url.ok()) {
      fetcher_.ReportEnded(*this, ticket, Outcome::kScheme, ErrorText(url.status()));
      urls_.pop_front();
      continue;
    }
    if (rules_) {
      RobotsRules::Verdict verdict = rules_->Check(url->path_and_query());
      if (!verdict.allowed) {
        fetcher_.ReportEnded(*this, ticket, Outcome::kRobots, verdict.rule);
        urls_.pop_front();
        continue;
      }
    }
    if (NeedAddress() || closing_) return false;
    if (!fetcher_.MayStart(false)) return true;
    wire::UrlTicket started = std::move(urls_.front());
    urls_.pop_front();
    *slot = absl::InfiniteFuture();
    Began(static_cast<size_t>(slot - slots_.begin()), now);
    fetcher_.StartUrl(*this, started, *url, address());
    slot = std::min_element(slots_.begin(), slots_.end());
  }
  return false;
}

void LeaseRun::AskForMore(absl::Time now) {
  if (more_asked_ || now < more_after_ || closing_) return;
  double seconds = std::max(0.5, absl::ToDoubleSeconds(now - started_));
  double rate = static_cast<double>(asked_) / seconds;
  size_t low = std::max<size_t>(slots_.size(), static_cast<size_t>(rate * kTopUpSeconds / 2));
  if (urls_.size() > low) return;
  more_asked_ = true;
  fetcher_.AskMore(*this, static_cast<uint32_t>(std::clamp(rate * kTopUpSeconds, 4.0 * static_cast<double>(slots_.size()), 512.0)));
}

bool LeaseRun::Advance() {
  if (closing_) return false;
  absl::Time now = clock_.SteadyNow();
  if (now >= deadline_) {
    Close(wire::LeaseRelease::OVER);
    return false;
  }
  if (robots_step_ != Robots::kReady) return AdvanceRobots(now);
  bool blocked = StartNextUrl(now);
  if (closing_) return false;
  AskForMore(now);
  // Nothing left, nothing in flight that could bring more, and the last top-up was empty: give the host back.
  if (urls_.empty() && in_flight_ == 0 && !more_asked_) Close(wire::LeaseRelease::EMPTY);
  return blocked;
}

absl::Time LeaseRun::NextWake() const {
  // What is still under way may not outlive the lease (rule 16).
  if (closing_) return in_flight_ > 0 ? deadline_ : absl::InfiniteFuture();
  absl::Time wake = deadline_;
  if (!permit_host_.empty()) return std::min(wake, permit_address_ ? permit_start_ : permit_until_);
  bool waits_for_slot = robots_step_ == Robots::kNeeded || (robots_step_ == Robots::kReady && !urls_.empty());
  if (waits_for_slot && lookup_ != Lookup::kRunning && lookup_ != Lookup::kPermit) wake = std::min(wake, *std::min_element(slots_.begin(), slots_.end()));
  if (robots_step_ == Robots::kReady && urls_.empty() && !more_asked_) wake = std::min(wake, more_after_);
  return wake;
}

void LeaseRun::SlotDone(absl::Time ended) {
  --in_flight_;
  last_end_ = std::max(last_end_, ended);
  // Any busy slot: they are alike.
  auto busy = std::find(slots_.begin(), slots_.end(), absl::InfiniteFuture());
  if (busy == slots_.end()) return;
  *busy = ended + delay_;
  slot_ended_[static_cast<size_t>(busy - slots_.begin())] = ended;
}

void LeaseRun::HostWasAsked(absl::Time ended) {
  last_end_ = std::max(last_end_, ended);
  for (absl::Time& before : slot_ended_) before = std::max(before, ended);
  for (absl::Time& slot : slots_) {
    if (slot != absl::InfiniteFuture()) slot = std::max(slot, ended + delay_);
  }
}

bool LeaseRun::HostHasFailed(const wire::UrlTicket& ticket, const FetchResult& result) {
  if (RetryPolicyFor(result.outcome).blame != Blame::kHost) return false;
  if (result.outcome == Outcome::kConnect && address_index_ + 1 < addresses_.size() && !closing_) {
    ++address_index_;  // the name has more addresses
  } else {
    HostFailed(result.outcome, result.detail);
  }
  urls_.push_front(ticket);
  return true;
}

void LeaseRun::OnUrlCancelled(const wire::UrlTicket& ticket, absl::Time ended) {
  SlotDone(ended);
  urls_.push_front(ticket);
}

LeaseRun::Verdict LeaseRun::OnUrlEnd(const wire::UrlTicket& ticket, const FetchResult& result) {
  SlotDone(result.not_sent ? last_end_ : result.ended_steady);
  if (result.not_sent && result.outcome != Outcome::kAddress) {
    urls_.push_front(ticket);  // goes back with the release
    return Verdict::kHandled;
  }
  if (result.outcome == Outcome::kAddress) {
    HostFailed(Outcome::kAddress, result.detail);
    urls_.push_front(ticket);
    return Verdict::kHandled;
  }
  if (result.outcome != Outcome::kResponse) {
    meter_.Failed(result.outcome);
    if (!HostHasFailed(ticket, result)) fetcher_.ReportEnded(*this, ticket, result.outcome, result.detail);
    // It may be the host: whether it is parked is the scheduler's to say.
    if (meter_.unanswered() >= kUnansweredInARow) Close(wire::LeaseRelease::EMPTY);
    return Verdict::kHandled;
  }
  meter_.Answered(result.status, result.took);
  if (result.status == 429 || result.status == 503) {
    auto head = HttpHead::ParseResponse(result.response_head);
    detail_ = fmt::format("status {}", result.status);
    const absl::Duration wait = head.ok() ? ReadRetryAfter(*head) : absl::ZeroDuration();
    if (wait > absl::ZeroDuration()) retry_after_ = std::max(retry_after_, result.ended_steady + wait);
    Close(wire::LeaseRelease::THROTTLED);
    why_ = wire::LeaseRelease::THROTTLED;
    urls_.push_front(ticket);
    return Verdict::kHandled;
  }
  // Both pass by often: tried again, and only what the last try brings is stored.
  uint32_t failed = ticket.attempt() - std::min(ticket.attempt(), ticket.own_key_redirects());
  auto another = [&](Outcome outcome) { return static_cast<int>(failed) + 1 < RetryPolicyFor(outcome).tries; };
  if ((result.status == 500 || result.status == 502 || result.status == 504) && another(Outcome::kServerError)) {
    fetcher_.ReportEnded(*this, ticket, Outcome::kServerError, fmt::format("status {}", result.status));
    return Verdict::kHandled;
  }
  if (result.truncated == "disconnect" && another(Outcome::kTruncatedEarly)) {
    fetcher_.ReportEnded(*this, ticket, Outcome::kTruncatedEarly, "connection closed before the body was complete");
    return Verdict::kHandled;
  }
  return Verdict::kPage;
}

wire::LeaseRelease LeaseRun::MakeRelease() const {
  wire::LeaseRelease release;
  *release.mutable_epoch() = epoch_;
  release.set_why(why_);
  for (const wire::UrlTicket& ticket : urls_) release.add_unused(ticket.key());
  release.set_last_request_age_us(
      last_end_ == absl::InfinitePast() ? -1 : absl::ToInt64Microseconds(clock_.SteadyNow() - last_end_));
  if (robots_fetched_) *release.mutable_robots() = fetched_robots_;
  release.set_outcome(static_cast<uint32_t>(outcome_));
  release.set_retry_after_us(absl::ToInt64Microseconds(RetryAfterLeft()));
  meter_.Fill(clock_.SteadyNow(), release);
  if (rules_ && rules_->crawl_delay()) {
    release.set_crawl_delay_us(absl::ToInt64Microseconds(std::min(*rules_->crawl_delay(), kLongestCrawlDelay)));
  }
  release.set_detail(detail_);
  release.set_asked(asked_);
  return release;
}

}  // namespace weft
