// Transport on libcurl's multi interface, driven by an EventLoop through multi_socket_action. The only curl user.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/event_loop.h"
#include "fetcher/transport.h"

namespace weft {

struct CurlTransportOptions {
  std::string user_agent;
  absl::Duration timeout = absl::Seconds(60);
  absl::Duration connect_timeout = absl::Seconds(10);
  size_t connections = 256;                 // kept warm at most
  std::string proxy;                        // "" = none; environment proxies are ignored always
  std::vector<Cidr> allowed_private;        // checked again at connect and before a reused connection
  size_t max_header_bytes = 256 * 1024;     // in all; more than 1,000 fields or this: kProtocol
};

std::unique_ptr<Transport> NewCurlTransport(EventLoop& loop, const Clock& clock, const CurlTransportOptions& options);

}  // namespace weft
