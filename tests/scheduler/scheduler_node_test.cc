// The scheduler as a whole, with one played node that is fetcher and parser at once.
#include "scheduler/scheduler_node.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "common/session_link.h"
#include "tests/support/manual_clock.h"
#include "tests/support/manual_pool.h"
#include "tests/support/memory_kv.h"
#include "tests/support/recording_bus.h"

namespace weft::test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

class QuietObserver : public SchedulerObserver {
 public:
  void OnUrlEnd(const UrlEnd&) override {}
  void OnNotice(const std::string& text) override { notices.push_back(text); }

  std::vector<std::string> notices;
};

class SchedulerNodeTest : public testing::Test {
 protected:
  void SetUp() override {
    settings_.set_scope_version(1);
    options_.nodes_die_with_us = true;
    Start();
  }
  void Start() {
    node_.reset();
    auto db = CrawlDb::Open(OpenMemoryKv(disk_), {}, *random_).value();
    node_ = std::make_unique<SchedulerNode>(options_, settings_, std::move(db), suffixes_, clock_, *random_, bus_, pool_,
                                            observer_);
    node_->Start();
    link_ = std::make_unique<SessionLink>(&our_bus_, "scheduler", ++session_);
    heard_ = bus_.sent.size();
    wire::Frame frame;
    frame.mutable_register_()->set_fetches(true);
    frame.mutable_register_()->set_parses(true);
    frame.mutable_register_()->set_canonicaliser_version(node_->db().identity().canonicaliser_version());
    frame.mutable_register_()->set_public_suffix_version(node_->db().identity().public_suffix_version());
    Say(std::move(frame));
  }
  // As a node that comes from another life of this crawl.
  void RegisterFrom(uint64_t incarnation, uint64_t highest_commit) {
    link_ = std::make_unique<SessionLink>(&our_bus_, "scheduler", ++session_);
    wire::Frame frame;
    frame.mutable_register_()->set_parses(true);
    frame.mutable_register_()->set_lineage(node_->db().identity().lineage());
    frame.mutable_register_()->set_incarnation(incarnation);
    frame.mutable_register_()->set_highest_commit(highest_commit);
    frame.mutable_register_()->set_canonicaliser_version(node_->db().identity().canonicaliser_version());
    frame.mutable_register_()->set_public_suffix_version(node_->db().identity().public_suffix_version());
    Say(std::move(frame));
  }
  void Say(wire::Frame frame) {
    link_->Send({std::move(frame), nullptr});
    Deliver();
  }
  void Deliver() {
    for (; said_ < our_bus_.sent.size(); ++said_) node_->OnMessage("n", our_bus_.sent[said_].message);
    Hear();
  }
  void Hear() {
    for (; heard_ < bus_.sent.size(); ++heard_) {
      for (Message& message : link_->Receive(bus_.sent[heard_].message).deliver) {
        if (message.frame.has_heartbeat_reply()) nonce_ = message.frame.heartbeat_reply().nonce();
        if (message.frame.has_registered()) registered_ = message.frame.registered();
        if (message.frame.has_register_refused()) refused_ = message.frame.register_refused().reason();
        if (!message.frame.has_lease_grant()) continue;
        for (const wire::UrlTicket& ticket : message.frame.lease_grant().urls()) granted_.push_back(ticket);
        wire::Frame release;
        *release.mutable_lease_release()->mutable_epoch() = message.frame.lease_grant().epoch();
        release.mutable_lease_release()->set_last_request_age_us(-1);
        releases_.push_back(std::move(release));
      }
    }
  }
  void Tick() {
    clock_.Advance(absl::Seconds(1));
    wire::Frame beat;
    beat.mutable_heartbeat()->set_lease_limit(1'000'000);
    beat.mutable_heartbeat()->set_nonce_echo(nonce_);
    link_->SendUnsequenced({std::move(beat), nullptr});
    Deliver();
    node_->OnTick();
    pool_.RunAll();
    Hear();
    std::vector<wire::Frame> releases = std::move(releases_);
    releases_.clear();
    for (wire::Frame& release : releases) Say(std::move(release));
  }
  // Fetches what is granted, each page as `site_` has it, until the scheduler is finished.
  void Crawl() {
    for (int round = 0; round < 50 && node_->stop_reason() == StopReason::kNone; ++round) Round();
    EXPECT_EQ(node_->stop_reason(), StopReason::kFinished);
  }
  // One second; pages under `slow` are not answered yet.
  void Round(const std::string& slow = "none") {
    Tick();
    std::vector<wire::UrlTicket> tickets = std::move(granted_);
    granted_.clear();
    for (const wire::UrlTicket& ticket : tickets) {
      if (ticket.url().starts_with(slow)) {
        granted_.push_back(ticket);
      } else {
        Answer(ticket);
      }
    }
  }
  void Answer(const wire::UrlTicket& ticket) {
    EXPECT_TRUE(asked_.insert(ticket.url()).second) << ticket.url() << " was handed out twice";
    wire::Frame frame;
    wire::PageResult* result = frame.mutable_page_result();
    *result->mutable_ticket() = ticket;
    result->set_outcome(static_cast<uint32_t>(Outcome::kResponse));
    const Page& page = site_[ticket.url()];
    result->set_status(page.redirect.empty() ? 200 : 301);
    if (!page.redirect.empty()) result->mutable_redirect()->set_url(page.redirect);
    for (const std::string& link : page.links) {
      // As a parser does it: what was named once and acknowledged is not named again (rule 3).
      if (named_.insert(link).second) result->add_links()->set_url(link);
    }
    Say(std::move(frame));
  }

