#include "tests/support/sim_link_check.h"

#include <gtest/gtest.h>

#include <set>

namespace weft::test {
namespace {

const Fingerprint kPage{1, 2};
const Fingerprint kLink{3, 4};
const Fingerprint kOther{5, 6};

class Links : public testing::Test {
 protected:
  static void Name(wire::Link* link, const Fingerprint& key) {
    link->set_key(key.ToBytes());
    link->set_url("http://a.example/" + key.ToHex());
  }
  void Report(uint64_t session, uint64_t offset, std::vector<Fingerprint> links, uint32_t depth = 0) {
    wire::Frame frame;
    frame.set_session(session);
    wire::PageResult* result = frame.mutable_page_result();
    result->mutable_ticket()->set_key(kPage.ToBytes());
    result->mutable_ticket()->set_url("http://a.example/");
    result->mutable_ticket()->set_depth(depth);
    result->mutable_place()->set_offset(offset);
    for (const Fingerprint& link : links) Name(result->add_links(), link);
    check.OnSent(frame);
  }
  void Batch(uint64_t session, const Fingerprint& link) {
    wire::Frame frame;
    frame.set_session(session);
    frame.mutable_link_batch()->mutable_ticket()->set_key(kPage.ToBytes());
    Name(frame.mutable_link_batch()->add_links(), link);
    check.OnSent(frame);
  }
  void Done(uint64_t offset) {
    UrlRecord record;
    record.state = UrlState::kDone;
    record.url = "http://a.example/";
    record.place.offset = offset;
    check.OnWritten(record);
  }

  SimClock clock;
  Violations violations{clock};
  std::set<std::string> recorded;
  bool counted_only = false;
  LinkCheck check{violations, [this](const Fingerprint& key) { return recorded.contains(key.ToBytes()); },
                  [this](const std::string&) { return counted_only; }};
};

TEST_F(Links, AcceptAPageWhoseLinksAreRecorded) {
  Batch(1, kOther);
  Report(1, 100, {kLink});
  recorded = {kLink.ToBytes(), kOther.ToBytes()};
  Done(100);
  EXPECT_TRUE(violations.empty());
}

TEST_F(Links, SeeAPageThatIsDoneBeforeItsLinks) {
  Report(1, 100, {kLink});
  Done(100);
  EXPECT_TRUE(violations.Has("links"));
}

TEST_F(Links, SeeALinkOfAnEarlierBatchMissing) {
  Batch(1, kOther);
  Report(1, 100, {kLink});
  recorded = {kLink.ToBytes()};
  Done(100);
  EXPECT_TRUE(violations.Has("links"));
}

TEST_F(Links, JudgeTheCopyThatIsCommitted) {
  Report(1, 100, {kLink});
  Report(2, 700, {});
  Done(700);
  EXPECT_TRUE(violations.empty());
}

TEST_F(Links, AcceptALinkThatIsOnlyCounted) {
  Report(1, 100, {kLink});
  counted_only = true;
  Done(100);
  EXPECT_TRUE(violations.empty());
}

TEST_F(Links, SeeAPageThatNobodyReported) {
  Done(100);
  EXPECT_TRUE(violations.Has("links"));
}

TEST_F(Links, TellTheDepthOfTheCommittedCopyAndTheLeast) {
  Report(1, 100, {}, 4);
  Report(2, 700, {}, 3);
  Done(100);
  EXPECT_EQ(check.depths().at("http://a.example/").committed, 4u);
  EXPECT_EQ(check.depths().at("http://a.example/").least, 3u);
}

}  // namespace
}  // namespace weft::test
