// CPU time, in seconds, to the nanosecond: getrusage answers what the last tick of the kernel's clock knew, and what is measured here
// is often shorter than that.
#pragma once

#include <ctime>

namespace weft {

inline double SecondsOf(const timespec& time) { return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9; }

// Of the calling thread.
inline double ThreadSeconds() {
  timespec spent{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
  return SecondsOf(spent);
}

// Of all threads of the process.
inline double ProcessSeconds() {
  timespec spent{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent);
  return SecondsOf(spent);
}

}  // namespace weft
