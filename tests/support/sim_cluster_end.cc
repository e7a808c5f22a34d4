// The end of a simulated crawl: is it what the web alone says it must be?
#include <fmt/format.h>

#include <algorithm>

#include "common/crawl_key.h"
#include "common/fingerprint.h"
#include "scheduler/anchor_list.h"
#include "tests/support/sim_cluster.h"

namespace weft::test {
namespace {

constexpr uint64_t kPoisonTries = 3;  // rule 14

std::string Names(const std::vector<Outcome>& outcomes) {
  std::string names;
  for (Outcome outcome : outcomes) names += (names.empty() ? "" : " or ") + std::string(OutcomeName(outcome));
  return names;
}

Outcome EndOf(const CommitCheck::Tracked& record) {
  if (record.state == UrlState::kPending) return Outcome::kNone;
  return record.state == UrlState::kDone ? Outcome::kResponse : record.reason;
}

// Requests of a page that its end needs.
int Needed(const WebPage& page) {
  switch (page.kind) {
    case WebPage::Kind::kServerErrorRecovers:
    case WebPage::Kind::kBounce: return page.count + 1;
    case WebPage::Kind::kServerError: return RetryPolicyFor(Outcome::kServerError).tries;
    case WebPage::Kind::kBounceForEver: return kMaxOwnKeyRedirects + 1;
    default: return 1;
  }
}

}  // namespace

uint64_t SimCluster::CountRefetches() const {
  int sum = 0;
  for (const WebPage& page : web_.pages()) sum += std::max(0, page.served - Needed(page));
  return static_cast<uint64_t>(sum);
}

void SimCluster::CheckLedgerAtEnd(const SchedulerNode& scheduler) {
  Violations& violations = observer_->violations();
  LedgerCounts counts = scheduler.db().ledger();
  auto recount = scheduler.db().Recount();
  if (!recount.ok()) {
    violations.Add("ledger", "the recount fails: {}", std::string(recount.status().message()));
  } else if (recount->discovered != counts.discovered || recount->pending != counts.pending ||
             recount->done != counts.done || recount->failed != counts.failed || recount->refused != counts.refused) {
    violations.Add("ledger", "the ledger ({} discovered, {} pending, {} done) is not the recount ({}, {}, {})",
                   counts.discovered, counts.pending, counts.done, recount->discovered, recount->pending, recount->done);
  }
  wire::StatusReply status = scheduler.Status();
  if (status.state() != "finished") violations.Add("end", "the crawl stopped in state {}", status.state());
  if (status.ledger().queued() != 0 || status.ledger().leased() != 0) {
    violations.Add("end", "{} queued and {} leased at the end", status.ledger().queued(), status.ledger().leased());
  }
}

void SimCluster::CheckSetAtEnd() {
  Violations& violations = observer_->violations();
  std::map<std::string, std::vector<Outcome>> expected = web_.ExpectedEnds();
  for (const auto& [name, record] : observer_->commits().Records()) {
    auto url = Url::Parse(record.url);
    std::string key = url.ok() ? CrawlKey(*url) : record.url;
    auto want = expected.find(key);
    if (want == expected.end()) {
      violations.Add("set", "{} is in the crawl (twice, or not of this web)", key);
      continue;
    }
    Outcome end = EndOf(record);
    if (std::find(want->second.begin(), want->second.end(), end) == want->second.end()) {
      violations.Add("set", "{} ended as {}, expected {}", key, std::string(OutcomeName(end)), Names(want->second));
    }
    expected.erase(want);
    if (record.state != UrlState::kDone) continue;
    // After a crash the record may spell the URL otherwise than it was requested: the keys are equal.
    bool stored = std::any_of(machines_.begin(), machines_.end(), [&](const std::unique_ptr<Machine>& machine) {
      if (!machine->pages) return false;
      auto at = Url::Parse(machine->pages->SyncedAt(record.place));
      return at.ok() && CrawlKey(*at) == key;
    });
    if (!stored) violations.Add("place", "{} is done and is not stored where its record says", record.url);
  }
  for (const WebHost& host : web_.hosts()) {
    uint64_t refused = observer_->commits().RefusedWhenFound(host.name);
    if (refused > options_.refused_cap) violations.Add("cap", "{} records of refused keys of {}", refused, host.name);
  }
  // Beyond its host's cap a refused key is only counted (rule 35).
  std::erase_if(expected, [&](const auto& entry) {
    auto url = Url::Parse(entry.first);
    bool when_found = entry.second.front() == Outcome::kScope || entry.second.front() == Outcome::kRedirectHops;
    return when_found && url.ok() &&
           observer_->commits().RefusedWhenFound(std::string(url->host())) >= options_.refused_cap;
  });
  for (const auto& [key, want] : expected) violations.Add("set", "{} is missing, expected {}", key, Names(want));
}

// A page takes three parsers with it, on whatever machines. What was lost with a scheduler's life is the count of those that
// have not begun anew, at most one a machine.
void SimCluster::CheckPoisonAtEnd() {
  const uint64_t uncounted = (schedulers_ - 1) * static_cast<uint64_t>(options_.parsers);
  for (const auto& [key, deaths] : deaths_) {
    if (deaths <= kPoisonTries + uncounted) continue;
    observer_->violations().Add("poison", "{} crashed {} parsers, {} are allowed", Fingerprint::FromBytes(key).ToHex(), deaths,
                                kPoisonTries + uncounted);
  }
}

// What has ended stays ended, should the machine lose its power now.
void SimCluster::CheckDurableEnd() {
  StopMachine(Find("scheduler"));
  scheduler_disk_.CrashToSynced();
  auto db = CrawlDb::Open(OpenMemoryKv(scheduler_disk_), {}, *random_);
  if (!db.ok()) return observer_->violations().Add("end", "the finished crawl does not open: {}", std::string(db.status().message()));
  auto state = (*db)->GetMeta(kMetaState);
  if (!state.ok() || state->value_or("") != CrawlStateName(CrawlState::kFinished) || (*db)->ledger().pending != 0) {
    observer_->violations().Add("end", "the crawl has ended, and is durably in state '{}' with {} pending",
                                state.ok() ? state->value_or("") : "unreadable", (*db)->ledger().pending);
  }
}

void SimCluster::CheckEnd() {
  Machine& scheduler = Find("scheduler");
  if (!stopped_ || scheduler.scheduler == nullptr) {
    if (observer_->violations().empty()) observer_->violations().Add("stuck", "no event is left");
    if (dump_.empty()) dump_ = Dump();
    return;
  }
  CheckLedgerAtEnd(*scheduler.scheduler);
  CheckSetAtEnd();
  CheckPoisonAtEnd();
  uint64_t refetches = CountRefetches();
  uint64_t allowed = options_.faultless ? 0 : 50 + 200 * (options_.faults.size() + restarts_);
  // A visit may need all its tries, as the first one may.
  allowed += observer_->commits().visits() * static_cast<uint64_t>(RetryPolicyFor(Outcome::kServerError).tries);
  if (refetches > allowed) {
    observer_->violations().Add("refetch", "{} pages were fetched again, {} are allowed", refetches, allowed);
  }
  CheckDurableEnd();
}

std::string SimCluster::Dump() {
  std::string dump;
  for (auto& machine : machines_) {
    dump += machine->name + ": " + (machine->process ? "up" : "down");
    if (machine->process && clock_.Paused(machine->process->life())) dump += ", paused";
    if (machine->scheduler != nullptr) dump += "\n" + machine->scheduler->Status().DebugString();
    if (machine->fetcher != nullptr) {
      FetcherNode::Counters c = machine->fetcher->counters();
      dump += fmt::format(": {} requests, {} active, {} leases, {} pages of {} bytes held, refused '{}'", c.requests,
                          c.active, c.leases, c.held_pages, c.held_bytes, machine->fetcher->refused());
    }
    if (machine->parser != nullptr) {
      ParserNode::Counters c = machine->parser->counters();
      dump += fmt::format(": {} pages, {} waiting, refused '{}'", c.pages, c.waiting, machine->parser->refused());
    }
    dump += "\n";
  }
  int shown = 0;
  for (const auto& [name, record] : observer_->commits().Records()) {
    if (record.state != UrlState::kPending || ++shown > 20) continue;
    dump += fmt::format("pending: {}\n", record.url);
  }
  return dump;
}

SimReport SimCluster::Report() {
  SimReport report;
  report.seed = options_.seed;
  report.violations = observer_->violations().seen();
  report.violation_count = observer_->violations().count();
  report.digest = observer_->digest();
  report.requests = observer_->requests();
  report.refetches = CountRefetches();
  report.revokes = observer_->hand_outs().revokes();
  report.moves = observer_->commits().moves();
  report.visits = observer_->commits().visits();
  report.registrations = observer_->sessions().registrations();
  report.dump = dump_;
  const SimNetwork::Counters& sent = network_.counters();
  report.faults = happened_;
  report.restarts = restarts_;
  report.messages = sent.sent;
  report.lost = sent.dropped;
  report.repeated = sent.duplicated;
  report.refused = sent.refused;
  report.drained = observer_->leaves().drained();
  report.forgotten = observer_->leaves().forgotten();
  report.keys = options_.keys;
  report.summary = fmt::format(
      "seed {}: {} ({} hosts, {} pages; {:.0f} virtual s, {} events, {} messages, {} lost, {} repeated; {} requests, "
      "{} fetched again, {} visits, {} moves; {} faults, {} restarts; {} kv syncs; {} overlaps of paused nodes, {} pauses forgotten, {} leases revoked; digest "
      "{:016x})",
      options_.seed, report.ok() ? "ok" : "FAILED", web_.hosts().size(), web_.pages().size(),
      static_cast<double>(clock_.now_ns()) * 1e-9, clock_.events(), sent.sent, sent.dropped, sent.duplicated,
      report.requests, report.refetches, report.visits, report.moves, options_.faults.size(), restarts_, observer_->commits().syncs(),
      observer_->politeness().overlaps_while_paused(), observer_->politeness().forgotten_throttles(), report.revokes, report.digest);
  return report;
}

}  // namespace weft::test
