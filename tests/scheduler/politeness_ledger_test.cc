#include "scheduler/politeness_ledger.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "common/random.h"

namespace weft {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr CrawlTime kSecond = 1'000'000;

class PolitenessLedgerTest : public testing::Test {
 protected:
  PolitenessLedger Make() { return PolitenessLedger(settings_, *suffixes_); }
  static LedgerWaiter Host(const std::string& name) { return {std::hash<std::string>{}(name), 0, name}; }
  static std::vector<std::string> Freed(PolitenessLedger& ledger, CrawlTime now) {
    std::vector<std::string> names;
    for (const LedgerWaiter& waiter : ledger.TakeFreed(now)) names.push_back(waiter.host);
    return names;
  }

  std::shared_ptr<const PublicSuffixes> suffixes_ = PublicSuffixes::Load().value();
  wire::CrawlSettings settings_;
};

TEST_F(PolitenessLedgerTest, HostsOfOneRegistrableDomainShareItsConnections) {
  settings_.set_domain_connections(2);
  PolitenessLedger ledger = Make();
  auto a = ledger.Take(Host("a.site.co.uk"), "", 1, 1, 10);
  auto b = ledger.Take(Host("b.site.co.uk"), "", 1, 2, 10);
  ASSERT_TRUE(a && b);
  EXPECT_FALSE(ledger.Take(Host("c.site.co.uk"), "", 1, 3, 10));
  EXPECT_TRUE(ledger.Take(Host("c.other.co.uk"), "", 1, 3, 10)) << "another registrable domain";
  EXPECT_THAT(Freed(ledger, 11), IsEmpty());
  EXPECT_TRUE(ledger.OthersWait(*a));
  ledger.Return(*a, 12, 12);
  EXPECT_THAT(Freed(ledger, 12), ElementsAre("c.site.co.uk"));
  EXPECT_FALSE(ledger.OthersWait(*b));
  EXPECT_TRUE(ledger.Take(Host("c.site.co.uk"), "", 1, 3, 12));
}

TEST_F(PolitenessLedgerTest, ADomainHasTenConnectionsOrTheHostsOwnIfThatIsMore) {
  PolitenessLedger ledger = Make();
  EXPECT_EQ(ledger.Take(Host("a.example"), "", 100, 1, 1)->connections, kDomainConnectionsDefault);
  settings_.set_host_connections(40);
  PolitenessLedger wide = Make();
  EXPECT_EQ(wide.Take(Host("a.example"), "", 40, 1, 1)->connections, 40u);
  settings_.set_domain_connections(3);
  PolitenessLedger narrow = Make();
  EXPECT_EQ(narrow.Take(Host("a.example"), "", 40, 1, 1)->connections, 3u);
}

TEST_F(PolitenessLedgerTest, WhoWaitsIsNamedInTheOrderInWhichItBecameReady) {
  settings_.set_domain_connections(1);
  PolitenessLedger ledger = Make();
  auto held = ledger.Take(Host("x.site.example"), "", 1, 1, 100);
  EXPECT_FALSE(ledger.Take(Host("late.site.example"), "", 1, 90, 100));
  EXPECT_FALSE(ledger.Take(Host("early.site.example"), "", 1, 20, 100));
  for (const char* next : {"early.site.example", "late.site.example"}) {
    ledger.Return(*held, 100, 100);
    EXPECT_THAT(Freed(ledger, 100), ElementsAre(next));
    held = ledger.Take(Host(next), "", 1, 100, 100);
    ASSERT_TRUE(held);
  }
}

TEST_F(PolitenessLedgerTest, ConnectionsOfANamedGroupKeepItsDelay) {
  settings_.add_group("name=cdn hosts=a.example,*.b.example connections=1 delay=5s");
  PolitenessLedger ledger = Make();
  EXPECT_EQ(ledger.DelayOf("a.example"), absl::Seconds(5));
  EXPECT_EQ(ledger.DelayOf("c.example"), absl::ZeroDuration());
  auto a = ledger.Take(Host("a.example"), "", 1, 1, 1);
  ledger.Return(*a, 10 * kSecond, 11 * kSecond);
  EXPECT_FALSE(ledger.Take(Host("x.b.example"), "", 1, 1, 11 * kSecond));
  EXPECT_EQ(ledger.NextFreed(), 15 * kSecond);
  EXPECT_THAT(Freed(ledger, 15 * kSecond - 1), IsEmpty());
  EXPECT_THAT(Freed(ledger, 15 * kSecond), ElementsAre("x.b.example"));
  EXPECT_EQ(ledger.NextFreed(), std::nullopt);
  EXPECT_TRUE(ledger.Take(Host("x.b.example"), "", 1, 1, 15 * kSecond));
}

TEST_F(PolitenessLedgerTest, ALeaseWithoutARequestLeavesNoDelay) {
  settings_.add_group("name=cdn hosts=a.example,b.example connections=1 delay=5s");
  PolitenessLedger ledger = Make();
  ledger.Return(*ledger.Take(Host("a.example"), "", 1, 1, 1), std::nullopt, kSecond);
  EXPECT_TRUE(ledger.Take(Host("b.example"), "", 1, 1, kSecond));
}

TEST_F(PolitenessLedgerTest, APlaceThatTheFirstOneCannotUseGoesToTheNext) {
  settings_.set_ip_connections(1);
  settings_.add_group("name=g hosts=*.example connections=1");
  PolitenessLedger ledger = Make();
  auto held = ledger.Take(Host("a.example"), "192.0.2.1", 1, 1, 1);
  EXPECT_FALSE(ledger.Take(Host("b.example"), "192.0.2.2", 1, 2, 2));
  EXPECT_FALSE(ledger.Take(Host("c.example"), "192.0.2.3", 1, 3, 3));
  ledger.Return(*held, 4, 4);
  EXPECT_THAT(Freed(ledger, 4), ElementsAre("b.example"));
  auto other = ledger.Take(Host("x.org"), "192.0.2.2", 1, 4, 4);   // b's address is taken meanwhile
  ASSERT_TRUE(other);
  EXPECT_FALSE(ledger.Take(Host("b.example"), "192.0.2.2", 1, 2, 4));
  EXPECT_THAT(Freed(ledger, 4), ElementsAre("c.example"));
}

TEST_F(PolitenessLedgerTest, WhoDoesNotComeWhenNamedKeepsNobodyWaiting) {
  settings_.set_domain_connections(1);
  PolitenessLedger ledger = Make();
  auto held = ledger.Take(Host("x.site.example"), "", 1, 1, 1);
  EXPECT_FALSE(ledger.Take(Host("gone.site.example"), "", 1, 2, 2));
  EXPECT_FALSE(ledger.Take(Host("next.site.example"), "", 1, 3, 3));
  ledger.Return(*held, 4, 4);
  EXPECT_THAT(Freed(ledger, 4), ElementsAre("gone.site.example"));
  ASSERT_TRUE(ledger.NextFreed().has_value());
  EXPECT_THAT(Freed(ledger, *ledger.NextFreed()), ElementsAre("next.site.example"));
}

TEST_F(PolitenessLedgerTest, APausedGroupIsPausedForAllItsHosts) {
  settings_.add_group("name=cdn hosts=a.example,b.example connections=4");
  PolitenessLedger ledger = Make();
  auto a = ledger.Take(Host("a.example"), "", 1, 1, 1);
  ledger.Pause("a.example", 50, 2);
  EXPECT_TRUE(ledger.IsPaused(*a, 49));
  EXPECT_FALSE(ledger.Take(Host("b.example"), "", 1, 1, 2));
  EXPECT_TRUE(ledger.Take(Host("c.example"), "", 1, 1, 2));
  EXPECT_EQ(ledger.NextFreed(), 50u);
  EXPECT_THAT(Freed(ledger, 50), ElementsAre("b.example"));
}

TEST_F(PolitenessLedgerTest, GroupsRestAndPauseAcrossRestarts) {
  settings_.add_group("name=cdn hosts=a.example,b.example connections=1 delay=5s");
  PolitenessLedger ledger = Make();
  ledger.Return(*ledger.Take(Host("a.example"), "", 1, 1, kSecond), 10 * kSecond, 10 * kSecond);
  auto changed = ledger.TakeChanged();
  ASSERT_EQ(changed.size(), 1u);
  EXPECT_EQ(changed[0].first, "cdn");
  PolitenessLedger next = Make();
  next.Restore("cdn", changed[0].second, 0);
  EXPECT_FALSE(next.Take(Host("b.example"), "", 1, 1, 14 * kSecond));
  EXPECT_THAT(Freed(next, 15 * kSecond), ElementsAre("b.example"));
  ledger.Pause("a.example", 40 * kSecond, 11 * kSecond);
  PolitenessLedger paused = Make();
  paused.Restore("cdn", ledger.TakeChanged()[0].second, 0);
  EXPECT_FALSE(paused.Take(Host("b.example"), "", 1, 1, 39 * kSecond));
}

TEST_F(PolitenessLedgerTest, AfterACrashAGroupRestsFromTheEndOfTheLeasesBefore_Rule19) {
  settings_.add_group("name=cdn hosts=a.example connections=2 delay=5s");
  PolitenessLedger ledger = Make();
  ledger.Restore("cdn", "", /*no_request_before=*/100 * kSecond);
  EXPECT_FALSE(ledger.Take(Host("a.example"), "", 1, 1, 104 * kSecond));
  EXPECT_EQ(ledger.NextFreed(), 105 * kSecond);
}

TEST_F(PolitenessLedgerTest, AnAddressHasItsConnections_Rule21) {
  settings_.set_ip_connections(3);
  settings_.set_host_connections(2);
  PolitenessLedger ledger = Make();
  auto a = ledger.Take(Host("a.example"), "", 2, 1, 1);
  auto b = ledger.Take(Host("b.example"), "", 2, 1, 1);
  auto c = ledger.Take(Host("c.example"), "", 2, 1, 1);
  EXPECT_TRUE(ledger.TakeAddress("192.0.2.1", *a, 1));
  EXPECT_TRUE(ledger.TakeAddress("192.0.2.1", *b, 1));
  EXPECT_EQ(b->connections, 1u) << "its share of what is left";
  EXPECT_FALSE(ledger.TakeAddress("192.0.2.1", *c, 1));
  EXPECT_TRUE(ledger.TakeAddress("192.0.2.2", *c, 1));
  // Known to lie there: it waits with the address from the start.
  EXPECT_FALSE(ledger.Take(Host("d.example"), "192.0.2.1", 2, 1, 1));
  ledger.Return(*b, 2, 2);
  EXPECT_THAT(Freed(ledger, 2), ElementsAre("d.example"));
  EXPECT_EQ(ledger.Take(Host("d.example"), "192.0.2.1", 2, 1, 2)->connections, 1u);
}

TEST_F(PolitenessLedgerTest, ARequestWithoutALeaseIsCountedAndNobodyWaitsForIt) {
  settings_.set_domain_connections(1);
  PolitenessLedger ledger = Make();
  auto hold = ledger.TryTake("a.site.example", 1, 1);
  ASSERT_TRUE(hold);
  EXPECT_FALSE(ledger.TryTake("b.site.example", 1, 1));
  ledger.Return(*hold, 1, 1);
  EXPECT_THAT(Freed(ledger, 1), IsEmpty());
  EXPECT_TRUE(ledger.TryTake("b.site.example", 1, 1));
}

TEST_F(PolitenessLedgerTest, TellsWhatIsInTheWay) {
  settings_.set_domain_connections(7);
  settings_.add_group("name=cdn hosts=a.example,b.example connections=1 delay=5s");
  PolitenessLedger ledger = Make();
  ledger.Return(*ledger.Take(Host("a.example"), "", 1, 1, kSecond), 10 * kSecond, 10 * kSecond);
  EXPECT_FALSE(ledger.Take(Host("b.example"), "", 1, 1, 12 * kSecond));
  wire::PolitenessReply reply;
  ledger.Describe("b.example", "", 12 * kSecond, reply);
  ASSERT_EQ(reply.groups_size(), 2);
  EXPECT_EQ(reply.groups(0).kind(), "domain");
  EXPECT_EQ(reply.groups(0).connections(), 7u);
  EXPECT_EQ(reply.groups(1).name(), "cdn");
  EXPECT_EQ(reply.groups(1).resting(), 1u);
  EXPECT_EQ(reply.groups(1).waiting(), 1u);
  EXPECT_EQ(reply.groups(1).wait_us(), 3'000'000);
  EXPECT_EQ(reply.in_the_way(), "group cdn");
}

// Takes and returns at random; counts what is out by itself.
class RandomHosts {
 public:
  RandomHosts(uint64_t seed, const wire::CrawlSettings& settings, const PublicSuffixes& suffixes)
      : random_(SeededRandom(seed)), suffixes_(suffixes), ledger_(settings, suffixes) {
    for (int i = 0; i < 60; ++i) ready_.push_back(fmt::format("h{}.d{}.example", i, i % 6));
  }

