// How an attempt to fetch a URL ended, and the one table that says what follows from it: how often it is tried,
// how long is waited, and whether the URL or its host is to blame. Reasons are shown to users by their names here.
#pragma once

#include <absl/time/time.h>

#include <cstdint>
#include <optional>
#include <string_view>

namespace weft {

// Stored in CrawlDb records and sent on the wire: numbers are never reused.
enum class Outcome : uint8_t {
  kNone = 0,
  // A response was received and goes to a parser (any status but the throttled ones).
  kResponse = 1,
  // Failed: tries used up without a response.
  kDns = 10,              // the name does not resolve
  kConnect = 11,          // connection refused, reset or unreachable
  kTls = 12,              // handshake or certificate
  kTimeout = 13,          // no complete response in --timeout
  kProtocol = 14,         // not HTTP, endless headers, a broken coding of the message
  kTruncatedEarly = 15,   // the connection ended before the answer was complete (a body cut at the last try is stored)
  kHostUnreachable = 16,  // the host was parked until its cap
  kHostThrottled = 17,    // 429 or 503 until the parking cap
  kRedirectLoop = 18,     // redirected to its own key more often than allowed, or more than 10 hops
  kParserCrash = 19,      // three parsers died on the page
  // Throttled: the host asked for a pause (429, 503). Costs no retry.
  kThrottled = 30,
  // 500, 502, 504: tried again a few times, the last answer is stored.
  kServerError = 31,
  // Refused: never requested.
  kScope = 50,
  kDepth = 51,
  kRobots = 52,
  kRobotsUnreachable = 53,
  kAddress = 54,       // the host resolves to an address that is not allowed
  kUrlTooLong = 55,
  kScheme = 56,        // not http or https
  kExcluded = 57,      // an --exclude pattern
  kRefusedCap = 58,    // (sightings only) more refused URLs on a host than are recorded
  kPrefix = 59,        // outside the seeds' prefixes
  kRedirectHops = 60,  // the target of an eleventh redirect in a row
  kHostBudget = 61,    // its host's --host-max-pages, --host-max-bytes or --host-max-time is spent
  kTrap = 62,          // of a pattern that is a trap (scheduler/trap_watch.h)
};

// "dns", "connect", "host-unreachable", "robots", ...: the word in status, crawl.log and JSON.
std::string_view OutcomeName(Outcome outcome);
std::optional<Outcome> OutcomeFromName(std::string_view name);

bool IsFailure(Outcome outcome);
bool IsRefusal(Outcome outcome);

enum class Blame : uint8_t { kNobody, kUrl, kHost };

struct RetryPolicy {
  int tries = 1;                                         // in all, the first included
  absl::Duration first_wait = absl::ZeroDuration();      // doubled with every further try
  absl::Duration longest_wait = absl::ZeroDuration();
  Blame blame = Blame::kUrl;                             // kHost: the whole host waits
};

// The table. Outcomes that are final have tries == 1.
RetryPolicy RetryPolicyFor(Outcome outcome);
// The wait before try number `attempt` + 1, where `attempt` tries (1...) have ended with `outcome`.
absl::Duration RetryWait(Outcome outcome, int attempt);

// Redirect bounds (docs/protocol.md): to its own key, and hops from the link that started the chain.
inline constexpr int kMaxOwnKeyRedirects = 5;
inline constexpr int kMaxRedirectHops = 10;

}  // namespace weft
