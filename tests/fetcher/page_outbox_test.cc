// Pages held until a parser has them for good. The parsers' side is played over real SessionLinks.
#include "fetcher/page_outbox.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "tests/support/manual_clock.h"
#include "tests/support/recording_bus.h"

namespace weft::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

// A parser as the outbox sees it: what it received, and what it answers.
class PlayedParser {
 public:
  PlayedParser(PageOutbox& outbox, RecordingBus& to_us, PeerId name, uint64_t session)
      : outbox_(outbox), fetcher_bus_(to_us), name_(std::move(name)),
        link_(std::make_unique<SessionLink>(&bus_, "fetcher", session)) {}

  // Takes what the fetcher has sent since the last call.
  void Hear() {
    for (; heard_ < fetcher_bus_.sent.size(); ++heard_) {
      if (fetcher_bus_.sent[heard_].to != name_) continue;
      SessionLink::Received received = link_->Receive(fetcher_bus_.sent[heard_].message);
      if (received.new_session) pages.clear(), chunks.clear(), hellos = 0;
      for (Message& message : received.deliver) {
        if (message.frame.has_page_hello()) ++hellos;
        if (message.frame.has_page()) pages.push_back(message.frame.page());
        if (message.frame.has_page() && message.payload) chunks[message.frame.page().page_id()] += *message.payload;
        if (message.frame.has_page_chunk()) chunks[message.frame.page_chunk().page_id()] += *message.payload;
      }
    }
  }
  void Ack(const std::vector<uint64_t>& ids, uint64_t items, uint64_t bytes) {
    wire::Frame frame;
    for (uint64_t id : ids) frame.mutable_page_ack()->add_page_ids(id);
    frame.mutable_page_ack()->set_credit_items(items);
    frame.mutable_page_ack()->set_credit_bytes(bytes);
    Say(std::move(frame));
  }
  void Refuse(uint64_t id) {
    wire::Frame frame;
    frame.mutable_page_refused()->add_page_ids(id);
    Say(std::move(frame));
  }
  void Say(wire::Frame frame) {
    Hear();
    size_t before = bus_.sent.size();
    link_->Send({std::move(frame), nullptr});
    for (size_t i = before; i < bus_.sent.size(); ++i) outbox_.OnMessage(name_, bus_.sent[i].message);
    Hear();
  }
  // The process died and another took its place.
  void Restart(uint64_t session) {
    link_ = std::make_unique<SessionLink>(&bus_, "fetcher", session);
    pages.clear(), chunks.clear(), hellos = 0;
    heard_ = fetcher_bus_.sent.size();
  }
  // Answers a stranger as PageIntake does.
  void SayUnknown(uint64_t session, uint64_t to) {
    wire::Frame frame;
    frame.set_version(kProtocolVersion);
    frame.set_session(session);
    frame.set_peer_session(to);
    frame.mutable_session_unknown();
    outbox_.OnMessage(name_, {std::move(frame), nullptr});
    Hear();
  }
  uint64_t fetchers_session() const { return link_->peer_session(); }
  std::vector<uint64_t> PageIds() const {
    std::vector<uint64_t> ids;
    for (const wire::Page& page : pages) ids.push_back(page.page_id());
    return ids;
  }

  std::vector<wire::Page> pages;
  std::map<uint64_t, std::string> chunks;
  int hellos = 0;

 private:
  PageOutbox& outbox_;
  RecordingBus& fetcher_bus_;
  RecordingBus bus_;
  PeerId name_;
  std::unique_ptr<SessionLink> link_;
  size_t heard_ = 0;
};

