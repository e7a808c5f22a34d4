// --recrawl: when each URL is fetched again, by the crawl's bounds and its rules. The arithmetic is CrawlDb's
// (storage/recrawl_interval.h); here are the terms, and the plan for what was done before anybody asked for recrawls.
// Thread rule: the scheduler's loop.
#pragma once

#include <absl/status/status.h>
#include <absl/time/time.h>

#include <optional>
#include <string>
#include <string_view>

#include "common/clock.h"
#include "common/url_rules.h"
#include "common/wire.pb.h"
#include "scheduler/crawl_clock.h"
#include "storage/crawl_db.h"

namespace weft {

// Where a crawl's settings have none.
inline constexpr absl::Duration kDefaultRecrawlMin = absl::Hours(1);
inline constexpr absl::Duration kDefaultRecrawlMax = absl::Hours(24 * 30);

class RecrawlDesk {
 public:
  RecrawlDesk(CrawlDb& db, const wire::CrawlSettings& settings, const CrawlClock& crawl_clock, const Clock& clock)
      : db_(db), settings_(settings), crawl_clock_(crawl_clock), clock_(clock) {}

  // Once, before anything else is called. Where recrawls are new, or their settings changed, what is done is planned anew.
  absl::Status Open();
  bool on() const { return settings_.recrawl(); }
  // nullopt: it is not fetched again. Fixed times are the first after `since`.
  std::optional<RecrawlTerms> TermsFor(std::string_view url, absl::Time since) const;
  std::optional<RecrawlTerms> TermsFor(std::string_view url) const { return TermsFor(url, clock_.WallNow()); }
  // Plans a piece of what is done: some at each tick, so that nothing else has to wait.
  absl::Status Poke();
  bool planning() const { return planning_; }

 private:
  std::string PlannedBy() const;

  CrawlDb& db_;
  wire::CrawlSettings settings_;
  const CrawlClock& crawl_clock_;
  const Clock& clock_;
  UrlRules rules_;
  std::string cursor_;
  bool planning_ = false;
};

// The conditions under which its page is wanted again, where one is stored that a server may be asked about; and of that page
// what a parser must know to store no second copy of it.
void FillConditions(const UrlRecord& record, wire::UrlTicket& ticket);
// What `weft status` tells of recrawls.
void FillRecrawls(const LedgerCounts& counts, std::optional<CrawlTime> next_due, CrawlTime now, wire::StatusReply& status);

}  // namespace weft
