// An ordered key-value store with families, atomic batches and a separate sync: what CrawlDb is built on, as a seam.
// RocksKv is the real one (the only rocksdb user), MemoryKv the fake with the same contract, crashes included.
// Thread rule: what writes belongs to one thread; Sync, Get and Scan may run on others beside it.
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

// Changes applied together or not at all, in order. They lie behind one another in one piece of memory; what an iterator
// shows is valid until the batch changes.
class KvBatch {
 public:
  enum class Kind : uint8_t { kPut, kDelete, kDeleteRange };
  struct Change {
    Family family;
    Kind kind;
    std::string_view key;
    std::string_view value;   // of a range: its end, everything in [key, value) is deleted
  };
  class Iterator {
   public:
    Change operator*() const;
    Iterator& operator++();
    bool operator!=(const Iterator& other) const { return index_ != other.index_; }

   private:
    friend class KvBatch;
    Iterator(const KvBatch& batch, size_t index) : batch_(&batch), index_(index) {}
    const KvBatch* batch_;
    size_t index_;
    size_t at_ = 0;
  };

  void Put(Family family, std::string_view key, std::string_view value) { Add(family, Kind::kPut, key, value); }
  void Delete(Family family, std::string_view key) { Add(family, Kind::kDelete, key, {}); }
  // Everything in [from, to). Reads behind it are slow until it is compacted away: not for what is read all the time.
  void DeleteRange(Family family, std::string_view from, std::string_view to) { Add(family, Kind::kDeleteRange, from, to); }
  Iterator begin() const { return Iterator(*this, 0); }
  Iterator end() const { return Iterator(*this, sizes_.size()); }
  size_t size() const { return sizes_.size(); }
  bool empty() const { return sizes_.empty(); }
  void Clear() {
    sizes_.clear();
    bytes_.clear();
  }

 private:
  struct Sizes {
    Family family;
    Kind kind;
    uint32_t key;
    uint32_t value;
  };
  void Add(Family family, Kind kind, std::string_view key, std::string_view value) {
    sizes_.push_back({family, kind, static_cast<uint32_t>(key.size()), static_cast<uint32_t>(value.size())});
    bytes_ += key;
    bytes_ += value;
  }

  std::vector<Sizes> sizes_;
  std::string bytes_;
};

inline KvBatch::Change KvBatch::Iterator::operator*() const {
  const Sizes& sizes = batch_->sizes_[index_];
  const std::string_view bytes = batch_->bytes_;
  return {sizes.family, sizes.kind, bytes.substr(at_, sizes.key), bytes.substr(at_ + sizes.key, sizes.value)};
}

inline KvBatch::Iterator& KvBatch::Iterator::operator++() {
  const Sizes& sizes = batch_->sizes_[index_++];
  at_ += size_t{sizes.key} + sizes.value;
  return *this;
}

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
  // Makes a copy of the store as it was at some moment of this call, in a directory that is not there yet. Durable when it
  // returns, and no matter what becomes of the store. May run on another thread. FailedPrecondition: it cannot be copied.
  virtual absl::Status Checkpoint(const std::string& directory) const {
    return absl::FailedPreconditionError("this store cannot be copied to " + directory);
  }
  // True: Write answers an error, so the owner must not try.
  virtual bool read_only() const { return false; }
};

}  // namespace weft
