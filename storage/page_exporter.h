// Export of crawled pages as JSON Lines: one object a row, fields always in the same order.
// Thread rule: a writer belongs to one thread.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace weft {

// In the order of the JSON fields, named as these are. Strings are there even if empty, `text` only if it was asked for.
struct PageRow {
  std::string url;
  int status = 0;
  uint32_t depth = 0;
  std::string referrer;
  absl::Time fetched_at = absl::UnixEpoch();  // "2026-01-02T03:04:05.678901Z"
  std::string content_type;
  std::string charset;
  uint64_t length = 0;                        // of the payload
  std::string digest;                         // "sha1:BASE32", of the payload
  bool truncated = false;
  std::string warc_file;
  uint64_t warc_offset = 0;
  // Of a page that was fetched again; else these three are left out.
  std::optional<absl::Time> first_fetched;
  absl::Time last_checked = absl::UnixEpoch();
  uint32_t changes = 0;                       // visits that found another page than the one before
  std::vector<std::string> robots;            // "noindex", "nofollow": what the page asked of the crawl
  std::string title;
  std::vector<std::string> links;
  std::optional<std::string> text;
};

// One line without its line end. Invalid UTF-8 becomes U+FFFD.
std::string JsonLine(const PageRow& row);

// Errors: ResourceExhausted when the disk is full, Unavailable when a reader of the pipe has gone (the process ignores
// SIGPIPE), else Internal. After an error nothing more is written.
class JsonlWriter {
 public:
  // To a descriptor, which is not closed: standard output.
  static std::unique_ptr<JsonlWriter> ToDescriptor(int fd);
  // To a file that appears whole or not at all: written under another name beside it, renamed by Finish(). What is no
  // regular file (/dev/null, a named pipe) is written directly.
  static absl::StatusOr<std::unique_ptr<JsonlWriter>> ToFile(const std::string& path);
  // Without Finish() the unfinished file is removed.
  ~JsonlWriter();
  JsonlWriter(const JsonlWriter&) = delete;
  JsonlWriter& operator=(const JsonlWriter&) = delete;

  absl::Status Append(const PageRow& row);
  // Writes what is buffered; with ToFile: durable, and under its name.
  absl::Status Finish();

 private:
  JsonlWriter(int fd, bool owned) : fd_(fd), owned_(owned) {}
  absl::Status Flush();
  absl::Status Publish();

  int fd_;
  bool owned_;
  std::string target_;      // empty: nothing is renamed
  std::string unfinished_;  // its name until then
  std::string buffer_;
  absl::Status error_;
};

}  // namespace weft
