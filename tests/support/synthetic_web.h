// A whole web from one seed: hosts of very different sizes, pages that link within and across them, redirects, errors,
// throttling, robots.txt of every kind, hosts that do not resolve, refuse, hang or recover. It answers requests at
// virtual times and knows by itself how every URL of a crawl must end, whatever the order it is crawled in: what
// recovers does so within the tries of the retry table, and what is broken stays broken.
// Thread rule: one thread.
#pragma once

#include <absl/time/time.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/ip_address.h"
#include "common/outcome.h"
#include "common/random.h"

namespace weft::test {

// In the HTML of a page that parsers die on.
inline constexpr std::string_view kPoisonMark = "<!-- poison -->";

struct WebOptions {
  int hosts = 30;
  int pages = 400;
  double troubled_hosts = 0.3;
  bool trouble_is_throttling = false;  // troubled hosts ask for long pauses, and have no other trouble
  double odd_pages = 0.25;
  int large_pages = 2;
  int poison_pages = 0;
  bool long_redirects = false;   // a chain that is longer than a crawl follows
  uint64_t max_body = 2 << 20;   // some large pages are longer, and are cut there
  bool every_host_in_scope = true;  // false: only the seeds' hosts are (--scope host)
  int seeds = 3;
  bool ignore_robots = false;
  bool changing_pages = false;      // some pages are others each time
};

struct WebPage {
  enum class Kind {
    kHtml,
    kText,
    kNotFound,
    kServerErrorRecovers,  // `count` times, then HTML
    kServerError,          // always: the last answer is stored
    kRedirect,             // to `target`
    kBounce,               // `count` redirects to its own key, then HTML
    kBounceForEver,
    kLarge,
    kPoison,               // HTML on which parsers die
  };
  Kind kind = Kind::kHtml;
  int host = 0;
  int origin = 0;              // index into the host's origins
  std::string path;            // canonical path and query
  std::vector<std::pair<int, std::string>> links;  // page, spelling in the HTML
  std::vector<std::string> ghosts;                 // links to hosts that do not exist: their keys
  int target = -1;
  int count = 0;
  int served = 0;
  size_t filler = 0;
  bool disallowed = false;     // by robots.txt, where that has rules
  bool beyond_hops = false;    // the target of one redirect too many in a row
  bool chunked = false;
  bool gzip = false;
};

struct WebHost {
  enum class Temper {
    kNormal,
    kSlow,
    kNoName,           // does not resolve
    kNameRecovers,
    kRefuses,          // connection refused
    kRefusesRecovers,
    kHangs,            // accepts, never answers
    kHangsTwice,
    kThrottles,        // bursts of 429 and 503, with and without Retry-After
    kThrottlesForEver,
    kPrivate,          // resolves to an address that is not allowed
  };
  enum class Robots {
    kMissing,           // 404
    kRules,
    kEmpty,
    kErrorRecovers,     // 503 or 500 twice, then rules
    kError,             // 500 for ever
    kHangs,             // robots.txt alone is never answered
    kRedirectHere,      // to another path of this host
    kRedirectElsewhere,
  };
  std::string name;
  IpAddress address;
  Temper temper = Temper::kNormal;
  Robots robots = Robots::kMissing;
  int robots_host = -1;                // of kRedirectElsewhere
  int crawl_delay_s = 0;
  std::vector<std::string> origins;    // "http://a.example", "http://a.example:8080"
  std::vector<int> pages;
  absl::Duration think = absl::Milliseconds(20);
  absl::Duration down_for;             // of those that recover, from the first contact on
  // What has happened so far.
  std::optional<absl::Time> first_contact;
  int requests = 0;
  std::map<std::string, int> robots_served;  // by origin
};

struct WebAnswer {
  enum class Kind { kResponse, kRefused, kHangs };
  Kind kind = Kind::kResponse;
  int status = 0;
  std::string head;
  std::string body;            // of the wire
  absl::Duration think;        // to the first byte
  uint64_t bytes_per_second = 4 << 20;
  bool robots = false;         // an answer to /robots.txt
  bool throttled = false;
  absl::Duration retry_after;
};

class SyntheticWeb {
 public:
  SyntheticWeb(uint64_t seed, const WebOptions& options);

  std::vector<std::string> SeedUrls() const;
  // How every key that a crawl discovers may end; kResponse: done. Computed from the web alone.
  std::map<std::string, std::vector<Outcome>> ExpectedEnds() const;

  // Nothing: the name does not resolve (yet).
  std::optional<IpAddress> Resolve(std::string_view host, absl::Time now);
  // One request: counts, so ask once for each that was sent.
  WebAnswer Ask(std::string_view origin, std::string_view path_and_query, absl::Time now);
  // Connections to this host are refused at the moment.
  bool Refuses(std::string_view host, absl::Time now);

  // What an origin's robots.txt says, once received, about a path and query as requested.
  bool Disallowed(std::string_view origin, std::string_view path_and_query) const;
  const WebHost* FindHost(std::string_view name) const;
  const std::vector<WebHost>& hosts() const { return hosts_; }
  const std::vector<WebPage>& pages() const { return pages_; }
  std::string KeyOf(const WebPage& page) const;
  size_t largest_host() const;

 private:
  friend class WebBuilder;
  const WebPage* FindPage(std::string_view origin, std::string_view path_and_query) const;
  bool Throttle(WebHost& host, const WebPage& page, absl::Time now, WebAnswer& answer);
  WebAnswer AskRobots(WebHost& host, std::string_view origin, std::string_view path);
  WebAnswer AskPage(WebHost& host, WebPage& page, absl::Time now);
  std::string RobotsFile(const WebHost& host) const;
  std::string Html(const WebPage& page) const;
  std::string RedirectTo(const WebPage& page) const;
  bool IsDown(WebHost& host, absl::Time now);
  bool InScope(int host) const;
  std::vector<Outcome> EndOf(const WebPage& page) const;

  WebOptions options_;
  std::vector<WebHost> hosts_;
  std::vector<WebPage> pages_;
  std::vector<int> seeds_;
  std::map<std::string, int, std::less<>> by_name_;
  std::map<std::string, int, std::less<>> by_key_;
};

}  // namespace weft::test
