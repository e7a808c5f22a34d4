#include "scheduler/limit_desk.h"

#include <algorithm>
#include <utility>

#include "common/status.h"
#include "scheduler/host_budget.h"

namespace weft {

LimitDesk::LimitDesk(const wire::CrawlSettings& settings, CrawlDb& db, const Scope& scope,
                     std::shared_ptr<const PublicSuffixes> suffixes, const Clock& clock)
    : settings_(settings), db_(db), scope_(scope), budgets_(HasHostBudget(settings)),
      watch_(list_, std::move(suffixes), clock) {}

absl::Status LimitDesk::Open() {
  WEFT_ASSIGN_OR_RETURN(list_, TrapList::Read(db_));
  watch_.Reload();
  return absl::OkStatus();
}

std::string LimitDesk::JudgedBy() const {
  std::string text = HostBudgetText(settings_);
  if (settings_.max_url_bytes() > 0) text += fmt::format("/length={}", settings_.max_url_bytes());
  if (!traps_on()) text += "/traps=off";
  if (list_.list().decisions() > 0) text += fmt::format("/decisions={}", list_.list().decisions());
  return text;
}

wire::Trap* LimitDesk::TrapOf(const Candidate& candidate) {
  if (!traps_on() || candidate.seed || candidate.sitemap_level > 0) return nullptr;
  wire::Trap* trap = watch_.Judge(candidate.url, candidate.host());
  const bool spared = trap != nullptr && trap->kind() == wire::Trap::DOMAIN && scope_.IsAnchorHost(candidate.host());
  return spared ? nullptr : trap;
}

void LimitDesk::JudgeCandidates(std::span<Candidate> candidates) {
  for (Candidate& candidate : candidates) {
    if (candidate.refused != Outcome::kNone) continue;
    if (budgets_) {
      const HostState* host = db_.FindHost(candidate.shard, db_.HostId(candidate.host()));
      if (host != nullptr && HostBudgetSpent(settings_, *host)) {
        candidate.refused = Outcome::kHostBudget;
        continue;
      }
    }
    if (wire::Trap* trap = TrapOf(candidate)) {
      candidate.refused = Outcome::kTrap;
      trap->set_refused(trap->refused() + 1);
      counts_changed_ = true;
    }
  }
}

void LimitDesk::Admitted(std::span<const Candidate> candidates, std::span<const Admission> answers) {
  if (!traps_on()) return;
  for (size_t i = 0; i < candidates.size() && i < answers.size(); ++i) {
    const bool queued = answers[i] == Admission::kQueued || answers[i] == Admission::kTakenUp;
    if (queued && !candidates[i].seed && candidates[i].sitemap_level == 0) watch_.Queued(candidates[i].url);
  }
  for (uint64_t id : watch_.TakeFound()) EndWhatWaits(id);
}

void LimitDesk::Ended(const AttemptEnd& end, const std::string& url, uint64_t sketch) {
  if (budgets_) {
    auto parsed = Url::Parse(url);
    const HostState* host = parsed.ok() ? db_.FindHost(end.shard, db_.HostId(parsed->host())) : nullptr;
    if (host != nullptr && HostBudgetSpent(settings_, *host) && host->pending() > 0) {
      EndHost(*host, Outcome::kHostBudget, "", nullptr);
    }
  }
  const bool page = end.kind == AttemptEnd::Kind::kDone && end.status >= 200 && end.status < 300;
  if (!page || !traps_on()) return;
  watch_.Stored(url, sketch);
  for (uint64_t id : watch_.TakeFound()) EndWhatWaits(id);
}

Outcome LimitDesk::Judge(const UrlRecord& record, const Candidate& place) {
  if (budgets_) {
    const HostState* host = db_.FindHost(place.shard, db_.HostId(place.host()));
    if (host != nullptr && HostBudgetSpent(settings_, *host)) return Outcome::kHostBudget;
  }
  Candidate judged = place;
  judged.seed = record.seed;
  judged.sitemap_level = record.sitemap_level;
  return TrapOf(judged) != nullptr ? Outcome::kTrap : Outcome::kNone;
}

void LimitDesk::EndHost(const HostState& host, Outcome outcome, const std::string& detail,
                        std::function<Outcome(const UrlRecord&)> judge) {
  for (const OriginState& origin : host.origins) {
    if (origin.pending == 0) continue;
    OriginEnding ending;
    ending.host_id = host.id;
    ending.shard = host.shard;
    ending.origin = origin.origin;
    ending.outcome = outcome;
    ending.detail = detail;
    ending.judge = judge;
    endings_.push_back(std::move(ending));
  }
}

void LimitDesk::EndWhatWaits(uint64_t trap_id) {
  list_changed_ = true;
  const auto& traps = list_.list().traps();
  const auto trap = std::find_if(traps.begin(), traps.end(), [&](const wire::Trap& one) { return one.id() == trap_id; });
  if (trap == traps.end()) return;
  notices_.push_back(fmt::format("trap {}: {} ({}): {}; such URLs are crawled no further ('weft traps' tells more)", trap->id(),
                                 trap->match(), trap->reason(), trap->detail()));
  // What waits for no trap is let be: a trap that is found later ends what is its own.
  const auto judge = [this](const UrlRecord& record) {
    auto url = Url::Parse(record.url);
    if (!url.ok()) return Outcome::kNone;
    Candidate place;
    place.SetUrl(*std::move(url));
    place.seed = record.seed;
    place.sitemap_level = record.sitemap_level;
    wire::Trap* const of = TrapOf(place);
    if (of == nullptr) return Outcome::kNone;
    of->set_refused(of->refused() + 1);
    counts_changed_ = true;
    return Outcome::kTrap;
  };
  const std::string detail = fmt::format("trap {}", trap->id());
  if (trap->kind() != wire::Trap::DOMAIN) {
    const HostState* host = db_.FindHost(trap->host());
    if (host != nullptr) EndHost(*host, Outcome::kTrap, detail, judge);
    return;
  }
  db_.ForEachHost([&](const HostState& host) {
    if (HostLiesIn(host.host, trap->host())) EndHost(host, Outcome::kTrap, detail, judge);
  });
}

bool LimitDesk::Decide(const wire::TrapsRequest& request, wire::TrapsReply& reply) {
  const uint64_t before = list_.list().decisions();
  for (uint64_t id : list_.Release(request.release())) reply.add_unknown(id);
  for (uint64_t id : list_.Hold(request.hold())) reply.add_unknown(id);
  watch_.Reload();
  const bool changed = list_.list().decisions() != before;
  list_changed_ = list_changed_ || changed;
  if (changed) {
    for (uint64_t id : request.hold()) EndWhatWaits(id);
  }
  *reply.mutable_list() = list_.list();
  return changed;
}

absl::Status LimitDesk::Save(bool counts) {
  if (!list_changed_ && !(counts && counts_changed_)) return absl::OkStatus();
  WEFT_RETURN_IF_ERROR(list_.Write(db_));
  list_changed_ = counts_changed_ = false;
  return absl::OkStatus();
}

}  // namespace weft
