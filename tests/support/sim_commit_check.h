// Follows every URL record as it is written and made durable, and judges from outside what nodes say about it: each visit of a
// URL is committed once, a page's result is reported only once the page is synced, nothing is acknowledged before it is
// durable, and the ledger adds up at every sync.
// Thread rule: one thread.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/functional/any_invocable.h>

#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "common/fingerprint.h"
#include "common/wire.pb.h"
#include "storage/crawl_db.h"
#include "storage/kv.h"
#include "tests/support/sim_kv.h"
#include "tests/support/sim_violations.h"

namespace weft::test {

class CommitCheck : public KvTap {
 public:
  // `page_synced`: the record at that place is durable and of that URL.
  using PageSynced = absl::AnyInvocable<bool(const WarcPlace& place, const std::string& url) const>;
  // `any_copy_synced`: some parser has a durable record of that URL (robots.txt exchanges have no result).
  using CopySynced = absl::AnyInvocable<bool(const std::string& url) const>;
  CommitCheck(Violations& violations, PageSynced page_synced, CopySynced copy_synced)
      : violations_(violations), page_synced_(std::move(page_synced)), copy_synced_(std::move(copy_synced)) {}

  void OnWrite(const KvBatch& batch) override;
  void OnSync() override;
  // The scheduler's store was opened again over what survived.
  void OnReopened(const Kv& kv);
  void OnLedger(const LedgerCounts& ledger);

  // Frames as they are handed to the network.
  void OnPageSent(const wire::Frame& frame);          // fetcher to parser
  void OnPageAckSent(uint64_t fetcher_session, const wire::PageAck& ack);
  void OnResultSent(const std::string& from, const wire::PageResult& result);
  void OnEndedSent(const std::string& from, const wire::UrlEnded& ended);
  void OnEndedAckSent(const std::string& to, const wire::EndedAck& ack);
  // The scheduler's observer was told (crawl.log).
  void OnUrlEnd(const std::string& url);
  // The scheduler tells nodes to end although nobody told it to stop: the crawl is finished.
  void OnFinishTold();

  // All records as written last.
  struct Tracked {
    UrlState state = UrlState::kPending;
    Outcome reason = Outcome::kNone;
    uint32_t status = 0;
    std::string url;
    WarcPlace place;
  };
  std::map<std::string, Tracked> Records() const;
  bool Knows(const Fingerprint& key) const { return records_.contains(key); }
  // Records of a host's URLs that were refused when they were found.
  uint64_t RefusedWhenFound(const std::string& host) const;
  uint64_t commits() const { return commits_; }
  uint64_t syncs() const { return syncs_; }
  // Visits after the first that records have come to: their generations.
  uint64_t visits() const;
  // URLs that went to a better place in their queue.
  uint64_t moves() const { return moves_; }

 private:
  struct Step {
    uint64_t write = 0;
    UrlState state = UrlState::kPending;
    uint32_t generation = 0;
    uint32_t attempt = 0;
  };
  struct History {
    std::vector<Step> steps;
    UrlRecord last;
  };
  struct SentPage {
    std::string url;
    Fingerprint key;
    uint32_t generation = 0;
    uint32_t attempt = 0;
    bool robots = false;
  };
  void Track(const std::string& key, const std::string& value);
  void CountRefused(const UrlRecord& record, int64_t by);
  // No record of that attempt was left when the store was opened last; one may have been made since.
  bool ForgottenByCrash(const Fingerprint& key, uint32_t generation, uint32_t attempt) const;
  // The attempt is over in what has been synced.
  bool DurablyOver(const Fingerprint& key, uint32_t generation, uint32_t attempt) const;

  Violations& violations_;
  PageSynced page_synced_;
  CopySynced copy_synced_;
  uint64_t writes_ = 1;
  uint64_t durable_ = 0;
  uint64_t reopened_ = 0;  // the write that stands for what the store held when it was opened last
  uint64_t commits_ = 0;
  uint64_t moves_ = 0;
  uint64_t syncs_ = 0;
  absl::flat_hash_map<Fingerprint, History> records_;
  std::map<std::pair<uint64_t, uint64_t>, SentPage> pages_;  // by fetcher's session and page id
  // Attempts that a machine reported as over for good, with a page or as refused; and those that it gave back, as an answer that
  // came too late, and of which it has not been told yet that they are heard: the next acknowledgement is for that.
  using Told = std::tuple<std::string, Fingerprint, uint32_t, uint32_t>;
  std::set<Told> ends_;
  std::set<Told> given_back_;
  std::set<std::tuple<Fingerprint, uint32_t, uint32_t>> unknown_;  // attempts at what no record is left of
  std::map<std::string, uint32_t> ended_;        // by URL: how often its end was told
  std::map<std::string, uint32_t> generations_;  // and the last visit that was begun
  std::map<std::string, int64_t> refused_when_found_;  // by host
};

}  // namespace weft::test
