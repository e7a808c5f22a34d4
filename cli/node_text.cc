#include "cli/node_text.h"

#include <absl/time/time.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/units.h"
#include "scheduler/status_report.h"

namespace weft {
namespace {

std::string Milliseconds(int64_t micros) {
  return weft::FormatDuration(absl::Trunc(absl::Microseconds(micros), absl::Milliseconds(1)));
}

}  // namespace

std::string NodeText(const wire::NodeStatus& node) {
  const bool fetches = node.role() == "fetcher";
  std::string text = fmt::format("{} {}: ", node.role(), node.name());
  text += fetches ? fmt::format("{} lease{}", node.leases(), node.leases() == 1 ? "" : "s")
                  : fmt::format("pages in {}", node.pages_path());
  text += fmt::format(", heard {} ms ago", node.silent_us() / 1000);
  if (!node.state().empty()) text += fmt::format(" [{}]", node.state());
  if (fetches) text += fmt::format("; room for {} more", node.credit());
  text += fmt::format("; {:.1f} pages/s, {} held", node.pages_per_s(), node.held());
  if (node.held() > 0) text += fmt::format(", the oldest for {}", Milliseconds(node.lag_us()));
  if (!node.version().empty()) text += fmt::format("; version {}", node.version());
  if (!node.tags().empty()) text += fmt::format("; tags {}", fmt::join(node.tags(), ","));
  return text;
}

nlohmann::ordered_json NodeJson(const wire::NodeStatus& node) {
  nlohmann::ordered_json tags = nlohmann::ordered_json::array();
  for (const std::string& tag : node.tags()) tags.push_back(tag);
  return {{"name", node.name()},
          {"role", node.role()},
          {"leases", node.leases()},
          {"silent_ms", node.silent_us() / 1000},
          {"machine", node.machine()},
          {"pages", node.pages_path()},
          {"worker", node.worker()},
          {"state", node.state()},
          {"version", node.version()},
          {"credit", node.credit()},
          {"pages_handed_in", node.pages()},
          {"pages_per_s", node.pages_per_s()},
          {"held", node.held()},
          {"lag_ms", node.lag_us() / 1000},
          {"tags", tags},
          {"token", node.token()}};
}

std::string PlaceText(const wire::NodeStatus& place) {
  const std::string_view what = place.state() == kForgotten ? "are lost: its machine was given up by weft node forget"
                                : place.state() == kGone    ? "are away: no worker has it open"
                                                            : "lie there";
  return fmt::format("pages in {} on {} ({}) {}", place.pages_path(), place.machine(), place.worker(), what);
}

nlohmann::ordered_json PlaceJson(const wire::NodeStatus& place) {
  return {{"id", fmt::format("{:016x}", place.pages_dir_id())},
          {"pages", place.pages_path()},
          {"machine", place.machine()},
          {"worker", place.worker()},
          {"state", place.state()}};
}

}  // namespace weft
