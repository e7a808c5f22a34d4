// What bounds a crawl besides its scope: host budgets and traps. Judges links before they are admitted, watches what is admitted
// and stored, and names what must be ended of that which waits already.
// Thread rule: the scheduler's loop.
#pragma once

#include <absl/container/flat_hash_set.h>
#include <absl/status/status.h>

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.h"
#include "common/registrable_domain.h"
#include "scheduler/lease_desk.h"
#include "scheduler/scope.h"
#include "scheduler/trap_list.h"
#include "scheduler/trap_watch.h"
#include "storage/crawl_db.h"

namespace weft {

class LimitDesk {
 public:
  LimitDesk(const wire::CrawlSettings& settings, CrawlDb& db, const Scope& scope,
            std::shared_ptr<const PublicSuffixes> suffixes, const Clock& clock);

  // Reads the traps of earlier runs.
  absl::Status Open();

  // Marks what is refused by a budget or a trap. Seeds and sitemaps are in no trap.
  void JudgeCandidates(std::span<Candidate> candidates);
  // What became of them.
  void Admitted(std::span<const Candidate> candidates, std::span<const Admission> answers);
  // An attempt ended, and the end is on record. `sketch` of the page's text.
  void Ended(const AttemptEnd& end, const std::string& url, uint64_t sketch);
  // Of a URL that is in the ledger already, and that nothing else refuses. `place`: its host and shard.
  Outcome Judge(const UrlRecord& record, const Candidate& place);

  // What waits and is refused by what was found since the last call.
  std::vector<OriginEnding> TakeEndings() { return std::move(endings_); }
  std::vector<std::string> TakeNotices() { return std::move(notices_); }
  // Stores what has changed: a trap at once, their counts when `counts` says so.
  absl::Status Save(bool counts);

  // Another text: what is in the ledger is to be judged anew. "": nothing of this judges.
  std::string JudgedBy() const;
  const TrapList& traps() const { return list_; }
  // Releases and holds; true: URLs are to be judged anew.
  bool Decide(const wire::TrapsRequest& request, wire::TrapsReply& reply);

 private:
  bool traps_on() const { return settings_.traps() != "off"; }
  wire::Trap* TrapOf(const Candidate& candidate);
  void EndWhatWaits(uint64_t trap_id);
  void EndHost(const HostState& host, Outcome outcome, const std::string& detail,
               std::function<Outcome(const UrlRecord&)> judge);

  const wire::CrawlSettings& settings_;
  CrawlDb& db_;
  const Scope& scope_;
  const bool budgets_;
  TrapList list_;
  TrapWatch watch_;
  std::vector<OriginEnding> endings_;
  std::vector<std::string> notices_;
  bool counts_changed_ = false;
  bool list_changed_ = false;
};

}  // namespace weft
