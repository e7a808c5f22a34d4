// A SeenUrls on disk: written aside in pieces, then renamed into place, so that it is there as a whole or not at all; every
// piece carries a checksum that is keyed with the snapshot's id. Whether a snapshot belongs to a CrawlDb is told by the
// CrawlDb alone: it names the id of the one it trusts.
// Thread rule: one thread at a time; everything here blocks and belongs on a pool, but for opening a crawl.
#pragma once

#include <absl/status/status.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "storage/file_ops.h"
#include "storage/seen_urls.h"

namespace weft {

struct SeenSnapshotHead {
  uint64_t id = 0;        // drawn for each snapshot
  uint64_t lineage = 0;   // of the crawl
  uint64_t commit = 0;    // everything up to this commit is in it
  uint64_t entries = 0;   // about as many
};

class SeenSnapshotWriter {
 public:
  SeenSnapshotWriter(std::string path, const SeenSnapshotHead& head, FileOps& files);
  ~SeenSnapshotWriter();
  SeenSnapshotWriter(const SeenSnapshotWriter&) = delete;
  SeenSnapshotWriter& operator=(const SeenSnapshotWriter&) = delete;

  // One or more segments as SaveSegment wrote them. On disk when it returns: a long file is not left to one long sync.
  // After an error nothing is left of the file, but what a crash leaves is removed when the next one begins.
  absl::Status Add(std::string_view segments);
  // The file is at `path`, durably.
  absl::Status Finish();

 private:
  absl::Status Begin();
  absl::Status AddPiece(std::string_view segments);
  absl::Status FinishFile();
  absl::Status Checked(const absl::Status& status);
  absl::Status Write(std::string_view bytes);

  const std::string path_;
  const std::string draft_;
  const SeenSnapshotHead head_;
  FileOps& files_;
  int fd_ = -1;
  uint64_t offset_ = 0;
  uint64_t pieces_ = 0;
};

// Adds the snapshot's entries to `set`, which is to be thrown away after an error. NotFound: there is no file; DataLoss: it
// is damaged; FailedPrecondition: it is not the one that `id` and `lineage` name, or does not fit the set's memory.
absl::Status LoadSeenSnapshot(const std::string& path, uint64_t id, uint64_t lineage, SeenUrls& set);

}  // namespace weft
