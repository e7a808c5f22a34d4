#include "storage/crawl_db_state.h"

#include <algorithm>
#include <utility>

#include "common/status.h"
#include "common/url.h"
#include "storage/byte_coding.h"

namespace weft {
namespace {

constexpr uint8_t kCountsVersion = 1;
constexpr uint8_t kHostVersion = 2;   // since 2: totals

void PutReasons(std::string& out, const std::map<Outcome, uint64_t>& reasons) {
  PutVarint(out, reasons.size());
  for (const auto& [outcome, count] : reasons) {
    out.push_back(static_cast<char>(outcome));
    PutVarint(out, count);
  }
}

void ReadReasons(ByteReader& in, std::map<Outcome, uint64_t>& reasons) {
  for (uint64_t left = in.Varint(); left > 0 && in.ok(); --left) {
    Outcome outcome = static_cast<Outcome>(in.Fixed8());
    reasons[outcome] = in.Varint();
  }
}

std::string ShardPrefix(uint16_t shard) {
  std::string out;
  PutFixed16(out, shard);
  return out;
}

}  // namespace

std::string EncodeShardCounts(const ShardCounts& counts) {
  std::string out(1, static_cast<char>(kCountsVersion));
  const LedgerCounts& l = counts.ledger;
  for (uint64_t number : {l.discovered, l.pending, l.done, l.pages, l.truncated, l.sightings, l.superseded,
                          counts.next_sequence, counts.commit, counts.clock}) {
    PutVarint(out, number);
  }
  PutReasons(out, l.failed);
  PutReasons(out, l.refused);
  return out;
}

absl::StatusOr<ShardCounts> DecodeShardCounts(std::string_view bytes) {
  ByteReader in(bytes);
  ShardCounts counts;
  uint8_t version = in.Fixed8();
  LedgerCounts& l = counts.ledger;
  for (uint64_t* number : {&l.discovered, &l.pending, &l.done, &l.pages, &l.truncated, &l.sightings, &l.superseded,
                           &counts.next_sequence, &counts.commit, &counts.clock}) {
    *number = in.Varint();
  }
  ReadReasons(in, l.failed);
  ReadReasons(in, l.refused);
  if (version != kCountsVersion || !in.AtEnd()) return DataLoss("crawl.db: a shard's counters are damaged");
  return counts;
}

std::string EncodeHostState(const HostState& host) {
  std::string out(1, static_cast<char>(kHostVersion));
  PutBytes(out, host.host);
  for (uint64_t number : {host.refused_recorded, host.not_before, host.last_request, host.crawl_delay_us,
                          uint64_t{host.failures}, uint64_t{host.throttles}, uint64_t{host.origins.size()}}) {
    PutVarint(out, number);
  }
  for (const OriginState& origin : host.origins) {
    PutBytes(out, origin.origin);
    PutVarint(out, origin.pending);
  }
  for (uint64_t total : {host.pages, host.answers, host.bytes, host.asked_us}) PutVarint(out, total);
  return out;
}

absl::StatusOr<HostState> DecodeHostState(std::string_view bytes) {
  ByteReader in(bytes);
  HostState host;
  uint8_t version = in.Fixed8();
  host.host = in.Bytes();
  host.refused_recorded = in.Varint();
  host.not_before = in.Varint();
  host.last_request = in.Varint();
  host.crawl_delay_us = in.Varint();
  host.failures = in.Varint32();
  host.throttles = in.Varint32();
  for (uint64_t left = in.Varint(); left > 0 && in.ok(); --left) {
    OriginState origin;
    origin.origin = in.Bytes();
    origin.pending = in.Varint();
    host.origins.push_back(std::move(origin));
  }
  if (version >= 2) {
    for (uint64_t* total : {&host.pages, &host.answers, &host.bytes, &host.asked_us}) *total = in.Varint();
  }
  if (version == 0 || version > kHostVersion || !in.AtEnd()) return DataLoss("crawl.db: a host's record is damaged");
  return host;
}

std::string UrlKey(uint16_t shard, const Fingerprint& key) { return ShardPrefix(shard) + key.ToBytes(); }

std::string QueueKey(uint16_t shard, uint64_t origin_id, uint64_t position) {
  std::string out = ShardPrefix(shard);
  PutFixed64(out, origin_id);
  PutFixed64(out, position);
  return out;
}

std::string HostKey(uint16_t shard, uint64_t host_id) {
  std::string out = ShardPrefix(shard);
  PutFixed64(out, host_id);
  return out;
}

std::string DueKey(uint16_t shard, CrawlTime due, const Fingerprint& key) {
  std::string out = ShardPrefix(shard);
  PutFixed64(out, due);
  return out + key.ToBytes();
}

std::string SeenName(uint64_t commit) {
  std::string out;
  PutFixed64(out, commit);
  return out;
}

void PutSeenEntry(std::string& out, const Fingerprint& key, SeenNote note) {
  PutFixed64(out, key.lo);
  PutFixed32(out, static_cast<uint32_t>(key.hi));
  out.push_back(static_cast<char>(note.bits()));
}

std::string CountsName(uint16_t shard) { return "counts/" + ShardPrefix(shard); }

// ---- ShardChange ----

ShardChange::ShardChange(CrawlDb::Impl& db, uint16_t shard, CrawlTime now, KvBatch& batch, uint64_t before)
    : db_(db), shard_(shard), counts_(db.shards[shard]), batch_(batch), begin_(batch.changes().size()) {
  counts_.commit = db.commit + before + 1;
  counts_.clock = std::max(counts_.clock, now);
}

HostState* ShardChange::HostById(uint64_t id) {
  auto it = hosts_.find(id);
  if (it != hosts_.end()) return &it->second;
  auto known = db_.hosts.find(id);
  if (known == db_.hosts.end()) return nullptr;
  return &hosts_.emplace(id, known->second).first->second;
}

HostState& ShardChange::Host(const std::string& name) {
  uint64_t id = db_.fingerprinter.Short(name);
  HostState* known = HostById(id);
  if (known != nullptr) return *known;
  HostState& added = hosts_[id];
  added.id = id;
  added.shard = shard_;
  added.host = name;
  return added;
}

HostState* ShardChange::HostOfOrigin(uint64_t origin_id) {
  for (const auto& [origin, host] : origins_) {
    if (origin == origin_id) return HostById(host);
  }
  auto it = db_.host_of_origin.find(origin_id);
  return it == db_.host_of_origin.end() ? nullptr : HostById(it->second);
}

OriginState& ShardChange::Origin(HostState& host, const std::string& name) {
  for (OriginState& origin : host.origins) {
    if (origin.origin == name) return origin;
  }
  origins_.emplace_back(db_.fingerprinter.Short(name), host.id);
  host.origins.push_back({name, 0});
  return host.origins.back();
}

void ShardChange::QueueAt(const Fingerprint& key, UrlRecord& record, const std::string& origin, uint64_t host_id) {
  uint64_t depth = std::min<uint64_t>(record.depth, 255);
  record.queue_position = depth << kDepthShift | counts_.next_sequence++;
  record.due_us = 0;
  batch_.Put(Family::kQueue, QueueKey(shard_, record.origin_id, record.queue_position), key.ToBytes());
  if (!inserts_.empty() && inserts_.back().first == origin) {
    inserts_.back().second.position = std::min(inserts_.back().second.position, record.queue_position);
  } else {
    inserts_.emplace_back(origin, QueueInsert{shard_, host_id, record.queue_position});
  }
}

void ShardChange::Enqueue(const Fingerprint& key, UrlRecord& record, const std::string& origin,
                          const std::string& host) {
  record.origin_id = db_.fingerprinter.Short(origin);
  HostState& state = Host(host);
  Origin(state, origin).pending += 1;
  QueueAt(key, record, origin, state.id);
}

void ShardChange::Unqueue(const Fingerprint& key, UrlRecord& record) {
  if (record.due_us != 0) {
    batch_.Delete(Family::kDue, DueKey(shard_, record.due_us, key));
    due_removed_.emplace_back(record.due_us, shard_, key);
  } else {
    batch_.Delete(Family::kQueue, QueueKey(shard_, record.origin_id, record.queue_position));
  }
  record.due_us = 0;
  record.queue_position = 0;
}

void ShardChange::Dequeue(const Fingerprint& key, UrlRecord& record) {
  Unqueue(key, record);
  HostState* host = HostOfOrigin(record.origin_id);
  if (host == nullptr) return;
  for (OriginState& origin : host->origins) {
    if (db_.fingerprinter.Short(origin.origin) == record.origin_id && origin.pending > 0) --origin.pending;
  }
}

void ShardChange::Postpone(const Fingerprint& key, UrlRecord& record, CrawlTime due) {
  Unqueue(key, record);
  record.due_us = std::max<CrawlTime>(due, 1);
  batch_.Put(Family::kDue, DueKey(shard_, record.due_us, key), "");
  due_added_.emplace_back(record.due_us, shard_, key);
}

void ShardChange::Promote(const Fingerprint& key, UrlRecord& record) {
  Unqueue(key, record);
  HostState* host = HostOfOrigin(record.origin_id);
  if (host == nullptr) return;
  for (const OriginState& origin : host->origins) {
    if (db_.fingerprinter.Short(origin.origin) == record.origin_id) return QueueAt(key, record, origin.origin, host->id);
  }
}

SeenNote SeenNoteOf(UrlState state, Outcome reason, uint32_t depth) {
  if (state == UrlState::kPending) return SeenNote::NearestDepth(depth);
  return state == UrlState::kRefused && RefusedByScope(reason) ? SeenNote::Ask() : SeenNote::Settled();
}

void ShardChange::PutRecord(const Fingerprint& key, UrlRecord& record, Was was) {
  record.commit = counts_.commit;
  const SeenNote note = SeenNoteOf(record.state, record.reason, record.depth);
  // A snapshot's note that is older than the record asks too often; one that would ask too seldom is noted again.
  if (was != Was::kKnown || note == SeenNote::Ask()) PutSeenEntry(noted_, key, note);
  seen_.emplace_back(key, note);
  batch_.Put(Family::kUrls, UrlKey(shard_, key), EncodeUrlRecord(record));
}

absl::Status ShardChange::Apply() {
  Seal();
  WEFT_RETURN_IF_ERROR(db_.Write(batch_));
  TakeOver();
  return absl::OkStatus();
}

void ShardChange::Seal() {
  for (const auto& [id, host] : hosts_) batch_.Put(Family::kHosts, HostKey(shard_, id), EncodeHostState(host));
  batch_.Put(Family::kMeta, CountsName(shard_), EncodeShardCounts(counts_));
  noted_bytes_ = noted_.size();
  if (noted_bytes_ > 0) batch_.Put(Family::kSeen, SeenName(counts_.commit), std::move(noted_));
}

void ShardChange::TakeOver() {
  for (auto& [id, host] : hosts_) db_.hosts[id] = std::move(host);
  for (const auto& [origin, host] : origins_) db_.host_of_origin[origin] = host;
  for (const DueEntry& entry : due_removed_) db_.due.erase(entry);
  for (const DueEntry& entry : due_added_) db_.due.insert(entry);
  for (const auto& [origin, insert] : inserts_) {
    auto [it, added] = db_.lowest_inserts.try_emplace(origin, insert);
    if (!added) it->second.position = std::min(it->second.position, insert.position);
  }
  if (db_.seen != nullptr) {
    for (const auto& [key, note] : seen_) db_.seen->Put(key, note);
  }
  db_.seen_noted += noted_bytes_;
  db_.commit = counts_.commit;
  db_.Replace(shard_, std::move(counts_));
}

}  // namespace weft
