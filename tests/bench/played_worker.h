// Workers that scale_bench plays, a fetcher and a parser each, and the virtual time that they live in: what they say to a scheduler is
// what real ones say, and what they do takes the times below.
// Thread rule: one thread.
#pragma once

#include <absl/functional/any_invocable.h>
#include <absl/time/time.h>

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <iostream>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/session_link.h"
#include "tests/bench/link_workload.h"
#include "tests/support/manual_clock.h"

namespace weft {

inline constexpr double kKnownShare = 0.85;
inline constexpr absl::Duration kFetch = absl::Milliseconds(100);
inline constexpr absl::Duration kTransit = absl::Microseconds(500);
inline constexpr absl::Duration kStore = absl::Milliseconds(20);   // in the parser: links, records, their sync
inline constexpr absl::Duration kBeat = absl::Seconds(1);
inline constexpr uint64_t kLeasesPerConnection = 4;
inline constexpr double kTopUpSeconds = 3;                         // as fetcher/lease_run

[[noreturn]] inline void Die(const std::string& text) {
  std::cerr << "scale_bench: " << text << "\n";
  std::exit(1);
}

class Events {
 public:
  using Run = absl::AnyInvocable<void()>;

  const test::ManualClock& clock() const { return clock_; }
  absl::Time now() const { return clock_.SteadyNow(); }
  void At(absl::Time when, Run run) {
    heap_.push_back({std::max(when, now()), next_++, std::move(run)});
    std::push_heap(heap_.begin(), heap_.end(), Later());
  }
  void After(absl::Duration wait, Run run) { At(now() + wait, std::move(run)); }
  bool RunNext() {
    if (heap_.empty()) return false;
    std::pop_heap(heap_.begin(), heap_.end(), Later());
    Event event = std::move(heap_.back());
    heap_.pop_back();
    clock_.Advance(event.when - now());
    event.run();
    return true;
  }

 private:
  struct Event {
    absl::Time when;
    uint64_t order;
    Run run;
  };
  struct Later {
    bool operator()(const Event& a, const Event& b) const { return a.when != b.when ? a.when > b.when : a.order > b.order; }
  };
  test::ManualClock clock_;
  uint64_t next_ = 0;
  std::vector<Event> heap_;
};

class SchedulersEar {
 public:
  virtual ~SchedulersEar() = default;
  virtual void Hear(const PeerId& from, std::string bytes) = 0;
};

// A played node's session with the scheduler.
class PlayedNode : protected Bus {
 public:
  PlayedNode(PeerId name, uint64_t session, Events& events, SchedulersEar& scheduler)
      : name_(std::move(name)), session_(session), events_(events), scheduler_(scheduler), link_(this, "scheduler", session) {}
  virtual ~PlayedNode() = default;

  void Register(const wire::CrawlIdentity& identity, bool fetches) {
    wire::Frame frame;
    wire::Register* info = frame.mutable_register_();
    info->set_name(name_);
    info->set_machine(name_);
    info->set_node_id(session_);
    info->set_fetches(fetches);
    info->set_parses(!fetches);
    if (!fetches) info->set_pages_dir_id(session_);
    info->set_canonicaliser_version(identity.canonicaliser_version());
    info->set_public_suffix_version(identity.public_suffix_version());
    Say(std::move(frame));
    events_.After(kBeat, [this] { BeatForEver(); });
  }
  void Hear(const std::string& bytes) {
    Message message;
    if (!message.frame.ParseFromString(bytes)) Die("a frame cannot be read");
    for (Message& delivered : link_.Receive(std::move(message)).deliver) {
      if (delivered.frame.has_heartbeat_reply()) nonce_ = delivered.frame.heartbeat_reply().nonce();
      OnFrame(delivered.frame);
    }
  }
  void Say(wire::Frame frame) { link_.Send({std::move(frame), nullptr}); }

 protected:
  virtual void OnFrame(wire::Frame& frame) = 0;
  virtual void FillBeat(wire::Heartbeat&) {}
  void Beat() {
    wire::Frame frame;
    frame.mutable_heartbeat()->set_sent_steady_us(absl::ToUnixMicros(events_.now()));
    frame.mutable_heartbeat()->set_nonce_echo(nonce_);
    FillBeat(*frame.mutable_heartbeat());
    link_.SendUnsequenced({std::move(frame), nullptr});
  }
  Events& events() { return events_; }

 private:
  void BeatForEver() {
    Beat();
    events_.After(kBeat, [this] { BeatForEver(); });
  }
  absl::StatusOr<PeerId> Connect(const std::string& endpoint) override { return endpoint; }
  void Disconnect(const PeerId&) override {}
  void Send(const PeerId&, const Message& message) override {
    events_.After(kTransit, [this, bytes = message.frame.SerializeAsString()] { scheduler_.Hear(name_, bytes); });
  }

  PeerId name_;
  uint64_t session_;
  Events& events_;
  SchedulersEar& scheduler_;
  SessionLink link_;
  uint64_t nonce_ = 0;
};

class PlayedParser : public PlayedNode {
 public:
  PlayedParser(PeerId name, uint64_t session, Events& events, SchedulersEar& scheduler, LinkWorkload& workload)
      : PlayedNode(std::move(name), session, events, scheduler), session_(session), workload_(workload) {}

