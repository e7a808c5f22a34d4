// The basic URL parser of the URL Standard (4.4), written as one function per group of states. The serialised URL grows
// from left to right in one string; only ".." takes something back. Private to url.cc; one object per parse.
#pragma once

#include <absl/status/statusor.h>

#include <string>
#include <string_view>

#include "common/url.h"

namespace weft {

class UrlParser {
 public:
  // `base` and `query_encoder` may be null; both outlive the parse.
  UrlParser(const Url* base, const Url::QueryEncoder* query_encoder) : base_(base), query_encoder_(query_encoder) {}

  absl::StatusOr<Url> Parse(std::string_view input);

 private:
  enum class Scheme { kNotSpecial, kHttp, kHttps, kWs, kWss, kFtp, kFile };
  static Scheme SchemeOf(std::string_view name);

  bool special() const { return scheme_ != Scheme::kNotSpecial; }
  // "/", and "\" in special URLs.
  bool IsSlash(char c) const { return c == '/' || (c == '\\' && special()); }
  // The first of / ? # (and \ in special URLs), or the end.
  size_t FindPartEnd(std::string_view text) const;
  bool BaseIs(Scheme scheme) const { return base_ != nullptr && SchemeOf(base_->scheme()) == scheme; }

  // True, and it is parsed: an http or https URL that serialises as it stands. Never true for another.
  bool TakeCanonical(std::string_view text);
  absl::Status ParseWithScheme(std::string_view name, std::string_view rest);
  absl::Status ParseWithoutScheme(std::string_view rest);
  absl::Status ParseRelative(std::string_view rest);
  absl::Status ParseFile(std::string_view rest);
  absl::Status ParseFileSlash(std::string_view rest);
  absl::Status ParseFileHost(std::string_view rest);
  absl::Status ParseAuthority(std::string_view rest);
  void AppendUserinfo(std::string_view credentials);
  absl::Status ParseHostAndPort(std::string_view text);
  absl::Status ParsePort(std::string_view text);
  void ParsePathStart(std::string_view rest);
  void ParsePath(std::string_view rest);
  void ParseOpaquePath(std::string_view rest);
  void ParseQueryAndFragment(std::string_view rest);
  void ResolveQueryAndFragment(std::string_view rest);

  void BeginAuthority();
  void EndAuthority();
  // Scheme and authority of the base, or also its path.
  void CopyBaseAuthority();
  void CopyBasePath();
  void AppendSegment(std::string_view segment, bool slash_follows, bool needs_encoding);
  void ShortenPath();
  void MarkPathWithoutAuthority();
  void AppendQuery(std::string_view query);

  const Url* base_;
  const Url::QueryEncoder* query_encoder_;
  Scheme scheme_ = Scheme::kNotSpecial;
  Url url_;
};

}  // namespace weft
