// robots.txt by RFC 9309: groups for one product token (or `*`), longest match, Crawl-delay and Sitemap lines.
// Untrusted input: any bytes, at most kMaxRobotsBytes of them are read, linear time. Immutable once parsed.
// A check costs at most (number of wildcard rules) x (length of the path), whatever the patterns, and is given up as
// disallowed at kMaxRobotsCheckOctets: only a file made to stall crawlers gets there.
#pragma once

#include <absl/time/time.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weft {

inline constexpr size_t kMaxRobotsBytes = 500 * 1024;  // 2.5
inline constexpr size_t kMaxRobotsLine = 16'664;       // octets of a line that are read; what follows is ignored
inline constexpr size_t kMaxRobotsSitemaps = 10'000;   // further Sitemap lines are ignored
inline constexpr size_t kMaxRobotsCheckOctets = 16 * 1024 * 1024;  // some 10 ms
inline constexpr absl::Duration kMaxCrawlDelay = absl::Hours(24);  // longer ones are read as this

class RobotsRules {
 public:
  // `product_token`: compared ignoring case (2.2.1). A body longer than the limit is cut at the last whole line.
  // Tokens may hold digits, which 2.2.1 does not foresee but sites use; "foo/1.2" and "foo bar" are read as "foo".
  static RobotsRules Parse(std::string_view body, std::string_view product_token);

  // The product token (2.2.1) that a crawler with this User-Agent header answers to: "Weft/1.0 (+https://x)" is "Weft",
  // and "Mozilla/5.0 (compatible; FooBot/2.1; +https://x)" is "FooBot". Empty if there is none: only `*` groups hold.
  static std::string TokenOf(std::string_view user_agent);

  struct Verdict {
    bool allowed = true;
    // The line that decided, as written ("Disallow: /private"); empty if none matched; a remark in parentheses if the
    // check was given up.
    std::string rule;
    int line = 0;       // its number, from 1; 0 if none
  };
  // `path_and_query` as in a request line; matching by 2.2.2 (longest pattern wins, allow wins ties). /robots.txt is
  // always allowed.
  Verdict Check(std::string_view path_and_query) const;
  bool Allowed(std::string_view path_and_query) const;

  // Whose rules are in force: 2.2.1 takes the groups that name the token, else those of `*`.
  enum class Group : uint8_t { kNone, kEveryone, kNamed };
  Group group() const { return group_; }

  std::optional<absl::Duration> crawl_delay() const { return crawl_delay_; }
  // Sitemap lines as written, whatever group they stand in, without repeats.
  const std::vector<std::string>& sitemaps() const { return sitemaps_; }

 private:
  friend class RobotsParser;

  // Views into text_, kept as offsets so that copies and moves stay right.
  struct Rule {
    uint32_t pattern_begin;   // normalised by 2.2.2, without the closing `$`
    uint32_t pattern_size;
    uint32_t written_begin;   // the line as written
    uint32_t written_size;
    int line;
    uint32_t octets;          // of the whole pattern: its weight
    bool allow;
    bool wild;                // holds a `*`
    bool anchored;            // ended with `$`
  };
  struct Decision {
    const Rule* rule = nullptr;
    bool gave_up = false;
    bool allowed() const { return !gave_up && (rule == nullptr || rule->allow); }
  };
  Decision Decide(std::string_view path_and_query) const;

  std::string text_;
  std::vector<Rule> rules_;   // heaviest first, allow before disallow: the first that matches decides
  Group group_ = Group::kNone;
  std::optional<absl::Duration> crawl_delay_;
  std::vector<std::string> sitemaps_;
};

}  // namespace weft
