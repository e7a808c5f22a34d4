// Signed requests to one bucket, tried again where that helps: what the S3 store is made of. Thread rule: one thread.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/s3_store.h"

namespace weft {

struct S3Call {
  std::string method;
  std::string key;                                           // without the bucket; empty: of the bucket itself
  std::vector<std::pair<std::string, std::string>> query = {};
  std::vector<std::pair<std::string, std::string>> headers = {};
  const ByteSource* body = nullptr;
  uint64_t body_offset = 0;
  uint64_t body_bytes = 0;
};

class S3Requests {
 public:
  S3Requests(const S3Place& place, const AwsCredentials& credentials, const StoreOptions& options, std::unique_ptr<StoreHttp> http,
             StoreWait& wait, const Clock& clock, Random& random);
  // The answer, of whatever status is left when what passes by itself was tried again. Unavailable: it did not pass.
  absl::StatusOr<StoreResponse> Send(const S3Call& call);
  // The error that an answer is, for people: `what` was asked for.
  absl::Status ErrorOf(const StoreResponse& response, std::string_view what) const;
  StoreWait& wait() { return wait_; }

 private:
  absl::StatusOr<StoreResponse> SendOnce(const S3Call& call, const std::string& payload_sha256);

  S3Place place_;
  std::string origin_;       // "https://host"
  std::string host_;         // as the Host header has it
  std::string path_prefix_;  // "/bucket" or empty
  AwsCredentials credentials_;
  StoreOptions options_;
  std::unique_ptr<StoreHttp> http_;
  StoreWait& wait_;
  const Clock& clock_;
  Random& random_;
};

// Hexadecimal SHA-256 of bytes of a source.
absl::StatusOr<std::string> Sha256OfRange(const ByteSource& source, uint64_t offset, uint64_t bytes);

}  // namespace weft
