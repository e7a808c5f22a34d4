#include "fetcher/request_meter.h"

#include <algorithm>

namespace weft {
namespace {

constexpr size_t kMostLatencies = 64;
constexpr size_t kMostBegun = 32;   // of each, the first and the last second

}  // namespace

void RequestMeter::Began(absl::Time now, absl::Duration since) {
  while (!last_second_.empty() && now - last_second_.front() >= absl::Seconds(1)) last_second_.pop_front();
  last_second_.push_back(now);
  const bool first = first_second_.empty() || now - first_second_.front() < absl::Seconds(1);
  if (first && first_second_.size() < kMostBegun) first_second_.push_back(now);
  busiest_second_ = std::max<uint64_t>(busiest_second_, last_second_.size());
  shortest_gap_ = std::min(shortest_gap_, std::max(since, absl::Microseconds(1)));
}

void RequestMeter::Answered(int status, absl::Duration took) {
  any_response_ = true;
  unanswered_ = 0;
  if (status == 429 || status == 503) {
    throttle_status_ = status;
  } else if (status == 500 || status == 502 || status == 504) {
    ++errors_;
  } else {
    if (latencies_.size() < kMostLatencies) {
      latencies_.push_back(took);
    } else {
      latencies_[answers_ % kMostLatencies] = took;
    }
    ++answers_;
  }
}

void RequestMeter::Failed(Outcome outcome) {
  ++errors_;
  if (outcome == Outcome::kTimeout) ++unanswered_;
}

absl::Duration RequestMeter::MedianLatency() const {
  if (latencies_.empty()) return absl::ZeroDuration();
  std::vector<absl::Duration> sorted = latencies_;
  auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
  std::nth_element(sorted.begin(), middle, sorted.end());
  return std::max(*middle, absl::Microseconds(1));
}

void RequestMeter::Fill(absl::Time now, wire::LeaseRelease& release) const {
  for (absl::Time begun : first_second_) release.add_begun_age_us(absl::ToInt64Microseconds(now - begun));
  const size_t from = last_second_.size() - std::min(last_second_.size(), kMostBegun);
  for (size_t i = from; i < last_second_.size(); ++i) {
    if (last_second_[i] <= first_second_.back()) continue;   // told already
    release.add_begun_age_us(absl::ToInt64Microseconds(now - last_second_[i]));
  }
  release.set_answers(answers_);
  release.set_errors(errors_);
  release.set_unanswered(unanswered_);
  release.set_any_response(any_response_);
  release.set_latency_us(absl::ToInt64Microseconds(MedianLatency()));
  release.set_busiest_second(busiest_second_);
  release.set_shortest_gap_us(shortest_gap_ == absl::InfiniteDuration() ? 0 : absl::ToInt64Microseconds(shortest_gap_));
  release.set_throttle_status(static_cast<uint32_t>(throttle_status_));
}

}  // namespace weft