class PageOutboxTest : public testing::Test {
 protected:
  void SetParsers(const std::vector<std::string>& names) {
    google::protobuf::RepeatedPtrField<wire::ParserAddress> list;
    for (const std::string& name : names) {
      wire::ParserAddress* address = list.Add();
      address->set_node_id(std::hash<std::string>{}(name));
      address->set_endpoint(name);
    }
    outbox_.SetParsers(list);
  }
  static OutPage Page(const std::string& url, const std::vector<std::string>& chunks = {"body"}) {
    OutPage page;
    page.page.mutable_ticket()->set_url(url);
    page.page.mutable_ticket()->set_key("key of " + url);
    for (const std::string& chunk : chunks) {
      page.chunks.push_back(std::make_shared<const std::string>(chunk));
      page.bytes += chunk.size();
    }
    return page;
  }
  void Tick(absl::Duration by = absl::ZeroDuration()) {
    clock_.Advance(by);
    outbox_.OnTick(absl::Seconds(1), absl::Seconds(8));
    p_.Hear();
    q_.Hear();
  }
  void Add(const std::string& url) {
    outbox_.Add(Page(url));
    p_.Hear();
    q_.Hear();
  }

  ManualClock clock_;
  RecordingBus bus_;
  std::unique_ptr<Random> random_ = SeededRandom(6);
  std::vector<std::string> released_;
  PageOutbox outbox_{bus_, clock_, *random_, /*node_id=*/9,
                     [this](const OutPage& page) { released_.push_back(page.page.ticket().url()); }};
  PlayedParser p_{outbox_, bus_, "p", 501};
  PlayedParser q_{outbox_, bus_, "q", 502};
};

TEST_F(PageOutboxTest, WithoutCreditNothingIsSent_Rule25) {
  SetParsers({"p"});
  Add("a");
  EXPECT_EQ(p_.hellos, 1);
  EXPECT_THAT(p_.pages, IsEmpty());
  EXPECT_EQ(outbox_.free_items(), 0u);
  p_.Ack({}, 1, 1000);
  EXPECT_THAT(p_.pages, SizeIs(1));
  Add("b");
  EXPECT_THAT(p_.pages, SizeIs(1));
}

TEST_F(PageOutboxTest, CreditIsCumulativeSoARepeatedGrantLeaksNothing_Rule25) {
  SetParsers({"p"});
  p_.Ack({}, 2, 1000);
  for (const char* url : {"a", "b", "c"}) Add(url);
  EXPECT_THAT(p_.pages, SizeIs(2));
  p_.Ack({}, 2, 1000);
  p_.Ack({}, 1, 500);   // a late one
  EXPECT_THAT(p_.pages, SizeIs(2));
  p_.Ack({}, 3, 1000);
  EXPECT_THAT(p_.pages, SizeIs(3));
}

TEST_F(PageOutboxTest, AGrantThatWasLostComesWithTheAnswerToABeat_Rule25) {
  SetParsers({"p"});
  Add("a");
  wire::Frame frame;
  frame.mutable_page_beat_reply()->set_credit_items(1);
  frame.mutable_page_beat_reply()->set_credit_bytes(1000);
  p_.Say(std::move(frame));
  EXPECT_THAT(p_.pages, SizeIs(1));
}

TEST_F(PageOutboxTest, ANewSessionHasItsWholeCredit_Rule25) {
  SetParsers({"p"});
  p_.Ack({}, 2, 1000);
  Add("a");
  Add("b");
  const uint64_t session = p_.fetchers_session();
  p_.Restart(601);
  p_.SayUnknown(601, session);
  p_.Ack({}, 2, 1000);
  EXPECT_THAT(p_.pages, SizeIs(2));
}

TEST_F(PageOutboxTest, BytesAreBoundedToo_Rule25) {
  SetParsers({"p"});
  p_.Ack({}, 10, 10);
  outbox_.Add(Page("a", {"123456"}));
  outbox_.Add(Page("b", {"123456"}));
  p_.Hear();
  EXPECT_THAT(p_.pages, SizeIs(1));
  p_.Ack({}, 10, 12);
  EXPECT_THAT(p_.pages, SizeIs(2));
}

