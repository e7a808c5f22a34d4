// Brings the finished WARC files of a pages directory, and the indexes beside them, to a store, off everybody's loop: a small pool of
// its own threads, named "store", over a bounded queue of names. What does not fit into the queue is found again by looking through the
// directory, as is what an earlier run left. A file is noted as stored after the store has said that it holds it, and only then, where
// that is wanted, removed here (its index stays). A store that is away costs the crawl nothing: files wait, and are tried again.
// Thread rule: any thread.
#pragma once

#include <absl/status/status.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "storage/object_store.h"
#include "storage/store_note.h"

namespace weft {

struct StoreUploadsOptions {
  std::string directory;
  StoreOptions store;
  bool free = false;                       // remove local copies of what is stored
  int threads = 2;
  size_t queue = 1000;                     // names
  absl::Duration away = absl::Seconds(15);  // between two tries while the store is away
};

struct StoreProgress {
  uint64_t stored = 0;         // files, by this object
  uint64_t stored_bytes = 0;
  uint64_t waiting = 0;        // not stored yet, as far as is known; also what is under way
  uint64_t failed = 0;         // given up until the next run
  // Of this directory, by earlier runs too, once Begin() has looked.
  uint64_t stored_in_all = 0;
  uint64_t stored_bytes_in_all = 0;
  uint64_t freed_in_all = 0;   // of these, not here any more
  std::string trouble;         // why nothing could be stored lately; empty: all is well
  std::string last_error;      // of the file that failed last; empty: none has
  bool idle = false;           // nothing is under way, and nothing waits that will still be tried
};

class StoreUploads {
 public:
  // On each of the pool's threads, for that thread.
  using MakeStore = std::function<absl::StatusOr<std::unique_ptr<ObjectStore>>(StoreWait& wait, Random& random)>;
  // `tell` prints a line for people, on any thread.
  StoreUploads(const StoreUploadsOptions& options, MakeStore make, std::function<void(const std::string&)> tell);
  // Breaks off what is under way; it is found again by the next run.
  ~StoreUploads();
  StoreUploads(const StoreUploads&) = delete;
  StoreUploads& operator=(const StoreUploads&) = delete;

  // Looks through the directory and begins. Names may be handed in before.
  void Begin();
  // A file of the directory was finished. Waits for nothing but, where the store goes away or comes back just now, a small file.
  void FileFinished(const std::string& name);
  // No more files come: what is left is tried once more each, without waiting for a store that is away; where three in a row fail by it,
  // the rest is given up. Ask progress() for its end.
  void Finish();
  StoreProgress progress() const;
  const StoreUploadsOptions& options() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Stores a WARC file and the index beside it, and notes it. True: something was sent.
absl::StatusOr<bool> StoreWithIndex(ObjectStore& store, const StoreOptions& options, const std::string& directory, const std::string& name,
                                    ObjectDigest& digest);
// Removes the local copy of a file that is noted as stored. FailedPrecondition: it is not, or another one.
absl::Status FreeStored(const std::string& directory, const std::string& name);

}  // namespace weft
