// Fetching again what is done: when it is due, its way back into the queue, and what a visit changes.
//
// A done record waits in family kDue beside the retries, under its `due_us`. When that has come it is pending again, one
// generation later, and keeps its page: until the visit brings another one, that is what an export shows. A visit that
// brings no page leaves the record done as it was.
#include <algorithm>
#include <map>
#include <utility>

#include "common/status.h"
#include "common/url.h"
#include "storage/crawl_db.h"
#include "storage/crawl_db_state.h"

namespace weft {
namespace {

constexpr uint32_t kNotModified = 304;

bool IsPage(uint32_t status) { return status >= 200 && status < 300; }
bool IsServerError(uint32_t status) { return status >= 500; }

// Counts what the record's page adds to the ledger's pages, once more or once less.
void CountPage(const UrlRecord& record, LedgerCounts& ledger, uint64_t by) {
  if (IsPage(record.status)) ledger.pages += by;
  if (record.truncated) ledger.truncated += by;
}

void TakePage(const AttemptEnd& end, UrlRecord& record) {
  record.status = end.status;
  record.place = end.place;
  record.payload_digest = end.payload_digest;
  record.payload_bytes = end.payload_bytes;
  record.truncated = end.truncated;
  record.fetched_at = end.fetched_at;
  record.mime = end.mime;
  record.etag = end.etag;
  record.last_modified = end.last_modified;
}

Visit VisitOf(const AttemptEnd& end, const UrlRecord& record) {
  if (!record.keeps_page) return Visit::kFirst;
  if (end.kind != AttemptEnd::Kind::kDone) return Visit::kMissed;
  if (end.status == kNotModified) return Visit::kUnchanged;
  // A server in trouble says nothing of the page.
  if (IsServerError(end.status) && !IsServerError(record.status)) return Visit::kMissed;
  const bool same = end.status == record.status && end.truncated == record.truncated &&
                    end.payload_bytes == record.payload_bytes && end.payload_digest == record.payload_digest;
  return same ? Visit::kUnchanged : Visit::kChanged;
}

// A page that did not change keeps its place in the WARC; what it is compared by may be another (RFC 9110 15.4.5).
void NoteVisit(const AttemptEnd& end, Visit visit, UrlRecord& record, LedgerCounts& ledger) {
  if (visit == Visit::kMissed) {
    ++record.missed;
    ++ledger.recrawl_missed;
    return;
  }
  if (record.first_fetched == absl::UnixEpoch()) record.first_fetched = record.fetched_at;
  record.missed = 0;
  record.checked_at = end.fetched_at;
  if (visit == Visit::kUnchanged) {
    ++record.unchanged;
    ++ledger.recrawl_unchanged;
    if (!end.etag.empty()) record.etag = end.etag;
    if (!end.last_modified.empty()) record.last_modified = end.last_modified;
    return;
  }
  ++record.changes;
  ++ledger.recrawl_changed;
  CountPage(record, ledger, UINT64_MAX);
  TakePage(end, record);
  CountPage(record, ledger, 1);
}

}  // namespace

void ShardChange::Schedule(const Fingerprint& key, UrlRecord& record, CrawlTime due) {
  if (record.first_commit == 0) record.first_commit = record.commit;
  if (record.due_us != 0) {
    batch_.Delete(Family::kDue, DueKey(shard_, record.due_us, key));
    due_removed_.push_back({record.due_us, key});
    --counts_.ledger.due_later;
  }
  record.due_us = due;
  if (due == 0) return;
  batch_.Put(Family::kDue, DueKey(shard_, due, key), "");
  due_added_.push_back({due, key});
  ++counts_.ledger.due_later;
}

void ShardChange::PageDone(const AttemptEnd& end, CrawlTime now, UrlRecord& record) {
  LedgerCounts& ledger = counts_.ledger;
  const Visit visit = VisitOf(end, record);
  --ledger.pending;
  ++ledger.done;
  record.state = UrlState::kDone;
  record.reason = Outcome::kNone;
  record.keeps_page = false;
  if (visit == Visit::kFirst) {
    TakePage(end, record);
    CountPage(record, ledger, 1);
  } else {
    NoteVisit(end, visit, record, ledger);
  }
  if (!end.recrawl) return;
  record.recrawl_us = NextRecrawlInterval(record.recrawl_us, visit, *end.recrawl);
  if (record.first_commit == 0) record.first_commit = counts_.commit;
  Schedule(end.key, record, std::max<CrawlTime>(1, now + std::min(RecrawlWait(record.recrawl_us, *end.recrawl), kLongestWait)));
}

void ShardChange::VisitAgain(const Fingerprint& key, UrlRecord& record) {
  Schedule(key, record, 0);
  auto url = Url::Parse(record.url);
  if (!url.ok() || !url->is_http() || url->host().empty()) return;  // it was fetched once: cannot be
  LedgerCounts& ledger = counts_.ledger;
  --ledger.done;
  ++ledger.pending;
  record.state = UrlState::kPending;
  record.keeps_page = true;
  ++record.generation;
  record.attempt = 0;
  record.own_key_redirects = 0;
  Enqueue(key, record, url->origin(), url->host());
}

void CrawlDb::SetPriorities(PriorityOf priority_of) { impl_->priority_of = std::move(priority_of); }

void CrawlDb::SetRecrawl(bool on) { impl_->recrawl = on; }

bool ShardChange::HintPulls(const Candidate& candidate, const UrlRecord& record) const {
  if (!db_.recrawl || candidate.refused != Outcome::kNone || candidate.lastmod_s <= record.lastmod_s) return false;
  const bool newer = static_cast<int64_t>(candidate.lastmod_s) > absl::ToUnixSeconds(record.last_checked());
  return record.state == UrlState::kDone && record.due_us != 0 && newer;
}

namespace {

// What a piece of the key space holds that is to be planned.
struct Planned {
  Fingerprint key;
  UrlRecord record;
  CrawlTime due = 0;   // 0: not at all
};

// nullopt: it stays as it is.
std::optional<CrawlTime> PlanOf(UrlRecord& record, const std::optional<RecrawlTerms>& terms, absl::Time wall, CrawlTime now) {
  if (!terms) return record.due_us == 0 ? std::nullopt : std::optional<CrawlTime>(0);
  const uint64_t before = record.recrawl_us;
  record.recrawl_us = std::clamp(before == 0 ? terms->least_us : before, terms->least_us,
                                 std::max(terms->least_us, terms->most_us));
  const int64_t passed = std::max<int64_t>(0, absl::ToInt64Microseconds(wall - record.last_checked()));
  uint64_t wait = RecrawlWait(record.recrawl_us, *terms);
  if (!terms->at_us) wait -= std::min(wait, static_cast<uint64_t>(passed));
  const CrawlTime due = std::max<CrawlTime>(1, now + std::min(wait, kLongestWait));
  if (record.due_us != 0 && record.due_us <= due && before == record.recrawl_us) return std::nullopt;
  return due;
}

}  // namespace

absl::StatusOr<uint64_t> CrawlDb::PlanRecrawl(std::string& cursor, size_t limit, RecrawlPlanner planner, absl::Time wall,
                                              CrawlTime now) {
  WEFT_RETURN_IF_ERROR(impl_->Usable());
  std::map<uint16_t, std::vector<Planned>> by_shard;
  std::string next;
  size_t read = 0;
  absl::Status damaged;
  WEFT_RETURN_IF_ERROR(impl_->kv->Scan(Family::kUrls, cursor, "", [&](std::string_view name, std::string_view value) {
    if (read++ >= limit) {
      next = std::string(name);
      return false;
    }
    auto head = DecodeUrlRecordHead(value);
    if (head.ok() && head->state != UrlState::kDone) return true;
    auto record = DecodeUrlRecord(value);
    damaged = record.status();
    if (!record.ok()) return false;
    const std::optional<CrawlTime> due = PlanOf(*record, planner(*record), wall, now);
    if (!due) return true;
    const auto shard = static_cast<uint16_t>(static_cast<uint8_t>(name[0]) << 8 | static_cast<uint8_t>(name[1]));
    by_shard[shard].push_back({Fingerprint::FromBytes(name.substr(2)), *std::move(record), *due});
    return true;
  }));
  WEFT_RETURN_IF_ERROR(damaged);
  uint64_t planned = 0;
  for (auto& [shard, ones] : by_shard) {
    KvBatch batch;
    ShardChange change(*impl_, shard, now, batch);
    for (Planned& one : ones) {
      change.Schedule(one.key, one.record, one.due);
      change.PutRecord(one.key, one.record, ShardChange::Was::kKnown);
    }
    WEFT_RETURN_IF_ERROR(change.Apply());
    planned += ones.size();
  }
  cursor = std::move(next);
  return planned;
}

}  // namespace weft
