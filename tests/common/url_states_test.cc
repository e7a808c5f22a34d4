// The URL parser state by state (URL Standard 4.4), and host parser by host parser (3.5): a test a state, each with what most
// easily goes wrong there.
#include <gtest/gtest.h>

#include "common/percent_encoding.h"
#include "common/url.h"

namespace weft {
namespace {

constexpr std::string_view kFailure = "(failure)";

std::string Parsed(std::string_view input, std::string_view base = "") {
  if (base.empty()) {
    const absl::StatusOr<Url> url = Url::Parse(input);
    return url.ok() ? url->href() : std::string(kFailure);
  }
  const absl::StatusOr<Url> base_url = Url::Parse(base);
  EXPECT_TRUE(base_url.ok()) << base;
  const absl::StatusOr<Url> url = Url::Parse(input, *base_url);
  return url.ok() ? url->href() : std::string(kFailure);
}

TEST(UrlState, SchemeStart) {
  EXPECT_EQ(Parsed("1http://h/", "http://b/"), "http://b/1http://h/");
  EXPECT_EQ(Parsed("1http://h/"), kFailure);
  EXPECT_EQ(Parsed(":a", "http://b/"), "http://b/:a");
  EXPECT_EQ(Parsed(""), kFailure);
}

TEST(UrlState, Scheme) {
  EXPECT_EQ(Parsed("HtTp://h"), "http://h/");
  EXPECT_EQ(Parsed("a+b-c.1:x"), "a+b-c.1:x");
  EXPECT_EQ(Parsed("ht\ntp://h/"), "http://h/");
  EXPECT_EQ(Parsed("a_b:c", "http://b/d"), "http://b/a_b:c");
  EXPECT_EQ(Parsed("http"), kFailure);
}

TEST(UrlState, NoScheme) {
  EXPECT_EQ(Parsed("x", "mailto:y"), kFailure);
  EXPECT_EQ(Parsed("#x", "mailto:y?z"), "mailto:y?z#x");
  EXPECT_EQ(Parsed("?x", "mailto:y"), kFailure);
}

TEST(UrlState, SpecialRelativeOrAuthority) {
  EXPECT_EQ(Parsed("http:x", "http://b/c/d"), "http://b/c/x");
  EXPECT_EQ(Parsed("http:/x", "http://b/c/d"), "http://b/x");
  EXPECT_EQ(Parsed("http://x", "http://b/c/d"), "http://x/");
  EXPECT_EQ(Parsed("https:x", "http://b/c/d"), "https://x/");
}

TEST(UrlState, PathOrAuthority) {
  EXPECT_EQ(Parsed("web:/a/../b"), "web:/b");
  EXPECT_EQ(Parsed("web://a/../b"), "web://a/b");
  EXPECT_EQ(Parsed("web:/.//p"), "web:/.//p");
  EXPECT_EQ(Parsed("web:\\\\h/p"), "web:\\\\h/p");
}

TEST(UrlState, Relative) {
  EXPECT_EQ(Parsed("", "http://u:p@b:81/c/d?e#f"), "http://u:p@b:81/c/d?e");
  EXPECT_EQ(Parsed("?", "http://b/c?e"), "http://b/c?");
  EXPECT_EQ(Parsed("#", "http://b/c?e#f"), "http://b/c?e#");
  EXPECT_EQ(Parsed("x", "http://b"), "http://b/x");
  EXPECT_EQ(Parsed("../../../x", "http://b/c/d"), "http://b/x");
}

TEST(UrlState, RelativeSlash) {
  EXPECT_EQ(Parsed("//x", "https://b/c"), "https://x/");
  EXPECT_EQ(Parsed("/\\x", "https://b/c"), "https://x/");
  EXPECT_EQ(Parsed("\\x", "https://b/c"), "https://b/x");
  EXPECT_EQ(Parsed("/\\x", "web://b/c"), "web://b/\\x");
}

TEST(UrlState, SpecialAuthoritySlashesAndIgnoreSlashes) {
  for (const char* url : {"http:h/p", "http:/h/p", "http:\\\\h/p", "http://///h/p", "http:/\\/h/p"}) EXPECT_EQ(Parsed(url), "http://h/p");
  EXPECT_EQ(Parsed("http:///", "http://b/"), kFailure);
}

TEST(UrlState, Authority) {
  EXPECT_EQ(Parsed("http://a@b@c/"), "http://a%40b@c/");
  EXPECT_EQ(Parsed("http://a:b:c@h/"), "http://a:b%3Ac@h/");
  EXPECT_EQ(Parsed("http://:@h/"), "http://h/");
  EXPECT_EQ(Parsed("http://a:@h/"), "http://a@h/");
  EXPECT_EQ(Parsed("http://@/"), kFailure);
  EXPECT_EQ(Parsed("http://a@/b@c"), kFailure);
}

TEST(UrlState, Host) {
  EXPECT_EQ(Parsed("http://?q"), kFailure);
  EXPECT_EQ(Parsed("http://:80"), kFailure);
  EXPECT_EQ(Parsed("http://[::1]:81/"), "http://[::1]:81/");
  EXPECT_EQ(Parsed("http://[::1/"), kFailure);
  EXPECT_EQ(Parsed("web://:1/"), kFailure);
  EXPECT_EQ(Parsed("web:///p"), "web:///p");
}

TEST(UrlState, Port) {
  EXPECT_EQ(Parsed("http://h:80/"), "http://h/");
  EXPECT_EQ(Parsed("https://h:80/"), "https://h:80/");
  EXPECT_EQ(Parsed("http://h:0000065535/"), "http://h:65535/");
  EXPECT_EQ(Parsed("http://h:65536/"), kFailure);
  EXPECT_EQ(Parsed("http://h:18446744073709551696/"), kFailure);
  EXPECT_EQ(Parsed("http://h:8a/"), kFailure);
  EXPECT_EQ(Parsed("http://h:/"), "http://h/");
  EXPECT_EQ(Parsed("http://h:0/"), "http://h:0/");
}

TEST(UrlState, File) {
  EXPECT_EQ(Parsed("file:c|/x"), "file:///c:/x");
  EXPECT_EQ(Parsed("file:?q", "file:///a/b"), "file:///a/b?q");
  EXPECT_EQ(Parsed("file:x", "file:///a/b"), "file:///a/x");
  EXPECT_EQ(Parsed("c|/x", "file:///a/b"), "file:///c:/x");
  EXPECT_EQ(Parsed("file:x", "http://b/"), "file:///x");
}

TEST(UrlState, FileSlash) {
  EXPECT_EQ(Parsed("file:/x"), "file:///x");
  EXPECT_EQ(Parsed("/x", "file:///c:/y"), "file:///c:/x");
  EXPECT_EQ(Parsed("/d:/x", "file:///c:/y"), "file:///d:/x");
  EXPECT_EQ(Parsed("/x", "file://host/y"), "file://host/x");
}

TEST(UrlState, FileHost) {
  EXPECT_EQ(Parsed("file://localhost/x"), "file:///x");
  EXPECT_EQ(Parsed("file://c|/x"), "file:///c:/x");
  EXPECT_EQ(Parsed("file://h:80/x"), kFailure);
  EXPECT_EQ(Parsed("file://%6Cocalhost/x"), "file:///x");
}

TEST(UrlState, PathStart) {
  EXPECT_EQ(Parsed("http://h"), "http://h/");
  EXPECT_EQ(Parsed("http://h\\p"), "http://h/p");
  EXPECT_EQ(Parsed("web://h"), "web://h");
  EXPECT_EQ(Parsed("web://h?q"), "web://h?q");
}

TEST(UrlState, Path) {
  EXPECT_EQ(Parsed("http://h/a/%2e%2E/b/.%2e/%2e"), "http://h/");
  EXPECT_EQ(Parsed("http://h/a/..."), "http://h/a/...");
  EXPECT_EQ(Parsed("http://h/a//../b"), "http://h/a/b");
  EXPECT_EQ(Parsed("http://h/a\\b"), "http://h/a/b");
  EXPECT_EQ(Parsed("http://h/%7e%zz%"), "http://h/%7e%zz%");
  EXPECT_EQ(Parsed("file:///c|/../x"), "file:///c:/x");
}

TEST(UrlState, OpaquePath) {
  EXPECT_EQ(Parsed("mailto:a b\xC3\xA4\x7F"), "mailto:a b%C3%A4%7F");
  EXPECT_EQ(Parsed("data:x/../y?q#f"), "data:x/../y?q#f");
  EXPECT_EQ(Parsed("javascript:<>\"`{}"), "javascript:<>\"`{}");
}

TEST(UrlState, Query) {
  EXPECT_EQ(Parsed("http://h/?'\"<> `{}|^?/\xC3\xA4#"), "http://h/?%27%22%3C%3E%20`{}|^?/%C3%A4#");
  EXPECT_EQ(Parsed("web://h/?'"), "web://h/?'");
}

TEST(UrlState, Fragment) {
  EXPECT_EQ(Parsed("http://h/#a #?'\"<>`{}\xC3\xA4"), "http://h/#a%20#?'%22%3C%3E%60{}%C3%A4");
}

// 3.5, for hosts of URLs that are not special.
TEST(UrlHostParser, OpaqueHostsAreKeptButForForbiddenCharacters) {
  EXPECT_EQ(Parsed("web://A%zz\xC3\xA4/"), "web://A%zz%C3%A4/");
  EXPECT_EQ(Parsed("web://1.2.3/"), "web://1.2.3/");
  EXPECT_EQ(Parsed("web://[1::2]/"), "web://[1::2]/");
  for (const char* host : {"a b", "a<b", "a^b", "a|b", "a[b", "[1]"}) EXPECT_EQ(Parsed(std::string("web://") + host + "/"), kFailure) << host;
}

TEST(UrlHostParser, DomainsHaveNoForbiddenCharacters) {
  for (const char* host : {"a b", "a%20b", "a%00b", "a%25b", "a<b", "a^b", "a|b", "a%7Fb", "a\x7F", "%EF%BC%8F"}) {
    EXPECT_EQ(Parsed(std::string("http://") + host + "/"), kFailure) << host;
  }
  EXPECT_EQ(Parsed("http://a_b!$&'()*+,;=~`{}.c/"), "http://a_b!$&'()*+,;=~`{}.c/");
}

TEST(UrlHostParser, Ipv4NumbersEndWhereTheyOverflow) {
  EXPECT_EQ(Parsed("http://256/"), "http://0.0.1.0/");
  EXPECT_EQ(Parsed("http://4294967295/"), "http://255.255.255.255/");
  EXPECT_EQ(Parsed("http://1.0x./"), "http://1.0.0.0/");
  EXPECT_EQ(Parsed("http://0x7F.1/"), "http://127.0.0.1/");
  for (const char* host : {"4294967296", "1.2.3.256", "256.1.1.1", "1.2.3.4.5", "1..2", "08", "0x100000000", "1.2.3.08", "a.1", "0xg.1",
                           "99999999999999999999", "1.2.3.4.."}) {
    EXPECT_EQ(Parsed(std::string("http://") + host + "/") == kFailure, std::string_view(host) != "1.2.3.4..") << host;
  }
  EXPECT_EQ(Parsed("http://0xg/"), "http://0xg/");
}

TEST(UrlHostParser, Ipv6AddressesHaveEightPieces) {
  EXPECT_EQ(Parsed("http://[0:0:1:0:0:0:1:0]/"), "http://[0:0:1::1:0]/");
  EXPECT_EQ(Parsed("http://[::FFFF:1.2.3.4]/"), "http://[::ffff:102:304]/");
  EXPECT_EQ(Parsed("http://[1:2:3:4:5:6:7::]/"), "http://[1:2:3:4:5:6:7:0]/");
  for (const char* host : {"", ":", ":::", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "1::2::3", "12345::", "::1.2.3", "::1.2.3.4.5", "::01.2.3.4",
                           "::256.2.3.4", "1:2:3:4:5:6:7:1.2.3.4", "::1%25eth0", "1:", "g::", "::1.", "1.2.3.4"}) {
    EXPECT_EQ(Parsed(std::string("http://[") + host + "]/"), kFailure) << host;
  }
}

// 1.3: each set is the one before it and some more.
TEST(PercentEncodeSets, HoldTheirBytes) {
  const auto members = [](EncodeSet set) {
    std::string found;
    for (int c = 0x21; c < 0x7f; ++c) {
      if (InEncodeSet(static_cast<char>(c), set)) found += static_cast<char>(c);
    }
    return found;
  };
  EXPECT_EQ(members(EncodeSet::kC0Control), "");
  EXPECT_EQ(members(EncodeSet::kFragment), "\"<>`");
  EXPECT_EQ(members(EncodeSet::kQuery), "\"#<>");
  EXPECT_EQ(members(EncodeSet::kSpecialQuery), "\"#'<>");
  EXPECT_EQ(members(EncodeSet::kPath), "\"#<>?^`{}");
  EXPECT_EQ(members(EncodeSet::kUserinfo), "\"#/:;<=>?@[\\]^`{|}");
  for (const EncodeSet set : {EncodeSet::kFragment, EncodeSet::kQuery, EncodeSet::kPath, EncodeSet::kUserinfo}) {
    EXPECT_TRUE(InEncodeSet(' ', set));
    EXPECT_TRUE(InEncodeSet('\x1f', set) && InEncodeSet('\x7f', set) && InEncodeSet('\x80', set) && InEncodeSet('\xff', set));
  }
  EXPECT_FALSE(InEncodeSet(' ', EncodeSet::kC0Control));
}

}  // namespace
}  // namespace weft
