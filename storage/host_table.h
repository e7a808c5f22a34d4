// The host records of a CrawlDb: on disk, with those that were used lately in memory. Every change is written before it is
// put here, so what is thrown out is only read again.
// Thread rule: one thread.
#pragma once

#include <absl/container/node_hash_map.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <deque>
#include <span>

#include "storage/crawl_db.h"
#include "storage/kv.h"

namespace weft {

class HostTable {
 public:
  // Keeps at most about `capacity` hosts, known to be absent ones included.
  HostTable(const Kv& kv, size_t capacity) : kv_(kv), capacity_(capacity) {}

  // Null: there is no record. Valid until the next call.
  absl::StatusOr<const HostState*> Find(uint16_t shard, uint64_t id);
  // Reads those of `ids` that are not here, in one go; Find then answers from memory.
  absl::Status Load(uint16_t shard, std::span<const uint64_t> ids);
  // It is known here to belong to another shard.
  bool Elsewhere(uint16_t shard, uint64_t id) const;
  // It is read again when it is asked for.
  void Forget(uint64_t id) { entries_.erase(id); }
  // What has just been written.
  void Put(HostState state);
  size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    HostState state;
    bool exists = false;
    bool used = false;   // since the hand passed last
  };
  absl::Status Take(uint16_t shard, uint64_t id, const std::optional<std::string>& bytes);
  Entry& Add(uint64_t id);

  const Kv& kv_;
  const size_t capacity_;
  absl::node_hash_map<uint64_t, Entry> entries_;
  std::deque<uint64_t> order_;   // of arrival; a used one goes round once more
};

}  // namespace weft
