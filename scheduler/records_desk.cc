#include "scheduler/records_desk.h"

#include <algorithm>
#include <utility>

#include "scheduler/status_report.h"

namespace weft {

RecordsDesk::~RecordsDesk() {
  for (const std::weak_ptr<Job>& running : running_) {
    if (const auto job = running.lock()) job->desk = nullptr;
  }
}

void RecordsDesk::Ask(const PeerId& asker, wire::RecordsRequest request, wire::RecordsReply reply) {
  if (waiting_.size() >= kMostWaiting) return;
  auto job = std::make_shared<Job>();
  job->asker = asker;
  job->request = std::move(request);
  job->request.set_limit(static_cast<uint32_t>(std::clamp<size_t>(job->request.limit(), 1, kMostRecordRows)));
  if (job->request.pinned_commit() == 0) job->request.set_pinned_commit(db_->commit());
  *job->frame.mutable_records_reply() = std::move(reply);
  job->desk = this;
  waiting_.push_back(std::move(job));
  OnTick();
}

void RecordsDesk::OnTick() {
  while (!waiting_.empty()) {
    const std::shared_ptr<Job>& job = waiting_.front();
    auto work = [job, db = db_, records = db_->done_records()] {
      job->status = FillRecords(records, job->request, job->request.limit(), *job->frame.mutable_records_reply());
    };
    auto done = [job] {
      if (job->desk != nullptr) job->desk->OnRead(*job);
    };
    if (pool_ == nullptr) {
      work();
      done();
    } else if (!pool_->Submit(std::move(work), std::move(done))) {
      return;  // full: tried again at the next tick
    } else {
      std::erase_if(running_, [](const std::weak_ptr<Job>& one) { return one.expired(); });
      running_.push_back(job);
    }
    waiting_.pop_front();
  }
}

void RecordsDesk::OnRead(Job& job) {
  health_.Update(job.status);
  if (job.status.ok()) nodes_.Send(job.asker, std::move(job.frame));
}

}  // namespace weft