  struct Page {
    std::vector<std::string> links;
    std::string redirect;
  };
  std::map<std::string, Page> site_;
  std::set<std::string> asked_;
  wire::Registered registered_;
  std::string refused_;
  std::set<std::string> named_;
  std::vector<wire::UrlTicket> granted_;
  std::vector<wire::Frame> releases_;
  uint64_t nonce_ = 0;

  std::unique_ptr<Random> random_ = SeededRandom(21);
  MemoryDisk disk_;
  ManualClock clock_;
  ManualPool pool_;
  RecordingBus bus_;
  RecordingBus our_bus_;
  QuietObserver observer_;
  SchedulerOptions options_;
  wire::CrawlSettings settings_;
  std::shared_ptr<const PublicSuffixes> suffixes_ = PublicSuffixes::Load().value();
  std::unique_ptr<SchedulerNode> node_;
  std::unique_ptr<SessionLink> link_;
  uint64_t session_ = 4000;
  size_t said_ = 0;
  size_t heard_ = 0;
};

TEST_F(SchedulerNodeTest, ACrawlAsksEverythingOnceAndFinishes) {
  site_["https://a.example/"].links = {"https://a.example/1", "https://a.example/2", "https://other.example/"};
  site_["https://a.example/1"].links = {"https://a.example/", "https://a.example/3"};
  node_->AddSeeds({"https://a.example/"});
  Crawl();
  EXPECT_THAT(asked_, ElementsAre("https://a.example/", "https://a.example/1", "https://a.example/2",
                                  "https://a.example/3"));
  EXPECT_EQ(node_->db().ledger().refused.at(Outcome::kScope), 1u);
}

// Rule 32: what is only due later is nothing pending, but somebody wants it.
TEST_F(SchedulerNodeTest, WithRecrawlsItWaitsForWhatIsDueNext) {
  settings_.set_recrawl(true);
  settings_.set_recrawl_min_us(10'000'000);
  Start();
  node_->AddSeeds({"https://a.example/"});
  for (int i = 0; i < 5; ++i) Round();
  EXPECT_EQ(node_->db().ledger().pending, 0u);
  EXPECT_EQ(node_->Status().state(), "running");
  EXPECT_EQ(node_->Status().due_later(), 1u);
  EXPECT_GT(node_->NextWake(), clock_.SteadyNow());
  asked_.clear();
  for (int i = 0; i < 12; ++i) Round();
  EXPECT_THAT(asked_, ElementsAre("https://a.example/")) << "its second visit";
  EXPECT_EQ(node_->stop_reason(), StopReason::kNone);
  node_->Stop(StopReason::kInterrupted);
  clock_.Advance(absl::Hours(1));
  EXPECT_EQ(node_->Status().state(), "finished") << "nothing is left while it stops";
}

