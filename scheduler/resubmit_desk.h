// A CrawlDb that is behind what a parser has seen acknowledged has lost acknowledged writes, or is a copy that was put
// back (protocol rule 13). This desk finds that out when parsers register, and has one parser of each pages directory
// that is concerned submit again what the directory stored since. What is wanted is durable: a crash asks again.
// Thread rule: the scheduler's loop.
#pragma once

#include <absl/status/status.h>
#include <absl/time/time.h>

#include <map>
#include <optional>
#include <string>

#include "common/clock.h"
#include "common/resubmissions.pb.h"
#include "scheduler/node_table.h"
#include "scheduler/scheduler_node.h"
#include "scheduler/sync_gate.h"

namespace weft {

class ResubmitDesk {
 public:
  ResubmitDesk(CrawlDb& db, NodeTable& nodes, SyncGate& gate, const Clock& clock, SchedulerObserver& observer)
      : db_(db), nodes_(nodes), gate_(gate), clock_(clock), observer_(observer) {}

  // Takes note of this opening of the CrawlDb. Before anything else is written to it.
  absl::Status Open();
  // The CrawlDb is alive now: the next opening knows from when on pages may be missing.
  absl::Status NoteWall();
  // Is it behind what this parser knows?
  absl::Status OnRegister(const wire::Register& info);
  // Asks a parser of every directory that has something to submit and that nobody is asked for. To be called at every
  // tick, before leases are granted.
  absl::Status Ask();
  // The parser has submitted something.
  void Progress(const PeerId& from);
  absl::Status OnOver(const PeerId& from, const wire::SubmitAgainOver& over);
  // Somebody submits, and lately: what is fetched now may be on its way here from a disk.
  bool busy() const;
  // This process stood still for `gap`: nobody else is to blame for that (rule 30).
  void ExtendPatience(absl::Duration gap);

 private:
  struct Loss {
    uint64_t at = 0;             // the opening that began behind
    uint64_t opened_commit = 0;  // and where
    int64_t from_wall_us = 0;
  };
  struct Asked {
    PeerId peer;
    uint64_t session = 0;
    std::string path;
    absl::Time progress;
    bool done = false;           // everything was submitted, once
    bool stale = false;          // another directory had pages recorded since it was asked: they may name its own
    uint64_t recorded = 0;       // by all its walks
    wire::SubmitAgainOver over;  // of the last one
  };

  wire::Resubmissions::Directory& DirectoryOf(uint64_t pages_dir_id);
  int IndexOf(uint64_t incarnation) const;
  Loss LossAt(const wire::Resubmissions::Opening& behind) const;
  std::optional<Loss> FindLoss(const wire::Register& info, const wire::Resubmissions::Directory& directory) const;
  bool Works(const Asked& asked) const;
  void AskOneOf(uint64_t pages_dir_id, int64_t from_wall_us, Asked& asked);
  absl::Status FinishIfAllDone();
  void TellEnd(const Asked& asked);
  void TellBegin(const wire::Register& info, const Loss& loss);
  absl::Status Put();

  CrawlDb& db_;
  NodeTable& nodes_;
  SyncGate& gate_;
  const Clock& clock_;
  SchedulerObserver& observer_;
  wire::Resubmissions state_;
  std::map<uint64_t, Asked> asked_;  // by pages directory
};

}  // namespace weft
