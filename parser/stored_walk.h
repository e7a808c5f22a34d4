// Walks the pages that a pages directory has stored, so that they are submitted again to a CrawlDb that has lost them
// (protocol rule 13): reads ahead on a pool, keeps a bounded number of pages unanswered, and goes once more to those
// that were answered as unknown for as long as a round has recorded something, since pages name pages.
// Thread rule: the parser's loop.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <vector>

#include "common/wire.pb.h"
#include "common/work_pool.h"
#include "storage/stored_pages.h"

namespace weft {

class StoredWalk {
 public:
  static constexpr size_t kMostUnanswered = 64;
  static constexpr size_t kMostUnknown = 100'000;  // beyond that a page is fetched again

  StoredWalk(std::unique_ptr<StoredPages> pages, WorkPool& pool);

  // Reads on, and begins the next round, where it is time to. To be called now and then.
  void Poke();
  // The next page to submit, under a number of its own; false: none has been read, or enough are unanswered.
  bool Take(PageOnDisk& page, uint64_t& number);
  void Answer(const wire::StoredAck& answer);
  // Take may have something.
  bool ready() const { return !read_->pages.empty() && unanswered_.size() < kMostUnanswered; }
  // Everything was read and answered.
  bool over() const { return over_; }
  const wire::SubmitAgainOver& result() const { return result_; }

 private:
  struct Place {
    WarcPlace place;
    absl::Time began;
  };
  // What the pool works on. While a job runs it is the job's.
  struct Source {
    std::unique_ptr<StoredPages> pages;
    bool again = false;          // `places`, not the directory
    std::vector<Place> places;
    size_t next_place = 0;
    std::vector<PageOnDisk> batch;
    uint64_t damaged = 0;
    bool end = false;
  };
  // What has been read, and whether a job runs: the loop's.
  struct Read {
    std::deque<PageOnDisk> pages;
    uint64_t damaged = 0;
    bool running = false;
    bool end = false;
  };
  static void ReadBatch(Source& source);
  void BeginRound();

  WorkPool& pool_;
  // Shared with a job, and with its end, which may come after this object.
  std::shared_ptr<Source> source_;
  std::shared_ptr<Read> read_;
  std::map<uint64_t, Place> unanswered_;
  std::vector<Place> unknown_;
  uint64_t last_number_ = 0;
  uint64_t recorded_in_round_ = 0;
  bool over_ = false;
  wire::SubmitAgainOver result_;
};

}  // namespace weft
