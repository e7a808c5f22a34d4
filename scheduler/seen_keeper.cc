#include "scheduler/seen_keeper.h"

#include <utility>

#include "common/status.h"

namespace weft {

SeenKeeper::SeenKeeper(CrawlDb& db, SyncGate& gate, WorkPool& pool)
    : db_(db), gate_(gate), pool_(pool), state_(std::make_shared<State>()) {}

absl::Status SeenKeeper::Poke() {
  State& now = *state_;
  if (now.running) return absl::OkStatus();
  if (now.ended) WEFT_RETURN_IF_ERROR(TakeEnd());
  if (now.step == Step::kIdle && db_.SeenSaveDue()) {
    now.step = Step::kPiece;
    now.work = db_.NextSeenPiece();
  } else if (now.step == Step::kRemovable) {
    now.step = Step::kRemoving;
    now.work = db_.OldSeenRemoval();
  }
  if (now.work == nullptr) return absl::OkStatus();
  auto work = [state = state_] { state->result = state->work(); };
  auto done = [state = state_] {
    state->running = false;
    state->ended = true;
  };
  now.running = pool_.Submit(std::move(work), std::move(done));  // full: tried again at the next tick
  return absl::OkStatus();
}

absl::Status SeenKeeper::TakeEnd() {
  State& now = *state_;
  now.ended = false;
  now.work = nullptr;
  const Step ended = std::exchange(now.step, Step::kIdle);
  if (ended != Step::kPiece) return absl::OkStatus();  // a file too many is no harm: the next snapshot replaces it
  WEFT_ASSIGN_OR_RETURN(const bool complete, db_.SeenPieceWritten(now.result));
  if (!complete) return absl::OkStatus();
  now.step = Step::kSyncing;
  gate_.AfterSync([state = state_] { state->step = Step::kRemovable; });
  return absl::OkStatus();
}

}  // namespace weft
