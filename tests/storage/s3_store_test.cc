#include "storage/s3_store.h"

#include <gtest/gtest.h>

#include "storage/s3_answers.h"
#include "tests/storage/object_store_support.h"
#include "tests/storage/warc_test_support.h"

namespace weft {
namespace {

using test::Answered;
using Sent = test::ScriptedHttp::Sent;

class S3StoreTest : public ::testing::Test {
 protected:
  std::unique_ptr<ObjectStore> Store(test::ScriptedHttp::Answer answer) {
    StoreOptions options;
    options.part_bytes = 10;
    options.tries = 3;
    return NewS3Store(place_, {"key", "secret", token_}, options, std::make_unique<test::ScriptedHttp>(sent_, std::move(answer)), wait_,
                      clock_, *random_);
  }
  std::string File(std::string_view name, std::string_view text) {
    std::ofstream(directory_ / name, std::ios::binary) << text;
    return directory_ / name;
  }
  // "PUT /path?query", of every request.
  std::vector<std::string> Requests() const {
    std::vector<std::string> lines;
    for (const Sent& one : sent_) lines.push_back(one.method + " " + one.url.substr(one.url.find('/', 8)));
    return lines;
  }

  test::TempDirectory directory_;
  test::StandingClock clock_;
  test::NotedWait wait_;
  std::unique_ptr<Random> random_ = SeededRandom(1);
  S3Place place_{"bucket", "pre fix", "http://127.0.0.1:9000", "eu-west-3"};
  std::string token_;
  std::vector<Sent> sent_;
};

StoreResponse Holds(const ObjectDigest& digest) {
  return Answered(200, "", {{"content-length", std::to_string(digest.bytes)}, {"x-amz-meta-weft-sha256", digest.sha256}});
}

TEST_F(S3StoreTest, ASmallFileIsPutAndThenLookedAt) {
  const std::string path = File("a", "12345");
  const ObjectDigest digest = *DigestOfFile(path);
  bool there = false;
  auto store = Store([&](const Sent& sent) -> absl::StatusOr<StoreResponse> {
    if (sent.method == "PUT") there = true;
    return sent.method == "HEAD" ? (there ? Holds(digest) : Answered(404)) : Answered(200);
  });
  const auto put = store->Put(path, "a", digest);
  ASSERT_TRUE(put.ok()) << put.status();
  EXPECT_TRUE(*put);
  EXPECT_EQ(Requests(), (std::vector<std::string>{"HEAD /bucket/pre%20fix/a", "PUT /bucket/pre%20fix/a", "HEAD /bucket/pre%20fix/a"}));
  EXPECT_EQ(sent_[1].body, "12345");
  EXPECT_EQ(sent_[1].headers["x-amz-meta-weft-sha256"], digest.sha256);
  EXPECT_EQ(sent_[1].headers["x-amz-content-sha256"], digest.sha256);
  EXPECT_EQ(sent_[1].headers["Host"], "127.0.0.1:9000");
  EXPECT_TRUE(sent_[1].headers["Authorization"].find("x-amz-meta-weft-sha256") != std::string::npos);
}

TEST_F(S3StoreTest, WhatIsThereIsNotSentAgain) {
  const std::string path = File("a", "12345");
  const ObjectDigest digest = *DigestOfFile(path);
  auto store = Store([&](const Sent&) { return Holds(digest); });
  EXPECT_FALSE(*store->Put(path, "a", digest));
  EXPECT_EQ(sent_.size(), 1u);
}

TEST_F(S3StoreTest, AnotherObjectOfThatNameIsLeftAlone) {
  const std::string path = File("a", "12345");
  auto store = Store([&](const Sent&) { return Holds({5, "0123"}); });
  const auto put = store->Put(path, "a", *DigestOfFile(path));
  EXPECT_TRUE(absl::IsAlreadyExists(put.status())) << put.status();
  EXPECT_EQ(sent_.size(), 1u);
}

TEST_F(S3StoreTest, AServerThatHoldsSomethingElseAfterwardsIsAnError) {
  const std::string path = File("a", "12345");
  bool there = false;
  auto store = Store([&](const Sent& sent) -> absl::StatusOr<StoreResponse> {
    if (sent.method == "PUT") there = true;
    return sent.method == "HEAD" ? (there ? Holds({4, "x"}) : Answered(404)) : Answered(200);
  });
  EXPECT_TRUE(absl::IsDataLoss(store->Put(path, "a", *DigestOfFile(path)).status()));
}

TEST_F(S3StoreTest, PassingTroubleIsTriedAgainAfterGrowingPauses) {
  int asked = 0;
  auto store = Store([&](const Sent&) -> absl::StatusOr<StoreResponse> {
    ++asked;
    if (asked == 1) return Answered(503, "<Error><Code>SlowDown</Code></Error>");
    if (asked == 2) return absl::UnavailableError("connection reset");
    return Holds({7, "x"});
  });
  EXPECT_EQ(store->Head("a")->bytes, 7u);
  ASSERT_EQ(wait_.pauses.size(), 2u);
  EXPECT_GE(wait_.pauses[0], absl::Milliseconds(150));
  EXPECT_LE(wait_.pauses[0], absl::Milliseconds(300));
  EXPECT_GE(wait_.pauses[1], absl::Milliseconds(300));
}

TEST_F(S3StoreTest, TroubleThatStaysIsUnavailable) {
  auto store = Store([&](const Sent&) { return Answered(500); });
  const auto head = store->Head("a");
  EXPECT_TRUE(absl::IsUnavailable(head.status())) << head.status();
  EXPECT_EQ(sent_.size(), 3u);
}

TEST_F(S3StoreTest, ARefusalIsNotTriedAgainAndSaysWhy) {
  auto store = Store([&](const Sent&) { return Answered(403, "<Error><Code>SignatureDoesNotMatch</Code><Message>no &amp; no</Message></Error>"); });
  const auto got = store->Get("a", 0, 5);
  EXPECT_TRUE(absl::IsPermissionDenied(got.status()));
  EXPECT_NE(ErrorText(got.status()).find("SignatureDoesNotMatch: no & no"), std::string::npos);
  EXPECT_EQ(sent_.size(), 1u);
}

TEST_F(S3StoreTest, AStoppedWaitEndsTheTries) {
  auto store = Store([&](const Sent&) {
    wait_.stop = true;
    return Answered(500);
  });
  EXPECT_TRUE(absl::IsCancelled(store->Head("a").status()));
  EXPECT_EQ(sent_.size(), 1u);
}

// A server of multipart uploads, as far as one file needs it.
struct Parts {
  explicit Parts(ObjectDigest of) : digest(std::move(of)) {}
  absl::StatusOr<StoreResponse> operator()(const Sent& sent) {
    if (sent.method == "HEAD") return complete ? Holds(digest) : Answered(404);
    if (sent.method == "GET") return Answered(200, leftovers);
    if (sent.method == "DELETE") return Answered(204);
    if (sent.method == "PUT") return fail_part ? Answered(400) : Answered(200, "", {{"etag", "\"" + sent.body + "\""}});
    if (sent.url.ends_with("uploads=")) return Answered(200, "<UploadId>u/1</UploadId>");
    complete = true;
    return lose_answer ? Answered(404, "<Error><Code>NoSuchUpload</Code></Error>") : Answered(200, "<Done/>");
  }
  ObjectDigest digest;
  bool complete = false;
  bool fail_part = false;
  bool lose_answer = false;
  std::string leftovers;
};

TEST_F(S3StoreTest, ALargeFileGoesInParts) {
  const std::string path = File("a", "abcdefghijklmnopqrstuvwxy");
  auto store = Store(Parts(*DigestOfFile(path)));
  const auto put = store->Put(path, "a", *DigestOfFile(path));
  ASSERT_TRUE(put.ok()) << put.status();
  EXPECT_EQ(Requests(), (std::vector<std::string>{"HEAD /bucket/pre%20fix/a", "GET /bucket/?prefix=pre%20fix%2Fa&uploads=",
                                                  "POST /bucket/pre%20fix/a?uploads=", "PUT /bucket/pre%20fix/a?partNumber=1&uploadId=u%2F1",
                                                  "PUT /bucket/pre%20fix/a?partNumber=2&uploadId=u%2F1", "PUT /bucket/pre%20fix/a?partNumber=3&uploadId=u%2F1",
                                                  "POST /bucket/pre%20fix/a?uploadId=u%2F1", "HEAD /bucket/pre%20fix/a"}));
  EXPECT_EQ(sent_[5].body, "uvwxy");
  EXPECT_EQ(sent_[6].body,
            "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>&quot;abcdefghij&quot;</ETag></Part><Part><PartNumber>2</PartNumber>"
            "<ETag>&quot;klmnopqrst&quot;</ETag></Part><Part><PartNumber>3</PartNumber><ETag>&quot;uvwxy&quot;</ETag></Part></CompleteMultipartUpload>");
}

TEST_F(S3StoreTest, AFailedPartAbortsTheUpload) {
  const std::string path = File("a", "abcdefghijklmnopqrstuvwxy");
  Parts parts(*DigestOfFile(path));
  parts.fail_part = true;
  auto store = Store(parts);
  EXPECT_FALSE(store->Put(path, "a", *DigestOfFile(path)).ok());
  EXPECT_EQ(Requests().back(), "DELETE /bucket/pre%20fix/a?uploadId=u%2F1");
}

TEST_F(S3StoreTest, LeftoversOfTheSameNameAreAborted) {
  const std::string path = File("a", "abcdefghijklmnopqrstuvwxy");
  Parts parts(*DigestOfFile(path));
  parts.leftovers = "<Upload><Key>pre fix/a</Key><UploadId>old</UploadId></Upload><Upload><Key>pre fix/ab</Key><UploadId>other</UploadId></Upload>";
  ASSERT_TRUE(Store(parts)->Put(path, "a", *DigestOfFile(path)).ok());
  EXPECT_EQ(Requests()[2], "DELETE /bucket/pre%20fix/a?uploadId=old");
  for (const std::string& request : Requests()) EXPECT_EQ(request.find("other"), std::string::npos);
}

TEST_F(S3StoreTest, AnAnswerToCompleteThatWasLostIsMadeUpForByLooking) {
  const std::string path = File("a", "abcdefghijklmnopqrstuvwxy");
  Parts parts(*DigestOfFile(path));
  parts.lose_answer = true;
  EXPECT_TRUE(Store(parts)->Put(path, "a", *DigestOfFile(path)).ok());
}

TEST_F(S3StoreTest, AmazonsBucketsAreAskedByHostNameUnlessItHasDots) {
  place_.endpoint.clear();
  token_ = "session";
  Store([](const Sent&) { return Answered(404); })->Head("a").status().IgnoreError();
  EXPECT_EQ(sent_[0].url, "https://bucket.s3.eu-west-3.amazonaws.com/pre%20fix/a");
  EXPECT_EQ(sent_[0].headers["x-amz-security-token"], "session");
  place_.bucket = "a.b";
  Store([](const Sent&) { return Answered(404); })->Head("a").status().IgnoreError();
  EXPECT_EQ(sent_[1].url, "https://s3.eu-west-3.amazonaws.com/a.b/pre%20fix/a");
}

TEST_F(S3StoreTest, AListIsReadToItsEnd) {
  int page = 0;
  auto store = Store([&](const Sent&) {
    if (++page == 1) return Answered(200, "<Contents><Key>pre fix/a&amp;b</Key><Size>3</Size></Contents><NextContinuationToken>t/1</NextContinuationToken>");
    return Answered(200, "<Contents><Key>pre fix/c</Key><Size>4</Size></Contents>");
  });
  std::vector<std::string> names;
  ASSERT_TRUE(store->List("", [&](const ObjectInfo& info) {
    names.push_back(info.name + ":" + std::to_string(info.bytes));
    return absl::OkStatus();
  }).ok());
  EXPECT_EQ(names, (std::vector<std::string>{"a&b:3", "c:4"}));
  EXPECT_EQ(Requests()[1], "GET /bucket/?continuation-token=t%2F1&list-type=2&prefix=pre%20fix%2F");
}

TEST_F(S3StoreTest, TheRightRegionIsNamed) {
  auto store = Store([&](const Sent&) { return Answered(301, "", {{"x-amz-bucket-region", "us-west-2"}}); });
  EXPECT_NE(ErrorText(store->Head("a").status()).find("--store-region us-west-2"), std::string::npos);
}

TEST_F(S3StoreTest, AnObjectThatHoldsTheTextOfAnErrorIsRead) {
  const std::string text = "<Error><Code>SlowDown</Code></Error>";
  auto store = Store([&](const Sent&) { return Answered(206, text); });
  EXPECT_EQ(*store->Get("a", 0, 100), text);
}

TEST(S3Answers, AnyBytesAreRead) {
  const uint64_t seed = SystemRandom()->Next();
  SCOPED_TRACE(seed);
  auto random = SeededRandom(seed);
  for (int i = 0; i < 3000; ++i) {
    std::string text;
    for (uint64_t n = random->Below(30); n > 0; --n) text += std::string_view("<>/&;#xKey1a\0\xff", 15)[random->Below(15)];
    const std::string xml = "<Key>" + text + "</Key>";
    if (text.find('<') == std::string::npos && text.find('&') == std::string::npos) {
      EXPECT_EQ(S3Element(xml, "Key"), text);
    } else {
      EXPECT_LE(S3Element(xml, "Key").size(), text.size());
    }
    EXPECT_EQ(S3Element("<K>" + S3Escape(text) + "</K>", "K"), text);
  }
}

}  // namespace
}  // namespace weft
