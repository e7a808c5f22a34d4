#include "common/url.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>

#include "common/random.h"
#include "common/utf8.h"

namespace weft {
namespace {

Url Parsed(std::string_view text) {
  absl::StatusOr<Url> url = Url::Parse(text);
  EXPECT_TRUE(url.ok()) << text << ": " << url.status();
  return url.ok() ? *std::move(url) : Url();
}

std::string HrefOf(std::string_view text) {
  const absl::StatusOr<Url> url = Url::Parse(text);
  return url.ok() ? url->href() : "(failure)";
}

std::string Resolved(std::string_view text, std::string_view base) {
  const absl::StatusOr<Url> url = Url::Parse(text, Parsed(base));
  return url.ok() ? url->href() : "(failure)";
}

std::string ErrorOf(std::string_view text) {
  const absl::StatusOr<Url> url = Url::Parse(text);
  EXPECT_EQ(url.status().code(), absl::StatusCode::kInvalidArgument) << text;
  return std::string(url.status().message());
}

TEST(Url, PartsAreViewsOfTheHref) {
  const Url url = Parsed("https://me:secret@Example.com:8443/a/b?c=d#e");
  EXPECT_EQ(url.href(), "https://me:secret@example.com:8443/a/b?c=d#e");
  EXPECT_EQ(url.scheme(), "https");
  EXPECT_EQ(url.userinfo(), "me:secret");
  EXPECT_EQ(url.host(), "example.com");
  EXPECT_EQ(url.port(), 8443);
  EXPECT_EQ(url.path(), "/a/b");
  EXPECT_EQ(url.query(), "c=d");
  EXPECT_EQ(url.fragment(), "e");
  EXPECT_EQ(url.path_and_query(), "/a/b?c=d");
  EXPECT_EQ(url.origin(), "https://example.com:8443");
  EXPECT_EQ(url.request_target_url(), "https://example.com:8443/a/b?c=d");
}

TEST(Url, TheRequestTargetThatIsTakenIsTheOneThatIsCopied) {
  for (const char* text : {"https://user:pass@Example.com:8443/a/b?c=d#e", "http://h", "http://h/?#", "http://u@[::1]:81#f", "http://h/a#b#c"}) {
    Url url = Parsed(text);
    const std::string copied = url.request_target_url();
    EXPECT_EQ(std::move(url).TakeRequestTargetUrl(), copied) << text;
  }
}

TEST(Url, PortIsTheSchemesDefaultWhereNoneIsWritten) {
  EXPECT_EQ(Parsed("http://h/").port(), 80);
  EXPECT_EQ(Parsed("https://h:443/").port(), 443);
  EXPECT_EQ(Parsed("https://h:443/").href(), "https://h/");
  EXPECT_EQ(Parsed("http://h:0/").port(), 0);
  EXPECT_EQ(Parsed("mailto:a@b").port(), 0);
}

TEST(Url, AnEmptyQueryIsNotNone) {
  EXPECT_TRUE(Parsed("http://h/?").has_query());
  EXPECT_FALSE(Parsed("http://h/").has_query());
  EXPECT_TRUE(Parsed("http://h/#").has_fragment());
  EXPECT_EQ(Parsed("http://h/?#").href(), "http://h/?#");
}

TEST(Url, DefaultConstructedIsEmptyAndNoBase) {
  const Url none;
  EXPECT_TRUE(none.empty());
  EXPECT_EQ(none.scheme(), "");
  EXPECT_EQ(none.path(), "");
  EXPECT_FALSE(Url::Parse("a", none).ok());
  EXPECT_TRUE(Url::Parse("http://h/", none).ok());
}

TEST(Url, OriginIsNullWhereThereIsNone) {
  EXPECT_EQ(Parsed("file:///a").origin(), "null");
  EXPECT_EQ(Parsed("data:,x").origin(), "null");
  EXPECT_EQ(Parsed("blob:https://h:444/x").origin(), "https://h:444");
}

TEST(Url, ErrorsNameWhatFailed) {
  EXPECT_EQ(ErrorOf("http://"), "host is empty");
  EXPECT_EQ(ErrorOf("http://h:99999/"), "port '99999' is not a number from 0 to 65535");
  EXPECT_EQ(ErrorOf("page.html"), "'page.html' is relative and has no base");
  EXPECT_EQ(ErrorOf("http://1.2.3.400/"), "host '1.2.3.400' is not a valid IPv4 address");
  EXPECT_EQ(ErrorOf("http://[::g]/"), "host '[::g]' is not a valid IPv6 address");
  EXPECT_EQ(ErrorOf("http://a b/"), "host 'a b' has a character that no host may have");
}

TEST(UrlInput, TrimsEndsAndDropsTabsAndNewlines) {
  EXPECT_EQ(HrefOf(" \x01 ht\ntp://h\t/a\r\nb \x1f"), "http://h/ab");
}

TEST(UrlInput, IllFormedUtf8BecomesTheReplacementCharacter) {
  EXPECT_EQ(HrefOf("http://h/\xff"), "http://h/%EF%BF%BD");
  EXPECT_EQ(HrefOf("http://h/\xe2\x82x\xed\xa0\x80"), "http://h/%EF%BF%BDx%EF%BF%BD%EF%BF%BD%EF%BF%BD");
  EXPECT_EQ(HrefOf("http://\xff/"), "(failure)");
}

TEST(UrlInput, LongerThanAMebibyteIsRefused) {
  const std::string start = "http://h/";
  EXPECT_TRUE(Url::Parse(start + std::string((1 << 20) - start.size(), 'a')).ok());
  EXPECT_EQ(Url::Parse(start + std::string((1 << 20) - start.size() + 1, 'a')).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(UrlHost, InternationalNamesAreMappedByUts46) {
  EXPECT_EQ(HrefOf("http://B\xc3\xbc" "cher.example/"), "http://xn--bcher-kva.example/");
  EXPECT_EQ(HrefOf("http://fa\xc3\x9f.de/"), "http://xn--fa-hia.de/");
  EXPECT_EQ(HrefOf("http://\xef\xbc\xa7o.com/"), "http://go.com/");
  EXPECT_EQ(HrefOf("http://a%C2%ADb/"), "http://ab/");
}

TEST(UrlHost, CapitalSharpSIsSharpSSinceUnicode151) {
  EXPECT_EQ(HrefOf("http://fu\xe1\xba\x9e.de/"), "http://xn--fu-hia.de/");
}

TEST(UrlHost, AsciiPunycodeIsTakenAsItIs) { EXPECT_EQ(HrefOf("http://XN--a.com/"), "http://xn--a.com/"); }

TEST(UrlHost, InternationalNamesHaveABound) {
  std::string long_host;
  for (int i = 0; i < 600; ++i) long_host += "\xc3\xa9";
  EXPECT_FALSE(Url::Parse("http://" + long_host + "/").ok());
  EXPECT_TRUE(Url::Parse("http://" + std::string(2000, 'a') + "/").ok());
}

TEST(UrlHost, Ipv4InAllItsForms) {
  EXPECT_EQ(HrefOf("http://0x7f.1/"), "http://127.0.0.1/");
  EXPECT_EQ(HrefOf("http://017700000001/"), "http://127.0.0.1/");
  EXPECT_EQ(HrefOf("http://2130706433/"), "http://127.0.0.1/");
  EXPECT_EQ(HrefOf("http://127.0.0.1./"), "http://127.0.0.1/");
  EXPECT_EQ(HrefOf("http://%31%32%37.1/"), "http://127.0.0.1/");
  EXPECT_EQ(HrefOf("http://99999999999999999999999/"), "(failure)");
}

TEST(UrlHost, Ipv6IsCompressedAtItsFirstLongestRun) {
  EXPECT_EQ(HrefOf("http://[2001:DB8:0:0:1:0:0:1]/"), "http://[2001:db8::1:0:0:1]/");
  EXPECT_EQ(HrefOf("http://[::FFFF:1.2.3.4]/"), "http://[::ffff:102:304]/");
  EXPECT_EQ(HrefOf("http://[0:1:2:3:4:5:6:7]/"), "http://[0:1:2:3:4:5:6:7]/");
  EXPECT_EQ(HrefOf("http://[1:2:3:4:5:6:7::]/"), "http://[1:2:3:4:5:6:7:0]/");
  EXPECT_EQ(HrefOf("http://[1:2:3:4:5:6:7::8]/"), "(failure)");
  EXPECT_EQ(HrefOf("http://[fe80::1%25eth0]/"), "(failure)");
}

TEST(UrlPath, DotSegmentsAreRemovedAlsoWhenEscaped) {
  EXPECT_EQ(HrefOf("http://h/a/./b/../c/%2E%2e/d/.%2e/e/."), "http://h/a/e/");
  EXPECT_EQ(HrefOf("http://h/../../a"), "http://h/a");
}

TEST(UrlPath, EscapesAndDoubleSlashesStay) { EXPECT_EQ(HrefOf("http://h/%7e//%2f%zz"), "http://h/%7e//%2f%zz"); }

// RFC 3986 5.4, whose results the standard shares.
TEST(UrlRelative, Rfc3986NormalAndAbnormalExamples) {
  const std::string base = "http://a/b/c/d;p?q";
  const std::pair<const char*, const char*> cases[] = {
      {"g:h", "g:h"}, {"g", "http://a/b/c/g"}, {"./g", "http://a/b/c/g"}, {"g/", "http://a/b/c/g/"},
      {"/g", "http://a/g"},
      {"//g", "http://g/"}, {"?y", "http://a/b/c/d;p?y"}, {"g?y", "http://a/b/c/g?y"}, {"#s", "http://a/b/c/d;p?q#s"},
      {"g#s", "http://a/b/c/g#s"}, {";x", "http://a/b/c/;x"}, {"", "http://a/b/c/d;p?q"}, {".", "http://a/b/c/"},
      {"..", "http://a/b/"}, {"../../g", "http://a/g"}, {"../../../../g", "http://a/g"}, {"g..", "http://a/b/c/g.."},
      {"./g/.", "http://a/b/c/g/"}, {"g;x=1/../y", "http://a/b/c/y"}, {"g?y/../x", "http://a/b/c/g?y/../x"},
      {"http:g", "http://a/b/c/g"}, {"https:g", "https://g/"}};
  for (const auto& [input, expected] : cases) EXPECT_EQ(Resolved(input, base), expected) << input;
}

TEST(UrlRelative, BackslashesAreSlashesInSpecialUrlsOnly) {
  EXPECT_EQ(Resolved("\\\\x\\y", "http://a/b"), "http://x/y");
  EXPECT_EQ(Resolved("\\y", "sc://a/b"), "sc://a/\\y");
}

TEST(UrlRelative, KeepsUserinfoAndPortOfTheBase) {
  const Url url = *Url::Parse("/x", Parsed("http://me@h:81/y?z#w"));
  EXPECT_EQ(url.href(), "http://me@h:81/x");
  EXPECT_EQ(url.port(), 81);
  EXPECT_EQ(url.userinfo(), "me");
  EXPECT_FALSE(url.has_query());
}

TEST(UrlRelative, OpaqueBasesTakeOnlyFragments) {
  EXPECT_EQ(Resolved("#f", "mailto:a@b?c"), "mailto:a@b?c#f");
  EXPECT_EQ(Resolved("x", "mailto:a@b"), "(failure)");
}

TEST(UrlRelative, APathThatWouldReadAsAuthorityIsMarked) {
  const Url url = *Url::Parse("..//p?q", Parsed("non-spec:/a"));
  EXPECT_EQ(url.href(), "non-spec:/.//p?q");
  EXPECT_EQ(url.path(), "//p");
  EXPECT_EQ(Resolved("x", url.href()), "non-spec:/.//x");
}

TEST(UrlQuery, EncoderAppliesToSpecialSchemesExceptWebSockets) {
  const auto latin = [](std::string_view query) { return std::string(query == "\xc3\xa9" ? "\xe9" : query); };
  const Url::QueryEncoder encoder = latin;
  EXPECT_EQ(Url::Parse("http://h/\xc3\xa9?\xc3\xa9#\xc3\xa9", nullptr, &encoder)->href(), "http://h/%C3%A9?%E9#%C3%A9");
  EXPECT_EQ(Url::Parse("ws://h/?\xc3\xa9", nullptr, &encoder)->href(), "ws://h/?%C3%A9");
  EXPECT_EQ(Url::Parse("sc://h/?\xc3\xa9", nullptr, &encoder)->href(), "sc://h/?%C3%A9");
}

TEST(UrlQuery, WhatAnEncodingLacksBecomesAnEscapedReference) {
  const auto lacking = [](std::string_view) { return std::string("a=&#8224;&b=&#12;\xe9&#"); };
  const Url::QueryEncoder encoder = lacking;
  EXPECT_EQ(Url::Parse("?x", nullptr, &encoder).ok(), false);
  const Url base = Parsed("http://h/");
  EXPECT_EQ(Url::Parse("?x", &base, &encoder)->href(), "http://h/?a=%26%238224%3B&b=%26%2312%3B%E9%26%23");
}

TEST(UrlQuery, ApostropheIsEscapedInSpecialUrls) {
  EXPECT_EQ(HrefOf("http://h/?'"), "http://h/?%27");
  EXPECT_EQ(HrefOf("sc://h/?'"), "sc://h/?'");
}

// Any bytes are input: no crash, and what is accepted parses to itself and has its parts in order.
TEST(UrlProperty, RandomBytesAreTotalAndStable) {
  constexpr uint64_t kSeed = 42;
  std::cout << "seed " << kSeed << "\n";
  const std::unique_ptr<Random> random = SeededRandom(kSeed);
  const std::string alphabet = "htp:/\\?#@[].%2eE|C:; \t\x01\x7f\xc3\xa9\xff" "file";
  const Url base = Parsed("http://me@h:81/a/b?c#d");
  size_t accepted = 0;
  for (int round = 0; round < 100000; ++round) {
    std::string text;
    for (uint64_t count = random->Below(24); count > 0; --count) {
      const bool any = random->Below(8) == 0;
      text += any ? static_cast<char>(random->Below(256)) : alphabet[random->Below(alphabet.size())];
    }
    const absl::StatusOr<Url> url = Url::Parse(text, base);
    if (!url.ok()) continue;
    ++accepted;
    EXPECT_EQ(HrefOf(url->href()), url->href());
    const bool ascii = std::all_of(url->href().begin(), url->href().end(), [](char c) { return c > 0x1f && c < 0x7f; });
    EXPECT_TRUE(ascii) << url->href();
    EXPECT_TRUE(url->path_and_query().starts_with(url->path()));
  }
  EXPECT_GT(accepted, 50000u);
}

struct Parts {
  std::string href, scheme, userinfo, host, path, query, fragment, origin;
  uint16_t port;
  bool has_query, has_fragment;

  bool operator==(const Parts&) const = default;
};

Parts PartsOf(const Url& url) {
  return {url.href(), std::string(url.scheme()), std::string(url.userinfo()), std::string(url.host()), std::string(url.path()),
          std::string(url.query()), std::string(url.fragment()), url.origin(), url.port(), url.has_query(), url.has_fragment()};
}

// A space before it sends a URL the long way, which trims it. What is canonical, or nearly, comes out the same on the short one.
TEST(UrlProperty, TheShortWayThroughTheParserIsTheLongOne) {
  constexpr uint64_t kSeed = 4711;
  std::cout << "seed " << kSeed << "\n";
  const std::unique_ptr<Random> random = SeededRandom(kSeed);
  const std::string usual = "abcxyz0189-./";
  const std::string unusual = "%2eE:;@?#&='\"<>[]{}|\\^`~!$()*+,_ \t\x01\x7f\xc3\xa9/.AZ";
  size_t stayed = 0;
  size_t changed = 0;
  for (int round = 0; round < 200000; ++round) {
    const uint64_t oddness = 2 + random->Below(40);
    const auto append = [&](std::string& text, uint64_t longest) {
      for (uint64_t count = random->Below(longest); count > 0; --count) {
        text += random->Below(oddness) == 0 ? unusual[random->Below(unusual.size())] : usual[random->Below(usual.size())];
      }
    };
    std::string text = random->Below(2) == 0 ? "https://" : "http://";
    append(text, 12);
    text += random->Below(20) == 0 ? "" : ".example/";
    append(text, 24);
    if (random->Below(3) == 0) append(text += '?', 16);
    const absl::StatusOr<Url> direct = Url::Parse(text);
    const absl::StatusOr<Url> the_long_way = Url::Parse(" " + text);
    ASSERT_EQ(direct.ok(), the_long_way.ok()) << text;
    if (!direct.ok()) continue;
    ASSERT_EQ(PartsOf(*direct), PartsOf(*the_long_way)) << text;
    ++(direct->href() == text ? stayed : changed);
  }
  EXPECT_GT(stayed, 20000u);
  EXPECT_GT(changed, 20000u);
}

// A mebibyte of what costs most in each part; a quadratic step would take minutes and fail
// by the time limit of the test.
TEST(UrlProperty, HostileInputTakesLinearTime) {
  const auto repeated = [](std::string_view piece) {
    std::string text;
    while (text.size() + piece.size() < (1 << 20) - 64) text += piece;
    return text;
  };
  for (const char* piece : {"a", "/", "../", "a/../", "a/", "%2e%2e/", "@", ":", "@:", "[", "]", ".", "0.", "0x", "%",
                            "%25", "?", "&", "\\", "\xc3\xa9", "\xc3\xa9.", "xn--a.", "\xff", " ", "\t", "%C3%A9"}) {
    const std::string text = repeated(piece);
    for (const char* start : {"http://h/", "http://", "http://h?", "x:", "x://", "file://", "http://[", ""}) {
      const absl::StatusOr<Url> url = Url::Parse(start + text, Parsed("http://h/a/b"));
      if (!url.ok()) continue;
      // An ill-formed byte becomes three, each of them three of "%XX".
      EXPECT_LE(url->href().size(), 9 * text.size() + 64);
    }
  }
}

TEST(Utf8, ValidAndReplaced) {
  EXPECT_TRUE(IsValidUtf8("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"));
  for (const char* bad : {"\x80", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf5", "\xe2\x82"}) {
    EXPECT_FALSE(IsValidUtf8(bad));
  }
  EXPECT_EQ(ReplaceInvalidUtf8("\xf0\x9f\x98z\xc0\x80"), "\xef\xbf\xbdz\xef\xbf\xbd\xef\xbf\xbd");
}

}  // namespace
}  // namespace weft
