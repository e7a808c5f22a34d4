#include "tests/support/sim_observer.h"

#include <fmt/format.h>

#include <algorithm>

namespace weft::test {
namespace {

bool IsFetcher(const std::string& machine) { return machine.starts_with("fetcher"); }
bool IsParser(const std::string& machine) { return machine.starts_with("parser"); }

}  // namespace

SimObserver::SimObserver(const SimClock& clock, const SyntheticWeb& web, const ObserverTerms& terms,
                         std::vector<const SimPageDisk*> disks)
    : clock_(clock),
      web_(web),
      terms_(terms),
      disks_(std::move(disks)),
      violations_(clock),
      leases_(clock, violations_),
      politeness_(clock, violations_, terms.delay, terms.host_connections,
                  [this](Life fetcher, const std::string& host) { return leases_.DeadlineOf(fetcher, host); }),
      hand_outs_(clock, violations_, leases_, politeness_),
      commits_(
          violations_,
          [this](const WarcPlace& place, const std::string& url) {
            return std::any_of(disks_.begin(), disks_.end(), [&](const SimPageDisk* d) { return d->SyncedAt(place) == url; });
          },
          [this](const std::string& url) {
            return std::any_of(disks_.begin(), disks_.end(), [&](const SimPageDisk* d) { return d->Synced(url); });
          }),
      links_(
          violations_, [this](const Fingerprint& key) { return commits_.Knows(key); },
          [this](const std::string& text) {
            auto url = Url::Parse(text);
            return url.ok() && commits_.RefusedWhenFound(std::string(url->host())) >= terms_.refused_cap;
          }),
      credit_(violations_),
      sessions_(clock, violations_, terms.faultless && terms.lossless),
      keys_(violations_),
      leaves_(clock, violations_, leases_) {
  politeness_.set_always_told(terms.faultless);
  politeness_.set_word_travels(terms.lease + absl::Seconds(5));
  politeness_.set_granted_at([this](Life fetcher, const std::string& host) { return leases_.GrantedAt(fetcher, host); });
}

void SimObserver::Mix(uint64_t life, uint64_t what) {
  digest_ += SeededRandom(static_cast<uint64_t>(clock_.now_ns()) * 1000 + life * 100 + what)->Next();
}

void SimObserver::Trace(const std::string& line) {
  if (terms_.trace) fmt::print("{:14.6f} {}\n", static_cast<double>(clock_.now_ns()) * 1e-9, line);
}

void SimObserver::Note(const std::string& text) { Trace("* " + text); }

void SimObserver::TraceFrame(const char* what, const std::string& from, const std::string& to, const Message& message) {
  if (!terms_.trace) return;
  std::string text = message.frame.ShortDebugString();
  if (text.size() > 400) text.resize(400);
  Trace(fmt::format("{} {} -> {} {}{}", what, from, to, text,
                    message.payload ? fmt::format(" + {} bytes", message.payload->size()) : ""));
}

void SimObserver::OnSent(const SimBus& from, const SimBus* to, const Message& message) {
  TraceFrame("send", from.machine(), to == nullptr ? "?" : to->machine(), message);
  const wire::Frame& frame = message.frame;
  Mix(from.life(), static_cast<uint64_t>(frame.body_case()));
  credit_.OnSent(message);
  sessions_.OnSent(from.life(), to == nullptr ? kWorld : to->life(), frame);
  if (from.machine() == "scheduler") {
    OnSentByScheduler(to, frame);
  } else if (IsFetcher(from.machine())) {
    leases_.OnSentByFetcher(from.life(), frame);
    leaves_.OnSentByFetcher(from.life(), frame);
  } else if (IsParser(from.machine())) {
    keys_.OnSentByParser(from.life(), frame);
  }
  switch (frame.body_case()) {
    case wire::Frame::kPage: return commits_.OnPageSent(frame);
    case wire::Frame::kPageAck: return commits_.OnPageAckSent(frame.peer_session(), frame.page_ack());
    case wire::Frame::kLinkBatch: return links_.OnSent(frame);
    case wire::Frame::kPageResult:
      links_.OnSent(frame);
      return commits_.OnResultSent(from.machine(), frame.page_result());
    case wire::Frame::kUrlEnded: return commits_.OnEndedSent(from.machine(), frame.url_ended());
    case wire::Frame::kEndedAck: return commits_.OnEndedAckSent(to == nullptr ? "?" : to->machine(), frame.ended_ack());
    case wire::Frame::kDrain:
      if (!stop_told_ && to != nullptr && !leaves_.Leaves(to->machine())) commits_.OnFinishTold();
      return;
    default: return;
  }
}

void SimObserver::OnSentByScheduler(const SimBus* to, const wire::Frame& frame) {
  CheckTold(frame);
  if (to == nullptr) return;
  keys_.OnSentByScheduler(to->life(), to->key(), to->machine(), frame);
  if (IsFetcher(to->machine())) {
    hand_outs_.OnSent(to->life(), frame);
    leaves_.OnSentToFetcher(to->life(), frame);
  }
  if (frame.has_node_reply()) leaves_.OnAnswered(frame);
}

void SimObserver::OnDelivered(const SimBus* from, const SimBus& to, const Message& message) {
  TraceFrame("  got", from == nullptr ? "(dead)" : from->machine(), to.machine(), message);
  const wire::Frame& frame = message.frame;
  Mix(to.life(), 1000 + static_cast<uint64_t>(frame.body_case()));
  sessions_.OnDelivered(to.life(), frame);
  if (to.machine() == "scheduler") {
    keys_.OnDeliveredToScheduler(message.from_key, frame);
    if (frame.has_node_request()) leaves_.OnAsked(frame);
  } else if (IsParser(to.machine())) {
    keys_.OnDeliveredToParser(to.life(), message.from_key, frame);
  }
  if (IsFetcher(to.machine())) {
    leases_.OnDelivered(to.life(), frame);
    leaves_.OnDeliveredToFetcher(to.life(), frame);
    if (frame.has_lease_grant()) CheckRoute(to.machine(), frame.lease_grant());
    credit_.OnDelivered(frame);
  } else if (frame.has_host_pause() && from != nullptr) {
    told_.push_back({frame.session(), frame.seq(), from->life(), frame.host_pause().host(), true});
  } else if (frame.has_lease_release() && from != nullptr &&
             frame.lease_release().why() == wire::LeaseRelease::THROTTLED) {
    std::string host = leases_.HostOf(from->life(), frame.lease_release().epoch());
    told_.push_back({frame.session(), frame.seq(), from->life(), std::move(host), false});
  }
}

void SimObserver::SetRoutes(const wire::CrawlSettings& settings, std::map<std::string, std::vector<std::string>> tags) {
  auto rules = UrlRules::Of(settings);
  if (rules.ok()) rules_ = *std::move(rules);
  tags_ = std::move(tags);
}

void SimObserver::CheckRoute(const std::string& machine, const wire::LeaseGrant& grant) {
  const std::string_view tag = rules_.Tag(grant.host());
  if (tag.empty() || grant.top_up()) return;
  const std::vector<std::string>& tags = tags_[machine];
  if (std::find(tags.begin(), tags.end(), tag) != tags.end()) return;
  violations_.Add("route", "{} was leased {}, which is for nodes with the tag {}", machine, grant.host(), tag);
}

// What has arrived beyond a gap is not read yet: it is told once the scheduler says that it has received it.
void SimObserver::CheckTold(const wire::Frame& from_scheduler) {
  std::erase_if(told_, [&](const Told& told) {
    if (told.session != from_scheduler.peer_session() || from_scheduler.received() < told.seq) return false;
    politeness_.OnThrottleTold(told.fetcher, told.host);
    if (told.announced) politeness_.OnPauseAnnounced(told.fetcher, told.host);
    return true;
  });
}

void SimObserver::CheckRobots(const SeenRequest& request) {
  if (request.robots || terms_.ignore_robots) return;
  if (!robots_known_.contains(request.origin)) {
    violations_.Add("robots", "{} asks {}{} before anybody has that origin's robots.txt", request.fetcher,
                    request.origin, request.path);
  } else if (web_.Disallowed(request.origin, request.path)) {
    violations_.Add("robots", "{} asks {}{}, which robots.txt disallows", request.fetcher, request.origin, request.path);
  }
}

void SimObserver::OnRequest(const SeenRequest& request) {
  ++requests_;
  Mix(request.life, 2000 + request.id % 1000);
  if (terms_.trace) Trace(fmt::format("GET {} {}{}", request.fetcher, request.origin, request.path));
  leases_.OnRequest(request);
  leaves_.OnRequest(request);
  politeness_.OnRequest(request);
  CheckRobots(request);
  const WebHost* host = web_.FindHost(request.host);
  if (host != nullptr && host->temper == WebHost::Temper::kPrivate) {
    violations_.Add("address", "{} asks {}{} at a private address", request.fetcher, request.origin, request.path);
  }
}

void SimObserver::OnResponseOver(const SeenRequest& request) {
  if (terms_.trace) Trace(fmt::format("  over {} {}{}", request.fetcher, request.origin, request.path));
  politeness_.OnOver(request);
}

// Counted from outside, not as the fetcher counts itself (rule 26).
void SimObserver::OnTaken(const SeenRequest& request, uint64_t bytes) {
  std::map<uint64_t, uint64_t>& of_fetcher = taken_[request.life];
  of_fetcher[request.id] += bytes;
  uint64_t sum = 0;
  for (const auto& [id, taken] : of_fetcher) sum += taken;
  if (sum > terms_.body_memory) {
    violations_.Add("memory", "{} has {} bytes of bodies under way, {} are allowed", request.fetcher, sum, terms_.body_memory);
  }
}

void SimObserver::OnAnswered(const SeenRequest& request, const WebAnswer& answer, const FetchResult& result) {
  taken_[request.life].erase(request.id);
  if (terms_.trace) {
    Trace(fmt::format("  answered {} {}{}: {} {} {}", request.fetcher, request.origin, request.path,
                      std::string(OutcomeName(result.outcome)), result.status, result.detail));
  }
  if (result.outcome != Outcome::kResponse) return;
  if (answer.throttled) politeness_.OnThrottled(request, answer.retry_after);
  if (!answer.robots || answer.status >= 500) return;
  // Where robots.txt redirects, the answer that counts comes from there; knowing the first is enough to be heard.
  robots_known_.insert(request.origin);
  const WebHost* host = web_.FindHost(request.host);
  if (host != nullptr && answer.status == 200 && host->crawl_delay_s > 0) {
    politeness_.SetCrawlDelay(request.host, absl::Seconds(host->crawl_delay_s));
  }
}

void SimObserver::OnWrite(const KvBatch& batch) {
  commits_.OnWrite(batch);
  for (const KvBatch::Change& change : batch) {
    if (change.family != Family::kUrls || change.kind != KvBatch::Kind::kPut) continue;
    auto record = DecodeUrlRecord(change.value);
    if (!record.ok()) continue;
    links_.OnWritten(*record);
    keys_.OnWritten(*record);
  }
}

void SimObserver::OnSync() {
  Trace("  kv sync");
  commits_.OnSync();
  politeness_.OnThrottlesDurable();
}

void SimObserver::OnUrlEnd(const UrlEnd& end) {
  if (terms_.trace) Trace(fmt::format("  end {} {} {}", end.url, std::string(OutcomeName(end.outcome)), end.status));
  commits_.OnUrlEnd(end.url);
}

void SimObserver::OnNotice(const std::string& text) { Trace("  notice: " + text); }

void SimObserver::OnProcess(Life life, const std::string& machine, const SimNodeClock& node_clock) {
  Note(fmt::format("{} starts (life {})", machine, life));
  if (!IsFetcher(machine)) return;
  leases_.OnFetcherStart(life, node_clock);
  leaves_.OnFetcherStart(life, machine);
}

void SimObserver::OnProcessGone(Life life, const std::string& machine) {
  Note(fmt::format("{} is gone (life {})", machine, life));
  keys_.OnProcessGone(life);
  if (IsFetcher(machine)) {
    taken_.erase(life);
    leases_.OnFetcherGone(life);
    leaves_.OnFetcherGone(life);
    politeness_.OnFetcherGone(life);
  } else if (machine == "scheduler") {
    politeness_.OnSchedulerGone();
    stop_told_ = false;
  }
}

}  // namespace weft::test
