// Writes a ZIP file (APPNOTE 6.3) with stored entries, one after the other, in bounded memory: sizes and checksums are written
// into an entry's head when it ends. ZIP64 wherever a number needs it. Thread rule: one thread.
#pragma once

#include <absl/status/status.h>
#include <absl/time/time.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "storage/atomic_output.h"

namespace weft {

class ZipWriter {
 public:
  // `output` is empty, and outlives the writer. Times in the file are `modified`, in UTC. From `zip64_from` on a number goes into a
  // ZIP64 field: a test sets it low.
  ZipWriter(AtomicOutput& output, absl::Time modified, uint64_t zip64_from = 0xFFFFFFFF);

  // `name` is UTF-8 with "/" between folders. An entry of which `expected_bytes` is not known reserves room for 64 bits.
  absl::Status Begin(std::string_view name, uint64_t expected_bytes = UINT64_MAX);
  absl::Status Add(std::string_view bytes);
  // FailedPrecondition: it became larger than was expected, beyond what its head has room for.
  absl::Status End();
  // Writes the central directory. The output is not finished by it.
  absl::Status Finish();

 private:
  struct Entry {
    std::string name;
    uint64_t offset = 0;
    uint64_t size = 0;
    uint32_t crc = 0;
    bool zip64 = false;  // the head in front of it has room for 64 bits
  };
  std::string LocalHead(const Entry& entry) const;
  std::string CentralHead(const Entry& entry) const;
  std::string EndRecords(uint64_t begin, uint64_t size) const;

  AtomicOutput& output_;
  uint64_t zip64_from_;
  uint32_t dos_time_ = 0;  // date and time
  std::vector<Entry> entries_;
};

}  // namespace weft