  void Step() {
    now_ += random_->Below(200'000);
    TakeFreed();
    if (!ready_.empty() && random_->Below(3) > 0) {
      TakeOne();
    } else if (!out_.empty()) {
      ReturnOne();
    }
  }
  void TakeOne() {
    std::swap(ready_[random_->Below(ready_.size())], ready_.back());
    const std::string host = ready_.back();
    ready_.pop_back();
    const LedgerWaiter waiter{std::hash<std::string>{}(host), 0, host};
    auto hold = ledger_.Take(waiter, AddressOf(host), 1 + static_cast<uint32_t>(random_->Below(2)), now_, now_);
    if (!hold) {
      ++waiting_;
      return;
    }
    out_.emplace_back(host, *hold);
    ++taken_;
  }
  void ReturnOne() {
    std::swap(out_[random_->Below(out_.size())], out_.back());
    ledger_.Return(out_.back().second, now_, now_);
    ready_.push_back(out_.back().first);
    out_.pop_back();
  }
  // Nothing happens but time.
  void Pass() {
    now_ += 100'000;
    TakeFreed();
  }
  void TakeFreed() {
    for (const LedgerWaiter& waiter : ledger_.TakeFreed(now_)) {
      ready_.push_back(waiter.host);
      --waiting_;
    }
  }
  std::map<std::string, uint32_t> Used() const {
    std::map<std::string, uint32_t> used;
    for (const auto& [host, hold] : out_) {
      used[suffixes_.RegistrableDomain(host)] += hold.connections;
      used[AddressOf(host)] += hold.connections;
      if (host.ends_with(".d0.example") || host.ends_with(".d1.example")) used["g"] += hold.connections;
    }
    return used;
  }
  static std::string AddressOf(const std::string& host) { return fmt::format("192.0.2.{}", host[1] % 3); }
  size_t all() const { return out_.size() + ready_.size() + waiting_; }
  size_t waiting() const { return waiting_; }
  size_t out() const { return out_.size(); }
  uint64_t taken() const { return taken_; }

 private:
  std::unique_ptr<Random> random_;
  const PublicSuffixes& suffixes_;
  PolitenessLedger ledger_;
  CrawlTime now_ = kSecond;
  std::vector<std::pair<std::string, PolitenessLedger::Hold>> out_;
  std::vector<std::string> ready_;
  size_t waiting_ = 0;
  uint64_t taken_ = 0;
};

TEST_F(PolitenessLedgerTest, RandomTakesAndReturnsKeepEveryLimitAndLoseNobody) {
  const uint64_t seed = 71;
  SCOPED_TRACE(fmt::format("seed {}", seed));
  settings_.set_domain_connections(3);
  settings_.set_ip_connections(4);
  settings_.add_group("name=g hosts=*.d0.example,*.d1.example connections=2 delay=1s");
  RandomHosts hosts(seed, settings_, *suffixes_);
  for (int step = 0; step < 20'000; ++step) {
    hosts.Step();
    for (const auto& [name, count] : hosts.Used()) {
      ASSERT_LE(count, name == "g" ? 2u : name.starts_with("192") ? 4u : 3u) << name;
    }
    ASSERT_EQ(hosts.all(), 60u);
  }
  EXPECT_GT(hosts.taken(), 3000u);
  // With everything back and time going on, nobody waits for ever.
  for (int step = 0; step < 10'000 && hosts.waiting() + hosts.out() > 0; ++step) {
    if (hosts.out() > 0) {
      hosts.ReturnOne();
    } else {
      hosts.Pass();
    }
  }
  EXPECT_EQ(hosts.waiting(), 0u);
}

}  // namespace
}  // namespace weft
