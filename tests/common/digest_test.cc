#include "common/digest.h"

#include <gtest/gtest.h>

namespace weft {
namespace {

TEST(Digest, Sha1OfKnownText) {
  EXPECT_EQ(HexLower(Sha1("")), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
  EXPECT_EQ(HexLower(Sha1("abc")), "a9993e364706816aba3e25717850c26c9cd0d89d");
}

TEST(Digest, StreamEqualsOneShotAndStartsAnew) {
  Sha1Stream stream;
  stream.Add("a");
  stream.Add("");
  stream.Add("bc");
  EXPECT_EQ(stream.Finish(), Sha1("abc"));
  EXPECT_EQ(stream.Finish(), Sha1(""));
}

TEST(Digest, LabelIsUpperCaseBase32) {
  EXPECT_EQ(Sha1Label(Sha1("")), "sha1:3I42H3S6NNFQ2MSVX7XZKYAYSCX5QBYJ");
}

TEST(Digest, Rfc4648Vectors) {
  EXPECT_EQ(Base32(""), "");
  EXPECT_EQ(Base32("f"), "MY======");
  EXPECT_EQ(Base32("foobar"), "MZXW6YTBOI======");
  EXPECT_EQ(Base64("f"), "Zg==");
  EXPECT_EQ(Base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(HexLower(std::string_view("\x00\xff\x1a", 3)), "00ff1a");
}

TEST(Digest, TextFormsAreToldApart) {
  const std::string raw = Sha1("");
  EXPECT_TRUE(DigestTextMatches("3I42H3S6NNFQ2MSVX7XZKYAYSCX5QBYJ", raw));
  EXPECT_TRUE(DigestTextMatches("3i42h3s6nnfq2msvx7xzkyaySCX5QBYJ", raw));
  EXPECT_TRUE(DigestTextMatches("DA39A3EE5E6B4B0D3255bfef95601890afd80709", raw));
  EXPECT_TRUE(DigestTextMatches("2jmj7l5rSw0yVb/vlWAYkK/YBwk=", raw));
  EXPECT_TRUE(DigestTextMatches("2jmj7l5rSw0yVb_vlWAYkK_YBwk", raw));
  EXPECT_FALSE(DigestTextMatches("2JMJ7L5RSW0YVB/VLWAYKK/YBWK=", raw));  // the case of Base64 counts
  EXPECT_FALSE(DigestTextMatches("1112H3S6NNFQ2MSVX7XZKYAYSCX5QBYJ", raw));
  EXPECT_FALSE(DigestTextMatches("", raw));
}

TEST(Digest, NamesAreKnownInAnyCase) {
  EXPECT_EQ(DigestByName("SHA-1", "abc"), Sha1("abc"));
  EXPECT_EQ(HexLower(DigestByName("sha256", "").value_or("")),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(HexLower(DigestByName("md5", "").value_or("")), "d41d8cd98f00b204e9800998ecf8427e");
  EXPECT_FALSE(DigestByName("crc32", "abc").has_value());
}

}  // namespace
}  // namespace weft
