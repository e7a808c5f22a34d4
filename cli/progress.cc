#include "cli/progress.h"

#include <algorithm>

#include "common/status.h"
#include "common/units.h"

namespace weft {
namespace {

constexpr absl::Duration kRateWindow = absl::Seconds(10);

uint64_t Sum(const google::protobuf::RepeatedPtrField<wire::Count>& counts) {
  uint64_t sum = 0;
  for (const wire::Count& count : counts) sum += count.count();
  return sum;
}

uint64_t CountOf(const google::protobuf::RepeatedPtrField<wire::Count>& counts, std::string_view name) {
  for (const wire::Count& count : counts) {
    if (count.name() == name) return count.count();
  }
  return 0;
}

std::string ClockText(absl::Duration elapsed) {
  int64_t seconds = absl::ToInt64Seconds(elapsed);
  if (seconds >= 3600) return fmt::format("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
  return fmt::format("{}:{:02}", seconds / 60, seconds % 60);
}

std::string Reasons(std::string_view title, const google::protobuf::RepeatedPtrField<wire::Count>& counts) {
  if (counts.empty()) return "";
  std::string text = fmt::format("  {:<11}", title);
  for (int i = 0; i < counts.size(); ++i) {
    text += fmt::format("{}{} {}", i == 0 ? "" : ", ", counts[i].name(), HumanCount(counts[i].count()));
  }
  return text + "\n";
}

std::string Ending(const CrawlSummary& summary) {
  if (summary.status.state() == "finished") return "finished";
  switch (summary.stop) {
    case StopReason::kMaxPages:
      return "stopped: --max-pages reached";
    case StopReason::kMaxTime:
      return "stopped: --max-time reached";
    case StopReason::kInterrupted:
      return "interrupted";
    default:
      return "stopped";
  }
}

// What lifts the limit that ended the crawl: without it the same command would end at once.
std::string_view Lifting(StopReason stop) {
  switch (stop) {
    case StopReason::kMaxPages:
      return " --max-pages none";
    case StopReason::kMaxTime:
      return " --max-time none";
    default:
      return "";
  }
}

// Links that lead to pages not fetched, and how to let them in.
std::vector<std::string> WhatIsLeftOut(const wire::Ledger& ledger, const std::string& scope) {
  std::vector<std::string> why;
  if (uint64_t beside = CountOf(ledger.refused(), "scope"); beside > 0) {
    why.push_back(fmt::format("{} to other hosts: --scope {} or --include PATTERN (with --change-scope) lets them in",
                              HumanCount(beside, "link leads", "links lead"), scope == "domain" ? "any" : "domain"));
  }
  if (uint64_t beside = CountOf(ledger.refused(), "prefix"); beside > 0) {
    why.push_back(fmt::format("{} outside the seed's prefix: --scope host (with --change-scope) lets them in",
                              HumanCount(beside, "link lies", "links lie")));
  }
  if (uint64_t deep = CountOf(ledger.refused(), "depth"); deep > 0) {
    why.push_back(fmt::format("{} deeper than --max-depth", HumanCount(deep, "link lies", "links lie")));
  }
  return why;
}

}  // namespace

void RateMeter::Add(absl::Time now, uint64_t pages) {
  samples_.emplace_back(now, pages);
  while (samples_.size() > 2 && now - samples_.front().first > kRateWindow) samples_.pop_front();
}

double RateMeter::rate() const {
  if (samples_.size() < 2) return 0;
  double seconds = absl::ToDoubleSeconds(samples_.back().first - samples_.front().first);
  // Fewer pages than before: the CrawlDb was opened again, and what was not durable yet is pending once more.
  if (seconds <= 0 || samples_.back().second < samples_.front().second) return 0;
  return static_cast<double>(samples_.back().second - samples_.front().second) / seconds;
}

std::string ProgressLine(const wire::StatusReply& status, double rate, absl::Duration elapsed) {
  const wire::Ledger& ledger = status.ledger();
  const std::string later = status.due_later() > 0 ? fmt::format(" · {} due later", HumanCount(status.due_later())) : "";
  return fmt::format("{}, {:.1f}/s · queued {}{} · {} · {} failed · {}", HumanCount(status.pages(), "page"), rate,
                     HumanCount(ledger.queued() + ledger.leased()), later, HumanCount(status.hosts(), "host"),
                     HumanCount(Sum(ledger.failed())), ClockText(elapsed));
}

std::string PolitenessNote(const SchedulerNode::RateBound& bound, uint32_t host_connections, double rate) {
  if (bound.hosts == 0 || bound.delay <= absl::ZeroDuration()) return "";
  double most = static_cast<double>(bound.hosts * std::max(1u, host_connections)) / absl::ToDoubleSeconds(bound.delay);
  // Only where the crawl does run near that bound, or cannot be told yet.
  if (rate < most / 2 || most > 50) return "";
  return fmt::format("{} host{} × {} delay: at most {:.0f} pages/min; --delay 0 for a server of your own", bound.hosts,
                     bound.hosts == 1 ? "" : "s", weft::FormatDuration(bound.delay), most * 60);
}

std::vector<std::string> RecrawlTexts(const wire::StatusReply& status) {
  std::vector<std::string> texts;
  if (status.due_later() > 0) {
    const absl::Duration next = absl::Seconds(status.next_due_us() / 1'000'000);
    texts.push_back(fmt::format("{:<11}{} fetched again, the next {}", "due later", HumanCount(status.due_later(), "page is", "pages are"),
                                next > absl::ZeroDuration() ? "in " + weft::FormatDuration(next) : "now"));
  }
  if (status.recrawl_changed() + status.recrawl_unchanged() + status.recrawl_missed() > 0) {
    texts.push_back(fmt::format("{:<11}{} changed, {} unchanged, {} missed", "visits", HumanCount(status.recrawl_changed()),
                                HumanCount(status.recrawl_unchanged()), HumanCount(status.recrawl_missed())));
  }
  return texts;
}

std::string SummaryText(const CrawlSummary& summary) {
  const wire::StatusReply& status = summary.status;
  const wire::Ledger& ledger = status.ledger();
  double seconds = std::max(0.001, absl::ToDoubleSeconds(summary.elapsed));
  std::string text = fmt::format(
      "Crawl {}: {}, {} of them in this run ({:.1f}/s, {})\n", Ending(summary), HumanCount(status.pages(), "page"),
      HumanCount(summary.pages_this_run), static_cast<double>(summary.pages_this_run) / seconds, ClockText(summary.elapsed));
  text += fmt::format("  {:<11}{} = queued {} + leased {} + done {} + failed {} + refused {}\n", "discovered",
                      HumanCount(ledger.discovered()), HumanCount(ledger.queued()), HumanCount(ledger.leased()),
                      HumanCount(ledger.done()), HumanCount(Sum(ledger.failed())), HumanCount(Sum(ledger.refused())));
  text += Reasons("failed", ledger.failed());
  text += Reasons("refused", ledger.refused());
  if (status.truncated() > 0) {
    text += fmt::format("  {:<11}{} cut short by --max-body, --timeout or the server\n", "truncated",
                        HumanCount(status.truncated(), "body", "bodies"));
  }
  if (status.superseded() > 0) {
    text += fmt::format("  {:<11}{} second copies, not counted\n", "superseded", status.superseded());
  }
  if (status.sightings() > 0) {
    text += fmt::format("  {:<11}{} refused links beyond what is recorded per host\n", "sightings", status.sightings());
  }
  for (const std::string& line : RecrawlTexts(status)) text += fmt::format("  {}\n", line);
  uint64_t left = ledger.queued() + ledger.leased();
  if (left > 0 && !summary.command_to_go_on.empty()) {
    text += fmt::format("{} left; go on with: {}{}\n", HumanCount(left, "URL is", "URLs are"), summary.command_to_go_on,
                        Lifting(summary.stop));
  }
  return text;
}

std::vector<std::string> WhyFewPages(const wire::StatusReply& status, const std::vector<UrlEnd>& first_ends,
                                     const std::string& scope) {
  std::vector<std::string> why;
  if (status.pages() >= 3) return why;
  const wire::Ledger& ledger = status.ledger();
  for (const UrlEnd& end : first_ends) {
    if (why.size() >= 5) break;
    if (end.outcome == Outcome::kRobots) {
      why.push_back(fmt::format("{}: robots.txt refuses it ({})", end.url, end.note));
    } else if (end.outcome != Outcome::kResponse) {
      why.push_back(fmt::format("{}: {}{}{}", end.url, std::string(OutcomeName(end.outcome)),
                                end.note.empty() ? "" : ": ", end.note));
    } else if (end.status < 200 || end.status >= 300) {
      why.push_back(fmt::format("{}: status {}", end.url, end.status));
    } else if (end.note.find("nofollow") != std::string::npos && end.note.find("sitemap:") == std::string::npos) {
      why.push_back(fmt::format("{}: says nofollow of its links; a new crawl with --nofollow ignore follows them", end.url));
    }
  }
  for (std::string& reason : WhatIsLeftOut(ledger, scope)) why.push_back(std::move(reason));
  bool html = std::any_of(first_ends.begin(), first_ends.end(), [](const UrlEnd& end) {
    return end.status >= 200 && end.status < 300 && (end.mime == "text/html" || end.mime == "application/xhtml+xml");
  });
  // Only a crawl that came to its end in this run has seen where the links lead.
  bool all_seen = status.state() == "finished" && !first_ends.empty();
  if (why.empty() && all_seen && status.pages() > 0) {
    why.push_back(html ? "the HTML that was fetched has no link to a further page of the kinds that --follow names (links made "
                         "by scripts are not seen)"
                       : "what was fetched is not HTML, and its Link header names nothing that --follow does");
  }
  return why;
}

}  // namespace weft
