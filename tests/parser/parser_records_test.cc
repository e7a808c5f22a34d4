// What a parser tells its store beside the bytes of a page, and what becomes of a page that is stored as a revisit.
#include "tests/parser/parser_node_fixture.h"
#include "tests/parser/stored_pages_script.h"

namespace weft::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr char kUrl[] = "https://a.example/";

class ParserRecordsTest : public ParserNodeTest {
 protected:
  void SetUp() override { Register(); }
  Told Stored(wire::Page page, const std::string& body = "page") {
    SendPage(std::move(page), body);
    Work();
    EXPECT_THAT(parts_.store.told, testing::Not(IsEmpty()));
    return parts_.store.told.back();
  }
  // A page of five bytes that is fetched again.
  static wire::Page Again(int status = 200) {
    wire::Page page = Page(kUrl, "Content-Type: text/html\r\n", status);
    wire::StoredPage& stored = *page.mutable_ticket()->mutable_stored();
    stored.set_payload_digest("digest of before");
    stored.set_payload_bytes(5);
    stored.set_status(200);
    stored.set_wall_us(77'000'000);
    stored.mutable_place()->set_pages_dir_id(9);
    stored.mutable_place()->set_file("before.warc.gz");
    stored.mutable_place()->set_offset(4321);
    return page;
  }
};

TEST_F(ParserRecordsTest, TellsHowThePageWasFoundAndFetched) {
  wire::Page page = Page(kUrl);
  page.mutable_ticket()->set_via("https://a.example/from");
  page.mutable_ticket()->set_depth(4);
  page.set_took_us(2'000'000);
  const Told told = Stored(std::move(page));
  EXPECT_TRUE(told.described);
  EXPECT_EQ(told.via, "https://a.example/from");
  EXPECT_EQ(told.depth, 4u);
  EXPECT_EQ(told.took, absl::Seconds(2));
}

TEST_F(ParserRecordsTest, TellsTheCharsetByWhichThePageWasRead) {
  parts_.real_extractor = true;
  settings_.set_extractor("linear");
  Register();
  EXPECT_EQ(Stored(Page(kUrl, "Content-Type: text/html; charset=latin1\r\n"), "<p>x</p>").charset, "windows-1252");
  EXPECT_EQ(Stored(Page("https://a.example/pdf", "Content-Type: application/pdf\r\n"), "%PDF").charset, "");
}

TEST_F(ParserRecordsTest, TellsTheTlsOfTheConnection) {
  wire::Page page = Page(kUrl);
  page.set_tls_version("tls/1.3");
  page.set_cipher_suite("TLS_AES_128_GCM_SHA256");
  const Told told = Stored(std::move(page));
  EXPECT_EQ(told.tls_version, "tls/1.3");
  EXPECT_EQ(told.cipher_suite, "TLS_AES_128_GCM_SHA256");
}

TEST_F(ParserRecordsTest, ARobotsExchangeIsStoredWithoutADescriptionAndIsNobodysResult) {
  wire::Page page = Page("https://a.example/robots.txt", "Content-Type: text/plain\r\n");
  page.set_robots(true);
  const uint64_t id = SendPage(std::move(page), "User-agent: *\n");
  Work();
  EXPECT_THAT(parts_.store.appended, ElementsAre("https://a.example/robots.txt"));
  EXPECT_FALSE(parts_.store.told.back().described);
  EXPECT_THAT(Results(), IsEmpty());
  EXPECT_THAT(AckedPages(), ElementsAre(id));
}

TEST_F(ParserRecordsTest, OfAPageThatIsFetchedAgainTheStoreKnowsTheOneBefore) {
  const Told told = Stored(Again(), "12345");
  ASSERT_TRUE(told.before);
  EXPECT_EQ(told.before_url, kUrl);
  EXPECT_EQ(told.before_digest, "digest of before");
  EXPECT_EQ(told.before->began, absl::FromUnixSeconds(77));
  EXPECT_EQ(told.before->place.offset, 4321u);
  EXPECT_FALSE(told.before->not_modified);
}

TEST_F(ParserRecordsTest, A304SpeaksOfThePageThatIsStored) {
  const Told told = Stored(Again(304), "");
  ASSERT_TRUE(told.before);
  EXPECT_TRUE(told.before->not_modified);
}

