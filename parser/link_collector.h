// What a walk over a page found, before URLs are resolved: a <base> counts for the links before it too. Belongs to one page.
// Cost and output are bounded by the limits below however the page is made.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "parser/link_extractor.h"
#include "parser/visible_text.h"

namespace weft {

// Links of one page beyond this are not taken.
inline constexpr size_t kMaxPageLinks = 100'000;
// Bytes that resolving may read (each link's reference and its base): a base of 8 KB before a million empty references
// would else come out as 8 GB.
inline constexpr size_t kMaxResolveBytes = 32 << 20;

class LinkCollector {
 public:
  LinkCollector() = default;
  // Kinds that are not wanted need not be added. `robots_name` is in lower case.
  LinkCollector(LinkKinds kinds, bool want_details, std::string_view robots_name)
      : kinds_(kinds), want_details_(want_details), robots_name_(robots_name) {}

  bool Wants(LinkKind kind) const { return kinds_.Has(kind); }
  LinkKinds kinds() const { return kinds_; }
  bool want_details() const { return want_details_; }
  // Whether a meta element of that name speaks to us.
  bool IsRobotsName(std::string_view name) const;

  // Forgets all that was added.
  void Clear();
  // Forgets what was added since then (a frameset takes the place of the body).
  void MarkBody();
  void DropBody();

  // `href` of a <base>; the first one counts (4.2.3).
  void AddBase(std::string_view href);
  void Add(LinkKind kind, std::string_view reference, std::string_view rel = {});
  // Text within the element of the link that was added last, until EndText; links added meanwhile have none.
  void BeginText();
  void AddText(std::string_view characters);  // references resolved
  void EndText();
  // The content of a <meta http-equiv=refresh>; the first valid one counts (4.2.5.3).
  void AddRefresh(std::string_view content);
  // Facts of the page: the first of each counts, but for robots, where all do.
  void AddCanonical(std::string_view href);
  void AddDescription(std::string_view content);
  void AddLanguage(std::string_view lang);
  void AddMetaRobots(std::string_view content);
  // Keeps a string alive as long as the collector; the views given to the functions above must live that long.
  std::string_view Keep(std::string text);

  // Fills links and facts. `encoding` is that of the page: queries are encoded in it.
  void Resolve(const Url& document_url, std::string_view encoding, ExtractedPage* page) const;

 private:
  struct Reference {
    std::string_view text;
    std::string_view rel;
    LinkKind kind;
  };
  // What was found, but for the references.
  struct Facts {
    std::string_view base;
    std::string_view canonical;
    std::string_view description;
    std::string_view language;
    std::vector<std::string_view> meta_robots;
    bool has_base = false;
    bool has_refresh = false;
    bool has_description = false;
    bool has_language = false;
    bool cut = false;
  };
  static constexpr size_t kNoLink = ~size_t{0};
  // Facts are kept up to this many octets each; what is asked of robots in so many elements and octets in all, since what is
  // left out would be disobeyed.
  static constexpr size_t kMaxFact = 4096;
  static constexpr size_t kMaxMetaRobots = 1000;
  static constexpr size_t kMaxMetaRobotsBytes = 1 << 20;

  LinkKinds kinds_ = kFollowedKinds;
  bool want_details_ = false;
  std::string_view robots_name_ = "weft";
  std::vector<Reference> references_;
  std::vector<std::pair<size_t, std::string>> texts_;  // by index of the link, ascending
  VisibleText text_;
  size_t text_of_ = kNoLink;
  Facts facts_;
  Facts facts_of_head_;
  size_t references_of_head_ = 0;
  std::deque<std::string> kept_;
};

}  // namespace weft
