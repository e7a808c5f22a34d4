// Runs simulated crawls for many seeds, or one with a trace; scripts/simulate builds and calls it.
#include <fmt/format.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "tests/support/sim_cluster.h"

namespace {

struct Arguments {
  uint64_t first = 1;
  uint64_t seeds = 100;
  uint64_t step = 1;
  bool trace = false;
  bool verbose = false;
};

std::optional<Arguments> Read(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    std::string_view name = argv[i];
    if (name == "--trace") {
      arguments.trace = true;
    } else if (name == "--verbose") {
      arguments.verbose = true;
    } else if (i + 1 < argc && (name == "--first" || name == "--seeds" || name == "--step" || name == "--seed")) {
      uint64_t value = std::strtoull(argv[++i], nullptr, 10);
      if (name == "--first" || name == "--seed") arguments.first = value;
      if (name == "--seeds") arguments.seeds = value;
      if (name == "--step") arguments.step = value == 0 ? 1 : value;
      if (name == "--seed") arguments.seeds = 1;
    } else {
      return std::nullopt;
    }
  }
  return arguments;
}

bool RunOne(uint64_t seed, const Arguments& arguments) {
  weft::test::SimOptions options = weft::test::DrawOptions(seed);
  options.trace = arguments.trace;
  weft::test::SimReport report = weft::test::SimCluster(options).Run();
  if (!report.ok() || arguments.verbose || arguments.trace || arguments.seeds == 1) fmt::print("{}\n", report.summary);
  if (report.ok()) return true;
  size_t shown = 0;
  for (const auto& violation : report.violations) {
    if (++shown <= 10 || arguments.seeds == 1) fmt::print("  {}: {}\n", violation.rule, violation.text);
  }
  if (arguments.seeds == 1) {
    for (const auto& fault : options.faults) fmt::print("  {}\n", Describe(fault));
    fmt::print("{}\n", report.dump);
  } else {
    fmt::print("  to see how it came to this: scripts/simulate --seed {} --trace\n", seed);
  }
  std::fflush(stdout);
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  std::optional<Arguments> arguments = Read(argc, argv);
  if (!arguments) {
    fmt::print(stderr, "usage: weft_simulate [--first S] [--seeds N] [--step K] [--verbose] | --seed S [--trace]\n");
    return 2;
  }
  uint64_t failed = 0;
  for (uint64_t i = 0; i < arguments->seeds; ++i) {
    if (!RunOne(arguments->first + i * arguments->step, *arguments)) ++failed;
  }
  fmt::print("{} of {} seeds failed\n", failed, arguments->seeds);
  return failed == 0 ? 0 : 1;
}
