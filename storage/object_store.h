// Where finished files are kept beside, or instead of, the local disk, as a seam: a bucket of S3 or of what speaks its protocol, a
// directory of another disk, HDFS. A file is stored whole under a name, and never replaced.
// Errors: Unavailable where it is worth to try again later (what could be tried at once has been tried), PermissionDenied,
// NotFound, AlreadyExists (another object has that name), Cancelled, else Internal.
// Thread rule: calls block; an object belongs to one thread.
#pragma once

#include <absl/functional/function_ref.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "common/clock.h"
#include "common/random.h"
#include "storage/store_wait.h"

namespace weft {

// What a file holds.
struct ObjectDigest {
  uint64_t bytes = 0;
  std::string sha256;  // hexadecimal
  bool operator==(const ObjectDigest&) const = default;
};

struct ObjectInfo {
  std::string name;
  uint64_t bytes = 0;
  std::string sha256;  // as the store noted it; empty: it did not
};

class ObjectStore {
 public:
  virtual ~ObjectStore() = default;
  // "s3://bucket/prefix/name", for people.
  virtual std::string UrlOf(std::string_view name) const = 0;
  // Stores the file at `path`, of which `digest` is true, under `name`. True: it was sent; false: it was there already. OK only after
  // the store has said that it holds a file of that size and digest.
  virtual absl::StatusOr<bool> Put(const std::string& path, const std::string& name, const ObjectDigest& digest) = 0;
  // NotFound: no object has that name.
  virtual absl::StatusOr<ObjectInfo> Head(const std::string& name) = 0;
  // Objects whose names begin with `prefix`, in no stated order; an error of `each` ends it.
  virtual absl::Status List(const std::string& prefix, absl::FunctionRef<absl::Status(const ObjectInfo&)> each) = 0;
  // Bytes of an object; fewer than `length` only where it ends.
  virtual absl::StatusOr<std::string> Get(const std::string& name, uint64_t offset, uint64_t length) = 0;
};

struct StoreOptions {
  std::string url = {};                    // "s3://bucket/prefix", "file:///path", "webhdfs://host:port/path"
  std::string endpoint = {};               // of an S3-compatible server, "http://127.0.0.1:9000"; empty: Amazon's
  std::string region = {};                 // of S3; empty: from the environment, else us-east-1
  uint64_t part_bytes = 16ull << 20;       // what is larger goes to S3 in parts of that size
  absl::Duration timeout = absl::Seconds(60);  // without a byte from or to the server
  int tries = 6;                           // of one request, before the store counts as unavailable
  absl::Duration first_pause = absl::Milliseconds(300);  // between two of them; doubled each time, with jitter
  absl::Duration longest_pause = absl::Seconds(20);
};

// InvalidArgument, for people: what is wrong with the URL.
absl::Status CheckStoreUrl(std::string_view url);
// Makes the store that the URL names; credentials of S3 come from the environment or ~/.aws/credentials. Nothing is asked of a
// server yet. `wait`, `clock` and `random` outlive it.
absl::StatusOr<std::unique_ptr<ObjectStore>> OpenObjectStore(const StoreOptions& options, StoreWait& wait, const Clock& clock, Random& random);

// Reads the whole file.
absl::StatusOr<ObjectDigest> DigestOfFile(const std::string& path);
// Brings an object back as the file at `path`, which appears whole or not at all. DataLoss: it is not what `digest` says (an empty
// SHA-256 is not compared).
absl::Status FetchObject(ObjectStore& store, const std::string& name, const ObjectDigest& digest, const std::string& path);

}  // namespace weft
