// The hosts of a CrawlDb: their records, their politeness, and the order in which they are to be asked. A host with
// something pending has exactly one entry in the family kReady, under the time at which it was filed; its record names
// that time. So a restart finds the next hosts without looking at the others.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "common/status.h"
#include "common/url.h"
#include "storage/byte_coding.h"
#include "storage/crawl_db.h"
#include "storage/crawl_db_state.h"

namespace weft {
namespace {

constexpr std::string_view kFiledName = "filed";   // in meta: every host has been filed

std::string RobotsName(std::string_view origin) { return "robots/" + std::string(origin); }

}  // namespace

std::string Number(uint64_t value) {
  std::string out;
  PutFixed64(out, value);
  return out;
}

absl::Status CrawlDb::Impl::LoadFiled(KvBatch& batch) {
  if (created_now) {
    batch.Put(Family::kMeta, std::string(kFiledName), Number(1));
    return absl::OkStatus();
  }
  WEFT_ASSIGN_OR_RETURN(std::optional<std::string> filed, kv->Get(Family::kMeta, kFiledName));
  if (filed) return absl::OkStatus();
  spdlog::warn("crawl.db: its hosts are put in order, once: it was written by a Weft that read them all at every start");
  absl::Status damaged;
  WEFT_RETURN_IF_ERROR(kv->Scan(Family::kHosts, "", "", [&](std::string_view key, std::string_view value) {
    auto host = DecodeHostState(value);
    ByteReader in(key);
    const uint16_t shard = in.Fixed16() % kShardCount;
    const uint64_t id = in.Fixed64();
    damaged = !host.ok() ? host.status() : in.AtEnd() ? absl::OkStatus() : DataLoss("crawl.db: a host's key is damaged");
    if (!damaged.ok()) return false;
    ++shards[shard].hosts.all;
    if (host->pending() == 0) return true;
    ++shards[shard].hosts.pending;
    host->filed_at = host->ready();
    batch.Put(Family::kReady, FiledKey(shard, *host->filed_at, id), "");
    batch.Put(Family::kHosts, std::string(key), EncodeHostState(*host));
    return true;
  }));
  for (uint16_t shard = 0; shard < kShardCount; ++shard) {
    if (shards[shard].hosts.all > 0) batch.Put(Family::kMeta, CountsName(shard), EncodeShardCounts(shards[shard]));
  }
  batch.Put(Family::kMeta, std::string(kFiledName), Number(1));
  Recount();
  return damaged;
}

const HostState* CrawlDb::Impl::FindHost(uint16_t shard, uint64_t id) {
  auto found = hosts->Find(shard, id);
  if (found.ok()) return *found;
  if (failed.ok()) failed = found.status();
  return nullptr;
}

uint64_t CrawlDb::Impl::HostIdOf(const UrlRecord& record) const {
  auto url = Url::Parse(record.url);
  return url.ok() ? fingerprinter.Short(url->host()) : 0;
}

const HostState* CrawlDb::FindHost(uint16_t shard, uint64_t id) const { return impl_->FindHost(shard, id); }

const HostState* CrawlDb::FindHost(std::string_view host) const {
  const uint64_t id = HostId(host);
  for (uint16_t shard = 0; shard < kShardCount; ++shard) {
    if (impl_->hosts->Elsewhere(shard, id)) continue;
    const HostState* known = impl_->FindHost(shard, id);
    if (known != nullptr) return known;
    impl_->hosts->Forget(id);
  }
  return nullptr;
}

uint64_t CrawlDb::HostId(std::string_view host) const { return impl_->fingerprinter.Short(host); }

CrawlDb::HostCounts CrawlDb::host_counts() const { return impl_->host_counts; }

void CrawlDb::ForEachHost(absl::FunctionRef<void(const HostState&)> visit) const {
  absl::Status damaged;
  std::vector<HostState> hosts;
  absl::Status scanned = impl_->kv->Scan(Family::kHosts, "", "", [&](std::string_view key, std::string_view value) {
    auto host = DecodeHostState(value);
    damaged = host.status();
    if (!host.ok()) return false;
    ByteReader in(key);
    host->shard = in.Fixed16();
    host->id = in.Fixed64();
    hosts.push_back(*std::move(host));
    return true;
  });
  if (scanned.ok()) scanned = damaged;
  if (!scanned.ok() && impl_->failed.ok()) impl_->failed = scanned;
  for (const HostState& host : hosts) visit(host);
}

absl::StatusOr<std::vector<CrawlDb::FiledHost>> CrawlDb::ReadFiled(uint16_t shard, const FiledHost& from,
                                                                   size_t limit) const {
  WEFT_RETURN_IF_ERROR(impl_->Usable());
  std::vector<FiledHost> found;
  WEFT_RETURN_IF_ERROR(impl_->kv->Scan(Family::kReady, FiledKey(shard, from.time, from.item),
                                       FiledKey(static_cast<uint16_t>(shard + 1), 0, 0),
                                       [&](std::string_view key, std::string_view) {
                                         ByteReader in(key.substr(2));
                                         FiledHost& host = found.emplace_back();
                                         host.time = in.Fixed64();
                                         host.item = in.Fixed64();
                                         return found.size() < limit;
                                       }));
  return found;
}

absl::Status CrawlDb::PutPoliteness(const HostState& state, CrawlTime now) {
  WEFT_RETURN_IF_ERROR(impl_->Usable());
  const HostState* known = impl_->FindHost(state.shard, state.id);
  if (known == nullptr) return NotFound("{}: no such host", state.host);
  HostState changed = *known;
  changed.not_before = state.not_before;
  changed.last_request = state.last_request;
  changed.crawl_delay_us = state.crawl_delay_us;
  changed.failures = state.failures;
  changed.throttles = state.throttles;
  changed.delay_us = state.delay_us;
  changed.latency_us = state.latency_us;
  changed.busiest_second = state.busiest_second;
  changed.shortest_gap_us = state.shortest_gap_us;
  for (OriginState& origin : changed.origins) {
    auto told = std::find_if(state.origins.begin(), state.origins.end(),
                             [&](const OriginState& one) { return one.origin == origin.origin; });
    if (told == state.origins.end()) continue;
    auto insert = impl_->lowest_inserts.find(origin.origin);
    const uint64_t below = insert == impl_->lowest_inserts.end() ? UINT64_MAX : insert->second.position;
    origin.head = std::min(told->head, below);
    origin.not_before = told->not_before;
    origin.failures = told->failures;
    origin.robots_tries = told->robots_tries;
  }
  KvBatch batch;
  const CrawlTime ready = changed.ready();
  if (changed.filed_at && *changed.filed_at < ready) {
    batch.Delete(Family::kReady, FiledKey(changed.shard, *changed.filed_at, changed.id));
    changed.filed_at = ready;
    batch.Put(Family::kReady, FiledKey(changed.shard, ready, changed.id), "");
  }
  const CrawlTime clock = std::max(impl_->clock, now);
  batch.Put(Family::kHosts, HostKey(changed.shard, changed.id), EncodeHostState(changed));
  batch.Put(Family::kMeta, std::string(kClockName), Number(clock));
  WEFT_RETURN_IF_ERROR(impl_->Write(batch));
  impl_->clock = clock;
  impl_->hosts->Put(std::move(changed));
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

}  // namespace weft
