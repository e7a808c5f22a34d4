// What each inspection answers, as JSON and for people.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "cli/inspect_jsonl.h"
#include "cli/inspection.h"
#include "common/status.h"

namespace weft {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

std::unique_ptr<Inspector> Make(const char* name) {
  auto inspector = FindInspection(name)->make();
  return inspector.ok() ? *std::move(inspector) : nullptr;
}

json Ask(const char* name, const json& line) {
  const std::unique_ptr<Inspector> inspector = Make(name);
  return json::parse(AnswerLine(*FindInspection(name), *inspector, line.dump()));
}

InspectionInput Members(const std::vector<std::pair<std::string, std::string>>& members) {
  InspectionInput input;
  for (const auto& [member, text] : members) input.Set(member, text);
  return input;
}

// The readable form; for errors, their message.
std::string Show(const char* name, const std::vector<std::pair<std::string, std::string>>& members) {
  const auto text = Make(name)->Readable(Members(members));
  return text.ok() ? *text : ErrorText(text.status());
}

TEST(Inspections, AnswerTheirOwnExamples) {
  for (const Inspection& inspection : Inspections()) {
    const auto inspector = inspection.make();
    ASSERT_TRUE(inspector.ok()) << inspection.name;
    const json answer = json::parse(AnswerLine(inspection, **inspector, inspection.example));
    EXPECT_FALSE(answer.contains("error")) << answer;
    EXPECT_THAT(inspection.usage, HasSubstr(inspection.name));
  }
}

TEST(InspectUrl, TellsWhatIsFetchedAndItsNames) {
  EXPECT_EQ(Ask("url", {{"input", "HTTP://WWW.Example.co.uk:80/a/../b?#f"}}),
            (json{{"href", "http://www.example.co.uk/b?#f"},
                  {"key", "http://www.example.co.uk/b"},
                  {"surt", "uk,co,example)/b"},
                  {"host", "www.example.co.uk"},
                  {"registrable_domain", "example.co.uk"}}));
}

TEST(InspectUrl, ResolvesAgainstABase) {
  EXPECT_EQ(Ask("url", {{"input", "../c"}, {"base", "https://h.example/a/b/"}})["href"], "https://h.example/a/c");
  EXPECT_EQ(Ask("url", {{"input", "https://h.example/"}, {"base", nullptr}})["href"], "https://h.example/");
}

TEST(InspectUrl, WhatIsNoUrlIsAnAnswerWithItsReason) {
  const json answer = Ask("url", {{"input", "http://"}});
  EXPECT_EQ(answer, (json{{"href", nullptr}, {"key", nullptr}, {"surt", nullptr}, {"host", nullptr},
                          {"registrable_domain", nullptr}, {"error", answer["error"]}}));
  EXPECT_THAT(answer["error"], HasSubstr("host"));
  EXPECT_THAT(Ask("url", {{"input", "x"}, {"base", "nonsense"}})["error"], HasSubstr("base: "));
}

TEST(InspectUrl, AHostWithoutARegistrableDomainHasNone) {
  for (const char* url : {"http://co.uk/", "http://localhost/", "http://127.0.0.1/", "http://[::1]/", "data:x"}) {
    EXPECT_EQ(Ask("url", {{"input", url}})["registrable_domain"], nullptr) << url;
  }
}

TEST(InspectUrl, ShowsALineEach) {
  EXPECT_EQ(Show("url", {{"input", "https://a.example.com/?"}}),
            "fetched as          https://a.example.com/?\n"
            "crawl key           https://a.example.com/\n"
            "SURT                com,example,a)/\n"
            "host                a.example.com\n"
            "registrable domain  example.com\n");
  EXPECT_THAT(Show("url", {{"input", "ftp://h.example/"}}), HasSubstr("a crawl leaves it out"));
  EXPECT_THAT(Show("url", {{"input", "x\x1b"}}), HasSubstr("'x?' is not a URL: "));
}

constexpr const char* kRobots =
    "User-agent: *\nDisallow: /\n\nUser-agent: weft\nAllow: /x\nDisallow: /x*y\nCrawl-delay: 2.5\nSitemap: /s.xml\n";

json Robots(const char* agent, const char* url) {
  return Ask("robots", {{"robots", kRobots}, {"agent", agent}, {"url", url}});
}

TEST(InspectRobots, TellsTheLineThatDecides) {
  EXPECT_EQ(Robots("Weft", "https://h.example/xzy"),
            (json{{"allowed", false}, {"rule", "Disallow: /x*y"}, {"line", 6}, {"crawl_delay", 2.5},
                  {"sitemaps", {"https://h.example/s.xml"}}}));
  EXPECT_EQ(Robots("Weft/1.0 (+https://x)", "https://h.example/x")["line"], 5);
  EXPECT_EQ(Robots("other", "/x")["line"], 2);
}

TEST(InspectRobots, WithoutSuchALineThereIsNone) {
  EXPECT_EQ(Ask("robots", {{"robots", ""}, {"agent", "Weft"}, {"url", "/x"}}),
            (json{{"allowed", true}, {"rule", nullptr}, {"line", nullptr}, {"crawl_delay", nullptr},
                  {"sitemaps", json::array()}}));
}

TEST(InspectRobots, TakesABodyThatIsNoText) {
  const json answer = Ask("robots", {{"robots_b64", "/1VzZXItYWdlbnQ6ICoKVXNlci1hZ2VudDogKgpEaXNhbGxvdzogL/8="},
                                     {"agent", "Weft"}, {"url", "https://h.example/%FF"}});
  EXPECT_EQ(answer["allowed"], false);
  EXPECT_EQ(answer["rule"], "Disallow: /\xEF\xBF\xBD");
}

TEST(InspectRobots, SaysWhatIsMissing) {
  EXPECT_THAT(Ask("robots", {{"agent", "a"}, {"url", "/"}})["error"], HasSubstr("\"robots_b64\" is missing"));
  EXPECT_THAT(Ask("robots", {{"robots", ""}, {"url", "/"}})["error"], HasSubstr("\"agent\" is missing"));
  EXPECT_THAT(Ask("robots", {{"robots", ""}, {"agent", "a"}})["error"], HasSubstr("\"url\" is missing"));
  EXPECT_THAT(Ask("robots", {{"robots", ""}, {"agent", "a"}, {"url", "x"}})["error"], HasSubstr("not a URL"));
}

TEST(InspectRobots, SaysInWordsWhichGroupAndLineDecided) {
  const std::string named = Show("robots", {{"robots", kRobots}, {"agent", "Weft"}, {"url", "https://h.example/xzy"}});
  EXPECT_THAT(named, HasSubstr("disallowed          /xzy\n"));
  EXPECT_THAT(named, HasSubstr("group               of Weft\n"));
  EXPECT_THAT(named, HasSubstr("decided by          line 6: Disallow: /x*y\n"));
  EXPECT_THAT(named, HasSubstr("crawl delay         2.5 s\n"));
  const std::string other = Show("robots", {{"robots", kRobots}, {"agent", "Other"}, {"url", "/"}});
  EXPECT_THAT(other, HasSubstr("of *, as none names Other"));
  const std::string none = Show("robots", {{"robots", "User-agent: x\nDisallow: /"}, {"agent", "Weft"}, {"url", "/"}});
  EXPECT_THAT(none, HasSubstr("none: neither Weft nor * is named"));
  EXPECT_THAT(none, HasSubstr("no line matches"));
}

json Links(json line) {
  line["url"] = "https://h.example/d/";
  return Ask("links", line);
}

TEST(InspectLinks, GivesCharsetTitleAndLinksInOrder) {
  const json answer = Links({{"html", "<title> A  B </title><a href=x rel=nofollow>x</a><iframe src=//o.example/>"}});
  EXPECT_EQ(answer["title"], "A B");
  EXPECT_EQ(answer["links"][0]["url"], "https://h.example/d/x");
  EXPECT_EQ(answer["links"][0]["kind"], "navigation");
  EXPECT_EQ(answer["links"][0]["nofollow"], true);
  EXPECT_EQ(answer["links"][1]["url"], "https://o.example/");
  EXPECT_EQ(answer["links"][1]["kind"], "frame");
  EXPECT_EQ(answer["links"][1]["nofollow"], false);
}

TEST(InspectLinks, TheContentTypeNamesTheCharset) {
  const json answer = Links({{"html_b64", "PHRpdGxlPun8PC90aXRsZT4="}, {"content_type", "text/html; charset=latin2"}});
  EXPECT_EQ(answer["charset"], "ISO-8859-2");
  EXPECT_EQ(answer["title"], "\xC3\xA9\xC3\xBC");
}

TEST(InspectLinks, TellsWhatThePageAsksOfTheRobot) {
  json line = {{"html", "<meta name=robots content=NOARCHIVE><meta name=weft content=nofollow>"},
               {"x_robots_tag", "otherbot: none\nweft: noindex"}};
  EXPECT_EQ(Links(line)["directives"], (json{"noindex", "nofollow"}));
  EXPECT_EQ(Links(line)["meta_robots"], (json{"NOARCHIVE", "nofollow"}));
  line["agent"] = "Elsewhere/1.0";
  EXPECT_EQ(Links(line)["directives"], json::array());
  EXPECT_THAT(Show("links", {{"html", "<meta name=robots content=none>"}, {"url", "http://h.example/"}}),
              HasSubstr("meta robots         none\ndirective           noindex\ndirective           nofollow\n"));
}

TEST(InspectLinks, TheLinkHeaderNamesLinksToo) {
  const json answer = Links({{"html", "<base href=/else/><a href=x>"},
                             {"link", "<n>; rel=next, <c>; rel=canonical\n<m>; rel=\"prev nofollow\""}});
  EXPECT_EQ(answer["canonical"], "https://h.example/d/c");
  ASSERT_EQ(answer["links"].size(), 4u);
  EXPECT_EQ(answer["links"][0], (json{{"url", "https://h.example/d/n"}, {"kind", "next"}, {"nofollow", false},
                                      {"rel", "next"}, {"text", ""}}));
  EXPECT_EQ(answer["links"][2]["nofollow"], true);
  EXPECT_EQ(answer["links"][3]["url"], "https://h.example/else/x");
  const json own = Links({{"html", "<link rel=canonical href=p>"}, {"link", "<c>; rel=canonical"}});
  EXPECT_EQ(own["canonical"], "https://h.example/d/p");
}

TEST(InspectLinks, TellsThatATreeWouldCostTooMuch) {
  std::string deep;
  for (int i = 0; i < 20'000; ++i) deep += "<div>";
  const auto show = [&deep](const char* extractor) {
    return Show("links", {{"html", deep}, {"url", "http://h.example/"}, {"extractor", extractor}});
  };
  EXPECT_THAT(show("gumbo"), HasSubstr("its tree would cost too much"));
  EXPECT_THAT(show("linear"), testing::Not(HasSubstr("its tree would cost too much")));
}

TEST(InspectLinks, TellsThatLinksAreCut) {
  std::string header;
  for (int i = 0; i < 1001; ++i) header += "<x>; rel=next\n";
  EXPECT_EQ(Links({{"html", ""}, {"link", header}})["links_cut"], true);
  EXPECT_FALSE(Links({{"html", ""}, {"link", "<x>; rel=next"}}).contains("links_cut"));
}

TEST(InspectLinks, ReadsWithTheExtractorThatIsAskedFor) {
  // The one difference that shows: the tree builder takes control characters for errors.
  const json page = {{"html", "<a href=a\x01z>"}};
  const auto url_of = [&page](const json& extractor) {
    json line = page;
    line["extractor"] = extractor;
    return Links(line)["links"][0]["url"].get<std::string>();
  };
  EXPECT_EQ(url_of("linear"), url_of(nullptr));
  EXPECT_EQ(url_of("linear"), "https://h.example/d/a%01z");
  EXPECT_EQ(url_of("gumbo"), "https://h.example/d/a%EF%BF%BDz");
  EXPECT_THAT(Links({{"html", ""}, {"extractor", "tidy"}})["error"], HasSubstr("'tidy'; it is linear or gumbo"));
}

TEST(InspectLinks, SaysWhatIsWrong) {
  EXPECT_THAT(Links({})["error"], HasSubstr("\"html_b64\" is missing"));
  EXPECT_THAT(Links({{"html_b64", "*"}})["error"], HasSubstr("\"html_b64\": character 0"));
  EXPECT_THAT(Ask("links", {{"html", ""}, {"url", "/x"}})["error"], HasSubstr("\"url\" is not a URL"));
}

TEST(InspectLinks, ShowsNoControlCharacters) {
  const std::string shown = Show("links", {{"html", "<title>a\x1b[2J</title><a href=x>"}, {"url", "http://h.example/"}});
  EXPECT_THAT(shown, HasSubstr("title               a?[2J\n"));
  EXPECT_THAT(shown, HasSubstr("  navigation            http://h.example/x\n"));
}

TEST(InspectCharset, NamesTheEncodingAndWhatToldIt) {
  const auto ask = [](json line) {
    const json answer = Ask("charset", line);
    return answer.value("charset", "") + " " + answer.value("source", "");
  };
  EXPECT_EQ(ask({{"body_b64", "//48AA=="}}), "UTF-16LE bom");
  EXPECT_EQ(ask({{"body", "<meta charset=big5>"}, {"content_type", "text/html;charset=latin1"}}), "windows-1252 header");
  EXPECT_EQ(ask({{"body", "<meta charset=big5>"}}), "Big5 meta");
  EXPECT_EQ(ask({{"body", std::string(1100, ' ') + "<meta charset=big5>"}}), "Big5 late-meta");
  EXPECT_EQ(ask({{"body", "caf\xC3\xA9"}}), "UTF-8 detected");
  EXPECT_EQ(ask({{"body", ""}}), "windows-1252 default");
  EXPECT_THAT(Ask("charset", {{"content_type", 3}, {"body", ""}})["error"], HasSubstr("\"content_type\" is a number"));
}

TEST(InspectCharset, ShowsItInWords) {
  EXPECT_EQ(Show("charset", {{"body", "<meta charset=utf8>"}}),
            "charset             UTF-8\ntold by             a <meta> in the first 1024 bytes (meta)\n");
  EXPECT_THAT(Show("charset", {{"body", "x"}}), Not(HasSubstr("{")));
}

}  // namespace
}  // namespace weft
