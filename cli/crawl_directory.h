// A crawl's directory: crawl.db/, crawl.seen.a or .b, warc/, crawl.log, and the lock and the control socket of the process that runs on it.
#pragma once

#include <absl/status/statusor.h>

#include <memory>
#include <string>

namespace weft {

class CrawlDirectory {
 public:
  // Creates it where it is missing and locks it for this process. FailedPrecondition, for people: it holds something
  // else, cannot be written, or another process (named by pid) crawls there.
  static absl::StatusOr<std::unique_ptr<CrawlDirectory>> OpenForCrawl(const std::string& path);
  // The same for a cluster's scheduler, whose pages lie with its workers. It is marked: weft crawl may not go on there.
  static absl::StatusOr<std::unique_ptr<CrawlDirectory>> OpenForScheduler(const std::string& path);
  // A worker's pages directory: created where it is missing, and locked for this process.
  static absl::StatusOr<std::unique_ptr<CrawlDirectory>> OpenForPages(const std::string& path);
  // Opens an existing crawl to read it. `running_pid` is set where a process runs on it now, else the lock is taken.
  static absl::StatusOr<std::unique_ptr<CrawlDirectory>> OpenToRead(const std::string& path);
  // A crawl was begun there.
  static bool Exists(const std::string& path);
  ~CrawlDirectory();
  CrawlDirectory(const CrawlDirectory&) = delete;
  CrawlDirectory& operator=(const CrawlDirectory&) = delete;

  const std::string& path() const { return path_; }
  std::string db_path() const { return path_ + "/crawl.db"; }
  std::string seen_path() const { return path_ + "/crawl.seen"; }
  std::string warc_path() const { return path_ + "/warc"; }
  std::string checkpoints_path() const { return path_ + "/checkpoints"; }
  std::string log_path() const { return path_ + "/crawl.log"; }
  std::string control_path() const { return path_ + "/weft.sock"; }
  // An ipc:// endpoint short enough for any depth of directories; valid while this object lives.
  std::string control_endpoint() const;
  // The process that holds the lock; 0: none (or we do).
  int running_pid() const { return running_pid_; }

 private:
  CrawlDirectory() = default;
  // Creates it where it is missing, refuses what is something else, and locks it.
  static absl::StatusOr<std::unique_ptr<CrawlDirectory>> OpenToWrite(const std::string& path, const std::string& flag);
  absl::Status Lock(const std::string& flag);
  std::string path_;
  int directory_fd_ = -1;
  int lock_fd_ = -1;
  int running_pid_ = 0;
};

}  // namespace weft