TEST_F(PageOutboxTest, ABodyTravelsInItsChunks_Rule29) {
  SetParsers({"p"});
  p_.Ack({}, 10, 1000);
  outbox_.Add(Page("a", {"one ", "two ", "three"}));
  outbox_.Add(Page("empty", {}));
  p_.Hear();
  ASSERT_THAT(p_.pages, SizeIs(2));
  EXPECT_EQ(p_.pages[0].chunks(), 3u);
  EXPECT_EQ(p_.pages[0].body_bytes(), 13u);
  EXPECT_EQ(p_.chunks[p_.pages[0].page_id()], "one two three");
  EXPECT_EQ(p_.pages[1].chunks(), 0u);
}

TEST_F(PageOutboxTest, APageIsHeldUntilItIsAcknowledged) {
  SetParsers({"p"});
  p_.Ack({}, 10, 1000);
  Add("a");
  EXPECT_EQ(outbox_.size(), 1u);
  EXPECT_THAT(released_, IsEmpty());
  p_.Ack({p_.pages[0].page_id()}, 11, 1000);
  EXPECT_TRUE(outbox_.empty());
  EXPECT_THAT(released_, ElementsAre("a"));
  p_.Ack({p_.pages[0].page_id(), 777}, 11, 1000);   // again, and one that nobody sent
  EXPECT_THAT(released_, SizeIs(1));
}

TEST_F(PageOutboxTest, TheParserWithTheMostCreditGetsThePage) {
  SetParsers({"p", "q"});
  p_.Ack({}, 2, 1000);
  q_.Ack({}, 5, 1000);
  for (int i = 0; i < 7; ++i) Add(std::to_string(i));
  EXPECT_THAT(p_.pages, SizeIs(2));
  EXPECT_THAT(q_.pages, SizeIs(5));
  EXPECT_EQ(outbox_.free_items(), 0u);
}

TEST_F(PageOutboxTest, FreeItemsCountWhatWaits) {
  SetParsers({"p"});
  p_.Ack({}, 5, 4);
  EXPECT_EQ(outbox_.free_items(), 5u);
  Add("a");
  EXPECT_EQ(outbox_.free_items(), 0u);   // no bytes left
  p_.Ack({}, 5, 1000);
  EXPECT_EQ(outbox_.free_items(), 4u);
}

TEST_F(PageOutboxTest, ARefusedPageGoesToAnother_Rule28) {
  SetParsers({"p", "q"});
  p_.Ack({}, 10, 1000);
  Add("a");
  q_.Ack({}, 1, 1000);
  p_.Refuse(p_.pages[0].page_id());
  q_.Hear();
  EXPECT_THAT(q_.pages, SizeIs(1));
  EXPECT_EQ(q_.pages[0].ticket().url(), "a");
  EXPECT_TRUE(released_.empty());
}

TEST_F(PageOutboxTest, WhoRefusedIsLeftAloneForAWhileAndThenAskedAgain) {
  SetParsers({"p"});
  p_.Ack({}, 10, 1000);
  Add("a");
  p_.Refuse(p_.pages[0].page_id());
  EXPECT_THAT(p_.pages, SizeIs(1));
  EXPECT_EQ(outbox_.free_items(), 0u);
  Tick(absl::Seconds(4));
  EXPECT_THAT(p_.pages, SizeIs(1));
  Tick(absl::Seconds(2));
  EXPECT_THAT(p_.pages, SizeIs(2));
  EXPECT_EQ(p_.pages[1].page_id(), p_.pages[0].page_id());
}

