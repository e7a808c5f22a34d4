// Transport on libcurl's multi interface, driven by an EventLoop through multi_socket_action. The only curl user.
// HTTP/1.1 with kept connections; bytes of the wire (no coding is undone); no redirects, cookies, netrc, HSTS, alt-svc.
// A connection goes to the pinned address or not at all: kept connections are told apart by (host, address), and the
// address is checked again when a socket is made and before every request (server-side request forgery, DNS rebinding).
// The loop must outlive the transport. Transfers that run when it is destroyed end without a call to their sink.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/event_loop.h"
#include "fetcher/egress.h"
#include "fetcher/transport.h"

namespace weft {

struct CurlTransportOptions {
  std::string user_agent;
  absl::Duration timeout = absl::Seconds(60);  // of one download; time that its sink keeps it paused is not counted
  absl::Duration connect_timeout = absl::Seconds(10);
  size_t connections = 256;                 // kept warm at most
  std::vector<Cidr> allowed_private;        // checked again at connect and before a reused connection
  size_t max_header_bytes = 256 * 1024;     // in all; more than 1,000 fields or this: kProtocol
  EgressOptions egress;
  // Told, at most once a minute, when downloads wait because local ports or descriptors have run short. On the loop.
  std::function<void(const std::string&)> on_shortage;
  std::string ca_file;                      // PEM; "" = the system's certificates
};

std::unique_ptr<Transport> NewCurlTransport(EventLoop& loop, const Clock& clock, const CurlTransportOptions& options);

}  // namespace weft
