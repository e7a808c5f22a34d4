#include "parser/stored_walk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/parser/stored_pages_script.h"
#include "tests/support/manual_pool.h"

namespace weft::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class StoredWalkTest : public testing::Test {
 protected:
  void Begin() { walk_ = std::make_unique<StoredWalk>(std::move(script_), pool_); }
  // Everything that can be had now.
  std::vector<std::string> Take() {
    std::vector<std::string> urls;
    for (int i = 0; i < 200; ++i) {
      walk_->Poke();
      pool_.RunAll();
      PageOnDisk page;
      uint64_t number = 0;
      while (walk_->Take(page, number)) {
        numbers_[page.url] = number;
        urls.push_back(page.url);
      }
    }
    return urls;
  }
  enum Fate { kRecorded, kPassed, kUnknown };
  void Answer(const std::string& url, Fate fate) {
    wire::StoredAck ack;
    uint64_t number = numbers_.at(url);
    if (fate == kRecorded) ack.add_recorded(number);
    if (fate == kPassed) ack.add_passed(number);
    if (fate == kUnknown) ack.add_unknown(number);
    walk_->Answer(ack);
    walk_->Poke();
  }

  ManualPool pool_;
  std::unique_ptr<ScriptedPages> script_ = std::make_unique<ScriptedPages>();
  std::unique_ptr<StoredWalk> walk_;
  std::map<std::string, uint64_t> numbers_;
};

TEST_F(StoredWalkTest, TakesWhatIsStoredInOrderAndIsOverWhenAllIsAnswered) {
  script_->Add("http://a/1").Add("http://a/2");
  Begin();
  EXPECT_THAT(Take(), ElementsAre("http://a/1", "http://a/2"));
  Answer("http://a/1", kRecorded);
  EXPECT_FALSE(walk_->over());
  Answer("http://a/2", kPassed);
  EXPECT_TRUE(walk_->over());
  EXPECT_EQ(walk_->result().recorded(), 1u);
  EXPECT_EQ(walk_->result().unknown(), 0u);
}

TEST_F(StoredWalkTest, AnEmptyDirectoryIsOverAtOnce) {
  Begin();
  EXPECT_THAT(Take(), IsEmpty());
  EXPECT_TRUE(walk_->over());
}

TEST_F(StoredWalkTest, ReadsNothingOnTheLoop) {
  script_->Add("http://a/1");
  Begin();
  walk_->Poke();
  EXPECT_EQ(pool_.waiting(), 1u);
  walk_->Poke();
  EXPECT_EQ(pool_.waiting(), 1u);
  EXPECT_FALSE(walk_->ready());
}

TEST_F(StoredWalkTest, AFullPoolIsTriedAgain) {
  script_->Add("http://a/1");
  Begin();
  pool_.full = true;
  EXPECT_THAT(Take(), IsEmpty());
  EXPECT_FALSE(walk_->over());
  pool_.full = false;
  EXPECT_THAT(Take(), SizeIs(1));
}

TEST_F(StoredWalkTest, ABoundedNumberIsUnanswered) {
  for (int i = 0; i < 100; ++i) script_->Add(fmt::format("http://a/{:02}", i));
  Begin();
  std::vector<std::string> first = Take();
  ASSERT_THAT(first, SizeIs(StoredWalk::kMostUnanswered));
  Answer(first[0], kPassed);
  EXPECT_THAT(Take(), ElementsAre("http://a/64"));
}

TEST_F(StoredWalkTest, WhatWasUnknownComesAgainWhileARoundRecordsSomething) {
  script_->Add("http://a/1").Add("http://a/2").Add("http://a/3");
  Begin();
  Take();
  Answer("http://a/1", kUnknown);
  Answer("http://a/2", kUnknown);
  Answer("http://a/3", kRecorded);
  EXPECT_THAT(Take(), ElementsAre("http://a/1", "http://a/2"));
  Answer("http://a/1", kRecorded);
  Answer("http://a/2", kUnknown);
  EXPECT_THAT(Take(), ElementsAre("http://a/2"));
  Answer("http://a/2", kUnknown);
  EXPECT_TRUE(walk_->over());
  EXPECT_EQ(walk_->result().recorded(), 2u);
  EXPECT_EQ(walk_->result().unknown(), 1u);
}

// Files of two parsers, read one after the other.
TEST_F(StoredWalkTest, TheNextRoundGoesByTimeAndNotByFile) {
  script_->Add("http://a/1", "", 1).Add("http://a/3", "", 3).Add("http://a/2", "", 2).Add("http://a/4", "", 4);
  Begin();
  Take();
  Answer("http://a/1", kRecorded);
  for (const char* url : {"http://a/3", "http://a/2", "http://a/4"}) Answer(url, kUnknown);
  EXPECT_THAT(Take(), ElementsAre("http://a/2", "http://a/3", "http://a/4"));
}

TEST_F(StoredWalkTest, ARoundThatRecordedNothingIsTheLast) {
  script_->Add("http://a/1");
  Begin();
  Take();
  Answer("http://a/1", kUnknown);
  EXPECT_TRUE(walk_->over());
}

TEST_F(StoredWalkTest, RobotsExchangesAreNoPages) {
  script_->Add("http://a/robots.txt").Add("http://a/x/robots.txt").Add("http://a/robots.txt?page");
  Begin();
  EXPECT_THAT(Take(), ElementsAre("http://a/x/robots.txt", "http://a/robots.txt?page"));
}

TEST_F(StoredWalkTest, DamageIsCountedAndReadOver) {
  script_->AddDamage().Add("http://a/1").AddDamage();
  Begin();
  EXPECT_THAT(Take(), ElementsAre("http://a/1"));
  Answer("http://a/1", kRecorded);
  EXPECT_TRUE(walk_->over());
  EXPECT_EQ(walk_->result().damaged(), 2u);
}

TEST_F(StoredWalkTest, AnAnswerToAnotherWalkIsNone) {
  script_->Add("http://a/1");
  Begin();
  Take();
  wire::StoredAck ack;
  ack.add_recorded(99);
  ack.add_unknown(98);
  walk_->Answer(ack);
  EXPECT_EQ(walk_->result().recorded(), 0u);
  EXPECT_FALSE(walk_->over());
}

TEST_F(StoredWalkTest, MayGoWhileThePoolReads) {
  script_->Add("http://a/1");
  Begin();
  walk_->Poke();
  walk_.reset();
  pool_.RunAll();
}

}  // namespace
}  // namespace weft::test
