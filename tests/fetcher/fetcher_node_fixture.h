// A FetcherNode between a played scheduler and a played parser, over a transport whose downloads the test ends itself.
#pragma once

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "fetcher/fetcher_node.h"
#include "tests/support/manual_clock.h"
#include "tests/support/played_peer.h"
#include "tests/support/recording_bus.h"

namespace weft::test {

struct TransportScript {
  struct Started {
    std::string url;
    absl::Time start_by;
    FetchSink* sink = nullptr;  // null: it has ended
  };
  std::vector<Started> started;  // by handle, from 1 on
  std::vector<Transport::Handle> cancelled;
  std::vector<Transport::Handle> resumed;
};

class ScriptedTransport : public Transport {
 public:
  ScriptedTransport(TransportScript& script, const Clock& clock) : script_(script), clock_(clock) {}
  Handle Start(const FetchRequest& request, FetchSink* sink) override {
    script_.started.push_back({request.url.href(), request.start_by, sink});
    return script_.started.size();
  }
  void Resume(Handle handle) override { script_.resumed.push_back(handle); }
  void Cancel(Handle handle) override {
    script_.cancelled.push_back(handle);
    FetchSink* sink = std::exchange(script_.started[handle - 1].sink, nullptr);
    FetchResult result;
    result.outcome = Outcome::kTimeout;
    result.ended_steady = clock_.SteadyNow();
    if (sink != nullptr) sink->OnEnd(std::move(result));
  }

 private:
  TransportScript& script_;
  const Clock& clock_;
};

// Every name has one address.
class OneAddressResolver : public Resolver {
 public:
  void Resolve(const std::string&, uint16_t, Callback callback) override {
    callback(std::vector<IpAddress>{IpAddress::Parse("93.184.216.34").value()});
  }
};

class ScriptedFetcherParts : public FetcherParts {
 public:
  explicit ScriptedFetcherParts(const Clock& clock) : clock_(clock) {}
  absl::StatusOr<std::unique_ptr<Transport>> MakeTransport(const wire::CrawlSettings&) override {
    return std::make_unique<ScriptedTransport>(script, clock_);
  }
  absl::StatusOr<std::unique_ptr<Resolver>> MakeResolver(const wire::CrawlSettings&) override {
    return std::make_unique<OneAddressResolver>();
  }

  TransportScript script;

 private:
  const Clock& clock_;
};

class FetcherNodeTest : public testing::Test {
 protected:
  static constexpr absl::Duration kLease = absl::Seconds(10);
  static constexpr uint64_t kIncarnation = 31;

  FetcherNodeTest() {
    options_.scheduler_endpoint = "scheduler";
    settings_.set_ignore_robots(true);
    settings_.set_connections(4);
    settings_.set_max_body_bytes(4 << 20);
    settings_.set_body_memory_bytes(16 << 20);
  }
  ~FetcherNodeTest() override { node_.reset(); }

  // Registers with the scheduler and learns of one parser, which takes `credit` pages.
  void Begin(uint64_t credit = 64) {
    node_ = std::make_unique<FetcherNode>(options_, parts_, clock_, *random_, bus_);
    node_->Start();
    scheduler_ = std::make_unique<PlayedPeer>(*node_, bus_, "scheduler", 1001);
    parser_ = std::make_unique<PlayedPeer>(*node_, bus_, "parser", 2002);
    Register();
    Credit(credit);
  }
  void Register() {
    wire::Frame frame;
    wire::Registered* registered = frame.mutable_registered();
    registered->mutable_identity()->set_lineage(12);
    registered->set_incarnation(kIncarnation);
    *registered->mutable_settings() = settings_;
    registered->set_heartbeat_us(1'000'000);
    registered->set_dead_after_us(8'000'000);
    registered->add_parsers()->set_node_id(4);
    registered->mutable_parsers(0)->set_endpoint("parser");
    scheduler_->Say(std::move(frame));
  }
  // Cumulative, with what is acknowledged.
  void Credit(uint64_t items, const std::vector<uint64_t>& acknowledged = {}) {
    wire::Frame frame;
    for (uint64_t id : acknowledged) frame.mutable_page_ack()->add_page_ids(id);
    frame.mutable_page_ack()->set_credit_items(items);
    frame.mutable_page_ack()->set_credit_bytes(items << 20);
    parser_->Say(std::move(frame));
  }
  void Tick(absl::Duration by = absl::ZeroDuration()) {
    clock_.Advance(by);
    node_->OnTick();
    scheduler_->Hear();
    parser_->Hear();
  }

