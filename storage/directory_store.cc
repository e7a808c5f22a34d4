#include "storage/directory_store.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include "common/status.h"
#include "storage/atomic_output.h"
#include "storage/byte_source.h"
#include "storage/file_ops.h"

namespace weft {
namespace {

constexpr size_t kCopyBytes = 1u << 20;

class DirectoryStore : public ObjectStore {
 public:
  DirectoryStore(std::string directory, StoreWait& wait) : directory_(std::move(directory)), wait_(wait) {}

  std::string UrlOf(std::string_view name) const override { return "file://" + PathOf(name); }

  absl::StatusOr<bool> Put(const std::string& path, const std::string& name, const ObjectDigest& digest) override {
    const std::string target = PathOf(name);
    if (PosixFileOps().Exists(target)) {
      WEFT_ASSIGN_OR_RETURN(const ObjectDigest there, DigestOfFile(target));
      if (there == digest) return false;
      return absl::AlreadyExistsError(fmt::format("{} is another file ({} bytes, SHA-256 {}) than {}; nothing was replaced", target,
                                                  there.bytes, there.sha256, path));
    }
    WEFT_RETURN_IF_ERROR(MakeFolderOf(target));
    WEFT_RETURN_IF_ERROR(Copy(path, target));
    // Read back: the disk, or what is mounted, says what it holds.
    WEFT_ASSIGN_OR_RETURN(const ObjectDigest there, DigestOfFile(target));
    if (there == digest) return true;
    return DataLoss("{} is not what was copied there", target);
  }

  absl::StatusOr<ObjectInfo> Head(const std::string& name) override {
    WEFT_ASSIGN_OR_RETURN(const auto source, OpenFileSource(PathOf(name)));
    return ObjectInfo{name, source->size(), ""};
  }

  absl::Status List(const std::string& prefix, absl::FunctionRef<absl::Status(const ObjectInfo&)> each) override {
    namespace fs = std::filesystem;
    std::error_code error;
    for (fs::recursive_directory_iterator it(directory_, error), end; !error && it != end; it.increment(error)) {
      const std::string name = it->path().string().substr(directory_.size() + 1);
      if (!name.starts_with(prefix) || !it->is_regular_file(error)) continue;
      WEFT_RETURN_IF_ERROR(each({name, it->file_size(error), ""}));
    }
    return error ? ErrnoStatus(error.value(), "list", directory_) : absl::OkStatus();
  }

  absl::StatusOr<std::string> Get(const std::string& name, uint64_t offset, uint64_t length) override {
    WEFT_ASSIGN_OR_RETURN(const auto source, OpenFileSource(PathOf(name)));
    std::string bytes(static_cast<size_t>(offset >= source->size() ? 0 : std::min(length, source->size() - offset)), '\0');
    if (source->ReadAt(offset, bytes.data(), bytes.size()) != bytes.size()) return Unavailable("{} cannot be read", PathOf(name));
    return bytes;
  }

 private:
  std::string PathOf(std::string_view name) const { return fmt::format("{}/{}", directory_, name); }

  absl::Status MakeFolderOf(const std::string& target) const {
    std::error_code error;
    if (!std::filesystem::is_directory(DirectoryOf(directory_), error)) {
      return Unavailable("{} is not there: is the disk mounted?", DirectoryOf(directory_));
    }
    std::filesystem::create_directories(DirectoryOf(target), error);
    return error ? Unavailable("cannot make {}: {}", DirectoryOf(target), error.message()) : absl::OkStatus();
  }

  absl::Status Copy(const std::string& path, const std::string& target) {
    WEFT_ASSIGN_OR_RETURN(const auto source, OpenFileSource(path));
    auto output = AtomicOutput::ToFile(target);
    if (!output.ok()) return Unavailable("{}", ErrorText(output.status()));
    std::string bytes(kCopyBytes, '\0');
    while ((*output)->size() < source->size()) {
      if (wait_.stopped()) return absl::CancelledError("stopped");
      const size_t got = source->ReadAt((*output)->size(), bytes.data(), bytes.size());
      if (got == 0) return Internal("{} cannot be read to its end", path);
      // A full disk, or one that went away: it may come back.
      if (const absl::Status wrote = (*output)->Write(std::string_view(bytes).substr(0, got)); !wrote.ok()) return Unavailable("{}", ErrorText(wrote));
    }
    const absl::Status finished = (*output)->Finish();
    return finished.ok() ? finished : Unavailable("{}", ErrorText(finished));
  }

  std::string directory_;
  StoreWait& wait_;
};

}  // namespace

std::unique_ptr<ObjectStore> NewDirectoryStore(const std::string& directory, StoreWait& wait) {
  return std::make_unique<DirectoryStore>(directory, wait);
}

}  // namespace weft
