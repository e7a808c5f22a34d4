// Answers tools that ask for committed records, slice by slice, beside the crawl: what is read is read on a pool, so that the loop
// waits for no disk.
// Thread rule: the scheduler's loop.
#pragma once

#include <absl/status/status.h>

#include <deque>
#include <memory>
#include <vector>

#include "common/work_pool.h"
#include "scheduler/node_table.h"
#include "storage/crawl_db.h"

namespace weft {

class RecordsDesk {
 public:
  // Beyond it a tool is not answered, and asks again.
  static constexpr size_t kMostWaiting = 64;

  // Without a pool slices are read on the loop. The CrawlDb is shared because a slice may still be read when its scheduler is thrown
  // away.
  RecordsDesk(std::shared_ptr<CrawlDb> db, WorkPool* pool, NodeTable& nodes) : db_(std::move(db)), pool_(pool), nodes_(nodes) {}
  ~RecordsDesk();

  // `reply`: what is told beside the records.
  void Ask(const PeerId& asker, wire::RecordsRequest request, wire::RecordsReply reply);
  // What the pool had no room for.
  void OnTick();
  // Not OK: records cannot be read.
  const absl::Status& health() const { return health_; }

 private:
  struct Job {
    PeerId asker;
    wire::RecordsRequest request;
    wire::Frame frame;
    absl::Status status;
    RecordsDesk* desk = nullptr;   // null: gone
  };
  void OnRead(Job& job);

  std::shared_ptr<CrawlDb> db_;
  WorkPool* pool_;
  NodeTable& nodes_;
  std::deque<std::shared_ptr<Job>> waiting_;  // shared with its work, which may outlive this object
  std::vector<std::weak_ptr<Job>> running_;
  absl::Status health_;
};

}  // namespace weft
