// crawl.log: a line per URL that ended, in Heritrix' field order: time, status, size, URL, discovery path, referrer, type,
// worker, start+duration, digest, source, annotations (the reason, where there is one). A URL that ended without a
// response has status 0 and its reason in the annotations.
// Thread rule: the scheduler's loop.
#pragma once

#include <absl/status/statusor.h>

#include <cstdio>
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
  // Buffered; a log that cannot be written is reported once through `problem`.
  void Write(const UrlEnd& end);
  void Flush();
  // The first error of a write, for people; empty while all is well.
  const std::string& problem() const { return problem_; }

 private:
  CrawlLog(std::FILE* file, const Clock& clock) : file_(file), clock_(clock) {}
  std::FILE* file_;
  const Clock& clock_;
  std::string problem_;
};

// The line without its end, for tests.
std::string CrawlLogLine(const UrlEnd& end, absl::Time now);

}  // namespace weft
