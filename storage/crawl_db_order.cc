// Places in a queue by popularity: the second byte of a position, which is the depth where popularity does not count.
#include <algorithm>
#include <deque>
#include <utility>

#include "common/status.h"
#include "storage/crawl_db.h"
#include "storage/crawl_db_state.h"

namespace weft {

void CrawlDb::SetPopular(bool on) { impl_->popular = on; }

uint64_t ShardChange::OrderFor(const UrlRecord& record, int nearer) const {
  const int64_t depth = std::min<int64_t>(record.depth, 255);
  if (!db_.popular) return static_cast<uint64_t>(depth);
  return static_cast<uint64_t>(std::min<int64_t>(255, kPopularSteps + 1 + std::max<int64_t>(0, depth - nearer)));
}

Preferred ShardChange::MoveUp(const Preference& wanted, UrlRecord& record) {
  Preferred answer;
  if (record.state != UrlState::kPending) return answer;
  answer.kind = Preferred::Kind::kWaits;
  if (record.due_us != 0) return answer;
  const auto order = static_cast<uint64_t>(kPopularSteps + 1 - std::clamp(wanted.step, 1, kPopularSteps));
  const uint64_t rank = record.queue_position >> kRankShift;
  const uint64_t place = rank << kRankShift | order << kDepthShift;
  if (record.queue_position < place + (uint64_t{1} << kDepthShift)) return answer;
  HostState* host = HostOf(record);
  OriginState* origin = host == nullptr ? nullptr : OriginOf(*host, record);
  if (origin == nullptr) return answer;
  Unqueue(wanted.key, record);
  record.queue_position = place | counts_.next_sequence++;
  batch_.Put(Family::kQueue, QueueKey(shard_, record.origin_id, record.queue_position), QueueValue(wanted.key));
  origin->head = std::min(origin->head, record.queue_position);
  answer.kind = Preferred::Kind::kMoved;
  answer.host_id = host->id;
  answer.origin = origin->origin;
  return answer;
}

absl::Status CrawlDb::Impl::PreferInShard(std::span<const Preference> wanted, std::span<const size_t> indexes,
                                          ShardChange& change, std::vector<Preferred>& answers) {
  std::vector<std::string> names;
  for (size_t i : indexes) names.push_back(UrlKey(wanted[i].shard, wanted[i].key).Text());
  WEFT_ASSIGN_OR_RETURN(auto found, kv->MultiGet(Family::kUrls, names));
  absl::flat_hash_map<Fingerprint, UrlRecord> moved;   // what this call has changed already
  for (size_t at = 0; at < indexes.size(); ++at) {
    const Preference& one = wanted[indexes[at]];
    if (!found[at]) continue;
    WEFT_ASSIGN_OR_RETURN(UrlRecord record, DecodeUrlRecord(*found[at]));
    if (auto known = moved.find(one.key); known != moved.end()) record = known->second;
    Preferred& answer = answers[indexes[at]];
    answer = change.MoveUp(one, record);
    if (answer.kind != Preferred::Kind::kMoved) continue;
    change.PutRecord(one.key, record, ShardChange::Was::kKnown);
    answer.url = {record.queue_position, one.key, record};
    moved[one.key] = std::move(record);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Preferred>> CrawlDb::Prefer(std::span<const Preference> wanted, CrawlTime now) {
  WEFT_RETURN_IF_ERROR(impl_->Usable());
  std::vector<Preferred> answers(wanted.size());
  std::vector<size_t> order;
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i].shard >= kShardCount) return InvalidArgument("there is no shard {}", wanted[i].shard);
    order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return wanted[a].shard < wanted[b].shard; });
  KvBatch batch;
  std::deque<ShardChange> changes;
  for (size_t begin = 0; begin < order.size();) {
    const uint16_t shard = wanted[order[begin]].shard;
    size_t end = begin;
    while (end < order.size() && wanted[order[end]].shard == shard) ++end;
    ShardChange& change = changes.emplace_back(*impl_, shard, now, batch, changes.size());
    WEFT_RETURN_IF_ERROR(impl_->PreferInShard(wanted, std::span(order).subspan(begin, end - begin), change, answers));
    if (change.dirty()) {
      change.Seal();
    } else {
      changes.pop_back();
    }
    begin = end;
  }
  if (!changes.empty()) WEFT_RETURN_IF_ERROR(impl_->Write(batch));
  for (ShardChange& change : changes) change.TakeOver();
  return answers;
}

}  // namespace weft
