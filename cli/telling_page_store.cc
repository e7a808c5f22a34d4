#include "cli/telling_page_store.h"

#include <atomic>
#include <utility>

#include "common/status.h"

namespace weft {
namespace {

class TellingPageStore : public PageStore {
 public:
  TellingPageStore(std::unique_ptr<PageStore> store, std::string directory, StorageTrouble& trouble)
      : store_(std::move(store)), directory_(std::move(directory)), trouble_(trouble) {}
  ~TellingPageStore() override { trouble_.Gone(this); }

  uint64_t pages_dir_id() const override { return store_->pages_dir_id(); }
  absl::StatusOr<StoredExchange> Append(const Exchange& exchange) override {
    auto stored = store_->Append(exchange);
    if (!stored.ok()) Failed(stored.status());
    return stored;
  }
  absl::Status Sync() override {
    absl::Status synced = store_->Sync();
    // Only what is durable shows that the trouble is over.
    if (!synced.ok()) {
      Failed(synced);
    } else if (failed_.exchange(false)) {
      trouble_.Worked(this);
    }
    return synced;
  }

  void Committed(const CommittedPage& page) override { store_->Committed(page); }

 private:
  void Failed(const absl::Status& why) {
    failed_ = true;
    trouble_.Failed(this, directory_, why);
  }

  std::unique_ptr<PageStore> store_;
  std::string directory_;
  StorageTrouble& trouble_;
  std::atomic<bool> failed_{false};  // spares the lock where all is well
};

}  // namespace

void StorageTrouble::Failed(const void* store, const std::string& directory, const absl::Status& why) {
  MutexLock lock(mutex_);
  const bool first = troubled_.empty();
  troubled_.insert(store);
  if (!first) return;
  tell_(fmt::format("pages cannot be stored in {}: {}; the crawl is paused and goes on by itself when there is room",
                    directory, ErrorText(why)));
}

void StorageTrouble::Worked(const void* store) {
  MutexLock lock(mutex_);
  if (troubled_.erase(store) > 0 && troubled_.empty()) tell_("pages are stored again; the crawl goes on");
}

void StorageTrouble::Gone(const void* store) {
  MutexLock lock(mutex_);
  troubled_.erase(store);
}

std::unique_ptr<PageStore> NewTellingPageStore(std::unique_ptr<PageStore> store, std::string directory,
                                               StorageTrouble& trouble) {
  return std::make_unique<TellingPageStore>(std::move(store), std::move(directory), trouble);
}

}  // namespace weft
