// Holds back what may only be said once the CrawlDb is durable. Writes are grouped: one sync runs at a time on the pool,
// and covers everything that was written before it began.
// Thread rule: the scheduler's loop.
#pragma once

#include <absl/functional/any_invocable.h>
#include <absl/status/status.h>

#include <memory>
#include <vector>

#include "common/work_pool.h"
#include "storage/crawl_db.h"

namespace weft {

class SyncGate {
 public:
  // The CrawlDb is shared because a sync may still run on the pool's thread when its scheduler is thrown away.
  SyncGate(std::shared_ptr<CrawlDb> db, WorkPool& pool);
  ~SyncGate();

  // Runs `action` on the loop once everything written up to now is durable.
  void AfterSync(absl::AnyInvocable<void()> action);
  // Starts a sync if something waits for one and none runs.
  void Poke();
  // Nothing waits and nothing runs: all that was to be durable is. Never again after a sync that failed.
  bool idle() const;
  absl::Status health() const { return state_->health; }

 private:
  struct State {
    bool running = false;
    std::vector<absl::AnyInvocable<void()>> syncing;
    absl::Status health;
    absl::Status result;   // written by the pool's thread, read after it is done
  };

  std::shared_ptr<CrawlDb> db_;
  WorkPool& pool_;
  std::vector<absl::AnyInvocable<void()>> waiting_;
  // Shared with the callback of a running sync, which may outlive this object.
  std::shared_ptr<State> state_;
};

}  // namespace weft
