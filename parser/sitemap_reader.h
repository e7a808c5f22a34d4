// Sitemaps (sitemaps.org 0.9) and feeds, of any bytes: XML urlset and index, text, RSS 2.0, Atom and RSS 1.0 (RDF), each
// plain or in one or two layers of gzip. What a broken file holds before and behind its faults is kept.
// Untrusted input: linear time. Entities are never declared nor expanded, nothing outside the bytes is read. Bounds: the
// inflated size, expat's memory, element depth, text length, number and bytes of URLs (below), each told in `errors`.
// Pure functions, any thread.
#pragma once

#include <absl/time/time.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/url.h"

namespace weft {

inline constexpr size_t kMaxSitemapBytes = 50 << 20;      // inflated; what follows is not read (the protocol's limit)
inline constexpr size_t kMaxSitemapInflateRatio = 250;    // of one layer, beyond the first MiB
inline constexpr int kMaxSitemapLayers = 2;               // of gzip
inline constexpr size_t kMaxSitemapUrls = 100'000;        // twice what the protocol allows a file; alternates count too
inline constexpr size_t kMaxSitemapUrlBytes = 32 << 20;   // of all URLs once resolved
inline constexpr size_t kMaxSitemapErrors = 20;           // told; further ones are counted
inline constexpr int kMaxSitemapDepth = 256;              // of elements

enum class SitemapKind { kUnknown, kUrlset, kIndex, kText, kRss, kAtom, kRdf };
std::string_view SitemapKindName(SitemapKind kind);

struct SitemapUrl {
  Url url;                                // http or https; resolved against the file's URL, and counted, if relative
  std::string lastmod;                    // as written: a W3C date, or RFC 822 in RSS; cut at 64 bytes
  std::optional<absl::Time> lastmod_time;  // none: not readable, without a zone, or in the future
  std::optional<double> priority;         // 0.0 to 1.0
  std::vector<Url> alternates;            // xhtml:link rel=alternate: the page in other languages
};

struct SitemapFile {
  SitemapKind kind = SitemapKind::kUnknown;  // unknown: neither a sitemap nor a feed; nothing was taken from it
  std::vector<SitemapUrl> urls;              // in document order, repeats kept
  std::vector<SitemapUrl> sitemaps;          // that an index names; without priority and alternates
  std::vector<std::string> errors;           // for people, at most kMaxSitemapErrors
  size_t error_count = 0;
  size_t relative = 0;                       // URLs that were not absolute, which the protocol does not allow
  bool salvaged = false;                     // not well-formed: what follows the first fault was read tolerantly
  bool cut = false;                          // a limit was reached: there may be more

  void AddError(std::string text);
};

struct SitemapInput {
  std::string_view body;              // content codings undone
  std::string_view content_type;      // header value, may be empty; bytes decide first
  const Url* url = nullptr;           // of the file
  absl::Time now = absl::InfiniteFuture();  // a lastmod after this is left out
};

SitemapFile ReadSitemap(const SitemapInput& input);

// Whether a body that nobody called a sitemap is one all the same: its first element is urlset or sitemapindex. Looks at
// the first 4 KiB, inflated where needed. Feeds and text are not recognised: they are pages of their own right.
bool LooksLikeSitemap(std::string_view body);

}  // namespace weft
