#include "cli/export_upload.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "common/clock.h"
#include "common/status.h"
#include "storage/file_ops.h"

namespace weft {

absl::StatusOr<std::unique_ptr<ExportUpload>> ExportUpload::Open(const ExportPlan& plan) {
  std::unique_ptr<ExportUpload> upload(new ExportUpload(plan));
  auto store = OpenObjectStore(plan.store, upload->wait_, SystemClock(), *upload->random_);
  if (!store.ok()) return InvalidArgument("--output {}: {}", plan.ShownOutput(), ErrorText(store.status()));
  upload->store_ = *std::move(store);
  std::error_code error;
  std::filesystem::create_directories(plan.staging, error);
  if (error) {
    return FailedPrecondition("{} cannot be made, in which files are written before they are stored: {}; name another place with --staging",
                              plan.staging, error.message());
  }
  const std::string lock = plan.staging + "/.lock";
  upload->lock_ = open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
  if (upload->lock_ < 0) return ErrnoStatus(errno, "open", lock);
  if (flock(upload->lock_, LOCK_EX | LOCK_NB) != 0) {
    return FailedPrecondition("another export to {} is running, in {}; wait for its end", plan.ShownOutput(), plan.staging);
  }
  return upload;
}

ExportUpload::~ExportUpload() {
  if (lock_ >= 0) close(lock_);
}

std::string ExportUpload::NameOf(const std::string& path) const { return path.substr(plan_.staging.size() + 1); }

absl::Status ExportUpload::CheckFree(const std::string& path) {
  const std::string name = NameOf(path);
  const auto there = store_->Head(name);
  if (absl::IsNotFound(there.status())) return absl::OkStatus();
  if (!there.ok()) return there.status();
  return FailedPrecondition("{} is there already; an object of a store is never replaced: choose another name", store_->UrlOf(name));
}

absl::Status ExportUpload::Put(const std::string& path, bool keep) {
  auto digest = DigestOfFile(path);
  absl::Status status = digest.status();
  if (status.ok()) status = store_->Put(path, NameOf(path), *digest).status();
  if (!status.ok()) {
    return absl::Status(status.code(), fmt::format("{}; what is exported and not stored yet is kept in {}, and the same command with --resume "
                                                   "goes on", ErrorText(status), plan_.staging));
  }
  return keep ? absl::OkStatus() : PosixFileOps().Remove(path);
}

}  // namespace weft
