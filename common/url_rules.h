// --rule: what the user wants for URLs in which a regular expression is found. One rule is named values in one line:
//   match=RE2 [priority=-100..100] [recrawl=1h..7d | recrawl=6h | recrawl=off | recrawl-min=1h recrawl-max=7d]
//             [recrawl-at="daily 03:00"] [tag=eu] [proxy=socks5h://HOST:PORT | proxy=none]
// A tag and a proxy are of hosts, as who asks a host, and over which connections, is decided for all of it: their rule's
// match is looked for in "https://HOST/" and "http://HOST/", and may name no path.
// Rules are asked in their order; for each property the first rule that matches and names it decides.
// Matching is linear in the URL; with more than a few rules all are tried in one pass.
// Thread rule: immutable once parsed; any thread.
#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/recrawl_time.h"
#include "common/wire.pb.h"

namespace weft {

inline constexpr int kMaxUrlRules = 1000;
inline constexpr int kLeastPriority = -100;
inline constexpr int kMostPriority = 100;

// What the rules say of fetching a URL again; what they leave open is the crawl's own.
struct RecrawlRule {
  std::optional<absl::Duration> least;   // bounds of the interval
  std::optional<absl::Duration> most;
  std::optional<RecrawlTime> at;         // beats the interval
  bool never = false;                    // recrawl=off

  bool operator==(const RecrawlRule&) const = default;
};

class UrlRules {
 public:
  UrlRules();   // no rules
  ~UrlRules();
  UrlRules(UrlRules&&) noexcept;
  UrlRules& operator=(UrlRules&&) noexcept;

  // InvalidArgument, for people: which rule, what is wrong with it, what is taken.
  static absl::StatusOr<UrlRules> Parse(const std::vector<std::string>& texts);
  static absl::StatusOr<UrlRules> Of(const wire::CrawlSettings& settings);

  bool empty() const;
  bool has_priorities() const;
  bool has_times() const;   // some rule has recrawl-at
  bool has_tags() const;
  bool has_proxies() const;
  // The tag that nodes must have for this host (as in a Url); "": none. Valid as long as this object.
  std::string_view Tag(std::string_view host) const;
  // The proxy through which this host is asked (proxy_url.h), "" for none (proxy=none); nullopt: no rule says. Likewise.
  std::optional<std::string_view> Proxy(std::string_view host) const;
  // 0 where no rule says otherwise.
  int Priority(std::string_view url) const;
  RecrawlRule Recrawl(std::string_view url) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// One rule, as the command line takes it.
absl::Status CheckUrlRule(std::string_view text);
// How a rule is shown: without user and password of its proxy. Any bytes are taken; of what is no rule rather more is hidden.
std::string MaskUrlRule(std::string_view text);

}  // namespace weft
