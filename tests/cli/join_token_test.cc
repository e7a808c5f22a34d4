#include "cli/join_token.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/status.h"

namespace weft {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

JoinToken Token() {
  return {"worker-1", "worker", MakeKeyPair().value().public_key, MakeKeyPair().value(),
          {"tcp://192.0.2.1:7700", "tcp://[2001:db8::1]:7700"}};
}

TEST(JoinTokenTest, SaysWhatItWasMadeOf) {
  const JoinToken made = Token();
  auto read = ReadToken(WriteToken(made));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->name, made.name);
  EXPECT_EQ(read->role, made.role);
  EXPECT_EQ(read->scheduler_key, made.scheduler_key);
  EXPECT_EQ(read->keys.public_key, made.keys.public_key);
  EXPECT_EQ(read->keys.secret_key, made.keys.secret_key);
  EXPECT_THAT(read->addresses, ElementsAre("tcp://192.0.2.1:7700", "tcp://[2001:db8::1]:7700"));
}

TEST(JoinTokenTest, IsOneWordThatAShellTakesAsItIs) {
  const std::string text = WriteToken(Token());
  EXPECT_TRUE(LooksLikeToken(text));
  EXPECT_EQ(text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."), std::string::npos);
  EXPECT_TRUE(ReadToken("  " + text + "\r\n").ok());
}

TEST(JoinTokenTest, EveryCutAndEveryChangedLetterIsFound) {
  const std::string text = WriteToken(Token());
  for (size_t i = 0; i < text.size(); ++i) {
    EXPECT_FALSE(ReadToken(text.substr(0, i)).ok()) << i;
    std::string changed = text;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(ReadToken(changed).ok()) << i;
  }
}

TEST(JoinTokenTest, WhatIsWrongIsSaidWithoutTheSecret) {
  const std::string text = WriteToken(Token());
  const std::string error = ErrorText(ReadToken(text.substr(0, text.size() - 5)).status());
  EXPECT_THAT(error, HasSubstr("copied whole"));
  EXPECT_THAT(error, Not(HasSubstr(text.substr(0, 20))));
  EXPECT_THAT(ErrorText(ReadToken("weft2.abc").status()), HasSubstr("version"));
}

TEST(JoinTokenTest, AKeyPairWhoseHalvesDoNotBelongTogetherIsNoToken) {
  JoinToken token = Token();
  token.keys.public_key = MakeKeyPair().value().public_key;
  EXPECT_FALSE(ReadToken(WriteToken(token)).ok());
}

TEST(JoinTokenTest, WithoutAnAddressItIsNone) {
  JoinToken token = Token();
  token.addresses.clear();
  EXPECT_FALSE(ReadToken(WriteToken(token)).ok());
}

}  // namespace
}  // namespace weft
