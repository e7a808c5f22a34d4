// A URL as the WHATWG URL Standard (url.spec.whatwg.org) parses and serialises it. This is what is fetched, exactly
// as it serialises; what is compared for dedup is the crawl key (crawl_key.h), which is never fetched.
// Any bytes are valid input, up to 1 MiB; parsing takes linear time. A value type: copy and move freely, any thread.
#pragma once

#include <absl/functional/function_ref.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace weft {

class Url {
 public:
  // Turns the query's code points (UTF-8 in) into bytes of the page's encoding; what the encoding cannot express
  // comes back as the standard's "&#NNNN;" form. Needed only for pages that are not UTF-8 (4.4, query state).
  using QueryEncoder = absl::FunctionRef<std::string(std::string_view utf8_query)>;

  Url() = default;

  // Basic URL parser (4.4) with an optional base. InvalidArgument names what failed ("host is empty", ...).
  static absl::StatusOr<Url> Parse(std::string_view input);
  static absl::StatusOr<Url> Parse(std::string_view input, const Url& base);
  static absl::StatusOr<Url> Parse(std::string_view input, const Url* base, const QueryEncoder* query_encoder);

  // The serialised URL (4.5). All views below point into it.
  const std::string& href() const { return href_; }
  // Without the colon: "https".
  std::string_view scheme() const;
  // Serialised host, without brackets removed for IPv6: "example.com", "[::1]", "".
  std::string_view host() const;
  // The explicit port, or the scheme's default, or 0 where there is none.
  uint16_t port() const;
  std::string_view userinfo() const;
  // With the leading "/" for special schemes.
  std::string_view path() const;
  // Without "?" / "#"; has_query() tells an empty query from none.
  std::string_view query() const;
  std::string_view fragment() const;
  bool has_query() const;
  bool has_fragment() const;
  // Path and query as a request line sends them: "/a?b".
  std::string_view path_and_query() const;
  // "https://example.com:8443": scheme, host and port if not the default (4.7 origin, serialised).
  std::string origin() const;
  // What is sent: the href without fragment and userinfo.
  std::string request_target_url() const;
  // The same, without a copy.
  std::string TakeRequestTargetUrl() &&;

  bool is_http() const { return scheme() == "http" || scheme() == "https"; }
  bool empty() const { return href_.empty(); }

  bool operator==(const Url& other) const { return href_ == other.href_; }

 private:
  friend class UrlParser;
  static constexpr uint32_t kNone = UINT32_MAX;

  // href_ = scheme ":" ["//" [userinfo "@"] host [":" port]] path ["?" query] ["#" fragment]
  std::string href_;
  uint32_t scheme_end_ = 0;      // of ":"
  uint32_t userinfo_begin_ = 0;  // == host_begin_ if none
  uint32_t host_begin_ = 0;
  uint32_t host_end_ = 0;
  uint32_t path_begin_ = 0;
  uint32_t query_begin_ = kNone;     // of "?"
  uint32_t fragment_begin_ = kNone;  // of "#"
  uint16_t port_ = 0;                // 0: default of the scheme
};

// The longest URL that is admitted to a crawl, in bytes of its href.
inline constexpr size_t kMaxUrlBytes = 8192;

// The default port of a special scheme, else 0.
uint16_t DefaultPort(std::string_view scheme);

}  // namespace weft
