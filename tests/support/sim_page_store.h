// PageStore on a simulated disk that outlives the parser: what was appended is durable after a sync, a crash keeps the
// synced records and some of the others, the disk may be full for a while and a sync may fail.
// Thread rule: one thread.
#pragma once

#include <absl/time/time.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/random.h"
#include "storage/page_store.h"
#include "tests/support/sim_clock.h"

namespace weft::test {

class SimPageDisk {
 public:
  SimPageDisk(SimClock& clock, uint64_t pages_dir_id) : clock_(clock), pages_dir_id_(pages_dir_id) {}

  void FullFor(absl::Duration length) { full_until_ = clock_.Now() + length; }
  void FailNextSync() { fail_sync_ = true; }
  // The process died: a prefix of what was not synced is left behind.
  void Crash(Random& random);

  uint64_t pages_dir_id() const { return pages_dir_id_; }
  // The URL of the synced record at that place; empty if there is none.
  std::string SyncedAt(const WarcPlace& place) const;
  // Some record of that URL is synced.
  bool Synced(const std::string& url) const { return synced_urls_.contains(url) && synced_urls_.at(url) > 0; }
  // Synced records of a URL: more than one is a copy.
  size_t copies(const std::string& url) const;
  size_t synced_records() const;

 private:
  friend class SimPageStore;
  struct Record {
    std::string url;
    uint64_t offset = 0;
    uint64_t length = 0;
    bool synced = false;
  };
  struct File {
    std::vector<Record> records;
    uint64_t size = 0;
  };
  void MarkSynced(Record& record);

  SimClock& clock_;
  uint64_t pages_dir_id_;
  absl::Time full_until_ = absl::InfinitePast();
  bool fail_sync_ = false;
  std::map<std::string, File> files_;
  std::map<std::string, size_t> synced_urls_;
  int next_file_ = 1;
};

class SimPageStore : public PageStore {
 public:
  explicit SimPageStore(SimPageDisk& disk) : disk_(disk) {}
  uint64_t pages_dir_id() const override { return disk_.pages_dir_id(); }
  absl::StatusOr<StoredExchange> Append(const Exchange& exchange) override;
  absl::Status Sync() override;

 private:
  SimPageDisk& disk_;
  std::string file_;
};

}  // namespace weft::test
