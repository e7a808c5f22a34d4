#include "storage/stored_source.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <map>
#include <utility>

#include "common/mutex.h"
#include "common/status.h"
#include "storage/store_note.h"

namespace weft {
namespace {

constexpr uint64_t kMostAtOnce = 8u << 20;
constexpr size_t kMostStores = 8;

// The stores that a thread reads from, so that a connection serves many pages. One set a thread: a connection never leaves the
// thread that made it.
class ReadingStores {
 public:
  absl::StatusOr<ObjectStore*> Of(const StoreNote& note) {
    const std::string key = KeyOf(note);
    auto it = stores_.find(key);
    if (it == stores_.end()) {
      StoreOptions options = note.store;
      options.tries = 4;
      WEFT_ASSIGN_OR_RETURN(auto store, OpenObjectStore(options, wait_, SystemClock(), *random_));
      if (stores_.size() >= kMostStores) stores_.clear();
      it = stores_.emplace(key, std::move(store)).first;
    }
    return it->second.get();
  }
  // The next Of makes it anew, and reads the keys again.
  void Forget(const StoreNote& note) { stores_.erase(KeyOf(note)); }
  // Once, and not for each page of a file.
  void Tell(const absl::Status& trouble) {
    const std::string text = ErrorText(trouble);
    if (text != told_) spdlog::warn("{}", text);
    told_ = text;
  }

 private:
  static std::string KeyOf(const StoreNote& note) { return fmt::format("{} {} {}", note.store.url, note.store.endpoint, note.store.region); }

  StoppableWait wait_;
  std::unique_ptr<Random> random_ = SystemRandom();
  std::map<std::string, std::unique_ptr<ObjectStore>> stores_;
  std::string told_;
};

class StoredSource : public ByteSource {
 public:
  StoredSource(StoreNote note, uint64_t read_ahead) : note_(std::move(note)), read_ahead_(read_ahead) {}

  uint64_t size() const override { return note_.digest.bytes; }

  size_t ReadAt(uint64_t offset, char* to, size_t size) const override {
    MutexLock lock(mutex_);
    size_t have = 0;
    while (have < size && offset + have < note_.digest.bytes) {
      const size_t got = Take(offset + have, to + have, size - have);
      if (got == 0) break;
      have += got;
    }
    return have;
  }

 private:
  size_t Take(uint64_t offset, char* to, size_t size) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (offset < block_begin_ || offset >= block_begin_ + block_.size()) {
      thread_local ReadingStores stores;
      const uint64_t want = std::min({std::max<uint64_t>(size, read_ahead_), kMostAtOnce, note_.digest.bytes - offset});
      auto store = stores.Of(note_);
      auto bytes = store.ok() ? (*store)->Get(note_.name, offset, want) : store.status();
      if (!bytes.ok()) {
        stores.Tell(bytes.status());
        stores.Forget(note_);
        return 0;
      }
      block_begin_ = offset;
      block_ = *std::move(bytes);
    }
    return block_.copy(to, size, static_cast<size_t>(offset - block_begin_));
  }

  const StoreNote note_;
  const uint64_t read_ahead_;
  mutable Mutex mutex_;
  mutable uint64_t block_begin_ ABSL_GUARDED_BY(mutex_) = 0;
  mutable std::string block_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

absl::StatusOr<std::unique_ptr<ByteSource>> OpenFileOrStored(const std::string& path, uint64_t read_ahead) {
  auto source = OpenFileSource(path);
  if (!absl::IsNotFound(source.status())) return source;
  auto note = ReadStoreNote(path);
  if (absl::IsNotFound(note.status())) return source.status();
  if (!note.ok()) return note.status();
  return std::make_unique<StoredSource>(*std::move(note), read_ahead);
}

}  // namespace weft
