// What a lease tells of its host when it goes back, and address permits.
#include "tests/fetcher/lease_run_fixture.h"

#include "common/politeness.h"

namespace weft::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class LeaseRunMeasures : public LeaseRunTest {
 protected:
  void UseAddressPermits() { settings_.address_permits = true; }
  void Permit(const std::string& address, uint32_t connections, int64_t permit_id = 0) {
    wire::AddressPermit permit;
    permit.set_address(address);
    permit.set_connections(connections);
    permit.set_permit_id(permit_id);
    run_->OnAddress(permit);
    run_->Advance();
  }
  FetchResult Took(absl::Duration took, int status = 200) {
    clock_.Advance(took);
    FetchResult result = Response(status);
    result.took = took;
    return result;
  }
  void AskNext(size_t nth) {
    ASSERT_TRUE(AdvanceUntil([&] { return host_.urls.size() >= nth; })) << nth;
  }
};

TEST_F(LeaseRunMeasures, TellsAnswersErrorsAndTheMedianLatency) {
  AddUrls(5);
  BeginResolved();
  for (int ms : {100, 900, 200}) {
    AskNext(host_.urls.size());
    EndLast(Took(absl::Milliseconds(ms)));
    run_->Advance();
  }
  EndLast(Took(absl::Milliseconds(50), 502));
  run_->Advance();
  EndLast(Failure(Outcome::kProtocol));
  wire::LeaseRelease release = run_->MakeRelease();
  EXPECT_EQ(release.answers(), 3u);
  EXPECT_EQ(release.errors(), 2u);
  EXPECT_TRUE(release.any_response());
  EXPECT_EQ(release.latency_us(), 200'000);
}

TEST_F(LeaseRunMeasures, TellsTheShortestGapAndTheBusiestSecond) {
  grant_.set_delay_us(400'000);
  grant_.set_last_request_age_us(5'000'000);
  AddUrls(6);
  BeginResolved();
  for (size_t i = 1; i <= 6; ++i) {
    AskNext(i);
    EndLast(Took(absl::Milliseconds(10)));
  }
  wire::LeaseRelease release = run_->MakeRelease();
  EXPECT_GE(release.shortest_gap_us(), 400'000);
  EXPECT_LE(release.shortest_gap_us(), 402'000);
  EXPECT_EQ(release.busiest_second(), 3u);
  // Six began at 0, 0.41, 0.82, ... 2.05 s; those of the first and of the last second are told, each once.
  EXPECT_EQ(release.begun_age_us_size(), 6);
}

TEST_F(LeaseRunMeasures, TheFirstGapCountsFromTheLeaseBefore) {
  grant_.set_delay_us(1'000'000);
  grant_.set_last_request_age_us(3'000'000);
  AddUrls(1);
  BeginResolved();
  ASSERT_THAT(host_.urls, SizeIs(1));
  EXPECT_EQ(run_->MakeRelease().shortest_gap_us(), 3'000'000);
}

TEST_F(LeaseRunMeasures, SeveralTimeoutsInARowEndTheLease_Rule32) {
  AddUrls(10);
  BeginResolved();
  for (uint32_t i = 0; i < kUnansweredInARow; ++i) {
    EXPECT_FALSE(run_->closing());
    clock_.Advance(absl::Seconds(30));
    EndLast(Failure(Outcome::kTimeout));
    run_->Advance();
  }
  EXPECT_TRUE(run_->closing());
  EXPECT_EQ(run_->MakeRelease().unanswered(), kUnansweredInARow);
  EXPECT_FALSE(run_->MakeRelease().any_response());
  EXPECT_THAT(Unused(), SizeIs(10 - kUnansweredInARow));
}

TEST_F(LeaseRunMeasures, AnAnswerInBetweenStartsTheRowAnew) {
  AddUrls(10);
  BeginResolved();
  for (uint32_t i = 0; i < 2 * kUnansweredInARow; ++i) {
    EndLast(i % 2 == 0 ? Failure(Outcome::kTimeout) : Took(absl::Milliseconds(1)));
    run_->Advance();
  }
  EXPECT_FALSE(run_->closing());
}

TEST_F(LeaseRunMeasures, RetryAfterCountsFromTheAnswerAndNotFromTheRelease_Rule24) {
  grant_.set_connections(2);
  AddUrls(2);
  BeginResolved();
  ASSERT_THAT(host_.urls, SizeIs(2));
  FetchResult throttled = Response(429, "Retry-After: 60\r\n");
  run_->OnUrlEnd(host_.urls[0].ticket, throttled);
  clock_.Advance(absl::Seconds(25));   // the other connection's answer takes long
  run_->OnUrlEnd(host_.urls[1].ticket, Response(200));
  ASSERT_TRUE(run_->ReadyToRelease());
  EXPECT_EQ(run_->pause(), absl::Seconds(35));
  EXPECT_EQ(run_->MakeRelease().retry_after_us(), 35'000'000);
  EXPECT_EQ(run_->MakeRelease().throttle_status(), 429u);
  clock_.Advance(absl::Seconds(100));
  EXPECT_GT(run_->MakeRelease().retry_after_us(), 0) << "over, and not 'not said'";
}

TEST_F(LeaseRunMeasures, WithAddressLimitsNothingIsAskedBeforeThePermit_Rule21) {
  UseAddressPermits();
  grant_.set_connections(3);
  AddUrls(5);
  BeginResolved({"93.184.216.34", "10.0.0.1", "93.184.216.35"});
  EXPECT_THAT(host_.addresses_wanted, ElementsAre(" 93.184.216.34 93.184.216.35")) << "allowed ones only";
  EXPECT_THAT(host_.urls, IsEmpty());
  Permit("93.184.216.35", 2);
  ASSERT_THAT(host_.urls, SizeIs(2)) << "its share of the address's connections";
  EXPECT_EQ(host_.urls[0].address, "93.184.216.35");
}

TEST_F(LeaseRunMeasures, WithoutRoomAtTheAddressTheHostGoesBackAtOnce_Rule21) {
  UseAddressPermits();
  AddUrls(2);
  BeginResolved();
  Permit("", 0);
  ASSERT_TRUE(run_->ReadyToRelease());
  EXPECT_EQ(run_->MakeRelease().why(), wire::LeaseRelease::NO_ADDRESS);
  EXPECT_THAT(Unused(), SizeIs(2));
}

TEST_F(LeaseRunMeasures, APermitForAnAddressThatIsNotTheHostsIsNone) {
  UseAddressPermits();
  AddUrls(1);
  BeginResolved();
  Permit("127.0.0.1", 1);
  EXPECT_THAT(host_.urls, IsEmpty());
  EXPECT_TRUE(run_->closing());
}

TEST_F(LeaseRunMeasures, APermitThatCameWithTheLeaseNeedsNoLookUp) {
  UseAddressPermits();
  grant_.set_address("93.184.216.40");
  AddUrls(1);
  Begin();
  run_->Advance();
  EXPECT_THAT(host_.resolved, IsEmpty());
  ASSERT_THAT(host_.urls, SizeIs(1));
  EXPECT_EQ(host_.urls[0].address, "93.184.216.40");
}

TEST_F(LeaseRunMeasures, AForbiddenAddressOfTheGrantIsNotConnectedTo) {
  UseAddressPermits();
  grant_.set_address("127.0.0.1");
  AddUrls(1);
  Begin();
  run_->Advance();
  EXPECT_THAT(host_.urls, IsEmpty());
  EXPECT_THAT(host_.resolved, SizeIs(1));
}

}  // namespace
}  // namespace weft::test
