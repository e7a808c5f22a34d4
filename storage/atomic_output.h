// A file that is written from its beginning and appears whole or not at all: until Finish() it lies beside its final place
// under another name. Thread rule: one thread.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace weft {

// The directory that `path` lies in; "." where it names none.
std::string DirectoryOf(std::string_view path);
// Where a symbolic link leads, so that the link stays and its target is replaced; else the path itself.
std::string ResolvedPath(const std::string& path);
// The name beside `target` under which this process writes until it is whole.
std::string UnfinishedName(const std::string& target);
// Removes what processes that are gone have left unfinished beside `target`. A file that is being written stays: its process
// lives, or holds a lock on it (which tells also of processes that cannot be seen from here).
void RemoveLeftovers(const std::string& target);
// Makes a whole file durable and gives it its name.
absl::Status PublishFile(const std::string& unfinished, const std::string& target);

// Errors: ResourceExhausted when the disk is full (or the file-size limit is reached), Unavailable when a reader of the pipe
// has gone (the process ignores SIGPIPE and SIGXFSZ), else Internal. After an error nothing more is written.
class AtomicOutput {
 public:
  // What is no regular file (/dev/null, a named pipe) is written directly. A symbolic link stays, its target is replaced.
  static absl::StatusOr<std::unique_ptr<AtomicOutput>> ToFile(const std::string& path);
  // To a descriptor, which is not closed: standard output.
  static std::unique_ptr<AtomicOutput> ToDescriptor(int fd);
  // Without Finish() the unfinished file is removed.
  ~AtomicOutput();
  AtomicOutput(const AtomicOutput&) = delete;
  AtomicOutput& operator=(const AtomicOutput&) = delete;

  absl::Status Write(std::string_view bytes);
  // Replaces bytes that were written before; of a regular file only.
  absl::Status Patch(uint64_t offset, std::string_view bytes);
  // Something with a place of its own, that can be patched: no pipe, no device.
  bool regular() const { return !target_.empty(); }
  // Bytes written so far.
  uint64_t size() const { return size_; }
  // Durable, and under its name.
  absl::Status Finish();

 private:
  AtomicOutput(int fd, bool owned) : fd_(fd), owned_(owned) {}
  absl::Status Flush();
  absl::Status Publish();

  int fd_;
  bool owned_;
  std::string target_;      // empty: nothing is renamed
  std::string unfinished_;  // its name until then
  std::string buffer_;
  uint64_t size_ = 0;
  absl::Status error_;
};

}  // namespace weft
