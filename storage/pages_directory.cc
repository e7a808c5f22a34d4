#include "storage/pages_directory.h"

#include <filesystem>
#include <system_error>

#include "common/ascii.h"
#include "common/status.h"
#include "storage/byte_source.h"

namespace weft {
namespace {

constexpr std::string_view kIdFile = "pages-directory-id";

std::string IdPath(const std::string& directory) { return fmt::format("{}/{}", directory, kIdFile); }

absl::Status WriteDurable(FileOps& files, const std::string& path, std::string_view text) {
  WEFT_ASSIGN_OR_RETURN(const int fd, files.Create(path));
  absl::Status status = files.WriteAt(fd, text, 0);
  if (status.ok()) status = files.SyncData(fd);
  status.Update(files.Close(fd));
  return WithContext(status, path);
}

// The file appears whole or not at all; the first of several creators wins.
absl::Status CreateId(const std::string& directory, Random& random, FileOps& files) {
  const std::string text = fmt::format("{:016x}\n", random.NextId());
  const std::string draft = fmt::format("{}.{:016x}", IdPath(directory), random.Next());
  absl::Status status = WriteDurable(files, draft, text);
  if (status.ok()) status = files.RenameToNew(draft, IdPath(directory));
  if (!status.ok()) {
    files.Remove(draft).IgnoreError();  // a draft left behind is in nobody's way
    if (!absl::IsAlreadyExists(status)) return status;
  }
  return files.SyncDirectory(directory);
}

}  // namespace

absl::StatusOr<uint64_t> ReadPagesDirectoryId(const std::string& directory) {
  const std::string path = IdPath(directory);
  WEFT_ASSIGN_OR_RETURN(const std::unique_ptr<ByteSource> source, OpenFileSource(path));
  std::string text(64, '\0');
  text.resize(source->ReadAt(0, text.data(), text.size()));
  const std::string_view digits = TrimAsciiSpace(text);
  uint64_t id = 0;
  bool valid = digits.size() == 16;
  for (const char c : digits) {
    const size_t digit = std::string_view("0123456789abcdef").find(c);
    valid = valid && digit != std::string_view::npos;
    id = id << 4 | (digit & 0xF);
  }
  if (!valid || id == 0) return DataLoss("{} does not hold an id of 16 hexadecimal digits", path);
  return id;
}

absl::StatusOr<uint64_t> OpenPagesDirectory(const std::string& directory, Random& random, FileOps& files) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return ErrnoStatus(error.value(), "create the directory", directory);
  auto id = ReadPagesDirectoryId(directory);
  if (!absl::IsNotFound(id.status())) return id;
  WEFT_RETURN_IF_ERROR(CreateId(directory, random, files));
  return ReadPagesDirectoryId(directory);
}

}  // namespace weft
