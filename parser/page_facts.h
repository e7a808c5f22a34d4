// What a page says of itself for those who analyse it: headings, Open Graph, JSON-LD, dates. Read off the tree in a walk of its
// own (parser/gumbo_facts.cc), since a crawl does not need it. Bounded: what is beyond the limits is left out.
// Any bytes; thread rule: values.
#pragma once

#include <absl/time/time.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weft {

struct PageFacts {
  static constexpr size_t kMostHeadings = 1000;
  static constexpr size_t kMostProperties = 300;
  static constexpr size_t kMostTextBytes = 4096;         // of a heading or property
  static constexpr size_t kMostJsonLdBytes = 512 * 1024; // in all
  static constexpr size_t kMostJsonDepth = 64;

  std::vector<std::pair<int, std::string>> headings;               // 1 to 6, and the text
  std::vector<std::pair<std::string, std::string>> open_graph;     // og:, article:, twitter: and such; repeats kept
  std::vector<std::string> json_ld;                                // each valid JSON, compact
  // JSON-LD before meta elements before time elements.
  std::optional<absl::Time> published;
  std::optional<absl::Time> modified;

  // [[1,"Text"],...]; empty where there is nothing.
  std::string HeadingsJson() const;
  // {"og:title":"..."}: of a property that is there more than once, a list.
  std::string OpenGraphJson() const;
  // [{...},...]
  std::string JsonLdJson() const;
};

// Gathers facts while a tree is walked.
class PageFactCollector {
 public:
  void AddHeading(int level, std::string text);
  // A meta element's name (or property, or itemprop) and content.
  void AddMeta(std::string_view name, std::string_view content);
  // The content of a script element of type application/ld+json.
  void AddJsonLd(std::string_view text);
  // A time element: its datetime attribute, what itemprop or class call it, and whether it is in an article.
  void AddTime(std::string_view datetime, std::string_view role, bool in_article);
  PageFacts Take();

 private:
  // Of several sources the most telling counts, which is the lowest; among equals the first.
  struct Dated {
    std::optional<absl::Time> time;
    int source = 0;
  };
  static void Note(Dated& into, std::string_view text, int source);

  PageFacts facts_;
  Dated published_;
  Dated modified_;
  size_t json_ld_bytes_ = 0;
};

// As sitemaps write dates; a time without a zone is taken for UTC.
std::optional<absl::Time> ParsePageDate(std::string_view text);

}  // namespace weft
