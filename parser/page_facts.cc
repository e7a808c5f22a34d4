#include "parser/page_facts.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "common/utf8.h"
#include "parser/ascii.h"
#include "parser/sitemap_dates.h"

namespace weft {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kFromJsonLd = 1;
constexpr int kFromMeta = 2;
constexpr int kFromNamedTime = 3;
constexpr int kFromTime = 4;

constexpr std::string_view kPublishedNames[] = {"article:published_time", "og:article:published_time", "datepublished", "date",
                                                "dc.date", "dc.date.issued", "dcterms.created", "dcterms.issued", "pubdate",
                                                "publishdate", "publish-date", "publication_date", "parsely-pub-date",
                                                "sailthru.date", "citation_publication_date"};
constexpr std::string_view kModifiedNames[] = {"article:modified_time", "og:article:modified_time", "og:updated_time",
                                               "datemodified", "last-modified", "lastmod", "dcterms.modified",
                                               "dc.date.modified", "revised"};
constexpr std::string_view kPropertyPrefixes[] = {"og:", "article:", "book:", "profile:", "video:", "music:", "product:",
                                                  "twitter:", "fb:"};

std::string Lowered(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), AsciiLower);
  return out;
}

template <size_t kSize>
bool Contains(const std::string_view (&names)[kSize], std::string_view name) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

std::string Dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

// The reader below, and those who write what it read, go as deep as the text does.
bool NestsAtMost(std::string_view json, size_t most) {
  size_t depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (in_string) {
      if (c == '\\') {
        ++i;
      } else if (c == '"') {
        in_string = false;
      }
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > most) return false;
    } else if ((c == '}' || c == ']') && depth > 0) {
      --depth;
    }
  }
  return true;
}

// The first string of that name, breadth last: an article's own date stands before those of what it contains.
const std::string* FindText(const Json& json, const char* name) {
  if (json.is_object()) {
    const auto it = json.find(name);
    if (it != json.end() && it->is_string()) return it->get_ptr<const std::string*>();
  }
  if (!json.is_structured()) return nullptr;
  for (const auto& inner : json) {
    if (const std::string* found = FindText(inner, name)) return found;
  }
  return nullptr;
}

std::string_view Cut(std::string_view text) {
  if (text.size() <= PageFacts::kMostTextBytes) return text;
  size_t end = PageFacts::kMostTextBytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end);
}

bool HasWord(std::string_view role, std::string_view word) { return Lowered(role).find(word) != std::string::npos; }

}  // namespace

std::optional<absl::Time> ParsePageDate(std::string_view text) {
  text = TrimHtmlSpace(text);
  if (text.size() > 64) return std::nullopt;
  if (auto time = ParseSitemapDate(text)) return time;
  // "2026-01-02 03:04:05", and without a zone.
  std::string again(text);
  if (again.size() > 10 && again[10] == ' ') again[10] = 'T';
  if (auto time = ParseSitemapDate(again)) return time;
  return ParseSitemapDate(again + "Z");
}

std::string PageFacts::HeadingsJson() const {
  if (headings.empty()) return "";
  Json list = Json::array();
  for (const auto& [level, text] : headings) list.push_back(Json::array({level, text}));
  return Dump(list);
}

std::string PageFacts::OpenGraphJson() const {
  if (open_graph.empty()) return "";
  Json object = Json::object();
  for (const auto& [name, content] : open_graph) {
    Json& value = object[name];
    if (value.is_null()) {
      value = content;
    } else if (value.is_array()) {
      value.push_back(content);
    } else {
      value = Json::array({value, content});
    }
  }
  return Dump(object);
}

std::string PageFacts::JsonLdJson() const {
  if (json_ld.empty()) return "";
  std::string list = "[";
  for (const std::string& one : json_ld) list += (list.size() > 1 ? "," : "") + one;
  return list + "]";
}

void PageFactCollector::AddHeading(int level, std::string text) {
  if (text.empty() || facts_.headings.size() >= PageFacts::kMostHeadings) return;
  facts_.headings.emplace_back(level, std::string(Cut(text)));
}

void PageFactCollector::AddMeta(std::string_view name, std::string_view content) {
  const std::string lower = Lowered(TrimHtmlSpace(Cut(name)));
  if (lower.empty() || content.empty()) return;
  if (Contains(kPublishedNames, lower)) Note(published_, content, kFromMeta);
  if (Contains(kModifiedNames, lower)) Note(modified_, content, kFromMeta);
  const bool property = std::any_of(std::begin(kPropertyPrefixes), std::end(kPropertyPrefixes),
                                    [&](std::string_view prefix) { return lower.starts_with(prefix); });
  if (!property || facts_.open_graph.size() >= PageFacts::kMostProperties) return;
  facts_.open_graph.emplace_back(lower, std::string(Cut(content)));
}

void PageFactCollector::AddJsonLd(std::string_view text) {
  if (json_ld_bytes_ + text.size() > PageFacts::kMostJsonLdBytes || !NestsAtMost(text, PageFacts::kMostJsonDepth)) return;
  json_ld_bytes_ += text.size();
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false, /*ignore_comments=*/true);
  if (json.is_discarded() || !json.is_structured()) return;
  if (const std::string* date = FindText(json, "datePublished")) Note(published_, *date, kFromJsonLd);
  if (const std::string* date = FindText(json, "dateModified")) Note(modified_, *date, kFromJsonLd);
  // Of a list its members: what a page says is one list, however it spreads it.
  if (json.is_object()) {
    facts_.json_ld.push_back(Dump(json));
  } else {
    for (const Json& one : json) facts_.json_ld.push_back(Dump(one));
  }
}

void PageFactCollector::AddTime(std::string_view datetime, std::string_view role, bool in_article) {
  if (HasWord(role, "modified") || HasWord(role, "updated")) return Note(modified_, datetime, kFromNamedTime);
  const bool named = HasWord(role, "publi") || HasWord(role, "pubdate") || HasWord(role, "entry-date");
  if (named || in_article) Note(published_, datetime, named ? kFromNamedTime : kFromTime);
}

void PageFactCollector::Note(Dated& into, std::string_view text, int source) {
  if (into.time && into.source <= source) return;
  const auto time = ParsePageDate(text);
  if (time) into = {time, source};
}

PageFacts PageFactCollector::Take() {
  facts_.published = published_.time;
  facts_.modified = modified_.time;
  PageFacts taken = std::move(facts_);
  *this = {};
  return taken;
}

}  // namespace weft
