#include "common/crawl_key.h"

#include <algorithm>
#include <array>

#include "common/key_parameters.h"
#include "common/percent_encoding.h"

namespace weft {
namespace {

bool IsUnreserved(int octet) {
  return (octet >= 'a' && octet <= 'z') || (octet >= 'A' && octet <= 'Z') || (octet >= '0' && octet <= '9') ||
         octet == '-' || octet == '.' || octet == '_' || octet == '~';
}

// '%', and what RFC 3986 allows in neither path nor query although the URL Standard leaves it there.
constexpr std::array<bool, 256> MakeRewritten() {
  std::array<bool, 256> table{};
  for (char c : std::string_view("%[]|\\^`{}")) table[static_cast<unsigned char>(c)] = true;
  return table;
}

constexpr std::array<bool, 256> kRewritten = MakeRewritten();

// RFC 3986 6.2.2.1 and 6.2.2.2. Every "%" of the result begins a complete escape of a reserved octet, so a second round
// changes nothing. A dot segment cannot arise: the URL parser has taken "%2e" for a dot before.
void AppendCanonicalEscapes(std::string_view text, std::string& out) {
  size_t run = 0;
  for (size_t at = 0; at < text.size(); ++at) {
    if (!kRewritten[static_cast<unsigned char>(text[at])]) continue;
    out.append(text, run, at - run);
    const int octet = EscapedOctet(text, at);
    if (octet < 0) {
      AppendEscaped(text[at], out);
    } else {
      if (IsUnreserved(octet)) {
        out += static_cast<char>(octet);
      } else {
        AppendEscaped(static_cast<char>(octet), out);
      }
      at += 2;
    }
    run = at + 1;
  }
  out.append(text, run);
}

// One trailing dot, the root of DNS; a host that ends in several is another, invalid name and stays.
std::string_view WithoutRootDot(std::string_view host) {
  const bool one_dot = host.size() > 1 && host.ends_with('.') && host[host.size() - 2] != '.';
  return one_dot ? host.substr(0, host.size() - 1) : host;
}

std::string_view WithoutWww(std::string_view host) {
  while (host.starts_with("www.")) {
    const std::string_view rest = host.substr(4);
    if (rest.starts_with('.') || rest.find('.') == std::string_view::npos) break;
    host = rest;
  }
  return host;
}

void AppendSchemeAndHost(const Url& url, const KeyOptions& options, std::string& key) {
  // ":8080" or nothing; "/." where a path without an authority begins with "//".
  const std::string_view host = url.host();
  const std::string_view between(host.data() + host.size(), url.path().data());
  const bool to_https = options.http_is_https && url.scheme() == "http";
  key += to_https ? "https" : url.scheme();
  key += ':';
  const bool has_authority = static_cast<size_t>(host.data() - url.href().data()) != url.scheme().size() + 1;
  if (has_authority) key += "//";
  const bool is_domain = DefaultPort(url.scheme()) != 0;
  const std::string_view domain = is_domain ? WithoutRootDot(host) : host;
  key += options.drop_www && url.is_http() ? WithoutWww(domain) : domain;
  if (!to_https || between != ":443") key += between;
}

constexpr std::string_view kBeforeHost = "://";

// The key of a web URL in which nothing is to be rewritten: its href without the fragment, but for its scheme.
bool TakePlainKey(const Url& url, const KeyOptions& options, std::string& key) {
  const bool any_rewriting = options.sort_query || options.drop_session_parameters || options.drop_tracking_parameters ||
                             options.drop_index || options.drop_www;
  const std::string_view host = url.host();
  if (any_rewriting || !url.is_http() || host.ends_with('.') || (url.has_query() && url.query().empty())) return false;
  const std::string_view path = url.path_and_query();
  const bool plain = std::none_of(path.begin(), path.end(), [](char c) { return kRewritten[static_cast<unsigned char>(c)]; });
  const bool to_https = options.http_is_https && url.scheme() == "http";
  const std::string_view port(host.data() + host.size(), path.data());
  if (!plain || (to_https && !port.empty())) return false;
  const std::string_view scheme = to_https ? "https" : url.scheme();
  const char* const end = path.data() + path.size();
  const char* const begin = url.href().data();
  const bool is_href = !to_https && begin + scheme.size() + kBeforeHost.size() == host.data();  // no user is named
  if (is_href) {
    key.assign(begin, end);
    return true;
  }
  key.assign(scheme);
  key += kBeforeHost;
  key.append(host.data(), end);
  return true;
}

}  // namespace

std::string CrawlKey(const Url& url, const KeyOptions& options) {
  std::string key;
  MakeCrawlKey(url, options, key);
  return key;
}

void MakeCrawlKey(const Url& url, const KeyOptions& options, std::string& key) {
  if (TakePlainKey(url, options, key)) return;
  key.clear();
  key.reserve(url.href().size() + 16);
  AppendSchemeAndHost(url, options, key);
  if (url.scheme() == "file") {
    // Escapes stay: a decoded letter could become a drive ("%43|"), which parsing would rewrite.
    key += url.query().empty() ? url.path() : url.path_and_query();
    return;
  }
  const size_t path_begin = key.size();
  AppendCanonicalEscapes(url.path(), key);
  const bool rewrites_path = options.drop_session_parameters || options.drop_index;
  if (rewrites_path && url.is_http()) {
    const std::string path = KeyPath(std::string_view(key).substr(path_begin), options);
    key.replace(path_begin, std::string::npos, path);
  }
  if (url.query().empty()) return;
  const size_t query_begin = key.size();
  key += '?';
  AppendCanonicalEscapes(url.query(), key);
  const bool rewrites_query = options.sort_query || options.drop_session_parameters || options.drop_tracking_parameters;
  if (rewrites_query && url.is_http()) {
    const std::string query = KeyQuery(std::string_view(key).substr(query_begin + 1), options);
    key.resize(query.empty() ? query_begin : query_begin + 1);
    key += query;
  }
}

}  // namespace weft