TEST_F(SchedulerNodeTest, WithoutThemWhatIsDueLaterIsLetGo) {
  settings_.set_recrawl(true);
  Start();
  node_->AddSeeds({"https://a.example/"});
  for (int i = 0; i < 5; ++i) Round();
  ASSERT_EQ(node_->db().ledger().due_later, 1u);
  settings_.set_recrawl(false);
  Start();
  Crawl();
  EXPECT_THAT(asked_, ElementsAre("https://a.example/"));
}

// Which comes first, the link to the host or the redirect that brings it into the scope, is chance (rules 7, 36).
TEST_F(SchedulerNodeTest, GivenSitemapsAreAskedWithTheFirstSeedsAndNoSooner) {
  settings_.add_sitemaps("https://other.test/s.xml");
  Start();
  EXPECT_EQ(node_->db().ledger().discovered, 0u);
  node_->AddSeeds({"https://a.test/"});
  Crawl();
  EXPECT_THAT(asked_, ElementsAre("https://a.test/", "https://other.test/s.xml"));
}

TEST_F(SchedulerNodeTest, WhatWasRefusedBeforeARedirectBroughtItsHostIntoTheScopeIsTakenUp) {
  site_["https://a.example/"].links = {"https://www.b.example/1", "https://other.example/"};
  site_["https://b.example/"].redirect = "https://www.b.example/";
  node_->AddSeeds({"https://a.example/", "https://b.example/"});
  for (int round = 0; round < 5; ++round) Round("https://b.example/");
  ASSERT_EQ(node_->db().ledger().refused.at(Outcome::kScope), 2u);
  Crawl();
  EXPECT_THAT(asked_, Contains("https://www.b.example/1"));
  EXPECT_THAT(asked_, Not(Contains("https://other.example/")));
}

TEST_F(SchedulerNodeTest, ASeedGivenLaterTakesUpWhatWasRefusedOfItsHost) {
  options_.stop_when_finished = false;
  Start();
  site_["https://a.example/"].links = {"https://b.example/1"};
  node_->AddSeeds({"https://a.example/"});
  auto run = [&] {
    for (int round = 0; round < 10; ++round) Round();
  };
  run();
  EXPECT_THAT(asked_, ElementsAre("https://a.example/"));
  node_->AddSeeds({"https://b.example/"});
  run();
  EXPECT_THAT(asked_, ElementsAre("https://a.example/", "https://b.example/", "https://b.example/1"));
}

TEST_F(SchedulerNodeTest, WhatIsToBeTakenUpIsNotForgottenByARestart) {
  site_["https://a.example/"].links = {"https://b.example/1"};
  options_.stop_when_finished = false;
  Start();
  node_->AddSeeds({"https://a.example/"});
  for (int round = 0; round < 10; ++round) Round();
  node_->AddSeeds({"https://b.example/"});
  pool_.RunAll();
  options_.stop_when_finished = true;
  Start();   // before the crawl came to its end
  Crawl();
  EXPECT_THAT(asked_, Contains("https://b.example/1"));
}

