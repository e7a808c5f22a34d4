#include <algorithm>

#include "common/crawl_key.h"
#include "common/key_parameters.h"
#include "common/percent_encoding.h"

namespace weft {
namespace {

// Decodes escapes until none is left ("%252541" is "A"), in one pass: whatever completes an escape at the end of what
// is done so far is decoded there. No two escapes overlap, so the result is that of repeated rounds.
std::string UnescapeFully(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (char c : text) {
    out += c;
    while (out.size() >= 3) {
      const int octet = EscapedOctet(out, out.size() - 3);
      if (octet < 0) break;
      out.resize(out.size() - 3);
      out += static_cast<char>(octet);
    }
  }
  return out;
}

// What the Wayback key escapes: space and controls, non-ASCII, "#" and "%".
std::string MinimallyEscaped(std::string_view text) {
  std::string out;
  for (char c : UnescapeFully(text)) {
    const auto octet = static_cast<unsigned char>(c);
    if (octet <= 0x20 || octet >= 0x7f || c == '#' || c == '%') {
      AppendEscaped(c, out);
    } else {
      out += c;
    }
  }
  return Lowered(out);
}

// "www." and "www12.".
std::string_view WithoutNumberedWww(std::string_view host) {
  if (!host.starts_with("www")) return host;
  const size_t dot = host.find_first_not_of("0123456789", 3);
  return dot != std::string_view::npos && host[dot] == '.' && dot + 1 < host.size() ? host.substr(dot + 1) : host;
}

// "a.example.org" as "org,example,a".
std::string Reversed(std::string_view host) {
  std::string out;
  while (true) {
    const size_t dot = host.rfind('.');
    out += dot == std::string_view::npos ? host : host.substr(dot + 1);
    if (dot == std::string_view::npos) return out;
    out += ',';
    host = host.substr(0, dot);
  }
}

std::string SurtHost(const Url& url) {
  std::string_view host = url.host();
  if (host.starts_with('[')) return std::string(host.substr(1, host.size() - 2));
  if (host.size() > 1 && host.ends_with('.')) host.remove_suffix(1);
  return Reversed(WithoutNumberedWww(host));
}

std::string SurtPath(const Url& url) {
  std::string path = KeyPath(MinimallyEscaped(url.path()), {.drop_session_parameters = true});
  if (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path.empty() ? "/" : path;
}

// Sorted with its empty pairs, as the Wayback key has them.
std::string SurtQuery(const Url& url) {
  const std::string query = MinimallyEscaped(url.query());
  std::vector<std::string_view> pairs = SplitPairs(query);
  DropSessionPairs(pairs);
  SortPairs(pairs);
  return JoinPairs(pairs);
}

}  // namespace

std::string Surt(const Url& url) {
  if (url.empty()) return "-";
  if (url.scheme() == "dns") return Reversed(Lowered(url.path())) + ")";
  const uint16_t default_port = DefaultPort(url.scheme());
  const auto end =
      static_cast<size_t>(url.path_and_query().data() + url.path_and_query().size() - url.href().data());
  if (default_port == 0) return url.href().substr(0, end);
  std::string key = SurtHost(url);
  if (url.port() != default_port) key += ':' + std::to_string(url.port());
  key += ')';
  key += SurtPath(url);
  const std::string query = SurtQuery(url);
  if (!query.empty()) key += '?' + query;
  return key;
}

}  // namespace weft