TEST_F(ParserRecordsTest, AnotherStatusLengthOrACutAreNothingToCompare) {
  EXPECT_FALSE(Stored(Again(404), "12345").before);
  EXPECT_FALSE(Stored(Again(), "123456").before);
  wire::Page cut = Again();
  cut.set_truncated("time");
  EXPECT_FALSE(Stored(std::move(cut), "12345").before);
}

TEST_F(ParserRecordsTest, AFirstVisitHasNothingBefore) { EXPECT_FALSE(Stored(Page(kUrl), "12345").before); }

TEST_F(ParserRecordsTest, ARevisitIsReadAsAnyPageAndItsResultNamesThePageThatItRefersTo) {
  parts_.store.revisits = true;
  Stored(Again(), "/one\n");
  ASSERT_THAT(Results(), SizeIs(1));
  const wire::PageResult result = Results()[0];
  EXPECT_EQ(result.place().file(), "before.warc.gz");
  EXPECT_EQ(result.place().offset(), 4321u);
  EXPECT_EQ(result.place().pages_dir_id(), 9u);
  EXPECT_THAT(LinksOf(result), ElementsAre("https://a.example/one"));
}

TEST_F(ParserRecordsTest, WhatTheTicketBroughtForTheRecordsDoesNotTravelOn) {
  wire::Page page = Again();
  page.mutable_ticket()->set_via("https://a.example/from");
  Stored(std::move(page), "12345");
  ASSERT_THAT(Results(), SizeIs(1));
  EXPECT_FALSE(Results()[0].ticket().has_stored());
  EXPECT_EQ(Results()[0].ticket().via(), "");
}

TEST_F(ParserRecordsTest, ARevisitSubmittedAgainNamesThePageThatItIsOf) {
  auto script = std::make_unique<ScriptedPages>();
  script->Add(kUrl, "", 0, 304);
  script->pages()[0].revisit_of = absl::FromUnixSeconds(77);
  script->Add("https://a.example/2", "");
  parts_.stored = std::move(script);
  wire::Frame frame;
  frame.mutable_submit_again()->set_from_wall_us(1);
  scheduler_->Say(std::move(frame));
  for (int i = 0; i < 20; ++i) Work();
  ASSERT_THAT(Results(), SizeIs(2));
  EXPECT_EQ(Results()[0].revisit_of_us(), 77'000'000);
  EXPECT_EQ(Results()[1].revisit_of_us(), 0);
}

// Pages that others may refer to are those that count (rule 11), whole and as responses of their own.
TEST_F(ParserRecordsTest, TheStoreHearsOfAPageWhenItIsCommittedAndNotBefore) {
  Stored(Page(kUrl), "12345");
  EXPECT_THAT(parts_.store.committed, IsEmpty());
  AckResult(Results().at(0));
  EXPECT_THAT(parts_.store.committed, ElementsAre("https://a.example/ 100 5"));
}

TEST_F(ParserRecordsTest, OfACopyThatWasSupersededTheStoreHearsNothing) {
  Stored(Page(kUrl), "12345");
  AckResult(Results().at(0), /*superseded=*/true);
  EXPECT_THAT(parts_.store.committed, IsEmpty());
}

TEST_F(ParserRecordsTest, OfARevisitAndOfACutPageTheStoreHearsNothing) {
  wire::Page cut = Page("https://a.example/cut");
  cut.set_truncated("length");
  Stored(std::move(cut), "12345");
  AckResult(Results().back());
  parts_.store.revisits = true;
  Stored(Again(), "12345");
  AckResult(Results().back());
  parts_.store.refers = true;
  Stored(Page("https://a.example/other"), "12345");
  EXPECT_TRUE(Results().back().place().refers());
  AckResult(Results().back());
  EXPECT_THAT(parts_.store.committed, IsEmpty());
}

TEST_F(ParserRecordsTest, OfAPageThatIsBlamedForCrashesTheStoreHearsNothing_Rule11) {
  wire::Page page = Page(kUrl);
  parts_.crashes[page.ticket().key()] = 3;
  Stored(std::move(page), "12345");
  AckResult(Results().at(0));
  EXPECT_THAT(parts_.store.committed, IsEmpty());
}

}  // namespace
}  // namespace weft::test
