// Runs an extractor the way the tests of this folder want it: short to call, short to compare.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "parser/link_extractor.h"

namespace weft::test {

inline Url UrlOf(std::string_view text) {
  absl::StatusOr<Url> url = Url::Parse(text);
  EXPECT_TRUE(url.ok()) << text;
  return url.ok() ? *url : Url();
}

inline constexpr std::string_view kPageUrl = "http://example.com/dir/page.html?q=1";

inline ExtractedPage ExtractFrom(std::string_view html, std::string_view content_type = "text/html; charset=utf-8",
                                 std::string_view url = kPageUrl) {
  const Url page_url = UrlOf(url);
  return NewGumboExtractor()->Extract(
      {.html = html, .url = &page_url, .content_type = content_type, .want_text = true});
}

// "navigation http://example.com/a", with " nofollow" where it is set.
inline std::vector<std::string> Described(const std::vector<ExtractedLink>& links) {
  std::vector<std::string> described;
  for (const ExtractedLink& link : links) {
    described.push_back(
        fmt::format("{} {}{}", LinkKindName(link.kind), link.url.href(), link.nofollow ? " nofollow" : ""));
  }
  return described;
}

inline std::vector<std::string> LinksOf(std::string_view html) { return Described(ExtractFrom(html).links); }

inline std::string Repeat(std::string_view piece, size_t count) {
  std::string out;
  out.reserve(piece.size() * count);
  for (size_t i = 0; i < count; ++i) out += piece;
  return out;
}

// More attributes on an element of the head without meaning than the tree builder is given: forces the linear scan, leaves the links alone.
inline std::string ForceLinearScan(std::string_view html) {
  std::string attributes;
  for (int i = 0; i < 200; ++i) attributes += fmt::format(" x{}", i);
  return fmt::format("<meta{}>{}", attributes, html);
}

}  // namespace weft::test
