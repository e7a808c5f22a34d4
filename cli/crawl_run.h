// The parts of a crawl's run that `weft crawl` and `weft scheduler` share: settling stored and new options, progress,
// signals, the summary.
#pragma once

#include <string>
#include <vector>

#include "cli/console.h"
#include "cli/live_parts.h"
#include "cli/options.h"
#include "cli/scheduler_host.h"
#include "common/url.h"

namespace weft {

// Makes the settings in force from what was stored and what is given now; prints the differences.
class CrawlSettle {
 public:
  CrawlSettle(const CommandLine& line, const std::vector<Url>& seeds, Console& console)
      : line_(line), seeds_(seeds), console_(console) {}
  absl::StatusOr<wire::CrawlSettings> operator()(const std::string& stored);
  bool resumed() const { return resumed_; }
  const wire::CrawlSettings& settings() const { return settings_; }

 private:
  const CommandLine& line_;
  const std::vector<Url>& seeds_;
  Console& console_;
  bool resumed_ = false;
  wire::CrawlSettings settings_;
};

// Runs both to the end of the crawl; answers the exit code.
int RunCrawl(const CommandLine& line, SchedulerHost& host, Worker& worker, const wire::CrawlSettings& settings,
             Console& console);

void ApplyLogLevel(const std::string& level);
// Environment proxies are ignored; that is said once.
void TellIgnoredProxies(const wire::CrawlSettings& settings, Console& console);
uint32_t ParserCount(uint32_t wanted);

// Tells of seeds that are refused after all (an --exclude, a scheme that is not http).
void TellSeeds(const SchedulerNode::SeedCounts& counts, Console& console);

}  // namespace weft