// New commits raise the number again, and must not hide what is lost.
// Room in a domain that nobody may be given any more is no reason to wake.
TEST_F(SchedulerNodeTest, WhileItStopsRoomThatBecameFreeDoesNotKeepItAwake) {
  settings_.set_domain_connections(1);
  Start();
  node_->AddSeeds({"https://a.example.org/", "https://b.example.org/"});
  Tick();
  ASSERT_THAT(granted_, SizeIs(1)) << "the other one waits for the domain";
  EXPECT_LE(node_->NextWake(), clock_.SteadyNow()) << "its lease has just been given back";
  node_->Stop(StopReason::kInterrupted);
  for (int i = 0; i < 3; ++i) node_->OnTick();
  ASSERT_FALSE(node_->stopped());
  EXPECT_GT(node_->NextWake(), clock_.SteadyNow());
}

TEST_F(SchedulerNodeTest, NodesThatWouldMakeOtherKeysOrShardsAreRefused_Rule9) {
  const auto answer_to = [this](uint32_t canonicaliser, const std::string& suffixes, bool parses, bool tool = false) {
    link_ = std::make_unique<SessionLink>(&our_bus_, "scheduler", ++session_);
    registered_.Clear();
    refused_.clear();
    wire::Frame frame;
    frame.mutable_register_()->set_fetches(!tool && !parses);
    frame.mutable_register_()->set_parses(parses);
    frame.mutable_register_()->set_tool(tool);
    frame.mutable_register_()->set_canonicaliser_version(canonicaliser);
    frame.mutable_register_()->set_public_suffix_version(suffixes);
    Say(std::move(frame));
    return registered_.has_identity() ? "taken" : refused_;
  };
  const wire::CrawlIdentity identity = node_->db().identity();
  const uint32_t ours = identity.canonicaliser_version();
  EXPECT_EQ(answer_to(ours, identity.public_suffix_version(), /*parses=*/true), "taken");
  EXPECT_THAT(answer_to(ours + 1, identity.public_suffix_version(), true), testing::HasSubstr("canonicaliser"));
  EXPECT_THAT(answer_to(ours + 1, "", /*parses=*/false), testing::HasSubstr("canonicaliser"));
  EXPECT_THAT(answer_to(ours, "another list", true), testing::HasSubstr("public suffix list"));
  EXPECT_EQ(answer_to(ours, "another list", false), "taken") << "a fetcher makes no shards";
  EXPECT_EQ(answer_to(ours + 1, "another list", false, /*tool=*/true), "taken");
}

TEST_F(SchedulerNodeTest, WhoSpeaksAnotherProtocolIsToldSoAndNotRegistered) {
  registered_.Clear();
  refused_.clear();
  Message message;
  message.frame.set_version(kProtocolVersion + 1);
  message.frame.set_session(4711);
  message.frame.set_seq(1);
  message.frame.mutable_register_()->set_name("newer");
  message.frame.mutable_register_()->set_fetches(true);
  node_->OnMessage("newer", std::move(message));
  const std::vector<wire::Frame> answers = bus_.Of("newer", wire::Frame::kRegisterRefused);
  ASSERT_THAT(answers, SizeIs(1));
  EXPECT_THAT(answers[0].register_refused().reason(), testing::HasSubstr("install the same version of weft on every node"));
  const wire::StatusReply status = node_->Status();
  for (const wire::NodeStatus& node : status.nodes()) EXPECT_NE(node.name(), "newer");
}

TEST_F(SchedulerNodeTest, TagsThatAreNoneOrTooManyAreRefused) {
  const auto answer_to = [this](const std::vector<std::string>& tags) {
    link_ = std::make_unique<SessionLink>(&our_bus_, "scheduler", ++session_);
    registered_.Clear();
    refused_.clear();
    wire::Frame frame;
    frame.mutable_register_()->set_fetches(true);
    frame.mutable_register_()->set_canonicaliser_version(node_->db().identity().canonicaliser_version());
    for (const std::string& tag : tags) frame.mutable_register_()->add_tags(tag);
    Say(std::move(frame));
    return registered_.has_identity() ? "taken" : refused_;
  };
  EXPECT_EQ(answer_to({"eu", "render"}), "taken");
  EXPECT_THAT(answer_to({"not a tag"}), testing::HasSubstr("one of its tags is none"));
  EXPECT_THAT(answer_to(std::vector<std::string>(17, "eu")), testing::HasSubstr("at most 16"));
}

