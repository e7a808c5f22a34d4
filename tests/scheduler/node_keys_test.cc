#include "scheduler/node_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weft::test {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const NodeKeys kKeys = {{"f", {"eu-1", true, false, false, false}}, {"p", {"store", false, true, false, false}},
                        {"t", {"laptop", false, false, true, false}}, {"w", {"both", true, true, false, false}},
                        {"x", {"gone", true, true, false, true}}};

wire::Register As(bool fetches, bool parses, bool tool) {
  wire::Register info;
  info.set_fetches(fetches);
  info.set_parses(parses);
  info.set_tool(tool);
  return info;
}

TEST(NodeKeysTest, WhatIsRevokedOrUnknownDoesNotHold) {
  EXPECT_TRUE(KeyHolds(kKeys, "f"));
  EXPECT_FALSE(KeyHolds(kKeys, "x"));
  EXPECT_FALSE(KeyHolds(kKeys, "y"));
  EXPECT_THAT(KeysThatHold(kKeys), ElementsAre("f", "p", "t", "w"));
  EXPECT_THAT(KeysThatFetch(kKeys), ElementsAre("f", "w"));
}

TEST(NodeKeysTest, ATokenIsForItsRoleAlone) {
  EXPECT_THAT(WhyKeyMayNot(kKeys, "w", As(true, true, false)), IsEmpty());
  EXPECT_THAT(WhyKeyMayNot(kKeys, "f", As(true, false, false)), IsEmpty());
  EXPECT_THAT(WhyKeyMayNot(kKeys, "t", As(false, false, true)), IsEmpty());
  EXPECT_THAT(WhyKeyMayNot(kKeys, "f", As(false, true, false)),
              AllOf(HasSubstr("'eu-1' may not parse"), HasSubstr("--role worker (--role parser is for weft parser alone)")));
  EXPECT_THAT(WhyKeyMayNot(kKeys, "p", As(true, false, false)), HasSubstr("may not fetch"));
  EXPECT_THAT(WhyKeyMayNot(kKeys, "w", As(false, false, true)), HasSubstr("tools"));
  EXPECT_THAT(WhyKeyMayNot(kKeys, "w", As(false, false, false)), HasSubstr("tools"));
  EXPECT_THAT(WhyKeyMayNot(kKeys, "x", As(true, true, false)), HasSubstr("does not hold"));
}

TEST(NodeKeysTest, WhereNoKeyIsAskedForNoneIsNeeded) {
  EXPECT_THAT(WhyKeyMayNot(kKeys, "", As(true, true, false)), IsEmpty());
}

}  // namespace
}  // namespace weft::test
