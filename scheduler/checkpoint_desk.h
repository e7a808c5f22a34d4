// Checkpoints of the running CrawlDb: asked for by a tool, or made every so often. One at a time, on a pool of their own, so
// that neither the loop nor the syncs wait for them.
// Thread rule: the scheduler's loop.
#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <memory>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/work_pool.h"
#include "scheduler/node_table.h"
#include "scheduler/scheduler_node.h"
#include "storage/checkpoint.h"
#include "storage/crawl_db.h"

namespace weft {

// Where checkpoints go; a seam. Called on the pool.
class CheckpointPlace {
 public:
  virtual ~CheckpointPlace() = default;
  // `to`: "" = a new one among those that are kept; older ones may be removed then.
  virtual absl::StatusOr<CheckpointMade> Make(const CrawlDb& db, const std::string& to) = 0;
};

class CheckpointDesk {
 public:
  // The CrawlDb is shared because a checkpoint may still be made when its scheduler is thrown away.
  CheckpointDesk(const SchedulerOptions& options, std::shared_ptr<CrawlDb> db, NodeTable& nodes, const Clock& clock,
                 SchedulerObserver& observer);
  ~CheckpointDesk();

  // The asker is answered when it is made. Of those that ask for the same place while one is made all get the next.
  void Ask(const PeerId& asker, const wire::CheckpointRequest& request);
  void OnTick();
  void FillStatus(wire::CheckpointStatus& status) const;

 private:
  struct Wanted {
    std::string to;
    std::vector<PeerId> askers;
  };
  // What the pool's thread writes, read after it is done.
  struct Job {
    absl::StatusOr<CheckpointMade> made = absl::UnknownError("");
    CheckpointDesk* desk = nullptr;   // null: gone
  };

  void Begin();
  void OnMade(const absl::StatusOr<CheckpointMade>& made);
  void Answer(const PeerId& asker, const wire::CheckpointReply& reply);

  const SchedulerOptions& options_;
  std::shared_ptr<CrawlDb> db_;
  NodeTable& nodes_;
  const Clock& clock_;
  SchedulerObserver& observer_;
  std::vector<Wanted> wanted_;
  Wanted running_;
  std::shared_ptr<Job> job_;   // shared with its work, which may outlive this object; null: none runs
  absl::Time begun_;
  absl::Time next_;
  CheckpointMade last_;
  absl::Time last_at_;
  std::string problem_;
};

}  // namespace weft
