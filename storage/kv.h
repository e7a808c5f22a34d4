// An ordered key-value store with families, atomic batches and a separate sync: what CrawlDb is built on, as a seam.
// RocksKv is the real one (the only rocksdb user), MemoryKv the fake with the same contract, crashes included.
// Thread rule: everything but Sync belongs to one thread; Sync may run on another thread beside it.
#pragma once

#include <absl/functional/function_ref.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace weft {

// In the order in which Weft has come to have them: an older store lacks the last ones.
enum class Family : uint8_t { kUrls, kQueue, kHosts, kDue, kMeta, kSeen, kReady };
inline constexpr int kFamilyCount = 7;
inline constexpr int kFirstFamilyCount = 5;   // of the oldest store

// Changes applied together or not at all, in order.
class KvBatch {
 public:
  struct Change {
    Family family;
    bool is_delete;
    std::string key;
    std::string value;
    bool is_range = false;   // of a delete: everything in [key, value)
  };
  void Put(Family family, std::string key, std::string value) {
    changes_.push_back({family, false, std::move(key), std::move(value)});
  }
  void Delete(Family family, std::string key) { changes_.push_back({family, true, std::move(key), {}}); }
  // Everything in [from, to). Reads behind it are slow until it is compacted away: not for what is read all the time.
  void DeleteRange(Family family, std::string from, std::string to) {
    changes_.push_back({family, true, std::move(from), std::move(to), true});
  }
  const std::vector<Change>& changes() const { return changes_; }
  bool empty() const { return changes_.empty(); }
  void Clear() { changes_.clear(); }

 private:
  std::vector<Change> changes_;
};

class Kv {
 public:
  virtual ~Kv() = default;
  // nullopt: no such key. An error is an error of the store, never "not found".
  virtual absl::StatusOr<std::optional<std::string>> Get(Family family, std::string_view key) const = 0;
  // One answer per key, in the order of `keys`.
  virtual absl::StatusOr<std::vector<std::optional<std::string>>> MultiGet(Family family,
                                                                         std::span<const std::string> keys) const = 0;
  // Visible to reads at once, durable after the next Sync that starts later and succeeds. After an error the store
  // accepts nothing more: throw it away and open it again (protocol rule 4).
  virtual absl::Status Write(const KvBatch& batch) = 0;
  // Makes every write that returned before this call durable. An error is final, never retried.
  virtual absl::Status Sync() = 0;
  // `visit` must not write, and may read. Calls `visit(key, value)` for keys in [from, to) in byte order until it answers false. `to` empty: to the end.
  virtual absl::Status Scan(Family family, std::string_view from, std::string_view to,
                            absl::FunctionRef<bool(std::string_view key, std::string_view value)> visit) const = 0;
  // True: Write answers an error, so the owner must not try.
  virtual bool read_only() const { return false; }
};

}  // namespace weft
