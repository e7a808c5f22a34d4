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
constexpr std::string_view kClockName = "clock";

std::string MetaName(std::string_view name) { return "value/" + std::string(name); }
std::string RobotsName(std::string_view origin) { return "robots/" + std::string(origin); }

std::string Number(uint64_t value) {
  std::string out;
  PutFixed64(out, value);
  return out;
}

void Add(LedgerCounts& sum, const LedgerCounts& part) {
  sum.discovered += part.discovered;
  sum.pending += part.pending;
  sum.done += part.done;
  sum.pages += part.pages;
  sum.truncated += part.truncated;
  sum.sightings += part.sightings;
  sum.superseded += part.superseded;
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
  }
  fingerprinter = Fingerprinter(identity.fingerprint_seed());
  incarnation = random.NextId();
  WEFT_RETURN_IF_ERROR(LoadCounts());
  WEFT_RETURN_IF_ERROR(LoadHosts());
  WEFT_RETURN_IF_ERROR(LoadDue());
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

absl::Status CrawlDb::Impl::LoadHosts() {
  absl::Status status;
  absl::Status scanned = kv->Scan(Family::kHosts, "", "", [&](std::string_view key, std::string_view value) {
    auto host = DecodeHostState(value);
    ByteReader in(key);
    uint16_t shard = in.Fixed16();
    uint64_t id = in.Fixed64();
    if (!host.ok() || !in.AtEnd()) {
      status = host.ok() ? DataLoss("crawl.db: a host's key is damaged") : host.status();
      return false;
    }
    host->id = id;
    host->shard = shard;
    for (const OriginState& origin : host->origins) host_of_origin[fingerprinter.Short(origin.origin)] = id;
    hosts[id] = *std::move(host);
    return true;
  });
  return scanned.ok() ? status : scanned;
}

absl::Status CrawlDb::Impl::LoadDue() {
  bool damaged = false;
  WEFT_RETURN_IF_ERROR(kv->Scan(Family::kDue, "", "", [&](std::string_view key, std::string_view) {
    ByteReader in(key);
    uint16_t shard = in.Fixed16();
    CrawlTime when = in.Fixed64();
    Fingerprint fingerprint = Fingerprint::FromBytes(in.Raw(16));
    damaged = !in.AtEnd();
    due.emplace(when, shard, fingerprint);
    return !damaged;
  }));
  return damaged ? DataLoss("crawl.db: a retry's key is damaged") : absl::OkStatus();
}

void CrawlDb::Impl::Replace(uint16_t shard, ShardCounts counts) {
  const LedgerCounts& before = shards[shard].ledger;
  const LedgerCounts& now = counts.ledger;
  for (auto field : {&LedgerCounts::discovered, &LedgerCounts::pending, &LedgerCounts::done, &LedgerCounts::pages,
                     &LedgerCounts::truncated, &LedgerCounts::sightings, &LedgerCounts::superseded}) {
    total.*field += now.*field - before.*field;
  }
  const bool same_reasons = before.failed == now.failed && before.refused == now.refused;
  shards[shard] = std::move(counts);
  if (!same_reasons) Recount();
}

