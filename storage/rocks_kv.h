// Kv on RocksDB: one column family per Family. The only user of RocksDB.
#pragma once

#include <memory>
#include <string>

#include "storage/kv.h"

namespace rocksdb {
class FileSystem;
}

namespace weft {

struct RocksKvOptions {
  std::string path;
  bool read_only = false;             // for a directory that no crawl runs on
  uint64_t block_cache_bytes = 64ull << 20;
  uint64_t write_buffer_bytes = 8ull << 20;            // of each family, up to three times while it is flushed
  std::shared_ptr<rocksdb::FileSystem> disk = nullptr;  // shared by RocksDB's own interface; the machine's where null
};

// Creates the directory where it is missing (not when read_only). FailedPrecondition: locked by another process, or
// not a CrawlDb; ResourceExhausted: the disk is full; DataLoss: corrupt.
absl::StatusOr<std::unique_ptr<Kv>> OpenRocksKv(const RocksKvOptions& options);

}  // namespace weft
