// The examples of the Amazon S3 API reference, "Signature Calculations for the Authorization Header: Transferring Payload
// in a Single Chunk (AWS Signature Version 4)", section "Examples: Signature Calculations", by value.
#include "storage/aws_signature.h"

#include <gtest/gtest.h>

#include "common/digest.h"
#include "common/random.h"

namespace weft {
namespace {

constexpr const char* kEmptySha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const AwsCredentials kExample{"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", ""};

absl::Time ExampleTime() { return absl::FromCivil(absl::CivilSecond(2013, 5, 24), absl::UTCTimeZone()); }

AwsRequest Example(std::string method, std::string path, std::string sha256) {
  AwsRequest request;
  request.method = std::move(method);
  request.path = std::move(path);
  request.payload_sha256 = sha256;
  request.headers = {{"Host", "examplebucket.s3.amazonaws.com"}, {"x-amz-content-sha256", sha256}, {"x-amz-date", "20130524T000000Z"}};
  return request;
}

TEST(AwsSignature, ExampleGetObject) {
  AwsRequest request = Example("GET", "/test.txt", kEmptySha256);
  request.headers.emplace_back("Range", "bytes=0-9");
  EXPECT_EQ(AwsCanonicalRequest(request),
            "GET\n/test.txt\n\nhost:examplebucket.s3.amazonaws.com\nrange:bytes=0-9\n"
            "x-amz-content-sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n"
            "x-amz-date:20130524T000000Z\n\nhost;range;x-amz-content-sha256;x-amz-date\n"
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(AwsStringToSign(request, ExampleTime(), "us-east-1"),
            "AWS4-HMAC-SHA256\n20130524T000000Z\n20130524/us-east-1/s3/aws4_request\n"
            "7344ae5b7ee6c3e7e6b0fe0640412a37625d1fbfff95c48bbb2dc43964946972");
  EXPECT_EQ(AwsAuthorization(request, kExample, ExampleTime(), "us-east-1"),
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
            "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
            "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

TEST(AwsSignature, ExamplePutObject) {
  AwsRequest request = Example("PUT", "/test$file.text", "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072");
  request.headers.emplace_back("Date", "Fri, 24 May 2013 00:00:00 GMT");
  request.headers.emplace_back("x-amz-storage-class", "REDUCED_REDUNDANCY");
  EXPECT_EQ(AwsSignature(request, kExample, ExampleTime(), "us-east-1"),
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
}

TEST(AwsSignature, ExampleGetBucketLifecycle) {
  AwsRequest request = Example("GET", "/", kEmptySha256);
  request.query = {{"lifecycle", ""}};
  EXPECT_EQ(AwsSignature(request, kExample, ExampleTime(), "us-east-1"),
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
}

TEST(AwsSignature, ExampleListObjects) {
  AwsRequest request = Example("GET", "/", kEmptySha256);
  request.query = {{"prefix", "J"}, {"max-keys", "2"}};  // the order in which they are given does not count
  EXPECT_EQ(AwsSignature(request, kExample, ExampleTime(), "us-east-1"),
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

TEST(AwsSignature, KeysAreEscapedByteByByte) {
  EXPECT_EQ(AwsEscape("a b+c~d/é", true), "a%20b%2Bc~d/%C3%A9");
  EXPECT_EQ(AwsEscape("a/b", false), "a%2Fb");
  EXPECT_EQ(AwsEscape("%2F*'()!=&"), "%252F%2A%27%28%29%21%3D%26");
}

TEST(AwsSignature, TheTargetIsWhatIsSigned) {
  AwsRequest request = Example("GET", "/bucket/a b/ü", kEmptySha256);
  request.query = {{"uploadId", "x/y="}, {"partNumber", "2"}};
  EXPECT_EQ(AwsTarget(request), "/bucket/a%20b/%C3%BC?partNumber=2&uploadId=x%2Fy%3D");
  EXPECT_NE(AwsCanonicalRequest(request).find("/bucket/a%20b/%C3%BC\npartNumber=2&uploadId=x%2Fy%3D\n"), std::string::npos);
}

TEST(AwsSignature, BlanksInHeadersAreFoldedAndNamesSorted) {
  AwsRequest request = Example("GET", "/", kEmptySha256);
  request.headers.emplace_back("X-Amz-Meta-B", "  two   blanks ");
  EXPECT_NE(AwsCanonicalRequest(request).find("x-amz-meta-b:two blanks\n"), std::string::npos);
}

// Escaping loses nothing, and leaves only what a request line and the canonical form may hold.
TEST(AwsSignature, EscapedTextsAreUnequalWhereTheTextsAre) {
  const uint64_t seed = SystemRandom()->Next();
  SCOPED_TRACE(seed);
  auto random = SeededRandom(seed);
  for (int i = 0; i < 2000; ++i) {
    std::string text;
    for (uint64_t n = random->Below(8); n > 0; --n) text += static_cast<char>(random->Below(256));
    const std::string escaped = AwsEscape(text);
    std::string back;
    for (size_t at = 0; at < escaped.size(); ++at) {
      if (escaped[at] == '%') {
        back += static_cast<char>(std::stoi(escaped.substr(at + 1, 2), nullptr, 16));
        at += 2;
      } else {
        ASSERT_NE(std::string("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~").find(escaped[at]), std::string::npos);
        back += escaped[at];
      }
    }
    ASSERT_EQ(back, text);
  }
}

}  // namespace
}  // namespace weft
