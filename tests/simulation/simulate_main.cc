// Runs simulated crawls for many seeds, or one with a trace; scripts/simulate builds and calls it.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "common/clock.h"
#include "common/status.h"
#include "common/units.h"
#include "tests/simulation/seed_runs.h"

namespace weft::test {
namespace {

constexpr absl::Duration kFirstProgress = absl::Seconds(2);
constexpr absl::Duration kProgressEvery = absl::Seconds(5);
constexpr size_t kViolationsShown = 10;

struct Arguments {
  SeedRunsOptions runs;
  bool one = false;
  bool trace = false;
  bool verbose = false;
  bool json = false;
};

std::optional<SimOptions::Planted> PlantedOf(std::string_view name) {
  if (name == "revocation-not-heard") return SimOptions::Planted::kSchedulerNotToldOfRevocation;
  if (name == "time-follows-wall-clock") return SimOptions::Planted::kTimeFollowsTheWallClock;
  return std::nullopt;
}

std::optional<Arguments> Read(int argc, char** argv) {
  Arguments arguments;
  arguments.runs.jobs = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (name == "--trace") {
      arguments.trace = true;
    } else if (name == "--verbose") {
      arguments.verbose = true;
    } else if (name == "--json") {
      arguments.json = true;
    } else if (i + 1 < argc && name == "--planted") {
      const auto planted = PlantedOf(argv[++i]);
      if (!planted) return std::nullopt;
      arguments.runs.planted = *planted;
    } else if (i + 1 < argc && (name == "--first" || name == "--seeds" || name == "--jobs" || name == "--seed")) {
      char* end = nullptr;
      const uint64_t value = std::strtoull(argv[++i], &end, 10);
      if (*argv[i] == '\0' || *end != '\0') return std::nullopt;
      if (name == "--first" || name == "--seed") arguments.runs.first = value;
      if (name == "--seeds") arguments.runs.seeds = value;
      if (name == "--jobs") arguments.runs.jobs = static_cast<int>(std::min<uint64_t>(value, 256));
      arguments.one = arguments.one || name == "--seed";
    } else {
      return std::nullopt;
    }
  }
  if ((arguments.trace && !arguments.one) || arguments.runs.jobs < 1) return std::nullopt;
  return arguments;
}

int RunOne(const Arguments& arguments) {
  SimOptions options = DrawOptions(arguments.runs.first);
  options.trace = arguments.trace;
  options.planted = arguments.runs.planted;
  const SimReport report = SimCluster(options).Run();
  fmt::print("{}\n", report.summary);
  for (const Violations::Violation& violation : report.violations) fmt::print("  {}: {}\n", violation.rule, violation.text);
  for (const SimFault& fault : options.faults) fmt::print("  {}\n", Describe(fault));
  if (!report.ok()) fmt::print("{}\n", report.dump);
  return report.ok() ? 0 : 1;
}

// On stderr, every few seconds.
class Progress {
 public:
  explicit Progress(uint64_t seeds) : seeds_(seeds), begun_(SystemClock().SteadyNow()), next_(begun_ + kFirstProgress) {}

  absl::Duration past() const { return SystemClock().SteadyNow() - begun_; }

  void Tell(const SeedTotals& totals) {
    const absl::Time now = SystemClock().SteadyNow();
    if (now < next_) return;
    next_ = now + kProgressEvery;
    const double rate = static_cast<double>(totals.seeds) / absl::ToDoubleSeconds(now - begun_);
    const absl::Duration left =
        rate > 0 ? absl::Seconds(static_cast<double>(seeds_ - totals.seeds) / rate) : absl::InfiniteDuration();
    fmt::print(stderr, "simulate: {} of {} seeds, {:.1f}/s, {} left, {} failed\n", totals.seeds, seeds_, rate,
               totals.seeds == 0 ? "?" : absl::FormatDuration(absl::Trunc(left, absl::Seconds(1))), totals.failed);
  }

