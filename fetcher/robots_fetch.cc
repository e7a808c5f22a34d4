#include "fetcher/robots_fetch.h"

#include "common/http_message.h"
#include "fetcher/retry_after.h"
#include "fetcher/robots_rules.h"

namespace weft {
namespace {

// 2.4: not used for longer than a day unless the file cannot be had.
constexpr absl::Duration kFresh = absl::Hours(24);

void TakeRules(const HttpHead& head, std::string_view wire_body, wire::RobotsState& state) {
  PayloadView payload;
  ExtractPayload(head, wire_body, payload);
  DecodeLimits limits;
  limits.max_bytes = kMaxRobotsBytes + 4096;
  Decoded decoded = DecodeContent(head, payload.payload, limits);
  if (decoded.body.size() > kMaxRobotsBytes) {
    size_t line = decoded.body.find_last_of("\r\n", kMaxRobotsBytes);
    decoded.body.resize(line == std::string::npos ? kMaxRobotsBytes : line + 1);
  }
  state.set_kind(wire::RobotsState::RULES);
  state.set_body(std::move(decoded.body));
}

}  // namespace

RobotsAnswer ReadRobotsAnswer(const FetchResult& result, std::string_view body, const Url& asked, int hops) {
  RobotsAnswer answer;
  answer.state.set_fresh_us(absl::ToInt64Microseconds(kFresh));
  if (result.outcome != Outcome::kResponse) {
    answer.state.set_kind(wire::RobotsState::UNREACHABLE);
    answer.outcome = IsFailure(result.outcome) ? result.outcome : Outcome::kRobotsUnreachable;
    answer.state.set_reason(std::string(OutcomeName(answer.outcome)));
    return answer;
  }
  auto head = HttpHead::ParseResponse(result.response_head);
  // A file that broke off is not the file: what is missing may be what forbids.
  bool broke_off = result.status < 300 && !result.truncated.empty() && result.truncated != "length";
  if (!head.ok() || result.status >= 500 || result.status == 429 || broke_off) {
    answer.state.set_kind(wire::RobotsState::UNREACHABLE);
    answer.outcome = Outcome::kRobotsUnreachable;
    answer.state.set_reason(std::string(OutcomeName(answer.outcome)));
    if (head.ok()) answer.retry_after = ReadRetryAfter(*head);
    return answer;
  }
  if (result.status >= 300 && result.status < 400) {
    auto target = Url::Parse(head->Get("Location"), asked);
    if (hops < kMaxRobotsRedirects && head->Has("Location") && target.ok() && target->is_http()) {
      answer.redirect = *std::move(target);
      return answer;
    }
  }
  if (result.status >= 200 && result.status < 300) {
    TakeRules(*head, body, answer.state);
  } else {
    answer.state.set_kind(wire::RobotsState::ALLOW_ALL);
  }
  return answer;
}

}  // namespace weft
