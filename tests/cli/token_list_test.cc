#include "cli/token_list.h"

#include <unistd.h>

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/key_files.h"
#include "cli/scheduler_keys.h"
#include "common/status.h"

namespace weft {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

TokenEntry Entry(uint64_t id, const std::string& name, const std::string& role, int64_t revoked_s = 0) {
  return {id, role, MakeKeyPair().value().public_key, 1'700'000'000, revoked_s, name};
}

class TokenListTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/weft-tokens-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  absl::Status Add(const TokenEntry& entry) {
    return ChangeTokens(folder_, [&](TokenList& list) {
      list.tokens.push_back(entry);
      return absl::OkStatus();
    });
  }
  std::string folder_;
};

TEST_F(TokenListTest, IsReadAsItWasWritten) {
  ASSERT_THAT(TokenList::Read(folder_).value().tokens, IsEmpty());
  const TokenEntry one = Entry(1, "eu", "worker");
  const TokenEntry two = Entry(2, "laptop", "tool", 1'700'000'100);
  ASSERT_TRUE(Add(one).ok());
  ASSERT_TRUE(Add(two).ok());
  auto list = TokenList::Read(folder_);
  ASSERT_TRUE(list.ok()) << list.status();
  ASSERT_THAT(list->tokens, SizeIs(2));
  EXPECT_EQ(list->tokens[0].public_key, one.public_key);
  EXPECT_EQ(list->tokens[1].revoked_s, two.revoked_s);
  const NodeKeys keys = list->Keys();
  EXPECT_EQ(keys.at(one.public_key), (NodeKey{"eu", true, true, false, false}));
  EXPECT_EQ(keys.at(two.public_key), (NodeKey{"laptop", false, false, true, true}));
}

TEST_F(TokenListTest, AChangeThatFailsChangesNothing) {
  ASSERT_TRUE(Add(Entry(1, "eu", "worker")).ok());
  EXPECT_FALSE(ChangeTokens(folder_, [](TokenList& list) {
    list.tokens.clear();
    return InvalidArgument("no");
  }).ok());
  EXPECT_THAT(TokenList::Read(folder_)->tokens, SizeIs(1));
}

TEST_F(TokenListTest, ADamagedLineIsToldByItsNumber) {
  TokenList list;
  list.tokens = {Entry(1, "eu", "worker"), Entry(2, "us", "worker")};
  const std::string text = list.Text();
  EXPECT_TRUE(TokenList::Parse(text).ok());
  EXPECT_THAT(ErrorText(TokenList::Parse(text.substr(0, text.size() - 3)).status()), HasSubstr("line 3"));
  EXPECT_FALSE(TokenList::Parse("").ok());
  EXPECT_FALSE(TokenList::Parse("weft-tokens-1\n\n").ok());
  list.tokens[0].role = "king";
  EXPECT_THAT(ErrorText(TokenList::Parse(list.Text()).status()), HasSubstr("line 2"));
}

TEST_F(TokenListTest, ANameFindsTheTokenThatHolds) {
  TokenList list;
  list.tokens = {Entry(1, "eu", "worker", 5), Entry(2, "eu", "worker"), Entry(3, "us", "worker", 6)};
  EXPECT_EQ(list.Find("eu")->id, 2u);
  EXPECT_EQ(list.Find("us")->id, 3u);
  EXPECT_EQ(list.Find("1")->id, 1u);
  EXPECT_EQ(list.Find("9"), nullptr);
  EXPECT_EQ(list.Find("asia"), nullptr);
}

TEST_F(TokenListTest, NamesAreNoNumbersAndNoPaths) {
  for (const char* good : {"a", "eu-1", "Worker_2.b"}) EXPECT_TRUE(IsTokenName(good)) << good;
  for (const char* bad : {"", "1", "-a", "a b", "a\tb", "a/b", "ä"}) EXPECT_FALSE(IsTokenName(bad)) << bad;
  EXPECT_FALSE(IsTokenName(std::string(65, 'a')));
}

TEST_F(TokenListTest, ARunningSchedulerSeesEachChangeOnce) {
  std::vector<std::string> warnings;
  auto keys = SchedulerKeys::Open(folder_, [&](const std::string& text) { warnings.push_back(text); });
  ASSERT_TRUE(keys.ok()) << keys.status();
  EXPECT_THAT(keys->Changed().value(), IsEmpty());
  EXPECT_FALSE(keys->Changed().has_value());
  ASSERT_TRUE(Add(Entry(1, "eu", "worker")).ok());
  EXPECT_THAT(keys->Changed().value(), SizeIs(1));
  EXPECT_FALSE(keys->Changed().has_value());
  ASSERT_TRUE(ChangeTokens(folder_, [](TokenList& list) {
    list.tokens[0].revoked_s = 7;
    return absl::OkStatus();
  }).ok());
  EXPECT_TRUE(keys->Changed().value().begin()->second.revoked);
  EXPECT_THAT(warnings, IsEmpty());
}

TEST_F(TokenListTest, AListThatCannotBeReadIsToldAndTheOldOneStays) {
  std::vector<std::string> warnings;
  auto keys = SchedulerKeys::Open(folder_, [&](const std::string& text) { warnings.push_back(text); });
  ASSERT_TRUE(keys.ok());
  EXPECT_TRUE(keys->Changed().has_value());
  ASSERT_TRUE(WritePrivateFile(TokensPath(folder_), "rubbish").ok());
  EXPECT_FALSE(keys->Changed().has_value());
  EXPECT_FALSE(keys->Changed().has_value());
  EXPECT_THAT(warnings, SizeIs(1));
  EXPECT_FALSE(SchedulerKeys::Open(folder_, [](const std::string&) {}).ok());
}

TEST_F(TokenListTest, AddressesAreNotedForTokens) {
  auto keys = SchedulerKeys::Open(folder_, [](const std::string&) {});
  ASSERT_TRUE(keys.ok());
  EXPECT_THAT(NotedAddresses(folder_).value(), IsEmpty());
  ASSERT_TRUE(keys->NoteAddresses({"tcp://192.0.2.1:1", "tcp://192.0.2.2:1"}).ok());
  EXPECT_THAT(NotedAddresses(folder_).value(), ElementsAre("tcp://192.0.2.1:1", "tcp://192.0.2.2:1"));
  ASSERT_TRUE(keys->NoteAddresses({}).ok());
  EXPECT_THAT(NotedAddresses(folder_).value(), IsEmpty());
}

}  // namespace
}  // namespace weft
