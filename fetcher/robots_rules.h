// robots.txt by RFC 9309: groups for one product token (or `*`), longest match, Crawl-delay and Sitemap lines.
// Untrusted input: any bytes, at most kMaxRobotsBytes of them are read, linear time. Immutable once parsed.
#pragma once

#include <absl/time/time.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weft {

inline constexpr size_t kMaxRobotsBytes = 500 * 1024;  // 2.5

class RobotsRules {
 public:
  // `product_token`: compared ignoring case (2.2.1). A body longer than the limit is cut at the last whole line.
  static RobotsRules Parse(std::string_view body, std::string_view product_token);

  struct Verdict {
    bool allowed = true;
    std::string rule;   // the line that decided, as written ("Disallow: /private"); empty if none matched
    int line = 0;       // its number, from 1; 0 if none
  };
  // `path_and_query` as in a request line; matching by 2.2.2 (longest pattern wins, allow wins ties). /robots.txt is
  // always allowed.
  Verdict Check(std::string_view path_and_query) const;
  bool Allowed(std::string_view path_and_query) const { return Check(path_and_query).allowed; }

  std::optional<absl::Duration> crawl_delay() const { return crawl_delay_; }
  // Sitemap lines as written, whatever group they stand in, without repeats.
  const std::vector<std::string>& sitemaps() const { return sitemaps_; }

 private:
  struct Rule {
    bool allow;
    int line;
    std::string pattern;   // normalised by 2.2.2
    std::string written;
  };
  std::vector<Rule> rules_;
  std::optional<absl::Duration> crawl_delay_;
  std::vector<std::string> sitemaps_;
};

}  // namespace weft
