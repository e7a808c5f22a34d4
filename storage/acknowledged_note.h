// The highest commit that the parsers of a pages directory have seen acknowledged, kept in the directory (the file
// `highest-commit`): a CrawlDb that is behind it has lost acknowledged writes, or is a copy, also where every process was
// started anew since (protocol rule 13). After a crash it may say less than the truth, never more.
// Thread rule: any thread; Write blocks and belongs on a pool.
#pragma once

#include <absl/status/status.h>

#include <cstdint>
#include <string>

#include "common/mutex.h"
#include "storage/file_ops.h"

namespace weft {

struct Acknowledged {
  uint64_t lineage = 0;      // of the crawl; 0: nothing was ever acknowledged
  uint64_t incarnation = 0;  // of the CrawlDb's opening under which it was
  uint64_t commit = 0;
  bool operator==(const Acknowledged&) const = default;
};

class AcknowledgedNote {
 public:
  // Takes up what the directory holds; a note that is missing or cannot be read says nothing.
  explicit AcknowledgedNote(std::string directory, FileOps& files = PosixFileOps());

  Acknowledged last() const;
  // The higher commit of one opening stays; another opening is the newer one.
  void Take(const Acknowledged& seen);
  // What is taken is not written yet.
  bool changed() const;
  // Durable, and whole or not at all. Nothing is written where nothing is new.
  absl::Status Write();

 private:
  absl::Status Replace(const Acknowledged& by);

  const std::string directory_;
  FileOps& files_;
  Mutex write_mutex_;  // one writes at a time
  mutable Mutex mutex_;
  Acknowledged last_ ABSL_GUARDED_BY(mutex_);
  Acknowledged written_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace weft
