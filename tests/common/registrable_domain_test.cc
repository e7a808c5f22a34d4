#include "common/registrable_domain.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "common/url.h"
#include "tests/common/conformance.h"

namespace weft {
namespace {

std::shared_ptr<const PublicSuffixes> BuiltIn() {
  absl::StatusOr<std::shared_ptr<const PublicSuffixes>> list = PublicSuffixes::Load();
  EXPECT_TRUE(list.ok()) << list.status();
  return list.ok() ? *list : nullptr;
}

TEST(RegistrableDomain, IsOneLabelMoreThanThePublicSuffix) {
  const auto list = BuiltIn();
  EXPECT_EQ(list->RegistrableDomain("www.example.co.uk"), "example.co.uk");
  EXPECT_EQ(list->RegistrableDomain("a.b.c.example.com"), "example.com");
  EXPECT_EQ(list->RegistrableDomain("example.com"), "example.com");
}

TEST(RegistrableDomain, IsTheHostWhereThereIsNone) {
  const auto list = BuiltIn();
  EXPECT_EQ(list->RegistrableDomain("localhost"), "localhost");
  EXPECT_EQ(list->RegistrableDomain("co.uk"), "co.uk");
  EXPECT_EQ(list->RegistrableDomain("192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(list->RegistrableDomain("[2001:db8::1]"), "[2001:db8::1]");
  EXPECT_EQ(list->RegistrableDomain(""), "");
  EXPECT_EQ(list->RegistrableDomain("."), ".");
}

TEST(RegistrableDomain, IsNotFoundWhereThereIsNone) {
  const auto list = BuiltIn();
  for (const char* host : {"localhost", "co.uk", "co.uk.", "192.0.2.1", "[2001:db8::1]", "", "."}) {
    EXPECT_EQ(list->FindRegistrableDomain(host), std::nullopt) << host;
  }
  EXPECT_EQ(list->FindRegistrableDomain("example.com."), "example.com");
}

TEST(RegistrableDomain, IgnoresATrailingDot) {
  EXPECT_EQ(BuiltIn()->RegistrableDomain("www.example.com."), "example.com");
  EXPECT_EQ(BuiltIn()->RegistrableDomain("localhost."), "localhost");
}

TEST(RegistrableDomain, HostsThatDnsCannotHoldStayWhole) {
  std::string host = "com";
  for (int i = 0; i < 200; ++i) host.insert(0, "ab.");
  EXPECT_EQ(BuiltIn()->RegistrableDomain(host), host);
  const std::string label = std::string(300, 'a') + ".com";
  EXPECT_EQ(BuiltIn()->RegistrableDomain(label), label);
}

TEST(PublicSuffixesVersion, NamesTheList) {
  EXPECT_TRUE(BuiltIn()->version().starts_with("libpsl:"));
  EXPECT_GT(BuiltIn()->version().size(), 20u);
}

class PublicSuffixFile : public testing::Test {
 protected:
  void SetUp() override {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    file_ = std::filesystem::temp_directory_path() / fmt::format("weft-psl-{}-{}", test->name(), getpid());
  }
  void TearDown() override { std::filesystem::remove(file_); }
  void Write(const std::string& text) { std::ofstream(file_) << text; }

  std::filesystem::path file_;
};

TEST_F(PublicSuffixFile, ReplacesTheBuiltInList) {
  Write("// own rules\nexample\n*.wild\n!city.wild\n");
  const auto list = PublicSuffixes::Load(file_);
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_EQ((*list)->RegistrableDomain("a.b.example"), "b.example");
  EXPECT_EQ((*list)->RegistrableDomain("a.b.c.wild"), "b.c.wild");
  EXPECT_EQ((*list)->RegistrableDomain("a.city.wild"), "city.wild");
}

TEST_F(PublicSuffixFile, VersionFollowsItsContent) {
  Write("example\n");
  const std::string first = (*PublicSuffixes::Load(file_))->version();
  EXPECT_EQ((*PublicSuffixes::Load(file_))->version(), first);
  Write("example\nexample2\n");
  EXPECT_NE((*PublicSuffixes::Load(file_))->version(), first);
}

TEST_F(PublicSuffixFile, MissingOrEmptyIsAnError) {
  EXPECT_EQ(PublicSuffixes::Load(file_).status().code(), absl::StatusCode::kNotFound);
  Write("// nothing\n");
  EXPECT_EQ(PublicSuffixes::Load(file_).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(RegistrableDomainConformance, PublicSuffixListTests) {
  WEFT_REQUIRE_CONFORMANCE_DATA();
  const auto list = PublicSuffixes::Load(test::ConformanceFile("psl/public_suffix_list.dat"));
  ASSERT_TRUE(list.ok()) << list.status();
  const auto host_of = [](const std::string& name) {
    const absl::StatusOr<Url> url = Url::Parse("http://" + name + "/");
    return url.ok() ? std::string(url->host()) : std::string();
  };
  test::Tally tally("psl/registrable.jsonl");
  for (const nlohmann::json& row : test::ReadJsonLines(test::ConformanceFile("psl/registrable.jsonl"))) {
    const std::string host = host_of(test::TextOr(row, "domain", ""));
    // Where the case has no registrable domain, ours is the host itself.
    const std::string expected = row["registrable"].is_null() ? host : host_of(row["registrable"]);
    tally.Expect(test::TextOr(row, "domain", ""), expected, (*list)->RegistrableDomain(host));
  }
  EXPECT_EQ(tally.ran(), 47u);
  EXPECT_EQ(tally.passed(), tally.ran());
}

}  // namespace
}  // namespace weft
