// A changed scope or depth limit, applied to what the ledger holds already.
#include <map>
#include <utility>
#include <vector>

#include "common/status.h"
#include "common/url.h"
#include "storage/crawl_db.h"
#include "storage/crawl_db_state.h"

namespace weft {
namespace {

struct Rejudged {
  Fingerprint key;
  UrlRecord record;
  Outcome outcome = Outcome::kNone;
};

void DropOne(std::map<Outcome, uint64_t>& counts, Outcome reason) {
  auto it = counts.find(reason);
  if (it != counts.end() && --it->second == 0) counts.erase(it);
}

void Apply(Rejudged& one, ShardChange& change) {
  auto url = Url::Parse(one.record.url);
  if (!url.ok()) return;
  LedgerCounts& ledger = change.counts().ledger;
  if (one.record.state == UrlState::kPending) {
    change.Dequeue(one.key, one.record);
    --ledger.pending;
  } else {
    DropOne(ledger.refused, one.record.reason);
  }
  one.record.reason = one.outcome;
  if (one.record.keeps_page) {
    // It has been fetched before, and stays what it was then.
    one.record.state = UrlState::kDone;
    one.record.reason = Outcome::kNone;
    one.record.keeps_page = false;
    ++ledger.done;
  } else if (one.outcome == Outcome::kNone) {
    one.record.state = UrlState::kPending;
    change.Enqueue(one.key, one.record, url->origin(), url->host());
    ++ledger.pending;
  } else {
    one.record.state = UrlState::kRefused;
    ++ledger.refused[one.outcome];
  }
  change.PutRecord(one.key, one.record, ShardChange::Was::kReopened);
}

}  // namespace

absl::StatusOr<uint64_t> CrawlDb::Rejudge(absl::FunctionRef<Outcome(const UrlRecord&)> judge, CrawlTime now) {
  WEFT_RETURN_IF_ERROR(impl_->Usable());
  uint64_t changed = 0;
  for (uint16_t shard = 0; shard < kShardCount; ++shard) {
    std::vector<Rejudged> found;
    absl::Status damaged;
    WEFT_RETURN_IF_ERROR(impl_->kv->Scan(
        Family::kUrls, ShardPrefix(shard), ShardPrefix(static_cast<uint16_t>(shard + 1)),
        [&](std::string_view name, std::string_view value) {
          auto head = DecodeUrlRecordHead(value);
          damaged = head.status();
          if (!head.ok()) return false;
          bool judged = head->state == UrlState::kPending ||
                        (head->state == UrlState::kRefused && RefusedByScope(head->reason));
          if (!judged) return true;
          auto record = DecodeUrlRecord(value);
          damaged = record.status();
          if (!record.ok()) return false;
          Outcome outcome = judge(*record);
          Outcome before = record->state == UrlState::kPending ? Outcome::kNone : record->reason;
          if (outcome != before) found.push_back({Fingerprint::FromBytes(name.substr(2)), *std::move(record), outcome});
          return true;
        }));
    WEFT_RETURN_IF_ERROR(damaged);
    // In pieces, so that no batch grows with the crawl.
    constexpr size_t kPiece = 1000;
    for (size_t at = 0; at < found.size(); at += kPiece) {
      KvBatch batch;
      ShardChange change(*impl_, shard, now, batch);
      for (size_t i = at; i < std::min(found.size(), at + kPiece); ++i) Apply(found[i], change);
      WEFT_RETURN_IF_ERROR(change.Apply());
    }
    changed += found.size();
  }
  return changed;
}

}  // namespace weft
