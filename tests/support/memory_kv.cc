#include "tests/support/memory_kv.h"

#include <algorithm>

#include "common/status.h"

namespace weft::test {

void MemoryDisk::Apply(const KvBatch& batch, Families& families) {
  for (const KvBatch::Change& change : batch) {
    Map& map = families[static_cast<size_t>(change.family)];
    const std::string key(change.key);
    switch (change.kind) {
      case KvBatch::Kind::kPut:
        map.insert_or_assign(key, std::string(change.value));
        break;
      case KvBatch::Kind::kDelete:
        map.erase(key);
        break;
      case KvBatch::Kind::kDeleteRange:
        map.erase(map.lower_bound(key), map.lower_bound(std::max(key, std::string(change.value))));
        break;
    }
  }
}

void MemoryDisk::KeepUnsynced(size_t count) {
  std::lock_guard lock(mutex_);
  for (size_t i = 0; i < count && i < unsynced_.size(); ++i) Apply(unsynced_[i], synced_);
  unsynced_.clear();
  current_ = synced_;
  ++life_;
}

void MemoryDisk::Crash(Random& random) { KeepUnsynced(random.Below(unsynced_batches() + 1)); }
void MemoryDisk::CrashToSynced() { KeepUnsynced(0); }

void MemoryDisk::FailWrite(uint64_t nth, FailedBatch batch) {
  fail_write_ = nth;
  failed_batch_ = batch;
}

void MemoryDisk::FailSync(uint64_t nth) { fail_sync_ = nth; }

uint64_t MemoryDisk::unsynced_batches() const {
  std::lock_guard lock(mutex_);
  return unsynced_.size();
}

class MemoryKv : public Kv {
 public:
  explicit MemoryKv(MemoryDisk& disk) : disk_(disk), life_(disk.life_) {}

  absl::StatusOr<std::optional<std::string>> Get(Family family, std::string_view key) const override {
    std::lock_guard lock(disk_.mutex_);
    WEFT_RETURN_IF_ERROR(Alive());
    return Look(family, key);
  }

  absl::StatusOr<std::vector<std::optional<std::string>>> MultiGet(Family family,
                                                                 std::span<const std::string> keys) const override {
    std::lock_guard lock(disk_.mutex_);
    WEFT_RETURN_IF_ERROR(Alive());
    std::vector<std::optional<std::string>> answers;
    answers.reserve(keys.size());
    for (const std::string& key : keys) answers.push_back(Look(family, key));
    return answers;
  }

  absl::Status Write(const KvBatch& batch) override {
    std::lock_guard lock(disk_.mutex_);
    WEFT_RETURN_IF_ERROR(Alive());
    if (failed_) return FailedPrecondition("the store had an error and must be opened again");
    ++disk_.writes_;
    if (Counts(disk_.fail_write_)) {
      failed_ = true;
      if (disk_.failed_batch_ == MemoryDisk::FailedBatch::kKept) Keep(batch);
      return Internal("injected write error");
    }
    uint64_t bytes = 0;
    for (const KvBatch::Change& change : batch) bytes += change.key.size() + change.value.size();
    if (disk_.used_ + bytes > disk_.capacity_) {
      failed_ = true;
      return ResourceExhausted("injected: no space left on device");
    }
    disk_.used_ += bytes;
    Keep(batch);
    return absl::OkStatus();
  }

  absl::Status Sync() override {
    std::lock_guard lock(disk_.mutex_);
    WEFT_RETURN_IF_ERROR(Alive());
    if (failed_) return FailedPrecondition("the store had an error and must be opened again");
    ++disk_.syncs_;
    if (Counts(disk_.fail_sync_)) {
      failed_ = true;
      return Internal("injected sync error");
    }
    for (const KvBatch& batch : disk_.unsynced_) MemoryDisk::Apply(batch, disk_.synced_);
    disk_.unsynced_.clear();
    return absl::OkStatus();
  }

  absl::Status Scan(Family family, std::string_view from, std::string_view to,
                    absl::FunctionRef<bool(std::string_view, std::string_view)> visit) const override {
    std::lock_guard lock(disk_.mutex_);
    WEFT_RETURN_IF_ERROR(Alive());
    const MemoryDisk::Map& map = disk_.current_[static_cast<size_t>(family)];
    for (auto it = map.lower_bound(from); it != map.end(); ++it) {
      if (!to.empty() && it->first >= to) break;
      if (!visit(it->first, it->second)) break;
    }
    return absl::OkStatus();
  }

 private:
  absl::Status Alive() const {
    if (life_ != disk_.life_) return FailedPrecondition("the machine of this store has crashed");
    return absl::OkStatus();
  }

  std::optional<std::string> Look(Family family, std::string_view key) const {
    ++disk_.reads_;
    const MemoryDisk::Map& map = disk_.current_[static_cast<size_t>(family)];
    auto it = map.find(key);
    if (it == map.end()) return std::nullopt;
    return it->second;
  }

  void Keep(const KvBatch& batch) {
    MemoryDisk::Apply(batch, disk_.current_);
    disk_.unsynced_.push_back(batch);
  }

  // Counts an injected error down; true where it is due.
  static bool Counts(uint64_t& left) { return left > 0 && --left == 0; }

  MemoryDisk& disk_;
  uint64_t life_;
  bool failed_ = false;
};

std::unique_ptr<Kv> OpenMemoryKv(MemoryDisk& disk) { return std::make_unique<MemoryKv>(disk); }

}  // namespace weft::test