  void Report(const wire::UrlTicket& ticket) {
    wire::Frame frame;
    wire::PageResult* result = frame.mutable_page_result();
    *result->mutable_ticket() = ticket;
    result->set_outcome(static_cast<uint32_t>(Outcome::kResponse));
    result->set_status(200);
    result->set_mime("text/html");
    result->set_payload_bytes(40'000);
    result->set_payload_digest("01234567890123456789");
    result->mutable_place()->set_pages_dir_id(session_);
    result->mutable_place()->set_file("weft-20260101000000-00001-host.warc.gz");
    result->mutable_place()->set_offset(8000 * ++reported_);
    result->mutable_place()->set_length(8000);
    result->mutable_place()->set_record_digest("01234567890123456789");
    std::vector<Candidate> links;
    workload_.AddPage(kKnownShare, links);
    for (const Candidate& link : links) result->add_links()->set_url(link.url);
    Say(std::move(frame));
  }

 private:
  void OnFrame(wire::Frame&) override {}
  void FillBeat(wire::Heartbeat& beat) override { beat.set_pages(reported_); }

  uint64_t session_;
  LinkWorkload& workload_;
  uint64_t reported_ = 0;
};

// One request at a time under each lease, and no more at once than it has connections.
class PlayedFetcher : public PlayedNode {
 public:
  PlayedFetcher(PeerId name, uint64_t session, Events& events, SchedulersEar& scheduler, PlayedParser& parser, uint64_t connections)
      : PlayedNode(std::move(name), session, events, scheduler), parser_(parser), free_(connections),
        most_leases_(connections * kLeasesPerConnection) {}

 private:
  struct Lease {
    wire::Epoch epoch;
    std::deque<wire::UrlTicket> urls;
    uint64_t asked = 0;
    bool more_asked = false;
    bool no_more = false;
    absl::Time started;
    absl::Time last_end = absl::InfinitePast();
  };

  void OnFrame(wire::Frame& frame) override {
    if (frame.has_registered()) Beat();
    if (!frame.has_lease_grant()) return;
    const wire::LeaseGrant& grant = frame.lease_grant();
    const uint64_t id = grant.epoch().counter();
    if (!grant.top_up()) ++taken_;
    const auto known = leases_.find(id);
    if (grant.top_up() && known == leases_.end()) Die("more came for a lease that was given back");
    Lease& lease = grant.top_up() ? known->second : leases_[id];
    lease.epoch = grant.epoch();
    if (!grant.top_up()) lease.started = events().now();
    lease.more_asked = false;
    lease.no_more = grant.top_up() && grant.urls().empty();
    const bool waits = lease.urls.empty() && !busy_.contains(id);
    for (const wire::UrlTicket& ticket : grant.urls()) lease.urls.push_back(ticket);
    if (waits) GoOn(id, lease);
    StartSome();
  }

  // Its request has ended, or it has come to something again.
  void GoOn(uint64_t id, Lease& lease) {
    const double rate = static_cast<double>(lease.asked) / std::max(0.5, absl::ToDoubleSeconds(events().now() - lease.started));
    const auto low = static_cast<size_t>(std::max(1.0, rate * kTopUpSeconds / 2));
    if (lease.urls.size() <= low && !lease.more_asked && !lease.no_more) {
      lease.more_asked = true;
      wire::Frame frame;
      *frame.mutable_lease_wanted()->mutable_epoch() = lease.epoch;
      frame.mutable_lease_wanted()->set_urls(static_cast<uint32_t>(std::clamp(rate * kTopUpSeconds, 4.0, 512.0)));
      Say(std::move(frame));
    }
    if (!lease.urls.empty()) return waiting_.push_back(id);
    if (lease.more_asked) return;
    wire::Frame frame;
    wire::LeaseRelease* release = frame.mutable_lease_release();
    *release->mutable_epoch() = lease.epoch;
    release->set_last_request_age_us(absl::ToInt64Microseconds(events().now() - lease.last_end));
    release->set_asked(lease.asked);
    release->set_answers(lease.asked);
    release->set_latency_us(absl::ToInt64Microseconds(kFetch));
    release->set_any_response(true);
    Say(std::move(frame));
    leases_.erase(id);
    if (Limit() >= said_ + (most_leases_ + 3) / 4) Beat();
  }

  void StartSome() {
    while (free_ > 0 && !waiting_.empty()) {
      const uint64_t id = waiting_.front();
      waiting_.pop_front();
      Lease& lease = leases_.at(id);
      --free_;
      ++lease.asked;
      busy_.insert(id);
      wire::UrlTicket ticket = std::move(lease.urls.front());
      lease.urls.pop_front();
      events().After(kFetch, [this, id, ticket = std::move(ticket)] { End(id, ticket); });
    }
  }

  void End(uint64_t id, const wire::UrlTicket& ticket) {
    ++free_;
    busy_.erase(id);
    events().After(kStore, [this, ticket] { parser_.Report(ticket); });
    Lease& lease = leases_.at(id);
    lease.last_end = events().now();
    GoOn(id, lease);
    StartSome();
  }

  uint64_t Limit() const { return taken_ + most_leases_ - std::min<uint64_t>(most_leases_, leases_.size()); }
  void FillBeat(wire::Heartbeat& beat) override {
    said_ = std::max(said_, Limit());
    beat.set_lease_limit(said_);
    for (const auto& [id, lease] : leases_) {
      wire::LeaseBeat* one = beat.add_leases();
      *one->mutable_epoch() = lease.epoch;
      one->set_asked(lease.asked);
    }
  }

  PlayedParser& parser_;
  uint64_t free_;
  uint64_t most_leases_;
  uint64_t taken_ = 0;
  uint64_t said_ = 0;
  std::map<uint64_t, Lease> leases_;
  std::set<uint64_t> busy_;
  std::deque<uint64_t> waiting_;
};

}  // namespace weft
