// crawl.log: a line per URL that ended, in Heritrix' field order: time, status, size, URL, discovery path, referrer, type,
// worker, start+duration, digest, source, annotations (the reason, where there is one). A URL that ended without a
// response has status 0 and its reason in the annotations.
// Thread rule: the scheduler's loop.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <string>

#include "common/clock.h"
#include "scheduler/scheduler_node.h"

namespace weft {

class CrawlLog {
 public:
  // Appends to `path`.
  static absl::StatusOr<std::unique_ptr<CrawlLog>> Open(const std::string& path, const Clock& clock);
  ~CrawlLog();
  CrawlLog(const CrawlLog&) = delete;
  CrawlLog& operator=(const CrawlLog&) = delete;
  // Buffered until Flush.
  void Write(const UrlEnd& end);
  // Writes what is buffered. What cannot be written waits, in bounded memory, for the next call.
  void Flush();
  // Why the last Flush could not write everything, for people; empty while all is well.
  const std::string& problem() const { return problem_; }

 private:
  CrawlLog(int fd, const Clock& clock) : fd_(fd), clock_(clock) {}
  void WriteWaiting();
  int fd_;
  const Clock& clock_;
  std::string waiting_;
  uint64_t dropped_ = 0;  // lines that found no room in memory
  std::string problem_;
};

// The line without its end, for tests.
std::string CrawlLogLine(const UrlEnd& end, absl::Time now);

}  // namespace weft
