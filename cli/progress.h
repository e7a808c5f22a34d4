// What a running crawl tells its user: the live line, what bounds its rate, the summary in which the ledger adds up, and
// why a crawl found little. Pure text from snapshots; printing is Console's.
#pragma once

#include <absl/time/time.h>

#include <deque>
#include <string>
#include <vector>

#include "common/wire.pb.h"
#include "scheduler/scheduler_node.h"

namespace weft {

// Pages a second over the last ten seconds or so.
class RateMeter {
 public:
  void Add(absl::Time now, uint64_t pages);
  double rate() const;

 private:
  std::deque<std::pair<absl::Time, uint64_t>> samples_;
};

// "1,204 pages, 38.1/s · queued 5,120 · 14 hosts · 3 failed · 0:31"
std::string ProgressLine(const wire::StatusReply& status, double rate, absl::Duration elapsed);

// "1 host × 1s delay: at most 60 pages/min; --delay 0 for a server of your own"; empty where politeness does not bind.
std::string PolitenessNote(const SchedulerNode::RateBound& bound, uint32_t host_connections, double rate);

struct CrawlSummary {
  wire::StatusReply status;
  StopReason stop = StopReason::kNone;
  absl::Duration elapsed;
  uint64_t pages_this_run = 0;
  std::string command_to_go_on;   // printed where URLs are left
};
// How many pages are fetched again later, and what the visits so far have found: a line each, without its end; none where
// nothing was fetched again.
std::vector<std::string> RecrawlTexts(const wire::StatusReply& status);

std::string SummaryText(const CrawlSummary& summary);

// Sentences that explain a crawl of fewer than three pages; empty if there is nothing to explain.
std::vector<std::string> WhyFewPages(const wire::StatusReply& status, const std::vector<UrlEnd>& first_ends,
                                     const std::string& scope);

}  // namespace weft