  std::vector<wire::Heartbeat> Beats() {
    std::vector<wire::Heartbeat> beats;
    for (const wire::Frame& frame : scheduler_->Of(wire::Frame::kHeartbeat)) beats.push_back(frame.heartbeat());
    return beats;
  }
  static wire::UrlTicket Ticket(const std::string& host, int number) {
    wire::UrlTicket ticket;
    ticket.set_key(fmt::format("{:>10}{:06}", host, number));
    ticket.set_url(fmt::format("https://{}/{}", host, number));
    return ticket;
  }
  wire::LeaseGrant GrantOf(uint64_t counter, const std::string& host, int first, int count) {
    wire::LeaseGrant grant;
    grant.mutable_epoch()->set_incarnation(kIncarnation);
    grant.mutable_epoch()->set_counter(counter);
    grant.set_origin("https://" + host);
    grant.set_host(host);
    grant.set_connections(1);
    grant.set_last_request_age_us(-1);
    for (int i = 0; i < count; ++i) *grant.add_urls() = Ticket(host, first + i);
    return grant;
  }
  // A lease that answers the last heartbeat.
  void Grant(uint64_t counter, const std::string& host, int count) {
    wire::Frame frame;
    *frame.mutable_lease_grant() = GrantOf(counter, host, 0, count);
    frame.mutable_lease_grant()->set_runs_us(absl::ToInt64Microseconds(kLease));
    frame.mutable_lease_grant()->set_echo_sent_steady_us(Beats().back().sent_steady_us());
    scheduler_->Say(std::move(frame));
    Tick();
  }
  // In answer to the last heartbeat.
  void Renew(uint64_t counter) {
    wire::Frame frame;
    wire::LeaseRenewal* renewal = frame.mutable_heartbeat_reply()->add_renewals();
    renewal->mutable_epoch()->set_counter(counter);
    renewal->set_runs_us(absl::ToInt64Microseconds(kLease));
    frame.mutable_heartbeat_reply()->set_echo_sent_steady_us(Beats().back().sent_steady_us());
    scheduler_->Say(std::move(frame));
  }
  void TopUp(uint64_t counter, const std::string& host, int first, int count) {
    wire::Frame frame;
    *frame.mutable_lease_grant() = GrantOf(counter, host, first, count);
    frame.mutable_lease_grant()->set_top_up(true);
    scheduler_->Say(std::move(frame));
    Tick();
  }
  // Ends a download with an answer.
  void Answer(Transport::Handle handle, int status = 200) {
    FetchResult result;
    result.outcome = Outcome::kResponse;
    result.status = status;
    result.response_head = fmt::format("HTTP/1.1 {} X\r\n\r\n", status);
    End(handle, std::move(result));
  }
  void End(Transport::Handle handle, FetchResult result) {
    result.ended_steady = clock_.SteadyNow();
    FetchSink* sink = std::exchange(started()[handle - 1].sink, nullptr);
    ASSERT_NE(sink, nullptr);
    sink->OnEnd(std::move(result));
    Tick();
  }
  // Another process is the scheduler now, and knows nothing of this node.
  void SchedulerBeginsAnew() {
    const uint64_t nodes_session = scheduler_->nodes_session();
    scheduler_->Restart(1002);
    scheduler_->SkipWhatWasSent();
    scheduler_->frames.clear();
    wire::Frame frame;
    frame.set_version(kProtocolVersion);
    frame.set_session(1002);
    frame.set_peer_session(nodes_session);
    frame.mutable_session_unknown();
    scheduler_->SayRaw(std::move(frame));
  }

  std::vector<TransportScript::Started>& started() { return parts_.script.started; }
  std::vector<wire::LeaseRelease> Releases() {
    std::vector<wire::LeaseRelease> releases;
    for (const wire::Frame& frame : scheduler_->Of(wire::Frame::kLeaseRelease)) releases.push_back(frame.lease_release());
    return releases;
  }
  std::vector<uint64_t> PagesSent() {
    std::vector<uint64_t> ids;
    for (const wire::Frame& frame : parser_->Of(wire::Frame::kPage)) ids.push_back(frame.page().page_id());
    return ids;
  }

  ManualClock clock_;
  RecordingBus bus_;
  std::unique_ptr<Random> random_ = SeededRandom(8);
  FetcherOptions options_;
  wire::CrawlSettings settings_;
  ScriptedFetcherParts parts_{clock_};
  std::unique_ptr<FetcherNode> node_;
  std::unique_ptr<PlayedPeer> scheduler_;
  std::unique_ptr<PlayedPeer> parser_;
};

}  // namespace weft::test
