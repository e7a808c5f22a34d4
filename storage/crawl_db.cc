#include "storage/crawl_db.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "common/status.h"
#include "storage/byte_coding.h"
#include "storage/crawl_db_state.h"

namespace weft {
namespace {

constexpr std::string_view kIdentityName = "identity";
constexpr std::string_view kIncarnationName = "incarnation";

std::string MetaName(std::string_view name) { return "value/" + std::string(name); }

void Add(LedgerCounts& sum, const LedgerCounts& part) {
  sum.discovered += part.discovered;
  sum.pending += part.pending;
  sum.done += part.done;
  sum.pages += part.pages;
  sum.truncated += part.truncated;
  sum.sightings += part.sightings;
  sum.superseded += part.superseded;
  sum.due_later += part.due_later;
  sum.recrawl_changed += part.recrawl_changed;
  sum.recrawl_unchanged += part.recrawl_unchanged;
  sum.recrawl_missed += part.recrawl_missed;
  for (const auto& [outcome, count] : part.failed) sum.failed[outcome] += count;
  for (const auto& [outcome, count] : part.refused) sum.refused[outcome] += count;
}

}  // namespace

bool LedgerCounts::AddsUp() const {
  uint64_t sum = pending + done;
  for (const auto& [outcome, count] : failed) sum += count;
  for (const auto& [outcome, count] : refused) sum += count;
  return sum == discovered;
}

// ---- opening ----

absl::StatusOr<std::unique_ptr<CrawlDb>> CrawlDb::Open(std::unique_ptr<Kv> kv, const CrawlDbOptions& options,
                                                       Random& random) {
  auto impl = std::make_unique<Impl>();
  impl->kv = std::move(kv);
  impl->options = options;
  impl->options.read_only = options.read_only || impl->kv->read_only();
  WEFT_RETURN_IF_ERROR(impl->Load(random));
  return std::unique_ptr<CrawlDb>(new CrawlDb(std::move(impl)));
}

CrawlDb::CrawlDb(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
CrawlDb::~CrawlDb() = default;

absl::Status CrawlDb::Impl::Load(Random& random) {
  WEFT_ASSIGN_OR_RETURN(std::optional<std::string> stored, kv->Get(Family::kMeta, kIdentityName));
  KvBatch batch;
  if (!stored) {
    if (options.read_only) return NotFound("crawl.db: no crawl was begun here");
    bool holds_urls = false;
    WEFT_RETURN_IF_ERROR(kv->Scan(Family::kUrls, "", "", [&](std::string_view, std::string_view) {
      holds_urls = true;
      return false;
    }));
    if (holds_urls) return DataLoss("crawl.db: it holds URLs, but the crawl's identity is gone");
    created_now = true;
    identity = options.create;
    identity.set_format_version(kCrawlDbFormat);
    if (identity.lineage() == 0) identity.set_lineage(random.NextId());
    if (identity.fingerprint_seed() == 0) identity.set_fingerprint_seed(random.NextId());
    batch.Put(Family::kMeta, std::string(kIdentityName), identity.SerializeAsString());
  } else {
    if (!identity.ParseFromString(*stored)) return DataLoss("crawl.db: the crawl's identity cannot be read");
    if (identity.format_version() > kCrawlDbFormat) {
      return FailedPrecondition("crawl.db was written by a newer Weft (format {}, this program reads up to {}): use "
                                "that version", identity.format_version(), kCrawlDbFormat);
    }
    if (identity.format_version() < kCrawlDbFormat) {
      // What is written from now on an older Weft cannot read.
      identity.set_format_version(kCrawlDbFormat);
      batch.Put(Family::kMeta, std::string(kIdentityName), identity.SerializeAsString());
    }
  }
  fingerprinter = Fingerprinter(identity.fingerprint_seed());
  incarnation = random.NextId();
  WEFT_RETURN_IF_ERROR(LoadCounts());
  hosts = std::make_unique<HostTable>(*kv, options.hosts_in_memory);
  due = TimeWindow<Fingerprint>(options.window);
  if (!options.read_only) WEFT_RETURN_IF_ERROR(LoadFiled(batch));
  if (!options.read_only) WEFT_RETURN_IF_ERROR(LoadSeen(random, batch));
  opened_commit = commit;
  WEFT_ASSIGN_OR_RETURN(std::optional<std::string> last, kv->Get(Family::kMeta, kIncarnationName));
  if (last) previous_incarnation = ByteReader(*last).Fixed64();
  if (options.read_only) {
    if (last) incarnation = previous_incarnation;
    return absl::OkStatus();
  }
  batch.Put(Family::kMeta, std::string(kIncarnationName), Number(incarnation));
  WEFT_RETURN_IF_ERROR(Write(batch));
  // The seed is durable before any key is made with it.
  return created_now ? kv->Sync() : absl::OkStatus();
}

absl::Status CrawlDb::Impl::LoadCounts() {
  for (uint16_t shard = 0; shard < kShardCount; ++shard) {
    WEFT_ASSIGN_OR_RETURN(std::optional<std::string> bytes, kv->Get(Family::kMeta, CountsName(shard)));
    if (!bytes) continue;
    WEFT_ASSIGN_OR_RETURN(shards[shard], DecodeShardCounts(*bytes));
    commit = std::max(commit, shards[shard].commit);
    // Waits were set against the clock of their commit: it never goes back behind one (rule 24).
    clock = std::max(clock, shards[shard].clock);
  }
  WEFT_ASSIGN_OR_RETURN(std::optional<std::string> bytes, kv->Get(Family::kMeta, kClockName));
  if (bytes) clock = std::max(clock, ByteReader(*bytes).Fixed64());
  Recount();
  return absl::OkStatus();
}

void CrawlDb::Impl::Replace(uint16_t shard, ShardCounts counts) {
  const LedgerCounts& before = shards[shard].ledger;
  const LedgerCounts& now = counts.ledger;
  for (auto field : {&LedgerCounts::discovered, &LedgerCounts::pending, &LedgerCounts::done, &LedgerCounts::pages,
                     &LedgerCounts::truncated, &LedgerCounts::sightings, &LedgerCounts::superseded, &LedgerCounts::due_later,
                     &LedgerCounts::recrawl_changed, &LedgerCounts::recrawl_unchanged, &LedgerCounts::recrawl_missed}) {
    total.*field += now.*field - before.*field;
  }
  host_counts.all += counts.hosts.all - shards[shard].hosts.all;
  host_counts.pending += counts.hosts.pending - shards[shard].hosts.pending;
  const bool same_reasons = before.failed == now.failed && before.refused == now.refused;
  shards[shard] = std::move(counts);
  if (!same_reasons) Recount();
}

void CrawlDb::Impl::Recount() {
  total = LedgerCounts();
  host_counts = HostCounts();
  for (const ShardCounts& shard : shards) {
    host_counts.all += shard.hosts.all;
    host_counts.pending += shard.hosts.pending;
    if (shard.ledger.discovered > 0 || shard.ledger.superseded > 0 || shard.ledger.sightings > 0) {
      Add(total, shard.ledger);
    }
  }
}

absl::Status CrawlDb::Impl::Health() const {
  if (!failed.ok()) return failed;
  MutexLock lock(mutex);
  return sync_failed;
}

absl::Status CrawlDb::Impl::Usable() const {
  absl::Status health = Health();
  if (health.ok()) return health;
  return FailedPrecondition("the CrawlDb failed before and must be opened again: {}", ErrorText(health));
}

absl::Status CrawlDb::Impl::Write(const KvBatch& batch) {
  WEFT_RETURN_IF_ERROR(Usable());
  absl::Status status = kv->Write(batch);
  if (!status.ok()) failed = status;
  return status;
}

const wire::CrawlIdentity& CrawlDb::identity() const { return impl_->identity; }
uint64_t CrawlDb::incarnation() const { return impl_->incarnation; }
uint64_t CrawlDb::previous_incarnation() const { return impl_->previous_incarnation; }
uint64_t CrawlDb::opened_commit() const { return impl_->opened_commit; }
bool CrawlDb::created_now() const { return impl_->created_now; }
LedgerCounts CrawlDb::ledger() const { return impl_->total; }
uint64_t CrawlDb::commit() const { return impl_->commit; }
CrawlTime CrawlDb::stored_clock() const { return impl_->clock; }
absl::Status CrawlDb::health() const { return impl_->Health(); }

absl::Status CrawlDb::Sync() {
  absl::Status status = impl_->kv->Sync();
  if (!status.ok()) {
    MutexLock lock(impl_->mutex);
    if (impl_->sync_failed.ok()) impl_->sync_failed = status;
  }
  return status;
}

absl::Status CrawlDb::Checkpoint(const std::string& directory) const { return impl_->kv->Checkpoint(directory); }

// ---- reading ----

absl::StatusOr<std::optional<UrlRecord>> CrawlDb::Find(const Fingerprint& key, uint16_t shard) const {
  WEFT_RETURN_IF_ERROR(impl_->Usable());
  WEFT_ASSIGN_OR_RETURN(std::optional<std::string> bytes, impl_->kv->Get(Family::kUrls, UrlKey(shard, key)));
  if (!bytes) return std::optional<UrlRecord>();
  WEFT_ASSIGN_OR_RETURN(UrlRecord record, DecodeUrlRecord(*bytes));
  return std::optional<UrlRecord>(std::move(record));
}

absl::StatusOr<std::vector<std::string>> CrawlDb::UrlsOf(std::span<const std::pair<Fingerprint, uint16_t>> places) const {
  WEFT_RETURN_IF_ERROR(impl_->Usable());
  std::vector<std::string> keys;
  keys.reserve(places.size());
  for (const auto& [key, shard] : places) keys.push_back(UrlKey(shard, key).Text());
  WEFT_ASSIGN_OR_RETURN(auto records, impl_->kv->MultiGet(Family::kUrls, keys));
  std::vector<std::string> urls(places.size());
  for (size_t i = 0; i < places.size(); ++i) {
    if (!records[i]) continue;
    WEFT_ASSIGN_OR_RETURN(urls[i], DecodeUrlOfRecord(*records[i]));
  }
  return urls;
}

absl::StatusOr<std::vector<QueuedUrl>> CrawlDb::ReadQueue(uint16_t shard, std::string_view origin, uint64_t after,
                                                          size_t limit) const {
  WEFT_RETURN_IF_ERROR(impl_->Usable());
  uint64_t origin_id = impl_->fingerprinter.Short(origin);
  std::vector<QueuedUrl> urls;
  std::vector<std::string> keys;
  if (after == UINT64_MAX || limit == 0) return urls;
  const StoreKey end = origin_id == UINT64_MAX ? QueueKey(static_cast<uint16_t>(shard + 1), 0, 0)
                                               : QueueKey(shard, origin_id + 1, 0);
  WEFT_RETURN_IF_ERROR(impl_->kv->Scan(
      Family::kQueue, QueueKey(shard, origin_id, after + 1), end, [&](std::string_view key, std::string_view value) {
        QueuedUrl url;
        url.position = ByteReader(key.substr(10)).Fixed64();
        url.key = Fingerprint::FromBytes(value);
        keys.push_back(UrlKey(shard, url.key).Text());
        urls.push_back(std::move(url));
        return urls.size() < limit;
      }));
  WEFT_ASSIGN_OR_RETURN(auto records, impl_->kv->MultiGet(Family::kUrls, keys));
  for (size_t i = 0; i < urls.size(); ++i) {
    if (!records[i]) return DataLoss("crawl.db: a queue entry of {} has no record", origin);
    WEFT_ASSIGN_OR_RETURN(urls[i].record, DecodeUrlRecord(*records[i]));
  }
  return urls;
}

absl::StatusOr<std::vector<DueEntry>> CrawlDb::Impl::ReadDue(uint16_t shard, const DueEntry& from, size_t limit) const {
  bool damaged = false;
  std::vector<DueEntry> found;
  WEFT_RETURN_IF_ERROR(kv->Scan(Family::kDue, DueKey(shard, from.time, from.item),
                                DueKey(static_cast<uint16_t>(shard + 1), 0, {}),
                                [&](std::string_view key, std::string_view) {
                                  ByteReader in(key.substr(2));
                                  DueEntry& entry = found.emplace_back();
                                  entry.time = in.Fixed64();
                                  entry.item = Fingerprint::FromBytes(in.Raw(16));
                                  damaged = !in.AtEnd();
                                  return !damaged && found.size() < limit;
                                }));
  if (damaged) return DataLoss("crawl.db: a retry's key is damaged");
  return found;
}

std::optional<CrawlTime> CrawlDb::NextDue() const {
  auto first = impl_->due.First([this](auto&&... where) { return impl_->ReadDue(where...); });
  if (!first.ok()) {
    if (impl_->failed.ok()) impl_->failed = first.status();
    return std::nullopt;
  }
  return *first ? std::optional<CrawlTime>((*first)->entry.time) : std::nullopt;
}

absl::flat_hash_map<std::string, QueueInsert> CrawlDb::TakeLowestInserts() {
  return std::exchange(impl_->lowest_inserts, {});
}

DoneRecords CrawlDb::done_records() const { return DoneRecords(*impl_->kv); }

absl::Status CrawlDb::ReadDone(std::string_view cursor, size_t limit, uint64_t pinned_commit, std::vector<Row>& rows,
                               std::string& next) const {
  WEFT_RETURN_IF_ERROR(impl_->Usable());
  return done_records().Read(cursor, limit, UINT64_MAX, pinned_commit, rows, next);
}

absl::StatusOr<LedgerCounts> CrawlDb::Recount() const {
  WEFT_RETURN_IF_ERROR(impl_->Usable());
  LedgerCounts counts;
  // Kept beside the ledger, not to be had from the records.
  counts.sightings = impl_->total.sightings;
  counts.superseded = impl_->total.superseded;
  counts.recrawl_changed = impl_->total.recrawl_changed;
  counts.recrawl_unchanged = impl_->total.recrawl_unchanged;
  counts.recrawl_missed = impl_->total.recrawl_missed;
  absl::Status damaged;
  WEFT_RETURN_IF_ERROR(impl_->kv->Scan(Family::kUrls, "", "", [&](std::string_view, std::string_view value) {
    auto record = DecodeUrlRecord(value);
    if (!record.ok()) {
      damaged = record.status();
      return false;
    }
    ++counts.discovered;
    if (record->state == UrlState::kPending) ++counts.pending;
    if (record->state == UrlState::kFailed) ++counts.failed[record->reason];
    if (record->state == UrlState::kRefused) ++counts.refused[record->reason];
    if (record->state == UrlState::kDone) ++counts.done;
    if (record->state == UrlState::kDone && record->due_us != 0) ++counts.due_later;
    if (record->has_page()) {
      counts.pages += record->status >= 200 && record->status < 300 ? 1 : 0;
      counts.truncated += record->truncated ? 1 : 0;
    }
    return true;
  }));
  if (!damaged.ok()) return damaged;
  return counts;
}

// ---- meta ----

absl::StatusOr<std::optional<std::string>> CrawlDb::GetMeta(std::string_view name) const {
  WEFT_RETURN_IF_ERROR(impl_->Usable());
  return impl_->kv->Get(Family::kMeta, MetaName(name));
}

std::string CrawlDb::MetaKey(std::string_view name) { return MetaName(name); }

absl::Status CrawlDb::PutMeta(std::string_view name, std::string_view value) {
  KvBatch batch;
  batch.Put(Family::kMeta, MetaName(name), std::string(value));
  return impl_->Write(batch);
}

absl::Status CrawlDb::PutClock(CrawlTime now) {
  KvBatch batch;
  CrawlTime clock = std::max(impl_->clock, now);
  batch.Put(Family::kMeta, std::string(kClockName), Number(clock));
  WEFT_RETURN_IF_ERROR(impl_->Write(batch));
  impl_->clock = clock;
  return absl::OkStatus();
}

}  // namespace weft
