// Nodes that are to leave: drained by name from afar, or forgotten because their machine is gone for good.
// Thread rule: the scheduler's loop.
#pragma once

#include <absl/status/status.h>
#include <absl/time/time.h>

#include <cstdint>
#include <string>
#include <vector>

#include "common/clock.h"
#include "scheduler/lease_desk.h"
#include "scheduler/node_table.h"
#include "scheduler/pages_places.h"
#include "scheduler/scheduler_node.h"

namespace weft {

class NodeDesk {
 public:
  NodeDesk(const SchedulerOptions& options, NodeTable& nodes, LeaseDesk& leases, CrawlDb& db, const Clock& clock)
      : options_(options), nodes_(nodes), leases_(leases), db_(db), clock_(clock) {}

  // Fetchers are told first: parsers must be there for the pages that are still on their way. `asker` is answered when all
  // have ended or the deadline has passed, or at once where there is nobody to tell.
  void Drain(const PeerId& asker, const wire::NodeRequest& request);
  // Refused while a node of that name is alive, or could be asking under a lease (rule 16). Its leases return, its pages
  // directories are marked in `places`.
  absl::Status Forget(const PeerId& asker, const wire::NodeRequest& request, PagesPlaces& places);
  // Goes on with the drains.
  void OnTick();
  // This process stood still for `gap`: nobody else is to blame for that (rule 30).
  void ExtendDeadlines(absl::Duration gap);

 private:
  struct Leaving {
    uint64_t node_id = 0;
    std::string name;
    bool fetches = false;
  };
  struct Drained {
    PeerId asker;
    std::vector<Leaving> nodes;
    absl::Time deadline;
  };

  bool HasLeft(uint64_t node_id);
  void Tell(const Leaving& leaving, absl::Duration left);
  // True: its asker has been answered.
  bool Advance(Drained& drained);
  void Answer(const PeerId& asker, wire::NodeReply reply);

  const SchedulerOptions& options_;
  NodeTable& nodes_;
  LeaseDesk& leases_;
  CrawlDb& db_;
  const Clock& clock_;
  std::vector<Drained> drains_;
};

}  // namespace weft
