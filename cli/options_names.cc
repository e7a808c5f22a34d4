#include "cli/options_names.h"

#include <algorithm>

namespace weft {
namespace {

// Optimal string alignment distance. Both are names of options: short.
size_t Distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<size_t>> d(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  for (size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replace = d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, replace});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  }
  return d[a.size()][b.size()];
}

}  // namespace

std::string NearestName(std::string_view typed, const std::vector<std::string>& candidates) {
  constexpr size_t kLongestTyped = 64;
  if (typed.empty() || typed.size() > kLongestTyped) return "";
  std::string best;
  size_t best_distance = SIZE_MAX;
  for (const std::string& candidate : candidates) {
    const bool extends = candidate.size() > typed.size() && typed.size() >= 3 && candidate.starts_with(typed);
    const size_t distance = extends ? 1 : Distance(typed, candidate);
    const size_t allowed = std::max<size_t>(candidate.size() < 5 ? 1 : 2, candidate.size() / 3);  // "rel" is not what "url" meant
    if (distance > allowed) continue;
    if (distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

}  // namespace weft