TEST_F(SchedulerNodeTest, ItsStatusTellsWhatANodeToldOfItself) {
  link_ = std::make_unique<SessionLink>(&our_bus_, "scheduler", ++session_);
  wire::Frame frame;
  wire::Register* info = frame.mutable_register_();
  info->set_fetches(true);
  info->set_name("w/fetcher");
  info->set_worker("w");
  info->set_software_version("9.9");
  info->add_tags("eu");
  info->set_canonicaliser_version(node_->db().identity().canonicaliser_version());
  Say(std::move(frame));
  for (uint64_t pages : {0, 40}) {
    clock_.Advance(absl::Seconds(1));
    wire::Frame beat;
    beat.mutable_heartbeat()->set_lease_limit(12);
    beat.mutable_heartbeat()->set_pages(pages);
    beat.mutable_heartbeat()->set_held(3);
    beat.mutable_heartbeat()->set_lag_us(250'000);
    Say(std::move(beat));
  }
  const wire::StatusReply status = node_->Status();
  const auto found = std::find_if(status.nodes().begin(), status.nodes().end(),
                                  [](const wire::NodeStatus& one) { return one.name() == "w/fetcher"; });
  ASSERT_NE(found, status.nodes().end());
  EXPECT_EQ(found->version(), "9.9");
  EXPECT_EQ(found->credit(), 12u);
  EXPECT_EQ(found->held(), 3u);
  EXPECT_EQ(found->lag_us(), 250'000);
  EXPECT_EQ(found->pages(), 40u);
  EXPECT_NEAR(found->pages_per_s(), 40 * 0.095, 0.1);
  EXPECT_THAT(found->tags(), ElementsAre("eu"));
  EXPECT_EQ(found->state(), "");
}

TEST_F(SchedulerNodeTest, AHostThatWaitsForRoomDoesNotKeepAStoppingSchedulerAwake) {
  settings_.set_domain_connections(1);
  settings_.set_scope("any");
  Start();
  node_->AddSeeds({"https://a.site.example/", "https://b.site.example/"});
  for (int round = 0; round < 5 && granted_.empty(); ++round) Tick();
  ASSERT_THAT(granted_, SizeIs(1)) << "the other host waits with their domain";
  node_->Stop(StopReason::kInterrupted);
  node_->OnTick();
  EXPECT_GT(node_->NextWake(), clock_.SteadyNow());
}

TEST_F(SchedulerNodeTest, AnOrderByPopularityIsTheSettings) {
  for (const char* order : {"breadth", "popular"}) {
    settings_.set_order(order);
    Start();
    EXPECT_EQ(registered_.settings().order(), order) << "parsers must know it";
  }
}

TEST_F(SchedulerNodeTest, LostWritesAreToldOfEvenAfterNewCommits_Rule13) {
  node_->AddSeeds({"https://a.example/"});
  Crawl();
  ASSERT_GT(node_->db().commit(), 1u);
  ASSERT_EQ(node_->db().opened_commit(), 0u);
  RegisterFrom(/*incarnation=*/7, /*highest_commit=*/1);
  ASSERT_THAT(observer_.notices, Contains(testing::HasSubstr("lost acknowledged writes")));
  EXPECT_EQ(registered_.opened_commit(), 0u);
}

TEST_F(SchedulerNodeTest, AWholeReopenIsNoLoss_Rule13) {
  node_->AddSeeds({"https://a.example/"});
  Crawl();
  uint64_t incarnation = node_->db().incarnation();
  uint64_t commit = node_->db().commit();
  Start();
  EXPECT_EQ(node_->db().opened_commit(), commit);
  observer_.notices.clear();
  RegisterFrom(incarnation, commit);
  EXPECT_THAT(observer_.notices, Not(Contains(testing::HasSubstr("lost acknowledged writes"))));
  EXPECT_EQ(registered_.incarnation(), node_->db().incarnation());
  EXPECT_EQ(registered_.previous_incarnation(), incarnation);
  EXPECT_EQ(registered_.opened_commit(), commit);
}

TEST_F(SchedulerNodeTest, AStopBeforeTheLeasesOfACrashedLifeAreOverIsNoCleanOne_Rule18) {
  options_.nodes_die_with_us = false;
  Start();
  node_->AddSeeds({"https://a.example/"});
  Tick();
  Start();  // it had crashed
  node_->Stop(StopReason::kInterrupted);
  wire::Frame goodbye;
  goodbye.mutable_goodbye();
  Say(std::move(goodbye));
  for (int i = 0; i < 5 && !node_->stopped(); ++i) Tick();
  ASSERT_TRUE(node_->stopped());
  granted_.clear();
  Start();
  for (int i = 0; i < 5; ++i) Tick();
  EXPECT_THAT(granted_, IsEmpty());
  for (int i = 0; i < 15; ++i) Tick();
  EXPECT_THAT(granted_, SizeIs(1));
}

// A frame that was on its way since before the node heard of anybody, and then one to a scheduler that is gone.
TEST_F(SchedulerNodeTest, WhoSpeaksToAnEarlierLifeIsToldSoThoughALateFrameOfItCameFirst) {
  wire::Frame late;
  late.set_version(kProtocolVersion);
  late.set_session(900);
  late.set_seq(2);
  late.mutable_page_result();
  node_->OnMessage("late", {late, nullptr});
  wire::Frame beat;
  beat.set_version(kProtocolVersion);
  beat.set_session(900);
  beat.set_peer_session(12345);
  beat.set_received(1);
  beat.set_sent_through(2);
  beat.mutable_heartbeat();
  node_->OnMessage("late", {beat, nullptr});
  const std::vector<wire::Frame> told = bus_.Of("late", wire::Frame::kSessionUnknown);
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_EQ(told[0].peer_session(), 900u);
}

// After a network stood still what was sent before comes late, over the connection of before; of a session that nobody here had heard of.
TEST_F(SchedulerNodeTest, ANodeThatALateFrameOfItsSessionBeforeDisplacedIsToldToBeginAnew) {
  Tick();
  const uint64_t living = link_->my_session();
  wire::Frame late;
  late.set_version(kProtocolVersion);
  late.set_session(900);
  late.set_sent_through(1);
  late.mutable_heartbeat();
  node_->OnMessage("n", {late, nullptr});
  const auto told = [this, living] {
    const std::vector<wire::Frame> frames = bus_.Of("n", wire::Frame::kSessionUnknown);
    return std::count_if(frames.begin(), frames.end(), [living](const wire::Frame& frame) { return frame.peer_session() == living; });
  };
  EXPECT_EQ(told(), 0);
  Tick();
  EXPECT_EQ(told(), 1);
  RegisterFrom(node_->db().incarnation(), 0);
  EXPECT_EQ(node_->Status().nodes_size(), 1);
}

TEST_F(SchedulerNodeTest, WhatADisplacedSessionSendsDoesNotKeepTheLateOneAlive) {
  Tick();
  wire::Frame late;
  late.set_version(kProtocolVersion);
  late.set_session(900);
  late.set_seq(1);
  late.mutable_register_()->set_parses(true);
  late.mutable_register_()->set_canonicaliser_version(node_->db().identity().canonicaliser_version());
  late.mutable_register_()->set_public_suffix_version(node_->db().identity().public_suffix_version());
  node_->OnMessage("n", {late, nullptr});
  ASSERT_EQ(node_->Status().nodes_size(), 1);
  for (int second = 0; second < 60; ++second) Tick();
  EXPECT_EQ(node_->Status().nodes_size(), 0);
}

}  // namespace
}  // namespace weft::test
