// Leases under limits that several hosts share, delays that adapt, address permits, and what is told of all that.
#include "tests/scheduler/desk_fixture.h"

namespace weft::test {
namespace {

using testing::IsEmpty;
using testing::SizeIs;
using Why = wire::LeaseRelease;

class LeasePoliteness : public DeskTest {
 protected:
  void Group(const std::string& text) {
    settings_.add_group(text);
    Build();
  }
  void AdvanceTo(std::optional<CrawlTime> when) {
    ASSERT_TRUE(when.has_value());
    clock_.Advance(std::max(crawl_clock_->SteadyAt(*when) - clock_.SteadyNow(), absl::ZeroDuration()));
    Beat("f", 1000);
  }
  wire::AddressPermit AskAddress(const wire::LeaseGrant& grant, const std::vector<std::string>& addresses,
                                 uint64_t permit_id = 0) {
    wire::AddressPermitWanted wanted;
    *wanted.mutable_epoch() = grant.epoch();
    wanted.set_permit_id(static_cast<int64_t>(permit_id));
    for (const std::string& address : addresses) wanted.add_addresses(address);
    leases_->OnAddressWanted("f", wanted);
    std::vector<wire::Frame> frames = bus_.Of("f", wire::Frame::kAddressPermit);
    EXPECT_FALSE(frames.empty());
    return frames.empty() ? wire::AddressPermit() : frames.back().address_permit();
  }
  // Of three hosts of a group two are leased, and one of them answers so. How many leases follow.
  size_t ThrottleOneOfThree(uint32_t status) {
    Group("name=cdn hosts=*.cdn.example,*.cdn2.example connections=5");
    SeedHost("a.cdn.example", 200);
    SeedHost("b.cdn2.example", 200);
    SeedHost("c.cdn2.example", 1);
    AddFetcher("f", 2);
    std::vector<wire::LeaseGrant> grants = Grant();
    EXPECT_THAT(grants, SizeIs(2));
    wire::LeaseRelease release = Asked(grants.front(), Why::THROTTLED);
    release.set_retry_after_us(30'000'000);
    release.set_throttle_status(status);
    Release("f", release);
    Beat("f", 100);
    return Grant().size();
  }
  static wire::LeaseRelease Sight(const wire::LeaseGrant& grant, uint64_t answers, uint64_t errors) {
    wire::LeaseRelease release = Asked(grant);
    release.set_answers(answers);
    release.set_any_response(answers > 0);
    release.set_errors(errors);
    release.set_latency_us(answers > 0 ? 100'000 : 0);
    return release;
  }
};

TEST_F(LeasePoliteness, HostsOfADomainThatIsFullWaitAndOthersGoOn) {
  settings_.set_domain_connections(2);
  Build();
  for (const char* host : {"a.site.example", "b.site.example", "c.site.example", "other.example"}) SeedHost(host, 2);
  AddFetcher("f");
  std::vector<wire::LeaseGrant> grants = Grant();
  EXPECT_THAT(grants, SizeIs(3));
  EXPECT_THAT(Grant(), IsEmpty());
  EXPECT_EQ(frontier_->NextReady(Now()), nullptr) << "who waits for a place is in nobody's way";
  for (const wire::LeaseGrant& grant : grants) {
    if (grant.host() == "other.example") continue;
    Release("f", Asked(grant));
    break;
  }
  EXPECT_EQ(GrantOne().host().substr(1), ".site.example");
}

TEST_F(LeasePoliteness, AnExpiredLeaseGivesItsPlaceBack) {
  settings_.set_domain_connections(1);
  Build();
  SeedHost("a.site.example", 1);
  SeedHost("b.site.example", 1);
  AddFetcher("f");
  std::string first = GrantOne().host();
  clock_.Advance(options_.lease + options_.lease_grace);
  ASSERT_TRUE(leases_->Expire().ok());
  Beat("f", 100);
  EXPECT_NE(GrantOne().host(), first) << "who has waited comes first";
}

TEST_F(LeasePoliteness, AGroupsDelayGoesOutWithTheGrantAndHoldsBetweenItsHosts) {
  Group("name=cdn hosts=a.example,b.example connections=1 delay=7s");
  SeedHost("a.example", 3);
  SeedHost("b.example", 3);
  AddFetcher("f");
  wire::LeaseGrant grant = GrantOne();
  EXPECT_EQ(grant.delay_us(), 7'000'000);
  Release("f", Asked(grant));
  EXPECT_THAT(Grant(), IsEmpty());
  EXPECT_EQ(leases_->NextFreed(), Now() + 7'000'000);
  AdvanceTo(leases_->NextFreed());
  EXPECT_NE(GrantOne().host(), grant.host());
}

TEST_F(LeasePoliteness, AGroupThatOthersWaitForIsNotToppedUpBeyondItsTurn) {
  Group("name=cdn hosts=a.example,b.example connections=1");
  SeedHost("a.example", 300);
  AddFetcher("f", 1);
  wire::LeaseGrant grant = GrantOne();
  clock_.Advance(options_.turn + absl::Seconds(1));
  EXPECT_GT(TopUp("f", grant, 5).urls_size(), 0);
  SeedHost("b.example", 1);
  Beat("f", 100);
  EXPECT_THAT(Grant(), IsEmpty());
  EXPECT_EQ(TopUp("f", grant, 5).urls_size(), 0);
}

TEST_F(LeasePoliteness, AGroupRestsAcrossARestart) {
  Group("name=cdn hosts=a.example,b.example connections=1 delay=20s");
  SeedHost("a.example", 3);
  SeedHost("b.example", 3);
  AddFetcher("f");
  Release("f", Asked(GrantOne()));
  ASSERT_TRUE(db_->PutClock(Now()).ok());
  Build();
  ASSERT_TRUE(leases_->Open(0).ok());
  AddFetcher("f");
  EXPECT_THAT(Grant(), IsEmpty());
  AdvanceTo(Now() + 20'000'000);
  EXPECT_THAT(Grant(), SizeIs(1));
}

TEST_F(LeasePoliteness, TooManyRequestsToOneHostPauseItsGroup) {
  EXPECT_EQ(ThrottleOneOfThree(429), 0u);
  EXPECT_THAT(bus_.Of("f", wire::Frame::kLeaseRevoke), SizeIs(1)) << "who is asked now is left alone too";
}

TEST_F(LeasePoliteness, AnUnavailableHostPausesItselfAlone) {
  EXPECT_EQ(ThrottleOneOfThree(503), 1u);
  EXPECT_THAT(bus_.Of("f", wire::Frame::kLeaseRevoke), IsEmpty());
}

TEST_F(LeasePoliteness, ErrorsLengthenTheDelayOfTheNextLeaseAndAnswersShortenIt) {
  settings_.set_delay_us(1'000'000);
  Build();
  SeedHost("a.example", 100);
  AddFetcher("f");
  Release("f", Sight(GrantOne(), 0, 4));
  AdvanceTo(frontier_->NextReadyTime());
  wire::LeaseGrant slow = GrantOne();
  EXPECT_EQ(slow.delay_us(), 2'000'000);
  ASSERT_TRUE(db_->PutClock(Now()).ok());
  EXPECT_EQ(Host("a.example").delay_us, 2'000'000u) << "and it is kept";
  for (int i = 0; i < 20; ++i) {
    Release("f", Sight(slow, 3, 0));
    AdvanceTo(frontier_->NextReadyTime());
    slow = GrantOne();
  }
  EXPECT_EQ(slow.delay_us(), 1'000'000);
  EXPECT_EQ(Host("a.example").delay_us, 0u) << "back where it starts";
}

TEST_F(LeasePoliteness, TheHighestRateEverSentIsKept) {
  SeedHost("a.example", 300);
  AddFetcher("f");
  for (auto [second, gap] : std::vector<std::pair<uint64_t, int64_t>>{{3, 400'000}, {7, 900'000}, {2, 0}}) {
    wire::LeaseRelease release = Asked(GrantOne());
    release.set_busiest_second(second);
    release.set_shortest_gap_us(gap);
    Release("f", release);
  }
  wire::PolitenessReply reply;
  leases_->Describe("a.example", reply);
  EXPECT_EQ(reply.busiest_second(), 7u);
  EXPECT_EQ(reply.shortest_gap_us(), 400'000);
}

TEST_F(LeasePoliteness, AfterACrashAHostRestsForItsOwnDelay_Rule19) {
  SeedHost("a.example", 3);
  SeedHost("b.example", 3);
  AddFetcher("f");
  for (wire::LeaseGrant& grant : Grant()) {
    wire::LeaseRelease release = Unasked(grant, Why::DRAIN);
    if (grant.host() == "a.example") release.set_crawl_delay_us(50'000'000);
    Release("f", release);
  }
  ASSERT_TRUE(db_->PutClock(Now()).ok());
  Build();
  CrawlTime leases_over = Now() + 12'000'000;
  ASSERT_TRUE(leases_->Open(leases_over).ok());
  AddFetcher("f");
  EXPECT_THAT(Grant(), IsEmpty());
  AdvanceTo(leases_over);
  EXPECT_EQ(GrantOne().host(), "b.example");
  AdvanceTo(leases_over + 50'000'000 - 1);
  EXPECT_THAT(Grant(), IsEmpty());
  AdvanceTo(leases_over + 50'000'000);
  EXPECT_EQ(GrantOne().host(), "a.example");
}

TEST_F(LeasePoliteness, AnAddressPermitIsPartOfItsLease_Rule21) {
  settings_.set_ip_connections(1);
  Build();
  for (const char* host : {"a.example", "b.example", "c.example"}) SeedHost(host, 2);
  AddFetcher("f", 2);
  std::vector<wire::LeaseGrant> grants = Grant();
  ASSERT_THAT(grants, SizeIs(2));
  EXPECT_EQ(AskAddress(grants[0], {"192.0.2.1"}).address(), "192.0.2.1");
  EXPECT_EQ(AskAddress(grants[1], {"192.0.2.1"}).address(), "") << "it is taken";
  wire::LeaseRelease back = Unasked(grants[1], Why::NO_ADDRESS);
  Release("f", back);
  Beat("f", 3);
  EXPECT_THAT(Grant(), SizeIs(1)) << "the third host; the second waits with the address";
  Release("f", Asked(grants[0]));
  Beat("f", 4);
  wire::LeaseGrant again = GrantOne();
  EXPECT_EQ(again.host(), grants[1].host());
  EXPECT_EQ(again.address(), "192.0.2.1") << "with its permit";
}

TEST_F(LeasePoliteness, OfSeveralAddressesOneWithRoomIsPinned_Rule21) {
  settings_.set_ip_connections(1);
  Build();
  SeedHost("a.example", 2);
  SeedHost("b.example", 2);
  AddFetcher("f");
  std::vector<wire::LeaseGrant> grants = Grant();
  ASSERT_THAT(grants, SizeIs(2));
  EXPECT_EQ(AskAddress(grants[0], {"192.0.2.1", "192.0.2.2"}).address(), "192.0.2.1");
  EXPECT_EQ(AskAddress(grants[1], {"192.0.2.1", "192.0.2.2"}).address(), "192.0.2.2");
}

// A robots.txt redirect's request counts at its address like others (rules 21, 22).
TEST_F(LeasePoliteness, ThePermitOfARobotsRedirectTakesAPlaceAtItsAddress_Rule21) {
  settings_.set_ip_connections(1);
  Build();
  SeedHost("a.example", 2);
  SeedHost("b.example", 2);
  AddFetcher("f");
  std::vector<wire::LeaseGrant> grants = Grant();
  ASSERT_THAT(grants, SizeIs(2));
  EXPECT_EQ(AskAddress(grants[0], {"192.0.2.1"}).address(), "192.0.2.1");
  EXPECT_EQ(AskAddress(grants[1], {"192.0.2.2"}).address(), "192.0.2.2");
  wire::HostPermitWanted wanted;
  wanted.set_permit_id(grants[0].epoch().counter());
  wanted.set_host("cdn.example");
  leases_->OnPermitWanted("f", wanted);
  ASSERT_TRUE(bus_.Of("f", wire::Frame::kHostPermit).back().host_permit().granted());
  const wire::AddressPermit full = AskAddress(grants[0], {"192.0.2.2"}, wanted.permit_id());
  EXPECT_EQ(full.address(), "") << "the other host's lease has it";
  EXPECT_EQ(full.permit_id(), static_cast<int64_t>(wanted.permit_id()));
  EXPECT_EQ(AskAddress(grants[0], {"192.0.2.2", "192.0.2.3"}, wanted.permit_id()).address(), "192.0.2.3");
  Release("f", Asked(grants[1]));
  wire::HostPermitDone done;
  done.set_permit_id(wanted.permit_id());
  done.set_host("cdn.example");
  leases_->OnPermitDone("f", done);
  SeedHost("c.example", 1);
  Beat("f", 200);
  for (const wire::LeaseGrant& grant : Grant()) {
    if (grant.host() != "c.example") continue;
    EXPECT_EQ(AskAddress(grant, {"192.0.2.3"}).address(), "192.0.2.3") << "it came back";
  }
}

TEST_F(LeasePoliteness, AnAddressThatCannotBeConnectedToIsPassedOverNextTime) {
  settings_.set_ip_connections(4);
  Build();
  SeedHost("a.example", 2);
  AddFetcher("f");
  wire::LeaseGrant grant = GrantOne();
  EXPECT_EQ(AskAddress(grant, {"192.0.2.1", "192.0.2.2"}).address(), "192.0.2.1");
  wire::LeaseRelease failed = Unasked(grant, Why::HOST_FAILED);
  failed.set_outcome(static_cast<uint32_t>(Outcome::kConnect));
  Release("f", failed);
  AdvanceTo(frontier_->NextReadyTime());
  grant = GrantOne();
  EXPECT_EQ(grant.address(), "") << "to be looked up anew";
  EXPECT_EQ(AskAddress(grant, {"192.0.2.1", "192.0.2.2"}).address(), "192.0.2.2");
}

TEST_F(LeasePoliteness, TellsTheRulesOfAHostAndWhoHasIt) {
  settings_.set_delay_us(1'000'000);
  Group("name=cdn hosts=a.example connections=3 delay=2s");
  SeedHost("a.example", 3);
  AddFetcher("f");
  Node("f").info.set_name("machine-1/fetcher");
  wire::LeaseRelease release = Asked(GrantOne());
  release.set_crawl_delay_us(5'000'000);
  release.add_unused(intake_->KeyOf(Url::Parse("https://a.example/000").value()).ToBytes());
  Release("f", release);
  wire::PolitenessReply reply;
  leases_->Describe("a.example", reply);
  EXPECT_TRUE(reply.known());
  EXPECT_EQ(reply.delay_us(), 5'000'000);
  EXPECT_EQ(reply.crawl_delay_us(), 5'000'000);
  EXPECT_EQ(reply.wait_us(), 5'000'000);
  EXPECT_EQ(reply.groups_size(), 2);
  EXPECT_EQ(reply.holder(), "");
  AdvanceTo(frontier_->NextReadyTime());
  GrantOne();
  wire::PolitenessReply held;
  leases_->Describe("a.example", held);
  EXPECT_EQ(held.holder(), "machine-1/fetcher");
  wire::PolitenessReply stranger;
  leases_->Describe("never.example", stranger);
  EXPECT_FALSE(stranger.known());
  EXPECT_EQ(stranger.delay_us(), 1'000'000);
}

}  // namespace
}  // namespace weft::test
