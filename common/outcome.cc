#include "common/outcome.h"

#include <algorithm>
#include <array>

namespace weft {
namespace {

struct Row {
  Outcome outcome;
  std::string_view name;
  RetryPolicy policy;
};

constexpr RetryPolicy Final(Blame blame) { return {1, absl::ZeroDuration(), absl::ZeroDuration(), blame}; }
constexpr RetryPolicy Tries(int tries, absl::Duration first, absl::Duration longest, Blame blame) {
  return {tries, first, longest, blame};
}

// A throttled answer is never the last: parking the host has its own cap (rule 32), the tries have none.
constexpr int kUncounted = 1'000'000;

const auto& Table() {
  static const std::array kTable = {
      Row{Outcome::kNone, "none", Final(Blame::kNobody)},
      Row{Outcome::kResponse, "response", Final(Blame::kNobody)},
      Row{Outcome::kDns, "dns", Tries(3, absl::Seconds(5), absl::Minutes(10), Blame::kHost)},
      Row{Outcome::kConnect, "connect", Tries(3, absl::Seconds(5), absl::Minutes(10), Blame::kHost)},
      Row{Outcome::kTls, "tls", Tries(2, absl::Seconds(5), absl::Minutes(10), Blame::kHost)},
      Row{Outcome::kTimeout, "timeout", Tries(3, absl::Seconds(10), absl::Minutes(10), Blame::kUrl)},
      Row{Outcome::kProtocol, "protocol", Tries(2, absl::Seconds(2), absl::Minutes(10), Blame::kUrl)},
      Row{Outcome::kTruncatedEarly, "truncated-early", Tries(3, absl::Seconds(2), absl::Minutes(10), Blame::kUrl)},
      // Parked: a host to which connections succeed and that answers nothing.
      Row{Outcome::kHostUnreachable, "host-unreachable", Tries(10, absl::Seconds(30), absl::Minutes(30), Blame::kHost)},
      Row{Outcome::kHostThrottled, "host-throttled", Final(Blame::kHost)},
      Row{Outcome::kRedirectLoop, "redirect-loop", Final(Blame::kUrl)},
      Row{Outcome::kParserCrash, "parser-crash", Final(Blame::kUrl)},
      Row{Outcome::kThrottled, "throttled", Tries(kUncounted, absl::Seconds(5), absl::Minutes(15), Blame::kHost)},
      Row{Outcome::kServerError, "server-error", Tries(3, absl::Seconds(5), absl::Minutes(5), Blame::kUrl)},
      Row{Outcome::kScope, "scope", Final(Blame::kNobody)},
      Row{Outcome::kDepth, "depth", Final(Blame::kNobody)},
      Row{Outcome::kRobots, "robots", Final(Blame::kNobody)},
      Row{Outcome::kRobotsUnreachable, "robots-unreachable",
          Tries(4, absl::Seconds(10), absl::Minutes(30), Blame::kHost)},
      Row{Outcome::kAddress, "address", Final(Blame::kNobody)},
      Row{Outcome::kUrlTooLong, "url-too-long", Final(Blame::kNobody)},
      Row{Outcome::kScheme, "scheme", Final(Blame::kNobody)},
      Row{Outcome::kExcluded, "excluded", Final(Blame::kNobody)},
      Row{Outcome::kRefusedCap, "refused-cap", Final(Blame::kNobody)},
      Row{Outcome::kPrefix, "prefix", Final(Blame::kNobody)},
      Row{Outcome::kRedirectHops, "redirect-hops", Final(Blame::kNobody)},
      Row{Outcome::kHostBudget, "host-budget", Final(Blame::kNobody)},
      Row{Outcome::kTrap, "trap", Final(Blame::kNobody)},
  };
  return kTable;
}

// Numbers come from disks and peers: one that no row has counts as kNone.
const Row& RowOf(Outcome outcome) {
  const auto& table = Table();
  auto row = std::find_if(table.begin(), table.end(), [&](const Row& r) { return r.outcome == outcome; });
  return row == table.end() ? table.front() : *row;
}

}  // namespace

std::string_view OutcomeName(Outcome outcome) { return RowOf(outcome).name; }

std::optional<Outcome> OutcomeFromName(std::string_view name) {
  for (const Row& row : Table()) {
    if (row.name == name) return row.outcome;
  }
  return std::nullopt;
}

bool IsFailure(Outcome outcome) { return outcome >= Outcome::kDns && outcome <= Outcome::kParserCrash; }

bool IsRefusal(Outcome outcome) { return outcome >= Outcome::kScope && outcome <= Outcome::kTrap; }

RetryPolicy RetryPolicyFor(Outcome outcome) { return RowOf(outcome).policy; }

absl::Duration RetryWait(Outcome outcome, int attempt) {
  const RetryPolicy& policy = RowOf(outcome).policy;
  absl::Duration wait = policy.first_wait;
  for (int i = 1; i < attempt && wait < policy.longest_wait; ++i) wait *= 2;
  return std::min(wait, policy.longest_wait);
}

}  // namespace weft
