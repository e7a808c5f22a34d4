#include "common/base64.h"

#include <gmock/gmock.h>

#include <random>

#include "common/status.h"

namespace weft {
namespace {

using ::testing::HasSubstr;

std::string Decoded(std::string_view text) {
  const auto bytes = DecodeBase64(text);
  return bytes.ok() ? *bytes : "error: " + ErrorText(bytes.status());
}

TEST(Base64, ReadsTheVectorsOfRfc4648) {
  EXPECT_EQ(Decoded(""), "");
  EXPECT_EQ(Decoded("Zg=="), "f");
  EXPECT_EQ(Decoded("Zm8="), "fo");
  EXPECT_EQ(Decoded("Zm9v"), "foo");
  EXPECT_EQ(Decoded("Zm9vYg=="), "foob");
  EXPECT_EQ(Decoded("Zm9vYmE="), "fooba");
  EXPECT_EQ(Decoded("Zm9vYmFy"), "foobar");
}

TEST(Base64, ReadsEveryByte) {
  EXPECT_EQ(Decoded("AP+A/w=="), std::string("\x00\xFF\x80\xFF", 4));
}

TEST(Base64, NamesTheCharacterThatIsNone) {
  EXPECT_THAT(Decoded("Zm9v*mFy"), HasSubstr("character 4 "));
  EXPECT_THAT(Decoded("Zm9v\nZm9v"), HasSubstr("character 4 "));
  EXPECT_THAT(Decoded("Zm9-"), HasSubstr("character 3 ")) << "the URL alphabet is another one";
  EXPECT_THAT(Decoded("Zm=9"), HasSubstr("character 2 "));
  EXPECT_THAT(Decoded("===="), HasSubstr("character 0 "));
  EXPECT_THAT(Decoded("Zg==Zg=="), HasSubstr("character 2 "));
}

TEST(Base64, WantsItsPadding) {
  for (const char* cut : {"Z", "Zg", "Zg=", "Zm8", "Zm9vY", "Zm9v=", "=", "=="}) {
    EXPECT_THAT(Decoded(cut), HasSubstr("groups of four")) << cut;
  }
}

TEST(Base64, RefusesBitsThatStandForNothing) {
  EXPECT_THAT(Decoded("Zh=="), HasSubstr("character 1 "));
  EXPECT_THAT(Decoded("Zm9="), HasSubstr("character 2 "));
}

TEST(Base64, ReadsWhatAnotherEncoderWrites) {
  constexpr unsigned kSeed = 20;
  SCOPED_TRACE(kSeed);
  std::mt19937 random(kSeed);
  const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t size = 0; size < 200; ++size) {
    std::string bytes;
    while (bytes.size() < size) bytes += static_cast<char>(random() & 0xFF);
    // Bit by bit.
    std::string text;
    for (size_t bit = 0; bit < size * 8; bit += 6) {
      size_t digit = 0;
      for (size_t i = bit; i < bit + 6; ++i) {
        const bool set = i < size * 8 && (static_cast<unsigned char>(bytes[i / 8]) >> (7 - i % 8) & 1) != 0;
        digit = digit * 2 + (set ? 1 : 0);
      }
      text += digits[digit];
    }
    while (text.size() % 4 != 0) text += '=';
    EXPECT_EQ(Decoded(text), bytes);
  }
}

}  // namespace
}  // namespace weft
