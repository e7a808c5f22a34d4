// Finds patterns of URLs that are traps: that a crawler could follow for ever without coming to anything new. It sees every
// URL that is queued and every page that is stored, and keeps small statistics of the hosts, patterns and directories that were
// seen last; its memory is bounded (about 40 MB at the most). What it finds goes into a TrapList, and what that holds is
// refused. docs/user-guide.md tells each kind with its thresholds, which are such that an ordinary site comes to none.
// Thread rule: the scheduler's loop.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/clock.h"
#include "common/registrable_domain.h"
#include "scheduler/recent_map.h"
#include "scheduler/trap_list.h"
#include "scheduler/url_pattern.h"

namespace weft {

// Thresholds; docs/user-guide.md has them in words.
struct TrapRules {
  static constexpr int kNear = 3;                    // bits in which near-duplicates' sketches differ at the most
  static constexpr uint32_t kFutureMonths = 24;      // dates beyond this from now
  static constexpr uint32_t kFutureUrls = 30;
  static constexpr uint32_t kSpanMonths = 18;        // or: dates that reach over so many months,
  static constexpr uint32_t kSpanPages = 60;         // with so many pages, of which so many in a hundred are alike
  static constexpr uint32_t kSpanAlike = 80;
  static constexpr size_t kRepeats = 4;              // of one segment in a path
  static constexpr uint32_t kRepeatUrls = 20;
  static constexpr size_t kDeepSegments = 20;
  static constexpr uint32_t kDeepUrls = 30;
  static constexpr uint32_t kKnownSessionAgain = 30;   // pages seen before under another id
  static constexpr uint32_t kOtherSessionAgain = 150;  // where the parameter is not called as sessions are
  static constexpr uint32_t kSessionUrls = 2;          // of each pattern, once the session is known
  static constexpr size_t kNameSets = 64;            // sets of parameter names on one path
  static constexpr size_t kManyParameters = 4;
  static constexpr size_t kVeryManyParameters = 12;
  static constexpr size_t kParameterRepeats = 4;
  static constexpr uint32_t kParameterUrls = 30;
  static constexpr uint32_t kQueryPages = 300;
  static constexpr uint32_t kQueryAlike = 80;
  static constexpr uint32_t kSamePages = 200;        // of a pattern; all but two in a hundred like one
  static constexpr uint32_t kSameDirectoryPages = 300;
  static constexpr uint32_t kSameHostPages = 1000;
  static constexpr uint32_t kSameShare = 98;
  static constexpr uint32_t kAlikePages = 1000;      // of a pattern; like one of twelve
  static constexpr uint32_t kAlikeShare = 95;
  static constexpr uint32_t kFarmHosts = 100;        // whose first pages are alike
  static constexpr uint32_t kFarmShare = 90;
};

// Pages, and how many of them are like another one.
class AlikePages {
 public:
  // `sketch` 0: a page without text is like no other. True: it is like one before.
  bool Add(uint64_t sketch);
  uint32_t pages() const { return pages_; }
  uint32_t alike() const { return alike_; }
  uint32_t same() const { return same_; }   // like one and the same
  bool Share(uint32_t part, uint32_t percent) const { return uint64_t{part} * 100 >= uint64_t{pages_} * percent; }

 private:
  uint32_t pages_ = 0;
  uint32_t alike_ = 0;
  uint32_t same_ = 0;
  size_t kept_ = 0;
  std::array<uint64_t, 12> sketches_ = {};
  std::array<uint32_t, 12> hits_ = {};
};

class TrapWatch {
 public:
  // `list` must outlive it.
  TrapWatch(TrapList& list, std::shared_ptr<const PublicSuffixes> suffixes, const Clock& clock);

  // Whether a trap in force refuses the URL; null: none does. A session's first URLs of each pattern are let pass, and counted.
  wire::Trap* Judge(std::string_view href, std::string_view host);
  // A URL was queued.
  void Queued(std::string_view href);
  // A page was stored with a 2xx status.
  void Stored(std::string_view href, uint64_t sketch);
  // Ids of traps found since the last call.
  std::vector<uint64_t> TakeFound() { return std::exchange(found_, {}); }
  // The list was changed by others.
  void Reload();

 private:
  struct PatternFacts {
    AlikePages pages;
    uint32_t urls = 0;
    uint32_t let_pass = 0;
    uint32_t dated = 0;
    uint32_t future = 0;
    uint32_t first_month = 0;
    uint32_t last_month = 0;
    std::string example;
  };
  struct PlaceFacts {   // a directory or a host
    AlikePages pages;
    uint32_t urls = 0;
    uint32_t repeats = 0;
    uint32_t deep = 0;
    std::string registrable_domain;   // of a host
  };
  struct PathFacts {
    uint32_t urls = 0;
    uint32_t swollen = 0;
    absl::flat_hash_set<uint64_t> name_sets;
  };
  struct SessionFacts {
    uint32_t pages = 0;
    uint32_t again = 0;
  };
  struct DomainFacts {
    AlikePages first_pages;
    uint32_t hosts = 0;
  };

  uint32_t ThisMonth() const;
  void WatchDates(const UrlPattern& pattern, std::string_view href, PatternFacts& facts);
  void WatchPath(const UrlPattern& pattern, std::string_view href, PlaceFacts& host);
  void WatchQuery(const UrlPattern& pattern, std::string_view href);
  void WatchSessions(const UrlPattern& pattern, std::string_view href, bool again);
  void WatchPattern(const UrlPattern& pattern, std::string_view href, uint64_t sketch);
  void WatchPlaces(const UrlPattern& pattern, std::string_view href, uint64_t sketch);
  void WatchDomain(const std::string& domain, std::string_view href, uint64_t sketch);
  // Nullptr: it was released, is known, or the list is full.
  wire::Trap* Find(wire::Trap::Kind kind, std::string match, std::string_view host, std::string_view reason,
                   std::string_view href, std::string detail);
  bool Covers(const wire::Trap& trap, const UrlPattern& pattern);

  TrapList& list_;
  std::shared_ptr<const PublicSuffixes> suffixes_;  // shared: one immutable list per process
  const Clock& clock_;
  RecentMap<PatternFacts> patterns_;
  RecentMap<PlaceFacts> directories_;
  RecentMap<PlaceFacts> hosts_;
  RecentMap<PathFacts> paths_;
  RecentMap<SessionFacts> sessions_;
  RecentMap<DomainFacts> domains_;
  absl::flat_hash_map<std::string, std::vector<int>> in_force_;  // places in the list, by host or domain
  std::vector<uint64_t> found_;
};

// Whether `host` is `domain` or lies below it.
bool HostLiesIn(std::string_view host, std::string_view domain);

}  // namespace weft
