#include "scheduler/checkpoint_desk.h"

#include <algorithm>
#include <utility>

#include "common/status.h"
#include "common/units.h"

namespace weft {
namespace {

constexpr size_t kMostWanted = 8;

}  // namespace

CheckpointDesk::CheckpointDesk(const SchedulerOptions& options, std::shared_ptr<CrawlDb> db, NodeTable& nodes,
                               const Clock& clock, SchedulerObserver& observer)
    : options_(options), db_(std::move(db)), nodes_(nodes), clock_(clock), observer_(observer),
      next_(clock.SteadyNow() + options.checkpoint_every) {}

CheckpointDesk::~CheckpointDesk() {
  if (job_ != nullptr) job_->desk = nullptr;
}

void CheckpointDesk::Answer(const PeerId& asker, const wire::CheckpointReply& reply) {
  wire::Frame frame;
  *frame.mutable_checkpoint_reply() = reply;
  nodes_.Send(asker, std::move(frame));
}

void CheckpointDesk::Ask(const PeerId& asker, const wire::CheckpointRequest& request) {
  wire::CheckpointReply refusal;
  if (options_.checkpoints == nullptr || options_.checkpoint_pool == nullptr) {
    refusal.set_problem("this crawl runs in one process; stop it, and copy its directory");
    return Answer(asker, refusal);
  }
  auto same = std::find_if(wanted_.begin(), wanted_.end(), [&](const Wanted& one) { return one.to == request.to(); });
  if (same == wanted_.end()) {
    if (wanted_.size() >= kMostWanted) {
      refusal.set_problem(fmt::format("{} others are waited for; try again later", wanted_.size()));
      return Answer(asker, refusal);
    }
    same = wanted_.insert(wanted_.end(), Wanted{request.to(), {}});
  }
  same->askers.push_back(asker);
  OnTick();
}

void CheckpointDesk::OnTick() {
  if (options_.checkpoints == nullptr || options_.checkpoint_pool == nullptr) return;
  if (clock_.SteadyNow() >= next_) {
    next_ = clock_.SteadyNow() + options_.checkpoint_every;
    const bool waits = std::any_of(wanted_.begin(), wanted_.end(), [](const Wanted& one) { return one.to.empty(); });
    if (!waits) wanted_.push_back({});
  }
  if (job_ == nullptr && !wanted_.empty()) Begin();
}

void CheckpointDesk::Begin() {
  auto job = std::make_shared<Job>();
  job->desk = this;
  auto work = [job, db = db_, place = options_.checkpoints, to = wanted_.front().to] { job->made = place->Make(*db, to); };
  auto done = [job] {
    if (job->desk != nullptr) job->desk->OnMade(job->made);
  };
  if (!options_.checkpoint_pool->Submit(std::move(work), std::move(done))) return;  // full: tried again at the next tick
  job_ = std::move(job);
  begun_ = clock_.SteadyNow();
  running_ = std::move(wanted_.front());
  wanted_.erase(wanted_.begin());
  observer_.OnNotice("a checkpoint is being made");
}

void CheckpointDesk::OnMade(const absl::StatusOr<CheckpointMade>& made) {
  const Wanted asked = std::move(running_);
  const absl::Duration took = clock_.SteadyNow() - begun_;
  wire::CheckpointReply reply;
  if (made.ok()) {
    last_ = *made;
    last_at_ = clock_.SteadyNow();
    problem_.clear();
    reply.set_path(made->path);
    reply.set_bytes(made->bytes);
    reply.set_commit(made->commit);
    reply.set_took_us(absl::ToInt64Microseconds(took));
    observer_.OnNotice(fmt::format("checkpoint {}: {}, to commit {}, in {}", made->path, HumanSize(made->bytes), made->commit,
                                   weft::FormatDuration(absl::Trunc(took, absl::Milliseconds(1)))));
  } else {
    problem_ = ErrorText(made.status());
    reply.set_problem(problem_);
    observer_.OnNotice("no checkpoint was made: " + problem_);
  }
  for (const PeerId& asker : asked.askers) Answer(asker, reply);
  job_.reset();
  if (!wanted_.empty()) Begin();
}

void CheckpointDesk::FillStatus(wire::CheckpointStatus& status) const {
  status.set_running(job_ != nullptr);
  status.set_path(last_.path);
  status.set_bytes(last_.bytes);
  if (!last_.path.empty()) status.set_age_us(absl::ToInt64Microseconds(clock_.SteadyNow() - last_at_));
  status.set_problem(problem_);
}

}  // namespace weft
