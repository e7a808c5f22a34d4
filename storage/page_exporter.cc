#include "storage/page_exporter.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>

#include <nlohmann/json.hpp>

#include "common/status.h"
#include "storage/file_ops.h"
#include "storage/warc_format.h"

namespace weft {
namespace {

constexpr size_t kBufferBytes = 256 * 1024;

absl::Status WriteError(int error, std::string_view path) {
  if (error == EPIPE) return Unavailable("cannot write {}: its reader has gone", path.empty() ? "the output" : path);
  return ErrnoStatus(error, "write", path.empty() ? "the output" : path);
}

// Where a symbolic link leads, so that the link stays and its target is replaced.
std::string Resolved(const std::string& path) {
  char* const resolved = realpath(path.c_str(), nullptr);
  if (resolved == nullptr) return path;
  std::string out = resolved;
  free(resolved);
  return out;
}

std::string DirectoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

std::string JsonLine(const PageRow& row) {
  nlohmann::ordered_json json = {
      {"url", row.url},
      {"status", row.status},
      {"depth", row.depth},
      {"referrer", row.referrer},
      {"fetched_at", WarcDate(row.fetched_at)},
      {"content_type", row.content_type},
      {"charset", row.charset},
      {"length", row.length},
      {"digest", row.digest},
      {"truncated", row.truncated},
      {"warc_file", row.warc_file},
      {"warc_offset", row.warc_offset},
      {"robots", nlohmann::ordered_json::array_t(row.robots.begin(), row.robots.end())},
      {"title", row.title},
      {"links", nlohmann::ordered_json::array_t(row.links.begin(), row.links.end())},
  };
  if (row.first_fetched.has_value()) {
    json["first_fetched"] = WarcDate(*row.first_fetched);
    json["last_checked"] = WarcDate(row.last_checked);
    json["changes"] = row.changes;
  }
  if (row.text.has_value()) json["text"] = *row.text;
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

std::unique_ptr<JsonlWriter> JsonlWriter::ToDescriptor(int fd) {
  return std::unique_ptr<JsonlWriter>(new JsonlWriter(fd, /*owned=*/false));
}

absl::StatusOr<std::unique_ptr<JsonlWriter>> JsonlWriter::ToFile(const std::string& path) {
  struct stat info {};
  const bool exists = stat(path.c_str(), &info) == 0;
  if (exists && S_ISDIR(info.st_mode)) return InvalidArgument("cannot write {}: it is a directory", path);
  if (exists && !S_ISREG(info.st_mode)) {
    const int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (fd < 0) return ErrnoStatus(errno, "open", path);
    return std::unique_ptr<JsonlWriter>(new JsonlWriter(fd, /*owned=*/true));
  }
  const std::string target = Resolved(path);
  const std::string unfinished = fmt::format("{}.{}.unfinished", target, getpid());
  // A file of this name is of a process that is gone: this one's id was its.
  const int fd = open(unfinished.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
  if (fd < 0) return ErrnoStatus(errno, "create", unfinished);
  std::unique_ptr<JsonlWriter> writer(new JsonlWriter(fd, /*owned=*/true));
  writer->target_ = target;
  writer->unfinished_ = unfinished;
  return writer;
}

JsonlWriter::~JsonlWriter() {
  if (owned_ && fd_ >= 0) close(fd_);
  if (!unfinished_.empty()) unlink(unfinished_.c_str());
}

absl::Status JsonlWriter::Append(const PageRow& row) {
  if (!error_.ok()) return error_;
  buffer_ += JsonLine(row);
  buffer_ += '\n';
  return buffer_.size() >= kBufferBytes ? Flush() : absl::OkStatus();
}

absl::Status JsonlWriter::Flush() {
  std::string_view rest = buffer_;
  while (error_.ok() && !rest.empty()) {
    const ssize_t wrote = write(fd_, rest.data(), rest.size());
    if (wrote >= 0) {
      rest.remove_prefix(static_cast<size_t>(wrote));
    } else if (errno != EINTR) {
      error_ = WriteError(errno, target_);
    }
  }
  buffer_.clear();
  return error_;
}

absl::Status JsonlWriter::Publish() {
  if (fsync(fd_) != 0) return ErrnoStatus(errno, "sync", unfinished_);
  if (close(std::exchange(fd_, -1)) != 0) return ErrnoStatus(errno, "close", unfinished_);
  if (std::rename(unfinished_.c_str(), target_.c_str()) != 0) return ErrnoStatus(errno, "rename", unfinished_);
  unfinished_.clear();
  return PosixFileOps().SyncDirectory(DirectoryOf(target_));
}

absl::Status JsonlWriter::Finish() {
  if (Flush().ok() && !target_.empty() && !unfinished_.empty()) error_ = Publish();
  return error_;
}

}  // namespace weft
