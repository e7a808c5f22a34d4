// What a robots.txt exchange means (RFC 9309 2.3), as pure decisions: follow a redirect, take the rules, allow all, or wait.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/outcome.h"
#include "common/url.h"
#include "common/wire.pb.h"
#include "fetcher/transport.h"

namespace weft {

inline constexpr int kMaxRobotsRedirects = 5;

struct RobotsAnswer {
  std::optional<Url> redirect;     // set: ask there next
  wire::RobotsState state;         // else: what is known now
  Outcome outcome = Outcome::kNone;  // of UNREACHABLE: the host's failure, or kRobotsUnreachable
  absl::Duration retry_after;
};

// `hops`: redirects followed so far. `body`: of the wire, as far as it was received.
RobotsAnswer ReadRobotsAnswer(const FetchResult& result, std::string_view body, const Url& asked, int hops);

}  // namespace weft
