// The scheduler stands still again and again, while everybody else goes on: the machine sleeps, a disk hangs, a debugger
// holds it. Nobody else is to blame for that (rule 30).
#include <gtest/gtest.h>

#include "tests/support/sim_cluster.h"

namespace weft::test {
namespace {

class Standstill : public testing::TestWithParam<uint64_t> {};

// Nodes that spoke all the while are not taken for dead, and what they hold is neither lent nor fetched again.
TEST_P(Standstill, IsNobodyElsesDeath) {
  SimOptions options = DrawOptions(GetParam());
  options.faultless = false;
  options.web = {.hosts = 8, .pages = 250, .troubled_hosts = 0, .odd_pages = 0.1, .large_pages = 0};
  options.settings.set_scope("any");
  options.settings.set_ignore_robots(false);
  // A visit is a page that is fetched again, and here none may be.
  options.settings.set_recrawl(false);
  options.recrawl_for = absl::ZeroDuration();
  // Without a delay what is lent again is asked again at once, before the rest of what has come meanwhile is read.
  bool delay = GetParam() % 2 == 0;
  options.settings.set_delay_us(delay ? 1'000'000 : 0);
  if (!delay) options.web.pages = 1500;
  options.network = {};
  options.pool.stall = 0;
  options.faults.clear();
  for (int i = 0; i < 12; ++i) {
    SimFault fault;
    fault.kind = SimFault::Kind::kPause;
    fault.machine = "scheduler";
    fault.at = absl::Seconds(delay ? 6 + 25 * i : 5 + 22 * i);
    fault.length = absl::Seconds(4 + 5 * ((i + 3) % 4));
    options.faults.push_back(fault);
  }
  SimReport report = SimCluster(options).Run();
  std::string text = report.summary;
  for (const auto& violation : report.violations) text += "\n  " + violation.rule + ": " + violation.text;
  EXPECT_TRUE(report.ok()) << "seed " << GetParam() << ": " << text;
  EXPECT_EQ(report.registrations, static_cast<uint64_t>(options.fetchers + options.parsers)) << text;
  // A request that a lease's deadline has cut short was served all the same.
  EXPECT_LE(report.refetches, options.faults.size()) << text;
}

INSTANTIATE_TEST_SUITE_P(Seeds, Standstill, testing::Range<uint64_t>(1, 16));

}  // namespace
}  // namespace weft::test
