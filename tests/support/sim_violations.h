// What an observer of the simulated cluster has seen go wrong, with the rule's name and the virtual time.
#pragma once

#include <absl/time/time.h>
#include <fmt/format.h>

#include <string>
#include <vector>

#include "tests/support/sim_clock.h"

namespace weft::test {

class Violations {
 public:
  explicit Violations(const SimClock& clock) : clock_(clock) {}

  template <typename... A>
  void Add(std::string rule, fmt::format_string<A...> format, A&&... args) {
    if (++count_ > kKept) return;
    double seconds = static_cast<double>(clock_.now_ns()) * 1e-9;
    seen_.push_back({std::move(rule), fmt::format("{:.6f} s: {}", seconds, fmt::format(format, std::forward<A>(args)...))});
  }

  struct Violation {
    std::string rule;
    std::string text;
  };
  const std::vector<Violation>& seen() const { return seen_; }
  bool empty() const { return count_ == 0; }
  size_t count() const { return count_; }
  bool Has(std::string_view rule) const {
    for (const Violation& v : seen_) {
      if (v.rule == rule) return true;
    }
    return false;
  }

 private:
  static constexpr size_t kKept = 50;
  const SimClock& clock_;
  size_t count_ = 0;
  std::vector<Violation> seen_;
};

}  // namespace weft::test
