#include "scheduler/sync_gate.h"

#include <utility>

namespace weft {

SyncGate::SyncGate(std::shared_ptr<CrawlDb> db, WorkPool& pool)
    : db_(std::move(db)), pool_(pool), state_(std::make_shared<State>()) {}

SyncGate::~SyncGate() { state_->syncing.clear(); }

void SyncGate::AfterSync(absl::AnyInvocable<void()> action) { waiting_.push_back(std::move(action)); }

bool SyncGate::idle() const { return waiting_.empty() && !state_->running && state_->health.ok(); }

void SyncGate::Poke() {
  if (state_->running || waiting_.empty() || !state_->health.ok()) return;
  auto work = [db = db_, state = state_] { state->result = db->Sync(); };
  auto done = [state = state_] {
    state->running = false;
    std::vector<absl::AnyInvocable<void()>> actions = std::move(state->syncing);
    state->syncing.clear();
    if (!state->result.ok()) {
      state->health = state->result;
      return;
    }
    for (auto& action : actions) action();
  };
  if (!pool_.Submit(std::move(work), std::move(done))) return;  // full: tried again at the next tick
  state_->running = true;
  state_->syncing = std::move(waiting_);
  waiting_.clear();
}

}  // namespace weft