 private:
  uint64_t seeds_;
  absl::Time begun_;
  absl::Time next_;
};

nlohmann::json JsonOf(const Arguments& arguments, const SeedTotals& totals, absl::Duration took) {
  nlohmann::json out;
  out["first"] = arguments.runs.first;
  out["seeds"] = totals.seeds;
  out["failed"] = totals.failed;
  out["seconds"] = absl::ToDoubleSeconds(took);
  nlohmann::json& failed = out["first_failed"] = nlohmann::json::array();
  for (const FailedSeed& one : totals.first_failed) failed.push_back({{"seed", one.seed}, {"violations", one.violations}});
  nlohmann::json& faults = out["faults"];
  for (size_t kind = 0; kind < SimFault::kKinds; ++kind) {
    faults[std::string(NameOf(static_cast<SimFault::Kind>(kind)))] = totals.sums.faults[kind];
  }
  out["crawls_with_keys"] = totals.crawls_with_keys;
  out["restarts"] = totals.sums.restarts;
  out["nodes_drained"] = totals.sums.drained;
  out["nodes_forgotten"] = totals.sums.forgotten;
  out["messages"] = totals.sums.messages;
  out["messages_lost"] = totals.sums.lost;
  out["messages_repeated"] = totals.sums.repeated;
  out["messages_of_refused_keys"] = totals.sums.refused;
  out["leases_revoked"] = totals.sums.revokes;
  out["requests"] = totals.sums.requests;
  out["fetched_again"] = totals.sums.refetches;
  return out;
}

std::string LineOf(const Arguments& arguments, const SeedTotals& totals, absl::Duration took) {
  std::string line = fmt::format("{} seeds from {} in {}: {} failed;", totals.seeds, arguments.runs.first,
                                 absl::FormatDuration(absl::Trunc(took, absl::Milliseconds(100))), totals.failed);
  for (size_t kind = 0; kind < SimFault::kKinds; ++kind) {
    line += fmt::format(" {} {},", NameOf(static_cast<SimFault::Kind>(kind)), totals.sums.faults[kind]);
  }
  const SimReport& sums = totals.sums;
  line += fmt::format(" restarts {}; {} crawls with keys, {} nodes drained, {} forgotten; {} messages, {} lost, {} repeated, {} of refused keys; "
                      "{} requests, {} of them again", sums.restarts, totals.crawls_with_keys, sums.drained, sums.forgotten, sums.messages,
                      sums.lost, sums.repeated, sums.refused, sums.requests, sums.refetches);
  return line;
}

int RunMany(const Arguments& arguments) {
  Progress progress(arguments.runs.seeds);
  SeedRuns::Told told;
  told.ended = [&](const SimReport& report) {
    if (arguments.verbose) fmt::print(stderr, "{}\n", report.summary);
    if (!report.ok()) fmt::print(stderr, "simulate: seed {}: {}: {}\n", report.seed, report.violations[0].rule, report.violations[0].text);
  };
  told.progress = [&](const SeedTotals& totals) { progress.Tell(totals); };
  const auto totals = SeedRuns::Run(arguments.runs, std::move(told));
  if (!totals.ok()) {
    fmt::print(stderr, "simulate: {}\n", ErrorText(totals.status()));
    return 1;
  }
  if (arguments.json) {
    fmt::print("{}\n", JsonOf(arguments, *totals, progress.past()).dump(2));
    return totals->failed == 0 ? 0 : 1;
  }
  for (const FailedSeed& failed : totals->first_failed) {
    fmt::print("{}\n", failed.summary);
    for (size_t i = 0; i < std::min(kViolationsShown, failed.violations.size()); ++i) fmt::print("  {}\n", failed.violations[i]);
    fmt::print("  to see how it came to this: scripts/simulate --seed {} --trace\n", failed.seed);
  }
  if (totals->failed > totals->first_failed.size()) {
    fmt::print("and {} seeds more\n", totals->failed - totals->first_failed.size());
  }
  fmt::print("{}\n", LineOf(arguments, *totals, progress.past()));
  return totals->failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace weft::test

int main(int argc, char** argv) {
  const auto arguments = weft::test::Read(argc, argv);
  if (!arguments) {
    fmt::print(stderr, "usage: weft_simulate [--first S] [--seeds N] [--jobs N] [--json] [--verbose] | --seed S [--trace]\n"
               "       --planted revocation-not-heard|time-follows-wall-clock: with that fault, to see that it is seen\n");
    return 2;
  }
  return arguments->one ? weft::test::RunOne(*arguments) : weft::test::RunMany(*arguments);
}
