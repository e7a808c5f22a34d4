// The crawl key: the canonical form under which URLs are compared for dedup. It is never fetched.
// Default form, in this order: WHATWG serialisation; fragment and userinfo dropped; %XX upper-cased and unreserved
// octets decoded (RFC 3986 6.2.2.1 and 6.2.2.2; %2F %3F %23 %25 stay, nothing is decoded twice); default port dropped;
// trailing dot of the host dropped; empty query ("?") dropped. Idempotent: Key(Key(u)) == Key(u).
#pragma once

#include <string>

#include "common/url.h"

namespace weft {

// Fixed when a crawl is created (stored in its CrawlDb); all off by default.
struct KeyOptions {
  bool sort_query = false;             // stable, by name then value
  bool drop_session_parameters = false;  // ;jsessionid=, PHPSESSID, sid, ASPSESSIONID*, CFID+CFTOKEN, (S(...))
  bool drop_tracking_parameters = false;  // utm_*, gclid, fbclid, ...
  bool drop_index = false;             // trailing index.html, index.htm, index.php, default.asp(x)
  bool drop_www = false;               // leading www.
  bool http_is_https = false;

  bool operator==(const KeyOptions&) const = default;
};

// Raised with every change of what CrawlKey answers; nodes of one crawl must agree on it.
inline constexpr uint32_t kCanonicaliserVersion = 1;

std::string CrawlKey(const Url& url, const KeyOptions& options = {});

// Sort-friendly URI Reordering Transform, as Internet Archive's wayback key: "org,example)/a?b".
std::string Surt(const Url& url);

}  // namespace weft
