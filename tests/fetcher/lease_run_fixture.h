// One LeaseRun with a host that notes what the lease asks of it. Tests end the downloads themselves.
#pragma once

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "fetcher/lease_run.h"
#include "tests/support/manual_clock.h"

namespace weft::test {

class NotingHost : public LeaseRunHost {
 public:
  struct Started {
    wire::UrlTicket ticket;    // empty for robots.txt
    std::string url;
    std::string address;
  };
  struct Ended {
    std::string url;
    Outcome outcome;
    std::string detail;
  };

  bool MayStart(bool for_robots) override { return for_robots ? may_start_robots : may_start; }
  void StartUrl(LeaseRun&, const wire::UrlTicket& ticket, const Url& url, const IpAddress& address) override {
    urls.push_back({ticket, url.href(), address.ToString()});
  }
  void StartRobots(LeaseRun&, const Url& url, const IpAddress& address) override {
    robots.push_back({{}, url.href(), address.ToString()});
  }
  void Resolve(LeaseRun&, const std::string& host, uint16_t port) override {
    resolved.push_back(fmt::format("{}:{}", host, port));
  }
  void AskPermit(LeaseRun&, const std::string& host) override { permits.push_back(host); }
  void AskAddress(LeaseRun&, const std::vector<IpAddress>& addresses, bool for_permit) override {
    std::string text = for_permit ? "permit:" : "";
    for (const IpAddress& address : addresses) text += " " + address.ToString();
    addresses_wanted.push_back(text);
  }
  void PermitDone(LeaseRun&, const std::string& host, absl::Duration age) override {
    permits_done.emplace_back(host, age);
  }
  void ReportEnded(LeaseRun&, const wire::UrlTicket& ticket, Outcome outcome, const std::string& detail) override {
    ended.push_back({ticket.url(), outcome, detail});
  }
  void AskMore(LeaseRun&, uint32_t wanted) override { more.push_back(wanted); }

  bool may_start = true;
  bool may_start_robots = true;
  std::vector<Started> urls;
  std::vector<Started> robots;
  std::vector<std::string> resolved;
  std::vector<std::string> permits;
  std::vector<std::string> addresses_wanted;
  std::vector<std::pair<std::string, absl::Duration>> permits_done;
  std::vector<Ended> ended;
  std::vector<uint32_t> more;
};

class LeaseRunTest : public testing::Test {
 protected:
  LeaseRunTest() {
    grant_.mutable_epoch()->set_incarnation(8);
    grant_.mutable_epoch()->set_counter(4);
    grant_.set_origin("https://a.example");
    grant_.set_host("a.example");
    grant_.set_connections(1);
    grant_.set_last_request_age_us(-1);
    AllowAll();
  }
  void AllowAll() {
    grant_.mutable_robots()->set_kind(wire::RobotsState::ALLOW_ALL);
    grant_.mutable_robots()->set_fresh_us(1'000'000'000);
  }
  void Rules(const std::string& body) {
    grant_.mutable_robots()->set_kind(wire::RobotsState::RULES);
    grant_.mutable_robots()->set_body(body);
    grant_.mutable_robots()->set_fresh_us(1'000'000'000);
  }
  wire::UrlTicket Ticket(const std::string& url) {
    wire::UrlTicket ticket;
    ticket.set_key(url);
    ticket.set_url(url);
    return ticket;
  }
  void AddUrls(int count) {
    for (int i = 0; i < count; ++i) *grant_.add_urls() = Ticket(fmt::format("https://a.example/{}", i));
  }
  void UseProxies(const std::vector<std::string>& rules, const std::string& general = "") {
    wire::CrawlSettings settings;
    for (const std::string& rule : rules) settings.add_rule(rule);
    settings.set_proxy(general);
    settings_.proxies = ProxyChoice::Of(settings).value();
  }
  void Begin(absl::Duration lease = absl::Minutes(10)) {
    run_ = std::make_unique<LeaseRun>(grant_, clock_.SteadyNow() + lease, settings_, clock_, host_);
  }
  // Begins and answers the look-up, so that requests may start.
  void BeginResolved(const std::vector<std::string>& addresses = {"93.184.216.34"}) {
    Begin();
    run_->Advance();
    Resolve(addresses);
    run_->Advance();
  }
  void Resolve(const std::vector<std::string>& addresses) {
    std::vector<IpAddress> parsed;
    for (const std::string& text : addresses) parsed.push_back(IpAddress::Parse(text).value());
    run_->OnResolved(parsed);
  }
  FetchResult Response(int status, const std::string& fields = "") {
    FetchResult result;
    result.outcome = Outcome::kResponse;
    result.status = status;
    result.response_head = fmt::format("HTTP/1.1 {} X\r\n{}\r\n", status, fields);
    result.ended_steady = clock_.SteadyNow();
    return result;
  }
  FetchResult Failure(Outcome outcome) {
    FetchResult result;
    result.outcome = outcome;
    result.detail = "no luck";
    result.ended_steady = clock_.SteadyNow();
    return result;
  }
  FetchResult NotSent() {
    FetchResult result = Failure(Outcome::kTimeout);
    result.not_sent = true;
    return result;
  }
  LeaseRun::Verdict EndLast(const FetchResult& result) { return run_->OnUrlEnd(host_.urls.back().ticket, result); }
  // Goes on at the times that the lease names, until `until` holds or nothing more happens for an hour.
  template <typename Condition>
  bool AdvanceUntil(Condition until) {
    absl::Time end = clock_.SteadyNow() + absl::Hours(1);
    while (!until() && clock_.SteadyNow() < end) {
      absl::Time wake = std::min(run_->NextWake(), end);
      clock_.Advance(std::max(wake - clock_.SteadyNow(), absl::Milliseconds(1)));
      run_->Advance();
    }
    return until();
  }
  std::vector<std::string> Unused() const {
    wire::LeaseRelease release = run_->MakeRelease();
    return {release.unused().begin(), release.unused().end()};
  }

  ManualClock clock_;
  NotingHost host_;
  LeaseRunSettings settings_{"weft", false, {}, {}, true, false};
  wire::LeaseGrant grant_;
  std::unique_ptr<LeaseRun> run_;
};

}  // namespace weft::test
