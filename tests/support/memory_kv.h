// MemoryKv: the Kv contract in memory, with what a disk does to a store: crashes, errors, no room left.
// The bytes live in a MemoryDisk that outlives the stores opened on it, as a directory does:
//
//   MemoryDisk disk;
//   auto kv = OpenMemoryKv(disk);         // a process opens the store
//   kv.reset(); kv = OpenMemoryKv(disk);  // it was killed: the kernel still has every write that returned
//   disk.Crash(*random);                  // the machine went down: what was synced is there, and of what came after
//                                         // a prefix of the batches, in order; stores that are still open are dead
//
// Thread rule: as Kv (Sync beside the others); the disk's own functions belong to the test's thread.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "common/random.h"
#include "storage/kv.h"

namespace weft::test {

class MemoryDisk {
 public:
  // Whether the batch of a failed write is found after the store is opened again: both happen.
  enum class FailedBatch { kLost, kKept };

  // Keeps synced batches, and the first 0..all of the others.
  void Crash(Random& random);
  // Keeps synced batches only.
  void CrashToSynced();

  // The n-th write (or sync) from now on fails, 1 being the next one; 0: none.
  void FailWrite(uint64_t nth, FailedBatch batch = FailedBatch::kLost);
  void FailSync(uint64_t nth);
  // Writes that would bring keys and values above this many bytes answer ResourceExhausted.
  void set_capacity(uint64_t bytes) { capacity_ = bytes; }

  uint64_t writes() const { return writes_; }
  uint64_t syncs() const { return syncs_; }
  uint64_t reads() const { return reads_; }
  uint64_t unsynced_batches() const;

 private:
  friend class MemoryKv;
  using Map = std::map<std::string, std::string, std::less<>>;
  using Families = std::array<Map, kFamilyCount>;

  static void Apply(const KvBatch& batch, Families& families);
  void KeepUnsynced(size_t count);

  mutable std::recursive_mutex mutex_;  // Sync runs beside the others; a scan's visit may read
  Families synced_;
  std::vector<KvBatch> unsynced_;  // in order
  Families current_;               // synced_ and unsynced_
  uint64_t life_ = 0;              // raised by a crash: stores of an older life are dead
  uint64_t fail_write_ = 0;
  FailedBatch failed_batch_ = FailedBatch::kLost;
  uint64_t fail_sync_ = 0;
  uint64_t capacity_ = UINT64_MAX;
  uint64_t used_ = 0;
  uint64_t writes_ = 0;
  uint64_t syncs_ = 0;
  mutable uint64_t reads_ = 0;     // keys asked for
};

// The disk must outlive the store.
std::unique_ptr<Kv> OpenMemoryKv(MemoryDisk& disk);

}  // namespace weft::test