void CrawlDb::Impl::Recount() {
  total = LedgerCounts();
  for (const ShardCounts& shard : shards) {
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

// ---- reading ----

absl::StatusOr<std::optional<UrlRecord>> CrawlDb::Find(const Fingerprint& key, uint16_t shard) const {
  WEFT_RETURN_IF_ERROR(impl_->Usable());
  WEFT_ASSIGN_OR_RETURN(std::optional<std::string> bytes, impl_->kv->Get(Family::kUrls, UrlKey(shard, key)));
  if (!bytes) return std::optional<UrlRecord>();
  WEFT_ASSIGN_OR_RETURN(UrlRecord record, DecodeUrlRecord(*bytes));
  return std::optional<UrlRecord>(std::move(record));
}

absl::StatusOr<std::vector<QueuedUrl>> CrawlDb::ReadQueue(uint16_t shard, std::string_view origin, uint64_t after,
                                                          size_t limit) const {
  WEFT_RETURN_IF_ERROR(impl_->Usable());
  uint64_t origin_id = impl_->fingerprinter.Short(origin);
  std::vector<QueuedUrl> urls;
  std::vector<std::string> keys;
  if (after == UINT64_MAX || limit == 0) return urls;
  std::string end = origin_id == UINT64_MAX ? QueueKey(static_cast<uint16_t>(shard + 1), 0, 0)
                                            : QueueKey(shard, origin_id + 1, 0);
  WEFT_RETURN_IF_ERROR(impl_->kv->Scan(
      Family::kQueue, QueueKey(shard, origin_id, after + 1), end, [&](std::string_view key, std::string_view value) {
        QueuedUrl url;
        url.position = ByteReader(key.substr(10)).Fixed64();
        url.key = Fingerprint::FromBytes(value);
        keys.push_back(UrlKey(shard, url.key));
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

std::optional<CrawlTime> CrawlDb::NextDue() const {
  if (impl_->due.empty()) return std::nullopt;
  return std::get<0>(*impl_->due.begin());
}

absl::flat_hash_map<std::string, QueueInsert> CrawlDb::TakeLowestInserts() {
  return std::exchange(impl_->lowest_inserts, {});
}

absl::Status CrawlDb::ReadDone(std::string_view cursor, size_t limit, uint64_t pinned_commit, std::vector<Row>& rows,
                               std::string& next) const {
  WEFT_RETURN_IF_ERROR(impl_->Usable());
  rows.clear();
  next.clear();
  absl::Status damaged;
  WEFT_RETURN_IF_ERROR(impl_->kv->Scan(Family::kUrls, cursor, "", [&](std::string_view key, std::string_view value) {
    if (rows.size() >= limit) {
      next = std::string(key);
      return false;
    }
    auto head = DecodeUrlRecordHead(value);
    if (!head.ok()) {
      damaged = head.status();
      return false;
    }
    if (head->state != UrlState::kDone) return true;
    auto record = DecodeUrlRecord(value);
    if (!record.ok()) {
      damaged = record.status();
      return false;
    }
    if (record->commit > pinned_commit) return true;
    Row row;
    ByteReader in(key);
    row.shard = in.Fixed16();
    row.key = Fingerprint::FromBytes(in.Raw(16));
    row.record = *std::move(record);
    rows.push_back(std::move(row));
    return true;
  }));
  return damaged;
}

absl::StatusOr<LedgerCounts> CrawlDb::Recount() const {
  WEFT_RETURN_IF_ERROR(impl_->Usable());
  LedgerCounts counts;
  // Kept beside the ledger, not to be had from the records.
  counts.sightings = impl_->total.sightings;
  counts.superseded = impl_->total.superseded;
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
    if (record->state == UrlState::kDone) {
      ++counts.done;
      counts.pages += record->status >= 200 && record->status < 300 ? 1 : 0;
      counts.truncated += record->truncated ? 1 : 0;
    }
    return true;
  }));
  if (!damaged.ok()) return damaged;
  return counts;
}

// ---- hosts ----

const HostState* CrawlDb::FindHost(uint16_t shard, uint64_t id) const {
  auto it = impl_->hosts.find(id);
  return it == impl_->hosts.end() || it->second.shard != shard ? nullptr : &it->second;
}

const HostState* CrawlDb::FindHost(std::string_view host) const {
  auto it = impl_->hosts.find(HostId(host));
  return it == impl_->hosts.end() ? nullptr : &it->second;
}

uint64_t CrawlDb::HostId(std::string_view host) const { return impl_->fingerprinter.Short(host); }

void CrawlDb::ForEachHost(absl::FunctionRef<void(const HostState&)> visit) const {
  for (const auto& [id, host] : impl_->hosts) visit(host);
}

absl::Status CrawlDb::PutPoliteness(const HostState& state, CrawlTime now) {
  WEFT_RETURN_IF_ERROR(impl_->Usable());
  auto it = impl_->hosts.find(state.id);
  if (it == impl_->hosts.end()) return NotFound("{}: no such host", state.host);
  HostState changed = it->second;
  changed.not_before = state.not_before;
  changed.last_request = state.last_request;
  changed.crawl_delay_us = state.crawl_delay_us;
  changed.failures = state.failures;
  changed.throttles = state.throttles;
  KvBatch batch;
  CrawlTime clock = std::max(impl_->clock, now);
  batch.Put(Family::kHosts, HostKey(changed.shard, changed.id), EncodeHostState(changed));
  batch.Put(Family::kMeta, std::string(kClockName), Number(clock));
  WEFT_RETURN_IF_ERROR(impl_->Write(batch));
  impl_->clock = clock;
  it->second = std::move(changed);
  return absl::OkStatus();
}

absl::StatusOr<std::optional<std::string>> CrawlDb::GetRobots(std::string_view origin) const {
  WEFT_RETURN_IF_ERROR(impl_->Usable());
  return impl_->kv->Get(Family::kMeta, RobotsName(origin));
}

absl::Status CrawlDb::PutRobots(std::string_view origin, std::string_view encoded) {
  KvBatch batch;
  batch.Put(Family::kMeta, RobotsName(origin), std::string(encoded));
  return impl_->Write(batch);
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
