#include "storage/export_schema.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "common/crawl_key.h"

namespace weft {
namespace {

using enum ColumnType;
using enum PageNeeds;

constexpr PageNeeds kTextNeeds = kPage | kVisibleText;
constexpr PageNeeds kFactNeeds = kPage | kFacts;
constexpr PageNeeds kLanguageNeeds = kPage | kVisibleText | kLanguage;

Cell Number(uint64_t number) { return static_cast<int64_t>(number); }
Cell TimeCell(absl::Time time) { return absl::ToUnixMicros(time); }
Cell TimeOrNull(const std::optional<absl::Time>& time) { return time ? TimeCell(*time) : Cell(); }
Cell JsonList(const std::vector<std::string>& texts) {
  return nlohmann::json(texts).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}
Cell JsonList(const PageRow& row, const std::vector<std::string>& texts) { return row.read ? JsonList(texts) : Cell(); }

// "sha1:BASE32" as Common Crawl has it.
std::string_view Base32Of(std::string_view digest) { return digest.substr(digest.find(':') + 1); }

std::string Joined(const std::vector<std::string>& texts) {
  std::string joined;
  for (const std::string& text : texts) joined += (joined.empty() ? "" : ",") + text;
  return joined;
}

// Of the record in the CrawlDb alone.
std::vector<PageColumn> IndexColumns() {
  return {
      {"url_surtkey", "", kText, false, kNothing, [](const PageRow& r) { return TextCell(Surt(r.parsed_url)); },
       "the URL as archives sort it (SURT)"},
      {"url", "", kText, false, kNothing, [](const PageRow& r) { return TextCell(r.url); }, "the URL that was asked for"},
      {"url_host_name", "host", kText, false, kNothing,
       [](const PageRow& r) { return TextCell(r.parsed_url.host()); }, "its host"},
      {"url_host_registered_domain", "domain", kText, true, kNothing,
       [](const PageRow& r) { return TextOrNull(r.registered_domain); }, "the host's registrable domain"},
      {"url_protocol", "scheme", kText, false, kNothing,
       [](const PageRow& r) { return TextCell(r.parsed_url.scheme()); }, "http or https"},
      {"url_port", "port", kInteger, true, kNothing,
       [](const PageRow& r) {
         const uint16_t port = r.parsed_url.port();
         return port == DefaultPort(r.parsed_url.scheme()) ? Cell() : Number(port);
       },
       "the port, if it is not the protocol's own"},
      {"url_path", "path", kText, false, kNothing, [](const PageRow& r) { return TextCell(r.parsed_url.path()); },
       "the URL's path"},
      {"url_query", "query", kText, true, kNothing,
       [](const PageRow& r) { return r.parsed_url.has_query() ? TextCell(r.parsed_url.query()) : Cell(); },
       "the URL's query"},
      {"fetch_time", "fetched_at", kTime, false, kNothing, [](const PageRow& r) { return TimeCell(r.fetched_at); },
       "when it was fetched"},
      {"fetch_status", "status", kInteger, false, kNothing,
       [](const PageRow& r) { return Number(static_cast<uint64_t>(r.status)); }, "the HTTP status"},
      {"content_digest", "", kText, false, kNothing, [](const PageRow& r) { return TextCell(Base32Of(r.digest)); },
       "SHA-1 of the payload, Base32"},
      {"content_mime_type", "content_type", kText, true, kNothing,
       [](const PageRow& r) { return TextOrNull(r.content_type); }, "the type that the server named"},
      {"content_length", "length", kLong, false, kNothing, [](const PageRow& r) { return Number(r.length); },
       "bytes of the payload"},
      {"truncated", "", kTruth, false, kNothing, [](const PageRow& r) { return Cell(r.truncated); },
       "whether a limit cut it"},
      {"warc_filename", "warc_file", kText, false, kNothing, [](const PageRow& r) { return TextCell(r.warc_file); },
       "the file that holds it"},
      {"warc_record_offset", "warc_offset", kLong, false, kNothing,
       [](const PageRow& r) { return Number(r.warc_offset); }, "where its record begins there"},
      {"warc_record_length", "", kLong, false, kNothing, [](const PageRow& r) { return Number(r.warc_length); },
       "bytes of that record, compressed"},
      {"depth", "", kInteger, false, kNothing, [](const PageRow& r) { return Number(r.depth); }, "links from a seed"},
      {"referrer", "", kText, true, kNothing, [](const PageRow& r) { return TextOrNull(r.referrer); },
       "the page that named it first"},
      {"first_fetched", "", kTime, true, kNothing, [](const PageRow& r) { return TimeOrNull(r.first_fetched); },
       "of a page that was fetched again: its first visit"},
      {"last_checked", "", kTime, true, kNothing,
       [](const PageRow& r) { return r.first_fetched ? TimeCell(r.last_checked) : Cell(); }, "its last one"},
      {"changes", "", kInteger, true, kNothing,
       [](const PageRow& r) { return r.first_fetched ? Number(r.changes) : Cell(); }, "how often it was found changed"},
  };
}

// As JSON Lines have it.
PageColumn LabelledDigest() {
  return {"digest", "", kText, false, kNothing, [](const PageRow& r) { return TextCell(r.digest); },
          "content_digest with sha1: before it", /*in_groups=*/false};
}

// Of all pages together: only where it is named.
PageColumn NearDuplicateCluster() {
  return {"near_duplicate_cluster", "cluster", kLong, true, kPage | kSimHash | kClusters,
          [](const PageRow& r) { return r.near_duplicates == 0 ? Cell() : Number(r.near_duplicates); },
          "equal for pages that are nearly the same: the least simhash among those of the export", /*in_groups=*/false};
}

// Read again from the page.
std::vector<PageColumn> ContentColumns() {
  return {
      {"content_mime_detected", "", kText, true, kPage, [](const PageRow& r) { return TextOrNull(r.mime_detected); },
       "the type that its bytes show"},
      {"content_charset", "charset", kText, true, kPage, [](const PageRow& r) { return TextOrNull(r.charset); },
       "the character encoding that it was read in"},
      {"content_languages", "language", kText, true, kLanguageNeeds,
       [](const PageRow& r) { return TextOrNull(Joined(r.self.languages)); },
       "languages found in the text, the main one first: eng,deu"},
      {"language_tag", "lang", kText, true, kPage, [](const PageRow& r) { return TextOrNull(r.self.language_tag); },
       "what the page says it is written in"},
      {"robots", "", kJson, true, kPage, [](const PageRow& r) { return JsonList(r, r.robots); },
       "noindex, nofollow, as the page asked"},
      {"title", "", kText, true, kPage, [](const PageRow& r) { return TextOrNull(r.title); }, "its title"},
      {"description", "", kText, true, kPage, [](const PageRow& r) { return TextOrNull(r.self.description); },
       "its meta description"},
      {"canonical", "", kText, true, kPage, [](const PageRow& r) { return TextOrNull(r.self.canonical); },
       "the URL that it names as its own"},
      {"headings", "", kJson, true, kFactNeeds, [](const PageRow& r) { return TextOrNull(r.self.headings_json); },
       "h1 to h6: [[1,\"Text\"],...]"},
      {"published", "", kTime, true, kFactNeeds, [](const PageRow& r) { return TimeOrNull(r.self.published); },
       "when it says that it was published"},
      {"modified", "", kTime, true, kFactNeeds, [](const PageRow& r) { return TimeOrNull(r.self.modified); },
       "and last changed"},
      {"open_graph", "", kJson, true, kFactNeeds, [](const PageRow& r) { return TextOrNull(r.self.open_graph_json); },
       "its Open Graph properties, an object"},
      {"json_ld", "", kJson, true, kFactNeeds, [](const PageRow& r) { return TextOrNull(r.self.json_ld_json); },
       "its JSON-LD, a list"},
      {"simhash", "", kLong, true, kPage | kSimHash,
       [](const PageRow& r) { return r.sim_hash == 0 ? Cell() : Number(r.sim_hash); },
       "64 bits of its text, of which like pages differ in few (at most 3)"},
      {"links", "", kJson, true, kPage, [](const PageRow& r) { return JsonList(r, r.links); }, "where its links lead"},
      {"text", "", kText, true, kTextNeeds, [](const PageRow& r) { return r.text ? TextOrNull(*r.text) : Cell(); },
       "its visible text"},
  };
}

}  // namespace

const std::vector<PageColumn>& PageColumns() {
  static const std::vector<PageColumn>* const columns = [] {
    auto* all = new std::vector<PageColumn>(IndexColumns());
    for (const PageColumn& column : ContentColumns()) all->push_back(column);
    all->push_back(LabelledDigest());
    all->push_back(NearDuplicateCluster());
    return all;
  }();
  return *columns;
}

const PageColumn* FindPageColumn(std::string_view name) {
  if (name.empty()) return nullptr;
  // Short words for --where.
  if (name == "type") name = "content_mime_type";
  if (name == "date") name = "fetch_time";
  if (name == "size") name = "content_length";
  for (const PageColumn& column : PageColumns()) {
    if (column.name == name || column.other_name == name) return &column;
  }
  return nullptr;
}

void ChosenColumns::Add(const PageColumn& column, std::string_view name) {
  columns.push_back(&column);
  table.push_back({std::string(name), column.type, column.nullable});
  needs = needs | column.needs;
}

bool ChosenColumns::Has(const PageColumn& column) const {
  return std::find(columns.begin(), columns.end(), &column) != columns.end();
}

std::vector<Cell> ChosenColumns::Row(const PageRow& row) const {
  std::vector<Cell> cells;
  cells.reserve(columns.size());
  for (const PageColumn* column : columns) cells.push_back(column->cell(row));
  return cells;
}

}  // namespace weft
