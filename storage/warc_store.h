// PageStore on WARC/1.1 files (ISO 28500): one gzip member or zstd frame per record, warcinfo first, then the records of each
// exchange (warc_records.h), SHA-1 Base32 payload and block digests, roll-over by size, `.open` while written.
// Opening a directory closes what a crash left `.open`: the file is cut after its last whole member and renamed; a
// repaired file is never appended to. What was synced is remembered beside the file, so that a loss of synced bytes is
// reported, not trimmed (protocol rule 10).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/random.h"
#include "storage/file_ops.h"
#include "storage/known_payloads.h"
#include "storage/page_store.h"
#include "storage/warc_format.h"

namespace weft {

struct WarcStoreOptions {
  std::string directory;              // holds the files and `pages-directory-id`
  WarcCompression compression = WarcCompression::kGzip;
  std::string prefix = std::string(kWarcPrefix);  // of file names
  uint64_t roll_bytes = 1'000'000'000;
  bool index = false;                 // beside every finished file its captures: NAME.cdxj (cdxj_beside.h)
  std::string host_name;              // in file names
  std::string software;               // "Weft/0.1.0", for warcinfo
  std::string user_agent;
  std::string robots_policy;          // "obey" | "ignore"
  std::string operator_contact;
  std::string part_of;                // the crawl, for warcinfo
  std::string from;                   // the From header that is sent, if one is
  WarcDedup dedup = WarcDedup::kUrl;
  // The pages directory's, shared by its stores, and outlives them; what kAll needs. Null: none is known.
  KnownPayloads* payloads = nullptr;
  // Told of every file that has its final name (and its index), on the thread that syncs; null: nobody is.
  std::function<void(const std::string& name)> finished = nullptr;
};

struct WarcRepair {
  std::string file;
  uint64_t kept_bytes = 0;
  uint64_t cut_bytes = 0;
  uint64_t synced_bytes_lost = 0;     // > 0: bytes that had been reported durable are gone or damaged
};

class WarcStore : public PageStore {
 public:
  // Several stores may write below one directory at once (one per parser); `serial` in file names is claimed by
  // exclusive creation. Creates the directory and its `pages-directory-id` where they are missing. `clock`, `random`
  // (used by the thread that appends) and `files` outlive the store.
  static absl::StatusOr<std::unique_ptr<WarcStore>> Open(const WarcStoreOptions& options, const Clock& clock,
                                                         Random& random, FileOps& files = PosixFileOps());
  // Closes what a crash left open. Call once per directory before the first Open, under the directory's lock.
  // Bytes that were synced are never cut, also where damage lies before them; a file of which nothing is whole is removed.
  static absl::StatusOr<std::vector<WarcRepair>> Repair(const std::string& directory, FileOps& files = PosixFileOps());

  // Closes; what fails then is logged, and left for Repair.
  ~WarcStore() override;
  uint64_t pages_dir_id() const override;
  // Beside ResourceExhausted (the store goes on when there is room again) any other error of the disk: the next Append
  // begins a new file. Nothing of the exchange is kept in either case.
  absl::StatusOr<StoredExchange> Append(const Exchange& exchange) override;
  void Committed(const CommittedPage& page) override;
  // Also finishes files that were rolled over (their rename waits for it). After an error everything appended since the
  // last OK counts as not stored, what was appended while the failing Sync ran included: the next Sync says so again.
  absl::Status Sync() override;
  // Syncs, closes and renames the current file.
  absl::Status Close();

 private:
  struct Impl;
  explicit WarcStore(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace weft
