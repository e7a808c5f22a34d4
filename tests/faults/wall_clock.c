/* Preloaded into a process: its wall clock is ahead of the machine's by as many seconds as the file that WEFT_TEST_CLOCK names says (a 64-bit
   number, which may change while the process runs). CLOCK_MONOTONIC and CLOCK_BOOTTIME stay as they are, as on a machine whose
   date is set. libfaketime does the same, but recurses without end in Weft's start. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile int64_t* ahead;

__attribute__((constructor)) static void Open(void) {
  const char* path = getenv("WEFT_TEST_CLOCK");
  int fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) abort();
  void* mapped = mmap(NULL, sizeof *ahead, PROT_READ, MAP_SHARED, fd, 0);
  close(fd);
  if (mapped == MAP_FAILED) abort();
  ahead = mapped;
}

int clock_gettime(clockid_t id, struct timespec* now) {
  long result = syscall(SYS_clock_gettime, id, now);
  if (result == 0 && ahead != NULL && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) now->tv_sec += *ahead;
  return (int)result;
}

int gettimeofday(struct timeval* restrict now, void* restrict zone) {
  (void)zone;
  struct timespec read;
  if (clock_gettime(CLOCK_REALTIME, &read) != 0) return -1;
  now->tv_sec = read.tv_sec;
  now->tv_usec = read.tv_nsec / 1000;
  return 0;
}

time_t time(time_t* into) {
  struct timespec read;
  clock_gettime(CLOCK_REALTIME, &read);
  if (into != NULL) *into = read.tv_sec;
  return read.tv_sec;
}
