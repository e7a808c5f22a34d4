#include "common/url.h"

#include <algorithm>

#include "common/status.h"
#include "common/url_parser.h"

namespace weft {

absl::StatusOr<Url> Url::Parse(std::string_view input) { return UrlParser(nullptr, nullptr).Parse(input); }

absl::StatusOr<Url> Url::Parse(std::string_view input, const Url& base) {
  return UrlParser(&base, nullptr).Parse(input);
}

absl::StatusOr<Url> Url::Parse(std::string_view input, const Url* base, const QueryEncoder* query_encoder) {
  return UrlParser(base, query_encoder).Parse(input);
}

std::string_view Url::scheme() const { return std::string_view(href_).substr(0, scheme_end_); }

std::string_view Url::host() const { return std::string_view(href_).substr(host_begin_, host_end_ - host_begin_); }

uint16_t Url::port() const { return host_end_ == path_begin_ ? DefaultPort(scheme()) : port_; }

std::string_view Url::userinfo() const {
  if (userinfo_begin_ == host_begin_) return {};
  return std::string_view(href_).substr(userinfo_begin_, host_begin_ - 1 - userinfo_begin_);
}

std::string_view Url::path() const {
  const size_t end = std::min<size_t>(std::min(query_begin_, fragment_begin_), href_.size());
  return std::string_view(href_).substr(path_begin_, end - path_begin_);
}

std::string_view Url::query() const {
  if (!has_query()) return {};
  const size_t end = std::min<size_t>(fragment_begin_, href_.size());
  return std::string_view(href_).substr(query_begin_ + 1, end - query_begin_ - 1);
}

std::string_view Url::fragment() const {
  return has_fragment() ? std::string_view(href_).substr(fragment_begin_ + 1) : std::string_view();
}

bool Url::has_query() const { return query_begin_ != kNone; }
bool Url::has_fragment() const { return fragment_begin_ != kNone; }

std::string_view Url::path_and_query() const {
  const size_t end = std::min<size_t>(fragment_begin_, href_.size());
  return std::string_view(href_).substr(path_begin_, end - path_begin_);
}

std::string Url::origin() const {
  if (scheme() == "blob") {
    absl::StatusOr<Url> inner = Parse(path());
    return inner.ok() && inner->is_http() ? inner->origin() : "null";
  }
  if (DefaultPort(scheme()) == 0) return "null";
  std::string origin = href_.substr(0, userinfo_begin_);
  return origin.append(href_, host_begin_, path_begin_ - host_begin_);
}

std::string Url::request_target_url() const {
  const size_t end = std::min<size_t>(fragment_begin_, href_.size());
  std::string target = href_.substr(0, userinfo_begin_);
  return target.append(href_, host_begin_, end - host_begin_);
}

std::string Url::TakeRequestTargetUrl() && {
  if (has_fragment()) href_.resize(fragment_begin_);
  if (userinfo_begin_ != host_begin_) href_.erase(userinfo_begin_, host_begin_ - userinfo_begin_);
  return std::move(href_);
}

uint16_t DefaultPort(std::string_view scheme) {
  if (scheme == "http" || scheme == "ws") return 80;
  if (scheme == "https" || scheme == "wss") return 443;
  return scheme == "ftp" ? 21 : 0;
}

}  // namespace weft
