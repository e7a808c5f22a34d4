#include "storage/host_table.h"

#include <utility>

#include "common/status.h"
#include "storage/crawl_db_state.h"

namespace weft {

HostTable::Entry& HostTable::Add(uint64_t id) {
  while (entries_.size() >= capacity_ && !order_.empty()) {
    const uint64_t oldest = order_.front();
    order_.pop_front();
    auto it = entries_.find(oldest);
    if (it == entries_.end()) continue;
    if (std::exchange(it->second.used, false)) {
      order_.push_back(oldest);
    } else {
      entries_.erase(it);
    }
  }
  order_.push_back(id);
  return entries_[id];
}

absl::Status HostTable::Take(uint16_t shard, uint64_t id, const std::optional<std::string>& bytes) {
  HostState state;
  if (bytes) {
    WEFT_ASSIGN_OR_RETURN(state, DecodeHostState(*bytes));
  }
  state.id = id;
  state.shard = shard;
  Entry& entry = Add(id);
  entry.state = std::move(state);
  entry.exists = bytes.has_value();
  return absl::OkStatus();
}

absl::StatusOr<const HostState*> HostTable::Find(uint16_t shard, uint64_t id) {
  auto it = entries_.find(id);
  if (it == entries_.end()) {
    WEFT_ASSIGN_OR_RETURN(std::optional<std::string> bytes, kv_.Get(Family::kHosts, HostKey(shard, id)));
    WEFT_RETURN_IF_ERROR(Take(shard, id, bytes));
    it = entries_.find(id);
  }
  it->second.used = true;
  return it->second.exists && it->second.state.shard == shard ? &it->second.state : nullptr;
}

absl::Status HostTable::Load(uint16_t shard, std::span<const uint64_t> ids) {
  std::vector<uint64_t> missing;
  std::vector<std::string> keys;
  for (uint64_t id : ids) {
    if (entries_.contains(id)) continue;
    missing.push_back(id);
    keys.push_back(HostKey(shard, id).Text());
  }
  if (keys.empty()) return absl::OkStatus();
  WEFT_ASSIGN_OR_RETURN(auto found, kv_.MultiGet(Family::kHosts, keys));
  for (size_t i = 0; i < missing.size(); ++i) {
    if (!entries_.contains(missing[i])) WEFT_RETURN_IF_ERROR(Take(shard, missing[i], found[i]));
  }
  return absl::OkStatus();
}

bool HostTable::Elsewhere(uint16_t shard, uint64_t id) const {
  auto it = entries_.find(id);
  return it != entries_.end() && it->second.exists && it->second.state.shard != shard;
}

void HostTable::Put(HostState state) {
  auto it = entries_.find(state.id);
  Entry& entry = it == entries_.end() ? Add(state.id) : it->second;
  entry.state = std::move(state);
  entry.exists = true;
  entry.used = true;
}

}  // namespace weft
