// Has the CrawlDb's set of known URLs saved, piece by piece beside the crawl: the loop copies a piece, the pool writes it.
// Thread rule: the scheduler's loop.
#pragma once

#include <absl/status/status.h>

#include <memory>

#include "common/work_pool.h"
#include "scheduler/sync_gate.h"
#include "storage/crawl_db.h"

namespace weft {

class SeenKeeper {
 public:
  SeenKeeper(CrawlDb& db, SyncGate& gate, WorkPool& pool);

  // Goes on with what is due; to be called at every tick, before the gate's Poke. An error is one of the CrawlDb: that a
  // snapshot could not be written is none.
  absl::Status Poke();

 private:
  enum class Step { kIdle, kPiece, kSyncing, kRemovable, kRemoving };
  struct State {
    Step step = Step::kIdle;
    bool running = false;     // on the pool
    bool ended = false;       // it was, and its result waits to be taken
    CrawlDb::SeenWork work;   // of a step that has not ended
    absl::Status result;      // written by the pool's thread, read after it is done
  };
  absl::Status TakeEnd();

  CrawlDb& db_;
  SyncGate& gate_;
  WorkPool& pool_;
  // Shared with work on the pool and at the gate, which may outlive this object.
  std::shared_ptr<State> state_;
};

}  // namespace weft
