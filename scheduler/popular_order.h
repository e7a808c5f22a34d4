// --order popular: what fetched pages link to most goes ahead in its host's queue. Committed pages share their worth among
// what they name (scheduler/link_scores.h); a URL whose score comes to a new step, and that waits in a queue and is out with
// nobody, moves to a better place there. A rule's priority comes before that: within one priority the popular go first, then
// by depth. The ledger knows nothing of it. Places are durable, scores begin anew with each life.
// Thread rule: the scheduler's loop.
#pragma once

#include <absl/status/status.h>

#include <vector>

#include "common/clock.h"
#include "common/wire.pb.h"
#include "scheduler/frontier.h"
#include "scheduler/link_scores.h"
#include "storage/crawl_db.h"

namespace weft {

// What one page names, until its commit says whether it counts.
struct LinkVotes {
  struct One {
    Fingerprint key;
    uint16_t shard = LinkScores::kNoShard;
  };
  std::vector<One> named;
  uint64_t links = 0;   // that share the page's worth, told or not
};

class PopularOrder {
 public:
  static constexpr uint32_t kMostWorth = 16 * kPageWorth;  // of one page, so that no farm of links hands on more
  static constexpr uint32_t kFewestLinks = 16;             // a page with fewer gives each as if it had so many
  static constexpr size_t kMovesAtOnce = 256;

  PopularOrder(CrawlDb& db, Frontier& frontier, const Clock& clock, size_t memory_bytes = kLinkScoreBytes);

  // For how many links nearer a link counts when it is admitted, by what its sitemap says of it: -2 to 3.
  int Nearer(const wire::Link& link) const;
  // What the page of `result` names beside the links that come as candidates: those that its parser suppressed.
  static LinkVotes SuppressedIn(const wire::PageResult& result);
  // The page's first commit was accepted: others of the same attempt must not be told.
  void Committed(const Fingerprint& page, const LinkVotes& votes);
  // While queues are ended from one end to the other nothing moves to where that has passed already.
  void set_waits(bool waits) { waits_ = waits; }
  // Moves what has come to a new step since it last did.
  absl::Status MoveUp(CrawlTime now);

  const LinkScores& scores() const { return scores_; }

 private:
  CrawlDb& db_;
  Frontier& frontier_;
  const Clock& clock_;
  LinkScores scores_;
  bool waits_ = false;
  std::vector<Preference> wanted_;   // at most kMovesAtOnce: others are wanted again when they are named again
};

}  // namespace weft
