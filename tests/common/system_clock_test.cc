// The kernel's clock. Leases are counted on it, so it must go on while the machine is suspended (protocol rule 16).
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>

#include "common/clock.h"

namespace weft {
namespace {

constexpr int kAsItShould = 0;
constexpr int kNot = 1;
constexpr int kNoNamespace = 77;

// The exit code of `run` in a child process.
template <typename Run>
int InChild(Run run) {
  const pid_t child = fork();
  if (child == 0) _exit(run());
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// Children from here on live a day of suspension later: on CLOCK_BOOTTIME, and on no other clock.
int AfterADayOfSleep() {
  const absl::Time before = SystemClock().SteadyNow();
  if (unshare(CLONE_NEWTIME) != 0) return kNoNamespace;
  std::FILE* offsets = std::fopen("/proc/self/timens_offsets", "we");
  if (offsets == nullptr) return kNoNamespace;
  const bool written = std::fputs("boottime 86400 0\n", offsets) >= 0;
  if (std::fclose(offsets) != 0 || !written) return kNoNamespace;
  return InChild([before] { return SystemClock().SteadyNow() - before > absl::Hours(23) ? kAsItShould : kNot; });
}

TEST(SystemClockTest, SteadyTimeGoesOnWhileTheMachineIsSuspended_Rule16) {
  const int code = InChild(AfterADayOfSleep);
  if (code == kNoNamespace) GTEST_SKIP() << "no time namespace may be made here";
  EXPECT_EQ(code, kAsItShould);
}

TEST(SystemClockTest, SteadyTimeNeverGoesBack) {
  absl::Time before = SystemClock().SteadyNow();
  for (int i = 0; i < 1000; ++i) {
    const absl::Time now = SystemClock().SteadyNow();
    ASSERT_GE(now, before);
    before = now;
  }
}

}  // namespace
}  // namespace weft
