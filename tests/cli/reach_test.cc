#include "cli/reach.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/join_token.h"
#include "cli/key_files.h"
#include "common/status.h"

namespace weft {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class ReachTest : public testing::Test {
 protected:
  absl::StatusOr<Reach> Find() {
    return FindReach(line_, [&](const std::string& text) { warnings_.push_back(text); });
  }
  const JoinToken token_{"eu", "worker", MakeKeyPair().value().public_key, MakeKeyPair().value(), {"tcp://192.0.2.1:7700"}};
  CommandLine line_;
  std::vector<std::string> warnings_;
};

TEST_F(ReachTest, ATokenBringsAddressAndKeys) {
  line_.invocation.join = WriteToken(token_);
  auto reach = Find();
  ASSERT_TRUE(reach.ok()) << reach.status();
  EXPECT_TRUE(reach->keyed());
  EXPECT_EQ(reach->endpoint, "tcp://192.0.2.1:7700");
  EXPECT_EQ(reach->scheduler_key, token_.scheduler_key);
  EXPECT_EQ(reach->own.secret_key, token_.keys.secret_key);
  ASSERT_THAT(warnings_, SizeIs(1));
  EXPECT_THAT(warnings_[0], HasSubstr("on the command line"));
}

TEST_F(ReachTest, FromTheEnvironmentItIsNoWarningWorth) {
  line_.invocation.join = WriteToken(token_);
  line_.invocation.join_from_environment = true;
  EXPECT_TRUE(Find().ok());
  EXPECT_THAT(warnings_, IsEmpty());
}

TEST_F(ReachTest, AnAddressOfTheUsersBeatsTheTokens) {
  line_.invocation.join = WriteToken(token_);
  line_.invocation.scheduler = "tcp://127.0.0.1:9";
  EXPECT_EQ(Find()->endpoint, "tcp://127.0.0.1:9");
  EXPECT_TRUE(Find()->keyed());
}

TEST_F(ReachTest, AFileIsReadIfItIsPrivate) {
  const std::string path = testing::TempDir() + "/weft-reach-token";
  ASSERT_TRUE(WritePrivateFile(path, WriteToken(token_) + "\n").ok());
  line_.invocation.join = path;
  EXPECT_TRUE(Find().ok());
  EXPECT_THAT(warnings_, IsEmpty());
  std::filesystem::permissions(path, std::filesystem::perms(0644));
  EXPECT_THAT(ErrorText(Find().status()), HasSubstr("chmod 600"));
  std::filesystem::remove(path);
  EXPECT_THAT(ErrorText(Find().status()), HasSubstr("no such file"));
}

TEST_F(ReachTest, WithoutATokenThereAreNoKeys) {
  line_.invocation.scheduler = "tcp://127.0.0.1:7700";
  EXPECT_FALSE(Find()->keyed());
  EXPECT_THAT(warnings_, IsEmpty());
  line_.invocation.insecure = true;
  EXPECT_FALSE(Find()->keyed());
  ASSERT_FALSE(warnings_.empty());
  EXPECT_THAT(warnings_[0], HasSubstr("--insecure"));
}

TEST_F(ReachTest, ANodeListensWhereItReachesTheScheduler) {
  EXPECT_EQ(ListenTowards("tcp://127.0.0.1:7700"), "tcp://127.0.0.1:*");
  EXPECT_EQ(ListenTowards("inproc://x"), "tcp://127.0.0.1:*");
}

TEST_F(ReachTest, AWildcardIsReachedAtThisMachinesAddresses) {
  EXPECT_THAT(ReachableAt("tcp://192.0.2.7:1"), ElementsAre("tcp://192.0.2.7:1"));
  EXPECT_THAT(ReachableAt("tcp://0.0.0.0:7700"), testing::Contains("tcp://127.0.0.1:7700"));
}

}  // namespace
}  // namespace weft
