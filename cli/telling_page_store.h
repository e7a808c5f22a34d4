// Tells people when pages cannot be stored and when they can again: parsers only refuse, and the crawl stands still.
// Thread rule: StorageTrouble from any thread; a store as PageStore says.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>

#include "common/mutex.h"
#include "storage/page_store.h"

namespace weft {

// One for the parsers of a process, which meet a full disk together: one line when the first of them is in trouble,
// one when the last is out of it.
class StorageTrouble {
 public:
  explicit StorageTrouble(std::function<void(const std::string&)> tell) : tell_(std::move(tell)) {}
  void Failed(const void* store, const std::string& directory, const absl::Status& why);
  void Worked(const void* store);
  void Gone(const void* store);  // says nothing

 private:
  std::function<void(const std::string&)> tell_;
  Mutex mutex_;
  std::set<const void*> troubled_ ABSL_GUARDED_BY(mutex_);
};

// `trouble` outlives the store.
std::unique_ptr<PageStore> NewTellingPageStore(std::unique_ptr<PageStore> store, std::string directory,
                                               StorageTrouble& trouble);

}  // namespace weft
