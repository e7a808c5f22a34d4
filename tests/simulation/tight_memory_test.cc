// Many large bodies at once and little memory for them: what drawn crawls bring about seldom.
#include <gtest/gtest.h>

#include "tests/support/sim_cluster.h"

namespace weft::test {
namespace {

class TightMemory : public testing::TestWithParam<uint64_t> {};

// Beyond its memory a fetcher's bodies pause, but for the oldest (rule 26).
TEST_P(TightMemory, BoundsTheBodiesUnderWay) {
  SimOptions options = DrawOptions(GetParam());
  options.faultless = false;
  options.faults.clear();
  options.network = {};
  options.fetchers = 1;
  options.settings.clear_rule();  // which may be for another fetcher alone
  options.tags.clear();
  options.web = {.hosts = 30, .pages = 90, .troubled_hosts = 0, .odd_pages = 0, .large_pages = 60};
  options.settings.set_scope("any");
  options.settings.set_ignore_robots(false);
  options.settings.set_delay_us(0);
  options.settings.set_connections(32);
  options.settings.set_body_memory_bytes(2 << 20);
  SimReport report = SimCluster(options).Run();
  std::string text = report.summary;
  for (const auto& violation : report.violations) text += "\n  " + violation.rule + ": " + violation.text;
  EXPECT_TRUE(report.ok()) << "seed " << GetParam() << ": " << text;
}

INSTANTIATE_TEST_SUITE_P(Seeds, TightMemory, testing::Range<uint64_t>(1, 11));

}  // namespace
}  // namespace weft::test