TEST_F(PageOutboxTest, NothingIsSentAgainByTimeOnALiveSession_Rule28) {
  SetParsers({"p", "q"});
  p_.Ack({}, 10, 1000);
  Add("a");
  q_.Ack({}, 100, 10'000);
  for (int second = 0; second < 120; ++second) {
    Tick(absl::Seconds(1));
    p_.Ack({}, 10, 1000);   // it lives, and takes its time
    q_.Ack({}, 100, 10'000);
  }
  EXPECT_THAT(p_.pages, SizeIs(1));
  EXPECT_THAT(q_.pages, IsEmpty());
}

TEST_F(PageOutboxTest, PagesOfASilentParserGoToAnother_Rule28) {
  SetParsers({"p", "q"});
  p_.Ack({}, 10, 1000);
  Add("a");
  for (int second = 0; second < 9; ++second) {
    EXPECT_THAT(q_.pages, IsEmpty()) << "after " << second << " s: it may only be slow";
    q_.Ack({}, 100, 10'000);
    Tick(absl::Seconds(1));
  }
  EXPECT_THAT(q_.pages, SizeIs(1));
}

TEST_F(PageOutboxTest, APageSaysHowManyParsersItWasLostWith_Rule14) {
  SetParsers({"p", "q"});
  p_.Ack({}, 10, 1000);
  Add("a");
  ASSERT_THAT(p_.pages, SizeIs(1));
  EXPECT_EQ(p_.pages[0].crashes(), 0u);
  q_.Ack({}, 100, 10'000);
  SetParsers({"q"});
  Tick();
  ASSERT_THAT(q_.pages, SizeIs(1));
  EXPECT_EQ(q_.pages[0].crashes(), 1u);
}

TEST_F(PageOutboxTest, APageThatWasRefusedWasNotLost_Rule14) {
  SetParsers({"p", "q"});
  p_.Ack({}, 10, 1000);
  Add("a");
  q_.Ack({}, 100, 10'000);
  p_.Refuse(p_.pages.at(0).page_id());
  Tick();
  ASSERT_THAT(q_.pages, SizeIs(1));
  EXPECT_EQ(q_.pages[0].crashes(), 0u);
}

TEST_F(PageOutboxTest, WhatOthersHoldStaysTheirsWhenAParserGoes_Rule28) {
  SetParsers({"p", "q"});
  p_.Ack({}, 1, 1000);
  Add("a");
  q_.Ack({}, 10, 1000);
  Add("b");
  ASSERT_THAT(q_.pages, SizeIs(1));
  SetParsers({"q"});
  q_.Hear();
  EXPECT_THAT(q_.PageIds(), ElementsAre(2, 1));
}

TEST_F(PageOutboxTest, ALateRefusalOfWhatAnotherHoldsByNowMovesNothing_Rule28) {
  SetParsers({"p", "q"});
  p_.Ack({}, 10, 1000);
  Add("a");
  q_.Ack({}, 10, 1000);
  p_.Refuse(1);
  q_.Hear();
  ASSERT_THAT(q_.PageIds(), ElementsAre(1));
  p_.Refuse(1);
  q_.Hear();
  EXPECT_THAT(q_.PageIds(), ElementsAre(1));
}

TEST_F(PageOutboxTest, AnAcknowledgementFromBeforeTheSilenceIsNoCreditForTheNewSession) {
  SetParsers({"p"});
  p_.Ack({}, 10, 1000);
  wire::Frame late;
  late.set_session(501);
  late.set_seq(3);
  late.set_peer_session(p_.fetchers_session());
  late.mutable_page_ack()->set_credit_items(1000);
  late.mutable_page_ack()->set_credit_bytes(100'000);
  Tick(absl::Seconds(9));   // given up: a new session of ours
  outbox_.OnMessage("p", {late, nullptr});
  EXPECT_EQ(outbox_.free_items(), 0u);
}

TEST_F(PageOutboxTest, PagesOfAParserThatIsGoneGoToAnother) {
  SetParsers({"p", "q"});
  p_.Ack({}, 10, 1000);
  Add("a");
  q_.Ack({}, 10, 1000);
  SetParsers({"q"});
  q_.Hear();
  EXPECT_THAT(q_.pages, SizeIs(1));
  EXPECT_THAT(bus_.disconnected, ElementsAre("p"));
  EXPECT_FALSE(outbox_.Owns("p"));
}

TEST_F(PageOutboxTest, TheSameListAgainChangesNothing) {
  SetParsers({"p"});
  p_.Ack({}, 10, 1000);
  Add("a");
  SetParsers({"p"});
  p_.Hear();
  EXPECT_EQ(p_.hellos, 1);
  EXPECT_THAT(p_.pages, SizeIs(1));
}

TEST_F(PageOutboxTest, AParserThatBeganAnewIsSentEverythingAgain) {
  SetParsers({"p"});
  p_.Ack({}, 10, 1000);
  Add("a");
  Add("b");
  uint64_t session = p_.fetchers_session();
  p_.Restart(601);
  p_.SayUnknown(601, session);
  EXPECT_EQ(p_.hellos, 1);
  EXPECT_THAT(p_.pages, IsEmpty());   // its credit begins anew
  p_.Ack({}, 10, 1000);
  EXPECT_THAT(p_.PageIds(), testing::UnorderedElementsAre(1, 2));
}

// It speaks first: its loss of memory shows in the session that its frames name.
TEST_F(PageOutboxTest, AParserWhoseSessionIsAnotherIsSentEverythingAgain_Rule28) {
  SetParsers({"p"});
  p_.Ack({}, 10, 1000);
  Add("a");
  Add("b");
  p_.Restart(601);
  wire::Frame frame;
  frame.set_version(kProtocolVersion);
  frame.set_session(601);
  frame.mutable_page_beat_reply();
  outbox_.OnMessage("p", {std::move(frame), nullptr});
  p_.Hear();
  ASSERT_EQ(p_.hellos, 1);
  p_.Ack({}, 10, 1000);
  EXPECT_THAT(p_.PageIds(), testing::UnorderedElementsAre(1, 2));
}

TEST_F(PageOutboxTest, NotKnownIsBelievedOnlyOfThisSession) {
  SetParsers({"p"});
  p_.Ack({}, 10, 1000);
  Add("a");
  p_.SayUnknown(601, p_.fetchers_session() + 1);
  EXPECT_EQ(p_.hellos, 1);
  EXPECT_THAT(p_.pages, SizeIs(1));
}

TEST_F(PageOutboxTest, APageThatMovedIsReleasedByWhoeverAcknowledgesIt) {
  SetParsers({"p", "q"});
  p_.Ack({}, 10, 1000);
  Add("a");
  uint64_t id = p_.pages[0].page_id();
  q_.Ack({}, 10, 1000);
  p_.Refuse(id);
  q_.Hear();
  p_.Ack({id}, 10, 1000);   // stored after all
  EXPECT_THAT(released_, ElementsAre("a"));
  q_.Ack({id}, 11, 1000);
  EXPECT_THAT(released_, SizeIs(1));
}

TEST_F(PageOutboxTest, HoldingNamesUrlsAndNotRobots) {
  Add("a");
  OutPage robots = Page("https://a.example/robots.txt");
  robots.page.set_robots(true);
  outbox_.Add(std::move(robots));
  google::protobuf::RepeatedPtrField<wire::UrlTicket> holding;
  outbox_.FillHolding(&holding);
  ASSERT_EQ(holding.size(), 1);
  EXPECT_EQ(holding[0].key(), "key of a");
}

TEST_F(PageOutboxTest, BeatsAreUnsequencedAndOneAHeartbeat) {
  SetParsers({"p"});
  for (int i = 0; i < 10; ++i) Tick(absl::Milliseconds(250));
  size_t beats = 0;
  for (const RecordingBus::Sent& sent : bus_.sent) {
    if (!sent.message.frame.has_page_beat()) continue;
    ++beats;
    EXPECT_EQ(sent.message.frame.seq(), 0u);
  }
  EXPECT_EQ(beats, 3u);
}

}  // namespace
}  // namespace weft::test
