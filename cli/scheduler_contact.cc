#include "cli/scheduler_contact.h"

#include <fmt/format.h>

namespace weft {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(3);
constexpr absl::Duration kTellEvery = absl::Seconds(30);

}  // namespace

std::string SchedulerContact::Observe(bool hears, absl::Time now) {
  if (hears) {
    const bool first = !begun_;
    const bool told = told_ != absl::InfinitePast();
    hears_ = begun_ = true;
    told_ = absl::InfinitePast();
    if (first) return working_;
    return told ? fmt::format("the scheduler at {} is back", endpoint_) : "";
  }
  if (hears_) since_ = now;
  hears_ = false;
  if (now - since_ < kPatience || now - told_ < kTellEvery) return "";
  told_ = now;
  if (!begun_) {
    return fmt::format("no answer from the scheduler at {} yet; trying on (one that is there may first wait for an earlier worker of this name "
                       "or token, which was killed)", endpoint_);
  }
  return fmt::format("the scheduler at {} does not answer any more; finished pages are held, and it is tried on",
                     endpoint_);
}

}  // namespace weft
