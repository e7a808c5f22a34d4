#include "scheduler/trap_watch.h"

#include <absl/hash/hash.h>

#include <algorithm>
#include <bit>
#include <optional>
#include <utility>

#include <fmt/format.h>

namespace weft {
namespace {

using Rules = TrapRules;

// About 500 bytes each.
constexpr size_t kMostPatterns = 30'000;
constexpr size_t kMostDirectories = 10'000;
constexpr size_t kMostHosts = 20'000;
constexpr size_t kMostPaths = 5'000;
constexpr size_t kMostSessions = 10'000;
constexpr size_t kMostDomains = 5'000;
constexpr size_t kMaxExample = 300;

bool Swollen(const UrlPattern& pattern) {
  return pattern.parameters > Rules::kVeryManyParameters || pattern.parameter_repeats >= Rules::kParameterRepeats;
}

std::string MonthText(uint32_t month) { return fmt::format("{}-{:02}", month / 12, month % 12 + 1); }

}  // namespace

bool AlikePages::Add(uint64_t sketch) {
  ++pages_;
  if (sketch == 0) return false;
  const auto near = [sketch](uint64_t other) { return std::popcount(sketch ^ other) <= Rules::kNear; };
  for (size_t i = 0; i < kept_; ++i) {
    if (!near(sketches_[i])) continue;
    ++alike_;
    same_ = std::max(same_, ++hits_[i]);
    return true;
  }
  // The one that was met least makes room.
  const auto place = static_cast<size_t>(std::min_element(hits_.begin(), hits_.end()) - hits_.begin());
  const size_t at = kept_ < sketches_.size() ? kept_++ : place;
  sketches_[at] = sketch;
  hits_[at] = 0;
  return false;
}

bool HostLiesIn(std::string_view host, std::string_view domain) {
  if (!host.ends_with(domain)) return false;
  return host.size() == domain.size() || host[host.size() - domain.size() - 1] == '.';
}

TrapWatch::TrapWatch(TrapList& list, std::shared_ptr<const PublicSuffixes> suffixes, const Clock& clock)
    : list_(list), suffixes_(std::move(suffixes)), clock_(clock), patterns_(kMostPatterns), directories_(kMostDirectories),
      hosts_(kMostHosts), paths_(kMostPaths), sessions_(kMostSessions), domains_(kMostDomains) {}

void TrapWatch::Reload() {
  in_force_.clear();
  for (int i = 0; i < list_.traps().size(); ++i) {
    if (!list_.traps()[i].released()) in_force_[list_.traps()[i].host()].push_back(i);
  }
}

uint32_t TrapWatch::ThisMonth() const {
  const absl::CivilMonth month = absl::ToCivilMonth(clock_.WallNow(), absl::UTCTimeZone());
  return static_cast<uint32_t>(std::max<int64_t>(month.year(), 0)) * 12 + static_cast<uint32_t>(month.month()) - 1;
}

bool TrapWatch::Covers(const wire::Trap& trap, const UrlPattern& pattern) {
  switch (trap.kind()) {
    case wire::Trap::PATTERN:
      return pattern.Text() == trap.match() && pattern.month >= trap.limit_month();
    case wire::Trap::DIRECTORY:
      return pattern.DirectoryText() == trap.match();
    case wire::Trap::REPEATS:
      return pattern.repeats >= Rules::kRepeats;
    case wire::Trap::DEEP:
      return pattern.segments > Rules::kDeepSegments;
    case wire::Trap::QUERY:
      return pattern.PathText() == trap.match() && (pattern.parameters >= Rules::kManyParameters || Swollen(pattern));
    case wire::Trap::SESSION: {
      const std::string slot = trap.match().substr(trap.host().size());
      if (std::find(pattern.sessions.begin(), pattern.sessions.end(), slot) == pattern.sessions.end()) return false;
      // Every page behind a session is worth being seen once.
      PatternFacts& facts = patterns_.Touch(pattern.Text());
      return facts.pages.pages() + ++facts.let_pass > Rules::kSessionUrls;
    }
    case wire::Trap::DOMAIN:
    case wire::Trap::HOST:
      return true;
    default:
      return false;
  }
}

wire::Trap* TrapWatch::Judge(std::string_view href, std::string_view host) {
  if (in_force_.empty()) return nullptr;
  std::optional<UrlPattern> pattern;
  for (std::string_view name = host;;) {
    if (auto places = in_force_.find(std::string(name)); places != in_force_.end()) {
      if (!pattern) pattern = PatternOf(href);
      for (int place : places->second) {
        wire::Trap& trap = list_.traps()[place];
        const bool here = trap.kind() == wire::Trap::DOMAIN || name.size() == host.size();
        if (here && Covers(trap, *pattern)) return &trap;
      }
    }
    const size_t dot = name.find('.');
    if (dot == name.npos) return nullptr;
    name.remove_prefix(dot + 1);
  }
}

wire::Trap* TrapWatch::Find(wire::Trap::Kind kind, std::string match, std::string_view host, std::string_view reason,
                            std::string_view href, std::string detail) {
  if (list_.Find(kind, match) != nullptr) return nullptr;
  wire::Trap trap;
  trap.set_kind(kind);
  trap.set_match(std::move(match));
  trap.set_host(std::string(host));
  trap.set_reason(std::string(reason));
  trap.set_detail(std::move(detail));
  trap.set_example(std::string(href.substr(0, kMaxExample)));
  trap.set_found_wall_us(absl::ToUnixMicros(clock_.WallNow()));
  wire::Trap* added = list_.Add(std::move(trap));
  if (added == nullptr) return nullptr;
  found_.push_back(added->id());
  in_force_[std::string(host)].push_back(list_.traps().size() - 1);
  return added;
}

// ---- URLs ----

void TrapWatch::Queued(std::string_view href) {
  const UrlPattern pattern = PatternOf(href);
  ++directories_.Touch(pattern.DirectoryText()).urls;
  PlaceFacts& host = hosts_.Touch(pattern.host);
  ++host.urls;
  WatchPath(pattern, href, host);
  if (pattern.parameters > 0) WatchQuery(pattern, href);
  if (!pattern.has_slots) return;
  PatternFacts& facts = patterns_.Touch(pattern.Text());
  ++facts.urls;
  if (pattern.month > 0) WatchDates(pattern, href, facts);
}

void TrapWatch::WatchDates(const UrlPattern& pattern, std::string_view href, PatternFacts& facts) {
  const uint32_t now = ThisMonth();
  ++facts.dated;
  facts.first_month = facts.first_month == 0 ? pattern.month : std::min(facts.first_month, pattern.month);
  facts.last_month = std::max(facts.last_month, pattern.month);
  if (pattern.month > now + Rules::kFutureMonths) ++facts.future;
  // Numbers that only look like dates come with others that do not.
  if (facts.future < Rules::kFutureUrls || facts.urls > facts.dated + facts.dated / 20) return;
  wire::Trap* trap = Find(wire::Trap::PATTERN, pattern.Text(), pattern.host, "calendar", href,
                          fmt::format("{} URLs name dates after {}, up to {}", facts.future,
                                      MonthText(now + Rules::kFutureMonths), MonthText(facts.last_month)));
  if (trap == nullptr) return;
  trap->set_limit_month(now + Rules::kFutureMonths);
  trap->set_urls(facts.urls);
  trap->set_pages(facts.pages.pages());
  trap->set_near_duplicates(facts.pages.alike());
}

void TrapWatch::WatchPath(const UrlPattern& pattern, std::string_view href, PlaceFacts& facts) {
  if (pattern.repeats >= Rules::kRepeats && ++facts.repeats == Rules::kRepeatUrls) {
    wire::Trap* trap = Find(wire::Trap::REPEATS, fmt::format("{}/**/{}/**/{}/**", pattern.host, pattern.repeated, pattern.repeated),
                            pattern.host, "repeated-segments", href,
                            fmt::format("{} URLs have one segment {} times or more in their paths", facts.repeats, Rules::kRepeats));
    if (trap != nullptr) trap->set_urls(facts.repeats);
  }
  if (pattern.segments > Rules::kDeepSegments && ++facts.deep == Rules::kDeepUrls) {
    wire::Trap* trap = Find(wire::Trap::DEEP, fmt::format("{}/**", pattern.host), pattern.host, "endless-depth", href,
                            fmt::format("{} URLs have more than {} segments in their paths", facts.deep, Rules::kDeepSegments));
    if (trap != nullptr) trap->set_urls(facts.deep);
  }
}

void TrapWatch::WatchQuery(const UrlPattern& pattern, std::string_view href) {
  if (pattern.parameters < Rules::kManyParameters && !Swollen(pattern)) return;
  PathFacts& facts = paths_.Touch(pattern.PathText());
  ++facts.urls;
  if (facts.name_sets.size() < Rules::kNameSets) facts.name_sets.insert(absl::Hash<std::string>()(pattern.query));
  if (Swollen(pattern)) ++facts.swollen;
  const bool sets = facts.name_sets.size() >= Rules::kNameSets;
  if (!sets && facts.swollen < Rules::kParameterUrls) return;
  wire::Trap* trap =
      Find(wire::Trap::QUERY, pattern.PathText(), pattern.host, "query-explosion", href,
           sets ? fmt::format("{} different sets of {} or more parameters", facts.name_sets.size(), Rules::kManyParameters)
                : fmt::format("{} URLs have more than {} parameters, or one of them {} times", facts.swollen,
                              Rules::kVeryManyParameters, Rules::kParameterRepeats));
  if (trap != nullptr) trap->set_urls(facts.urls);
}

// ---- Pages ----

void TrapWatch::Stored(std::string_view href, uint64_t sketch) {
  const UrlPattern pattern = PatternOf(href);
  if (pattern.has_slots) WatchPattern(pattern, href, sketch);
  WatchPlaces(pattern, href, sketch);
}

void TrapWatch::WatchPattern(const UrlPattern& pattern, std::string_view href, uint64_t sketch) {
  PatternFacts& facts = patterns_.Touch(pattern.Text());
  const bool again = facts.pages.Add(sketch);
  const AlikePages& pages = facts.pages;
  WatchSessions(pattern, href, again);
  std::string_view reason;
  if (pages.pages() >= Rules::kSpanPages && facts.last_month - facts.first_month >= Rules::kSpanMonths &&
      pages.Share(pages.alike(), Rules::kSpanAlike) && facts.urls <= facts.dated + facts.dated / 20) {
    reason = "calendar";
  } else if (pattern.parameters >= 3 && pages.pages() >= Rules::kQueryPages && pages.Share(pages.alike(), Rules::kQueryAlike)) {
    reason = "query-explosion";
  } else if (pages.pages() >= Rules::kSamePages && pages.Share(pages.same(), Rules::kSameShare)) {
    reason = "soft-404";
  } else if (pages.pages() >= Rules::kAlikePages && pages.Share(pages.alike(), Rules::kAlikeShare)) {
    reason = "near-duplicates";
  }
  if (reason.empty()) return;
  wire::Trap* known = list_.Find(wire::Trap::PATTERN, pattern.Text());
  if (known != nullptr && !known->released() && known->limit_month() > 0) {
    // Not only the dates to come: none of them leads anywhere.
    known->set_limit_month(0);
    found_.push_back(known->id());
  }
  wire::Trap* trap = Find(wire::Trap::PATTERN, pattern.Text(), pattern.host, reason, href,
                          fmt::format("{} of {} pages are near-duplicates of others of this pattern", pages.alike(), pages.pages()));
  if (trap == nullptr) return;
  trap->set_urls(facts.urls);
  trap->set_pages(pages.pages());
  trap->set_near_duplicates(pages.alike());
}

void TrapWatch::WatchSessions(const UrlPattern& pattern, std::string_view href, bool again) {
  for (size_t i = 0; i < pattern.sessions.size(); ++i) {
    const std::string match = pattern.host + pattern.sessions[i];
    SessionFacts& facts = sessions_.Touch(match);
    ++facts.pages;
    if (again) ++facts.again;
    const bool known = i == 0 && pattern.known_session;
    const uint32_t enough = known ? Rules::kKnownSessionAgain : Rules::kOtherSessionAgain;
    const bool often = known ? facts.again * 2 >= facts.pages : facts.again * 5 >= facts.pages * 4;
    if (facts.again < enough || !often) continue;
    wire::Trap* trap = Find(wire::Trap::SESSION, match, pattern.host, "session-ids", href,
                            fmt::format("{} of {} pages were seen before under another id", facts.again, facts.pages));
    if (trap == nullptr) continue;
    trap->set_pages(facts.pages);
    trap->set_near_duplicates(facts.again);
  }
}

void TrapWatch::WatchPlaces(const UrlPattern& pattern, std::string_view href, uint64_t sketch) {
  const auto watch = [&](wire::Trap::Kind kind, std::string match, PlaceFacts& facts, uint32_t enough) {
    facts.pages.Add(sketch);
    const AlikePages& pages = facts.pages;
    if (pages.pages() < enough || !pages.Share(pages.same(), Rules::kSameShare)) return;
    wire::Trap* trap = Find(kind, std::move(match), pattern.host, "soft-404", href,
                            fmt::format("{} of {} pages are near-duplicates of one", pages.same(), pages.pages()));
    if (trap == nullptr) return;
    trap->set_urls(facts.urls);
    trap->set_pages(pages.pages());
    trap->set_near_duplicates(pages.same());
  };
  const std::string directory = pattern.DirectoryText();
  watch(wire::Trap::DIRECTORY, directory, directories_.Touch(directory), Rules::kSameDirectoryPages);
  PlaceFacts& host = hosts_.Touch(pattern.host);
  const bool first = host.pages.pages() == 0;
  if (host.registrable_domain.empty()) host.registrable_domain = suffixes_->RegistrableDomain(pattern.host);
  const std::string domain = host.registrable_domain;
  watch(wire::Trap::HOST, pattern.host + "/**", host, Rules::kSameHostPages);
  if (first && domain != pattern.host) WatchDomain(domain, href, sketch);
}

void TrapWatch::WatchDomain(const std::string& domain, std::string_view href, uint64_t sketch) {
  DomainFacts& facts = domains_.Touch(domain);
  ++facts.hosts;
  facts.first_pages.Add(sketch);
  const AlikePages& pages = facts.first_pages;
  if (pages.pages() < Rules::kFarmHosts || !pages.Share(pages.alike(), Rules::kFarmShare)) return;
  wire::Trap* trap = Find(wire::Trap::DOMAIN, "*." + domain, domain, "link-farm", href,
                          fmt::format("the first pages of {} of {} hosts are near-duplicates", pages.alike(), pages.pages()));
  if (trap == nullptr) return;
  trap->set_urls(facts.hosts);
  trap->set_pages(pages.pages());
  trap->set_near_duplicates(pages.alike());
}

}  // namespace weft
