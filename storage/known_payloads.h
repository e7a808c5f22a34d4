// Which record of a pages directory holds which payload, so that the same bytes under another URL are stored as a revisit of it
// (ISO 28500:2017 section 6.7). Only captures that the CrawlDb has committed are known (protocol rule 11): those that this process
// stored, and those of before that it found again. Bounded: about kMostBytes, beyond it what was not met for longest is forgotten.
// Thread rule: any thread.
#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/time/time.h>

#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "common/mutex.h"

namespace weft {

struct KnownPayload {
  std::string url;     // of its capture
  absl::Time began;    // that one's WARC-Date
  std::string file;    // where the response record lies, below the pages directory
  uint64_t offset = 0;
  std::string record_id = {};  // its WARC-Record-ID; empty: not known, as of a record of an earlier process
};

class KnownPayloads {
 public:
  // Below it a revisit saves nothing: its record is longer than that of a response by some 250 bytes.
  static constexpr uint64_t kLeastPayload = 1024;
  static constexpr size_t kMostBytes = 16u << 20;

  explicit KnownPayloads(size_t most_bytes = kMostBytes) : most_bytes_(most_bytes) {}

  // `digest`: SHA-1, 20 bytes. The first capture stays the one that is referred to.
  void Add(std::string_view digest, KnownPayload payload);
  std::optional<KnownPayload> Find(std::string_view digest);
  // About.
  size_t bytes() const;

 private:
  struct Entry {
    std::string digest;
    KnownPayload payload;
  };
  using Entries = std::list<Entry>;  // those met last at the front
  static size_t BytesOf(const Entry& entry);

  const size_t most_bytes_;
  mutable Mutex mutex_;
  Entries entries_ ABSL_GUARDED_BY(mutex_);
  std::unordered_map<std::string_view, Entries::iterator> by_digest_ ABSL_GUARDED_BY(mutex_);  // views of the entries'
  size_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace weft
