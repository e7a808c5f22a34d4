// One exported page: what all columns of an export are taken of (export_schema.h), and the JSON Lines that an export writes
// unless it is told otherwise, one object a row, fields always in the same order.
// Thread rule: values; any thread.
#pragma once

#include <absl/time/time.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/link_kind.h"
#include "common/url.h"

namespace weft {

class PagesFiles;

struct PageLink {
  std::string target;
  LinkKind kind = LinkKind::kNone;
  bool nofollow = false;
  std::string rel;    // as written
  std::string text;   // of an anchor
};

// What a page says of itself, beside its title and links: parser/page_facts.h reads it.
struct PageSelfDescription {
  std::string description;
  std::string canonical;
  std::string language_tag;               // the lang attribute
  std::vector<std::string> languages;     // detected, ISO 639-3, the main one first
  std::string headings_json;              // [[1,"Text"],...]
  std::string open_graph_json;            // {"og:title":"..."}
  std::string json_ld_json;               // [{...},...]
  std::optional<absl::Time> published;
  std::optional<absl::Time> modified;
};

// First, in the order of the JSON fields and named as these are, what JsonLine writes. Strings are there even if empty, `text`
// only if it was asked for.
struct PageRow {
  std::string url;
  int status = 0;
  uint32_t depth = 0;
  std::string referrer;
  absl::Time fetched_at = absl::UnixEpoch();  // "2026-01-02T03:04:05.678901Z"
  std::string content_type;
  std::string charset;
  uint64_t length = 0;                        // of the payload
  std::string digest;                         // "sha1:BASE32", of the payload
  bool truncated = false;
  std::string warc_file;
  uint64_t warc_offset = 0;
  // Of a page that was fetched again; else these three are left out.
  std::optional<absl::Time> first_fetched;
  absl::Time last_checked = absl::UnixEpoch();
  uint32_t changes = 0;                       // visits that found another page than the one before
  std::vector<std::string> robots;            // "noindex", "nofollow": what the page asked of the crawl
  std::string title;
  std::vector<std::string> links;
  std::optional<std::string> text;

  // Beyond the JSON line.
  bool read = false;                          // from its WARC file, as far as it was asked for
  Url parsed_url;
  std::string registered_domain;              // empty: the host has none
  uint64_t warc_length = 0;
  bool warc_refers = false;          // as WarcPlace::refers
  std::string record_digest;                  // of the record's bytes, raw
  uint64_t pages_dir_id = 0;
  PagesFiles* files = nullptr;                // where its WARC file is read; once it is read
  std::string mime_detected;
  uint64_t sim_hash = 0;                      // parser/sim_hash.h; 0: none
  uint64_t near_duplicates = 0;               // the cluster that it is in (parser/near_duplicates.h); 0: none
  std::vector<PageLink> page_links;           // with their details, when these are asked for
  PageSelfDescription self;
};

// One line without its line end. Invalid UTF-8 becomes U+FFFD.
std::string JsonLine(const PageRow& row);

}  // namespace weft
