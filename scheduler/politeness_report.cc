#include "scheduler/politeness_report.h"

#include <algorithm>

#include "common/politeness.h"
#include "common/proxy_url.h"
#include "common/status.h"
#include "common/url_rules.h"
#include "scheduler/delay_control.h"

namespace weft {
namespace {

std::string MetaOfGroup(std::string_view name) { return fmt::format("politeness-group/{}", name); }

int64_t Left(CrawlTime until, CrawlTime now) { return until > now ? static_cast<int64_t>(until - now) : 0; }

void FillRules(const wire::CrawlSettings& settings, wire::PolitenessReply& reply) {
  const DelayTerms terms = DelayTermsOf(settings);
  reply.set_configured_us(absl::ToInt64Microseconds(terms.start));
  reply.set_least_us(absl::ToInt64Microseconds(terms.least));
  reply.set_most_us(absl::ToInt64Microseconds(terms.most));
  reply.set_longest_crawl_delay_us(absl::ToInt64Microseconds(kLongestCrawlDelay));
  reply.set_connections(std::max<uint32_t>(1, settings.host_connections()));
}

void FillRoute(const wire::CrawlSettings& settings, std::string_view host, wire::PolitenessReply& reply) {
  const auto rules = UrlRules::Of(settings);
  if (!rules.ok()) return;   // told when the crawl began
  reply.set_tag(std::string(rules->Tag(host)));
  if (const auto proxy = rules->Proxy(host)) reply.set_proxy(proxy->empty() ? "none" : MaskProxy(*proxy));
}

void FillOrigins(const HostState& state, CrawlTime now, wire::PolitenessReply& reply) {
  for (const OriginState& origin : state.origins) {
    wire::PolitenessOrigin* told = reply.add_origins();
    told->set_origin(origin.origin);
    told->set_pending(origin.pending);
    told->set_wait_us(Left(origin.not_before, now));
    told->set_failures(origin.failures);
    told->set_robots_tries(origin.robots_tries);
  }
}

}  // namespace

void FillPoliteness(const CrawlDb& db, const wire::CrawlSettings& settings, const PolitenessLedger& ledger,
                    std::string_view address, CrawlTime now, const std::string& host, wire::PolitenessReply& reply) {
  reply.set_host(host);
  FillRules(settings, reply);
  FillRoute(settings, host, reply);
  const HostState* known = db.FindHost(host);
  reply.set_known(known != nullptr);
  const HostState state = known == nullptr ? HostState() : *known;
  const auto micros = [](uint64_t number) { return absl::Microseconds(static_cast<int64_t>(number)); };
  const DelayTerms terms = DelayTermsOf(settings);
  reply.set_adaptive_us(absl::ToInt64Microseconds(HostDelay(terms, micros(state.delay_us), absl::ZeroDuration())));
  reply.set_crawl_delay_us(static_cast<int64_t>(state.crawl_delay_us));
  reply.set_delay_us(absl::ToInt64Microseconds(std::max(
      HostDelay(terms, micros(state.delay_us), micros(state.crawl_delay_us)), ledger.DelayOf(host))));
  reply.set_wait_us(Left(state.not_before, now));
  reply.set_unanswered(state.failures);
  reply.set_throttles(state.throttles);
  reply.set_last_request_age_us(state.last_request == 0 ? -1 : Left(now, state.last_request));
  reply.set_latency_us(static_cast<int64_t>(state.latency_us));
  reply.set_busiest_second(state.busiest_second);
  reply.set_shortest_gap_us(static_cast<int64_t>(state.shortest_gap_us));
  reply.set_pending(state.pending());
  reply.set_address(std::string(address));
  FillOrigins(state, now, reply);
  ledger.Describe(host, address, now, reply);
}

absl::Status PutGroup(CrawlDb& db, std::string_view name, std::string_view state) {
  return db.PutMeta(MetaOfGroup(name), state);
}

absl::Status RestoreGroups(const CrawlDb& db, CrawlTime no_request_before, PolitenessLedger& ledger) {
  for (const GroupRule& rule : ledger.rules().rules()) {
    WEFT_ASSIGN_OR_RETURN(std::optional<std::string> state, db.GetMeta(MetaOfGroup(rule.name)));
    ledger.Restore(rule.name, state.value_or(std::string("\0\0", 2)), no_request_before);
  }
  return absl::OkStatus();
}

}  // namespace weft
