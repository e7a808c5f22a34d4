// Takes in how URLs ended and what was found on them, commits both to the CrawlDb in batches, and acknowledges to each
// node what has become durable. Links are admitted before their page is marked done (rule 12).
// Thread rule: the scheduler's loop.
#pragma once

#include <absl/status/status.h>

#include <map>
#include <string>
#include <vector>

#include "scheduler/crawl_clock.h"
#include "scheduler/frontier.h"
#include "scheduler/lease_desk.h"
#include "scheduler/limit_desk.h"
#include "scheduler/link_intake.h"
#include "scheduler/node_table.h"
#include "scheduler/popular_order.h"
#include "scheduler/recrawl_desk.h"
#include "scheduler/scheduler_node.h"
#include "scheduler/sync_gate.h"

namespace weft {

class CommitDesk {
 public:
  CommitDesk(CrawlDb& db, Frontier& frontier, NodeTable& nodes, LeaseDesk& leases, LinkIntake& intake, Scope& scope,
             SyncGate& gate, const CrawlClock& crawl_clock, const Clock& clock, SchedulerObserver& observer);

  // Who says when what is done is fetched again; null: never.
  void set_recrawls(const RecrawlDesk* recrawls) { recrawls_ = recrawls; }
  // Judges and watches what goes through here; null: nothing does.
  void set_limits(LimitDesk* limits) { limits_ = limits; }

  // Counts what committed pages name; null: nothing does.
  void set_order(PopularOrder* order) { order_ = order; }

  void Take(const PeerId& from, wire::PageResult result);
  void Take(const PeerId& from, const wire::LinkBatch& batch);
  void Take(const PeerId& from, wire::UrlEnded ended);
  // A page that was stored before, whose end or whose links the CrawlDb may have lost (rule 13): taken where its URL waits
  // to be fetched, just as it was requested then. Its URL, asked for again meanwhile, is not taken from its fetcher.
  absl::Status TakeStored(const PeerId& from, wire::PageResult result);
  absl::Status TakeStored(wire::LinkBatch batch);
  bool empty() const { return arrived_.empty() && candidates_.empty() && stored_answers_.empty(); }

  // Admits and commits everything taken in since the last call.
  absl::Status Flush();
  // Ends what is pending at an origin that was given up; at most `limit` URLs a call. True: finished.
  absl::StatusOr<bool> EndSome(OriginEnding& ending, size_t limit);

  // Hosts that a seed's redirect has brought into the scope since the last call, as URLs.
  std::vector<std::string> TakeNewAnchors() { return std::move(new_anchors_); }

 private:
  // One URL whose attempt ended, with what is told about it once it is durable.
  struct Arrived {
    PeerId from;
    AttemptEnd end;
    UrlEnd told;
    bool acknowledge = true;
    uint64_t stored_number = 0;
    uint64_t sketch = 0;   // of the page's text
    LinkVotes votes;       // where popularity counts
  };
  enum class StoredFate { kWanted, kPassed, kUnknown };

  void TakeRedirect(const wire::PageResult& result, const Fingerprint& referrer, uint16_t referrer_shard,
                    AttemptEnd& end);
  Arrived& TakePage(const PeerId& from, wire::PageResult result, const Fingerprint& referrer, uint16_t referrer_shard);
  void AddLink(const wire::Link& link, const wire::UrlTicket& source);
  LinkVotes VotesOf(const wire::PageResult& result, size_t first_candidate) const;
  absl::Status AdmitAll();
  absl::StatusOr<StoredFate> FateOf(const std::string& url, wire::UrlTicket& ticket, UrlRecord& record);
  template <typename Ended>
  void TakeSitemaps(const Ended& ended);
  AttemptEnd EndOfFailure(const wire::UrlTicket& ticket, Outcome outcome) const;
  void DescribeReferrer(const Fingerprint& key, UrlEnd& told);
  void ReadAgain(const std::string& text);
  void PlanNext(const std::string& url, AttemptEnd& end) const;
  void Settle(Arrived& arrived, CommitVerdict verdict);
  absl::Status CountVotes(const std::vector<Arrived>& batch, const std::vector<CommitVerdict>& verdicts);
  void Acknowledge(std::vector<Arrived> batch, const std::vector<CommitVerdict>& verdicts);

  CrawlDb& db_;
  Frontier& frontier_;
  NodeTable& nodes_;
  LeaseDesk& leases_;
  LinkIntake& intake_;
  Scope& scope_;
  SyncGate& gate_;
  const CrawlClock& crawl_clock_;
  const Clock& clock_;
  SchedulerObserver& observer_;
  const RecrawlDesk* recrawls_ = nullptr;
  LimitDesk* limits_ = nullptr;
  PopularOrder* order_ = nullptr;
  std::vector<Candidate> candidates_;
  std::vector<Arrived> arrived_;
  std::vector<std::string> new_anchors_;
  std::map<PeerId, wire::StoredAck> stored_answers_;  // of what is not committed
};

}  // namespace weft
