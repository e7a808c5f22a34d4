#include "storage/crawl_db_state.h"

#include <algorithm>
#include <array>
#include <utility>

#include "common/status.h"
#include "common/url.h"
#include "storage/byte_coding.h"

namespace weft {
namespace {

constexpr uint8_t kCountsVersion = 2;   // 1 had no counts of hosts and recrawls
constexpr uint8_t kHostVersion = 2;     // 1 was not filed, had no heads and waits of origins, and no list of further numbers

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

}  // namespace

std::string EncodeShardCounts(const ShardCounts& counts) {
  const LedgerCounts& l = counts.ledger;
  std::string out(1, static_cast<char>(kCountsVersion));
  for (uint64_t number : {l.discovered, l.pending, l.done, l.pages, l.truncated, l.sightings, l.superseded,
                          counts.next_sequence, counts.commit, counts.clock, counts.hosts.all, counts.hosts.pending}) {
    PutVarint(out, number);
  }
  PutReasons(out, l.failed);
  PutReasons(out, l.refused);
  for (uint64_t number : {l.due_later, l.recrawl_changed, l.recrawl_unchanged, l.recrawl_missed}) PutVarint(out, number);
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
  if (version >= 2) {
    counts.hosts.all = in.Varint();
    counts.hosts.pending = in.Varint();
  }
  ReadReasons(in, l.failed);
  ReadReasons(in, l.refused);
  if (version >= 2) {
    for (uint64_t* number : {&l.due_later, &l.recrawl_changed, &l.recrawl_unchanged, &l.recrawl_missed}) {
      *number = in.Varint();
    }
  }
  if (version < 1 || version > kCountsVersion || !in.AtEnd()) return DataLoss("crawl.db: a shard's counters are damaged");
  return counts;
}

std::string EncodeHostState(const HostState& host) {
  std::string out(1, static_cast<char>(kHostVersion));
  PutBytes(out, host.host);
  for (uint64_t number : {host.refused_recorded, host.not_before, host.last_request, host.crawl_delay_us,
                          uint64_t{host.failures}, uint64_t{host.throttles}, host.filed_at ? *host.filed_at + 1 : 0, uint64_t{host.origins.size()}}) {
    PutVarint(out, number);
  }
  for (const OriginState& origin : host.origins) {
    PutBytes(out, origin.origin);
    PutVarint(out, origin.pending);
    PutVarint(out, origin.head);
    PutVarint(out, origin.not_before);
    PutVarint(out, origin.failures);
    PutVarint(out, origin.robots_tries);
  }
  // Counted: a later one is added at the end, and is zero where it was not written.
  const std::array further = {host.delay_us, host.latency_us, host.busiest_second, host.shortest_gap_us,
                              host.pages,    host.answers,    host.bytes,          host.asked_us};
  PutVarint(out, further.size());
  for (uint64_t number : further) PutVarint(out, number);
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
  const uint64_t filed = version >= 2 ? in.Varint() : 0;
  if (filed > 0) host.filed_at = filed - 1;
  for (uint64_t left = in.Varint(); left > 0 && in.ok(); --left) {
    OriginState origin;
    origin.origin = in.Bytes();
    origin.pending = in.Varint();
    if (version >= 2) {
      origin.head = in.Varint();
      origin.not_before = in.Varint();
      origin.failures = in.Varint32();
      origin.robots_tries = in.Varint32();
    }
    host.origins.push_back(std::move(origin));
  }
  const std::array further = {&host.delay_us, &host.latency_us, &host.busiest_second, &host.shortest_gap_us,
                              &host.pages,    &host.answers,    &host.bytes,          &host.asked_us};
  const uint64_t written = version >= 2 ? in.Varint() : 0;
  for (uint64_t i = 0; i < written && in.ok(); ++i) {
    const uint64_t number = in.Varint();
    if (i < further.size()) *further[i] = number;
  }
  if (version == 0 || version > kHostVersion || !in.AtEnd()) return DataLoss("crawl.db: a host's record is damaged");
  return host;
}

void PutSeenEntry(std::string& out, const Fingerprint& key, SeenNote note) {
  PutFixed64(out, key.lo);
  PutFixed32(out, static_cast<uint32_t>(key.hi));
  out.push_back(static_cast<char>(note.bits()));
}

std::string CountsName(uint16_t shard) { return "counts/" + ShardPrefix(shard).Text(); }

// ---- ShardChange ----

ShardChange::ShardChange(CrawlDb::Impl& db, uint16_t shard, CrawlTime now, KvBatch& batch, uint64_t before)
    : db_(db), shard_(shard), counts_(db.shards[shard]), batch_(batch), begin_(batch.size()), now_(now) {
  counts_.commit = db.commit + before + 1;
  counts_.clock = std::max(counts_.clock, now);
}

HostState* ShardChange::HostById(uint64_t id) {
  auto it = hosts_.find(id);
  if (it != hosts_.end()) return &it->second;
  const HostState* known = db_.FindHost(shard_, id);
  if (known == nullptr) return nullptr;
  return &hosts_.emplace(id, *known).first->second;
}

HostState& ShardChange::Host(std::string_view name) {
  uint64_t id = db_.fingerprinter.Short(name);
  HostState* known = HostById(id);
  if (known != nullptr) return *known;
  HostState& added = hosts_[id];
  ++counts_.hosts.all;
  added.id = id;
  added.shard = shard_;
  added.host = name;
  return added;
}

HostState* ShardChange::HostOf(const UrlRecord& record) { return HostById(db_.HostIdOf(record)); }

OriginState* ShardChange::OriginOf(HostState& host, const UrlRecord& record) {
  for (OriginState& origin : host.origins) {
    if (db_.fingerprinter.Short(origin.origin) == record.origin_id) return &origin;
  }
  return nullptr;
}

OriginState& ShardChange::Origin(HostState& host, std::string_view name) {
  for (OriginState& origin : host.origins) {
    if (origin.origin == name) return origin;
  }
  OriginState& added = host.origins.emplace_back();
  added.origin = name;
  return added;
}

uint64_t ShardChange::RankFor(const UrlRecord& record) const {
  const int priority = db_.priority_of == nullptr ? 0 : std::clamp(db_.priority_of(record.url), -100, 100);
  return static_cast<uint64_t>(kDefaultRank - priority);
}

void ShardChange::QueueAt(const Fingerprint& key, UrlRecord& record, const HostState& host, OriginState& origin, int nearer) {
  record.queue_position = RankFor(record) << kRankShift | OrderFor(record, nearer) << kDepthShift | counts_.next_sequence++;
  record.due_us = 0;
  batch_.Put(Family::kQueue, QueueKey(shard_, record.origin_id, record.queue_position), QueueValue(key));
  origin.head = std::min(origin.head, record.queue_position);
  if (!inserts_.empty() && inserts_.back().first == origin.origin) {
    inserts_.back().second.position = std::min(inserts_.back().second.position, record.queue_position);
  } else {
    inserts_.emplace_back(origin.origin, QueueInsert{shard_, host.id, record.queue_position});
  }
}

void ShardChange::Enqueue(const Fingerprint& key, UrlRecord& record, std::string_view origin,
                          std::string_view host, int nearer) {
  record.origin_id = db_.fingerprinter.Short(origin);
  HostState& state = Host(host);
  OriginState& queue = Origin(state, origin);
  if (queue.pending == 0) queue.head = UINT64_MAX;   // empty: whatever comes is its head
  queue.pending += 1;
  QueueAt(key, record, state, queue, nearer);
}

void ShardChange::Unqueue(const Fingerprint& key, UrlRecord& record) {
  if (record.due_us != 0) {
    batch_.Delete(Family::kDue, DueKey(shard_, record.due_us, key));
    due_removed_.push_back({record.due_us, key});
  } else {
    batch_.Delete(Family::kQueue, QueueKey(shard_, record.origin_id, record.queue_position));
  }
  record.due_us = 0;
  record.queue_position = 0;
}

void ShardChange::Dequeue(const Fingerprint& key, UrlRecord& record) {
  Unqueue(key, record);
  HostState* host = HostOf(record);
  OriginState* origin = host == nullptr ? nullptr : OriginOf(*host, record);
  if (origin != nullptr && origin->pending > 0) --origin->pending;
}

void ShardChange::Postpone(const Fingerprint& key, UrlRecord& record, CrawlTime due) {
  Unqueue(key, record);
  record.due_us = std::max<CrawlTime>(due, 1);
  batch_.Put(Family::kDue, DueKey(shard_, record.due_us, key), "");
  due_added_.push_back({record.due_us, key});
}

void ShardChange::Promote(const Fingerprint& key, UrlRecord& record) {
  Unqueue(key, record);
  HostState* host = HostOf(record);
  OriginState* origin = host == nullptr ? nullptr : OriginOf(*host, record);
  if (origin != nullptr) QueueAt(key, record, *host, *origin);
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
  record_bytes_.clear();
  AppendUrlRecord(record, record_bytes_);
  batch_.Put(Family::kUrls, UrlKey(shard_, key), record_bytes_);
}

absl::Status ShardChange::Apply() {
  Seal();
  WEFT_RETURN_IF_ERROR(db_.Write(batch_));
  TakeOver();
  return absl::OkStatus();
}

// A host with something pending is in the order of hosts once, others are not.
void ShardChange::File(HostState& host) {
  if ((host.pending() > 0) == host.filed_at.has_value()) return;
  if (host.filed_at) {
    batch_.Delete(Family::kReady, FiledKey(shard_, *host.filed_at, host.id));
    host.filed_at.reset();
    --counts_.hosts.pending;
  } else {
    host.filed_at = std::max(now_, host.ready());
    batch_.Put(Family::kReady, FiledKey(shard_, *host.filed_at, host.id), "");
    ++counts_.hosts.pending;
  }
}

void ShardChange::Seal() {
  for (auto& [id, host] : hosts_) File(host);
  for (const auto& [id, host] : hosts_) batch_.Put(Family::kHosts, HostKey(shard_, id), EncodeHostState(host));
  batch_.Put(Family::kMeta, CountsName(shard_), EncodeShardCounts(counts_));
  noted_bytes_ = noted_.size();
  if (noted_bytes_ > 0) batch_.Put(Family::kSeen, SeenName(counts_.commit), noted_);
}

void ShardChange::TakeOver() {
  for (auto& [id, host] : hosts_) db_.hosts->Put(std::move(host));
  for (const DueEntry& entry : due_removed_) db_.due.Erase(shard_, entry);
  for (const DueEntry& entry : due_added_) db_.due.Insert(shard_, entry);
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
