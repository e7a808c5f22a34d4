#include "cli/node_text.h"

#include <absl/time/time.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <set>

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
          {"token", node.token()},
          {"store", node.has_store() ? StoreJson(node) : nlohmann::ordered_json(nullptr)},
          {"refusals", node.has_refusals() ? RefusalsJson(node.refusals()) : nlohmann::ordered_json(nullptr)}};
}

std::vector<std::string> StoreTexts(const wire::NodeStatus& node) {
  const wire::StoreStatus& store = node.store();
  std::vector<std::string> texts = {fmt::format("store {} ({}): {} ({}) stored, {} removed here, {} waiting, {} given up", store.url(), node.worker(),
                                                HumanCount(store.stored(), "file"), HumanSize(store.stored_bytes()), HumanCount(store.freed()),
                                                HumanCount(store.waiting()), HumanCount(store.failed()))};
  if (!store.trouble().empty()) texts.push_back(fmt::format("store ({}): nothing could be stored lately: {}", node.worker(), store.trouble()));
  if (!store.last_error().empty()) texts.push_back(fmt::format("store ({}): the file that failed last: {}", node.worker(), store.last_error()));
  return texts;
}

nlohmann::ordered_json StoreJson(const wire::NodeStatus& node) {
  const wire::StoreStatus& store = node.store();
  return {{"url", store.url()},         {"worker", node.worker()},   {"machine", node.machine()},     {"pages", node.pages_path()},
          {"stored", store.stored()},   {"stored_bytes", store.stored_bytes()}, {"freed", store.freed()}, {"waiting", store.waiting()},
          {"failed", store.failed()},   {"trouble", store.trouble()}, {"last_error", store.last_error()}};
}

std::vector<const wire::NodeStatus*> StoresOf(const wire::StatusReply& status) {
  std::vector<const wire::NodeStatus*> stores;
  std::set<uint64_t> directories;
  for (const wire::NodeStatus& node : status.nodes()) {
    if (node.has_store() && directories.insert(node.pages_dir_id()).second) stores.push_back(&node);
  }
  return stores;
}

std::vector<std::string> RefusalTexts(const wire::StatusReply& status) {
  std::vector<std::string> texts;
  const wire::Refusals& own = status.refusals();
  if (own.handshakes() + own.frames() + own.malformed() + own.registrations() > 0) {
    texts.push_back(fmt::format("turned away: {} connections, {} registrations, {} messages under keys that do not hold, {} malformed",
                                own.handshakes(), own.registrations(), own.frames(), own.malformed()));
  }
  for (const wire::NodeStatus& node : status.nodes()) {
    const wire::Refusals& at = node.refusals();
    if (at.handshakes() + at.frames() + at.malformed() == 0) continue;
    texts.push_back(fmt::format("turned away at {}: {} connections, {} messages under keys that may not send them, {} malformed", node.name(),
                                at.handshakes(), at.frames(), at.malformed()));
  }
  return texts;
}

nlohmann::ordered_json RefusalsJson(const wire::Refusals& refusals) {
  return {{"handshakes", refusals.handshakes()}, {"frames", refusals.frames()}, {"malformed", refusals.malformed()}};
}

std::string PlaceText(const wire::NodeStatus& place) {
  const std::string_view what = place.state() == kForgotten ? "are lost: its machine was given up by weft node forget"
                                : place.state() == kGone    ? "are away: no worker has it open"
                                                            : "are at hand";
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
