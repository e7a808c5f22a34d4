// The crawl key: the canonical form under which URLs are compared for dedup. It is never fetched.
// Default form, in this order: WHATWG serialisation; fragment and userinfo dropped; %XX upper-cased and unreserved
// octets decoded (RFC 3986 6.2.2.1 and 6.2.2.2; %2F %3F %23 %25 stay, nothing is decoded twice), a "%" without two
// digits written as %25 (else "%%341" would be decoded twice by two rounds), and [ ] | \ ^ ` { } as %XX; default port
// dropped; trailing dot of the host dropped; empty query ("?") dropped. Idempotent: Key(Key(u)) == Key(u), under
// every option, for any URL.
// Left alone: "//" and the case of letters in a path, "+", the order of parameters, blank values.
// The options apply to http and https only; a file URL also keeps its escapes.
#pragma once

#include <cstdint>
#include <string>

#include "common/url.h"

namespace weft {

// Fixed when a crawl is created (stored in its CrawlDb); all off by default. Names compare without regard to case. The
// options that look into the query also drop its empty pairs ("a=1&&").
struct KeyOptions {
  // By name, then value: "b=1&a=2" is "a=2&b=1".
  bool sort_query = false;
  // In the query jsessionid and PHPSESSID (10 characters or more), sid (exactly 32 letters or digits), ASPSESSIONID
  // plus 8 letters, and CFID with CFTOKEN where both occur; in the path ";jsessionid=..." and the segments "(S(24
  // characters))", before a .aspx page also "(24 characters)". A value of another shape is no session and stays.
  bool drop_session_parameters = false;
  // utm_*, the click ids of advertisers (gclid, fbclid, msclkid, ...) and of mailing services; the list is in
  // key_parameters.cc.
  bool drop_tracking_parameters = false;
  // A last path segment index.html, index.htm, index.php, default.asp or default.aspx, with or without a query.
  bool drop_index = false;
  // Leading "www.", where what remains still has a dot.
  bool drop_www = false;
  // http and https on their default ports are one; other ports keep theirs.
  bool http_is_https = false;

  bool operator==(const KeyOptions&) const = default;
};

// Raised with every change of what CrawlKey answers; nodes of one crawl must agree on it.
inline constexpr uint32_t kCanonicaliserVersion = 1;

std::string CrawlKey(const Url& url, const KeyOptions& options = {});
// The same in `key`, whose memory is used again; what it held is gone.
void MakeCrawlKey(const Url& url, const KeyOptions& options, std::string& key);

// Sort-friendly URI Reordering Transform, as Internet Archive's Wayback key: "org,example)/a?b". For look-ups in
// archives only, since it joins different resources: all lower case, %XX decoded until none is left, "www12." off,
// session ids off, query sorted, trailing slash off. IPv4 addresses are reversed, IPv6 ones lose their brackets (in
// their RFC 5952 form). "dns:" URLs give the reversed name, other URLs without a web host stay as they are, an empty
// Url gives "-".
std::string Surt(const Url& url);

}  // namespace weft
