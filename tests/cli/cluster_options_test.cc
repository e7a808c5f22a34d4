// Options of what nodes are, how they leave, and of checkpoints.
#include <gmock/gmock.h>

#include "tests/cli/parse_line.h"

namespace weft {
namespace {

using test::Parse;
using ::testing::HasSubstr;

constexpr const char* kAt = "tcp://127.0.0.1:7700";

std::string ErrorOf(std::vector<std::string> words) {
  const auto line = Parse(std::move(words));
  return line.ok() ? "" : ErrorText(line.status());
}

TEST(ClusterOptions, ANodeHasANameAndTags) {
  const auto line = Parse({"worker", "--scheduler", kAt, "--pages", "p", "--name", "w-1", "--tags", "eu,render"});
  ASSERT_TRUE(line.ok()) << line.status();
  EXPECT_EQ(line->invocation.node_name, "w-1");
  EXPECT_EQ(line->invocation.tags, "eu,render");
  EXPECT_THAT(ErrorOf({"fetcher", "--scheduler", kAt, "--tags", "EU"}), HasSubstr("'EU' is not a tag"));
  EXPECT_THAT(ErrorOf({"fetcher", "--scheduler", kAt, "--name", "a/b"}), HasSubstr("no name for a node"));
  EXPECT_THAT(ErrorOf({"parser", "--scheduler", kAt, "--pages", "p", "--tags", "eu"}), HasSubstr("does not take --tags"));
}

TEST(ClusterOptions, OneNodeIsNamedToLeave) {
  const auto line = Parse({"node", "drain", "w-1", "--scheduler", kAt, "--deadline", "5s"});
  ASSERT_TRUE(line.ok()) << line.status();
  EXPECT_EQ(line->command, Command::kNodeDrain);
  EXPECT_EQ(line->invocation.node_name, "w-1");
  EXPECT_EQ(line->invocation.drain_us, 5'000'000u);
  EXPECT_EQ(Parse({"node", "forget", "m/17", "--scheduler", kAt})->command, Command::kNodeForget);
  EXPECT_THAT(ErrorOf({"node", "drain", "--scheduler", kAt}), HasSubstr("one node is to be named"));
  EXPECT_THAT(ErrorOf({"node", "forget", "a", "b", "--scheduler", kAt}), HasSubstr("one node is to be named"));
  EXPECT_THAT(ErrorOf({"node", "forget", "a"}), HasSubstr("--scheduler"));
  EXPECT_THAT(ErrorOf({"node"}), HasSubstr("node list, node drain and node forget"));
}

TEST(ClusterOptions, CheckpointsAreTwoAndNotMadeByThemselves) {
  const auto line = Parse({"scheduler", "--data", "d"});
  ASSERT_TRUE(line.ok()) << line.status();
  EXPECT_EQ(line->invocation.checkpoint_every_us, 0u);
  EXPECT_EQ(line->invocation.checkpoints_kept, 2u);
  const auto often = Parse({"scheduler", "--data", "d", "--checkpoint-every", "6h", "--checkpoint-keep", "5", "--restore", "c", "--force"});
  ASSERT_TRUE(often.ok()) << often.status();
  EXPECT_EQ(often->invocation.checkpoint_every_us, uint64_t{6} * 3600 * 1'000'000);
  EXPECT_EQ(often->invocation.checkpoints_kept, 5u);
  EXPECT_EQ(often->invocation.restore, "c");
  EXPECT_TRUE(often->invocation.force);
  EXPECT_EQ(Parse({"checkpoint", "--scheduler", kAt, "--to", "x"})->invocation.checkpoint_to, "x");
}

}  // namespace
}  // namespace weft
