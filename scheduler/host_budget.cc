#include "scheduler/host_budget.h"

#include <algorithm>

#include <fmt/format.h>

namespace weft {
namespace {

// Of a host that has not answered yet, while bytes or time are bounded.
constexpr uint64_t kFirstBatch = 8;

uint64_t MostTime(const wire::CrawlSettings& settings) {
  return static_cast<uint64_t>(std::max<int64_t>(settings.host_max_time_us(), 0));
}

bool Spent(uint64_t most, uint64_t used) { return most > 0 && used >= most; }

// How many more at the cost of those before.
uint64_t Affordable(uint64_t most, uint64_t used, uint64_t answers) {
  if (most == 0) return UINT64_MAX;
  if (answers == 0) return kFirstBatch;
  const uint64_t each = std::max<uint64_t>(used / answers, 1);
  return (most - std::min(most, used)) / each;
}

}  // namespace

bool HasHostBudget(const wire::CrawlSettings& settings) {
  return settings.host_max_pages() > 0 || settings.host_max_bytes() > 0 || MostTime(settings) > 0;
}

bool HostBudgetSpent(const wire::CrawlSettings& settings, const HostState& host) {
  return Spent(settings.host_max_pages(), host.pages) || Spent(settings.host_max_bytes(), host.bytes) ||
         Spent(MostTime(settings), host.asked_us);
}

size_t HostBudgetBatch(const wire::CrawlSettings& settings, const HostState* host, uint64_t out, size_t wanted) {
  if (host == nullptr || wanted == 0 || !HasHostBudget(settings)) return wanted;
  uint64_t left = UINT64_MAX;
  if (settings.host_max_pages() > 0) left = settings.host_max_pages() - std::min(settings.host_max_pages(), host->pages);
  left = std::min(left, Affordable(settings.host_max_bytes(), host->bytes, host->answers));
  left = std::min(left, Affordable(MostTime(settings), host->asked_us, host->answers));
  left -= std::min(left, out);
  return static_cast<size_t>(std::clamp<uint64_t>(left, out > 0 ? 0 : 1, wanted));
}

std::string HostBudgetText(const wire::CrawlSettings& settings) {
  if (!HasHostBudget(settings)) return "";
  return fmt::format("{}/{}/{}", settings.host_max_pages(), settings.host_max_bytes(), settings.host_max_time_us());
}

}  // namespace weft
