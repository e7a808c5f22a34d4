// One HTTP exchange with a store, as a seam below the stores that are servers. Not the crawler's transport: its requests have bodies, go
// to one server that the user named, and answers are small or of a known size.
// Thread rule: Send blocks; an object belongs to one thread.
#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/byte_source.h"
#include "storage/store_wait.h"

namespace weft {

struct StoreRequest {
  std::string method;
  std::string url;                     // as it is sent: already escaped
  std::vector<std::pair<std::string, std::string>> headers = {};
  const ByteSource* body = nullptr;    // null: none. What is sent of it:
  uint64_t body_offset = 0;
  uint64_t body_bytes = 0;
};

struct StoreResponse {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
  // Empty if there is none.
  std::string_view Get(const std::string& name) const {
    const auto it = headers.find(name);
    return it == headers.end() ? std::string_view() : std::string_view(it->second);
  }
};

class StoreHttp {
 public:
  virtual ~StoreHttp() = default;
  // Unavailable: no whole answer came, with the reason. Cancelled: `wait` was stopped. ResourceExhausted: the answer is larger than
  // 256 MiB.
  virtual absl::StatusOr<StoreResponse> Send(const StoreRequest& request) = 0;
};

// `timeout`: without a byte either way. Certificates are verified, by the bundle that AWS_CA_BUNDLE names if it is set.
std::unique_ptr<StoreHttp> NewCurlStoreHttp(absl::Duration timeout, StoreWait& wait);

}  // namespace weft
