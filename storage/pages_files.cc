#include "storage/pages_files.h"

#include <algorithm>

#include "common/status.h"
#include "storage/stored_source.h"
#include "storage/warc_format.h"

namespace weft {
namespace {

// Far beyond any file, and may be added to.
constexpr uint64_t kUnknownSize = uint64_t{1} << 60;

class DirectoryReader : public PagesReader {
 public:
  explicit DirectoryReader(std::string directory) : directory_(std::move(directory)) {}
  absl::StatusOr<std::string> Read(const std::string& file, uint64_t offset, uint64_t length) const override {
    if (!IsWarcFileName(file)) return InvalidArgument("not a WARC file name: \"{}\"", file);
    return ReadPagesBytes(directory_, file, offset, length);
  }

 private:
  const std::string directory_;
};

class PagesSource : public ByteSource {
 public:
  PagesSource(PagesFiles& files, uint64_t pages_dir_id, std::string file, absl::Status& failed)
      : files_(files), pages_dir_id_(pages_dir_id), file_(std::move(file)), failed_(failed) {}
  uint64_t size() const override { return kUnknownSize; }
  size_t ReadAt(uint64_t offset, char* to, size_t size) const override {
    const auto bytes = files_.ReadBytes(pages_dir_id_, file_, offset, size);
    if (bytes.ok()) return bytes->copy(to, size);
    failed_.Update(bytes.status());
    return 0;
  }

 private:
  PagesFiles& files_;
  const uint64_t pages_dir_id_;
  const std::string file_;
  absl::Status& failed_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<ByteSource>> OpenPagesFile(const std::string& directory, const std::string& file) {
  const bool plain = !file.empty() && file.front() != '.' && file.find('/') == std::string::npos && file.find('\0') == std::string::npos;
  if (!plain) return InvalidArgument("not a WARC file name: \"{}\"", file);
  const std::string path = fmt::format("{}/{}", directory, file);
  auto source = OpenFileSource(path);
  if (!source.ok()) source = OpenFileSource(path + std::string(kOpenSuffix));
  if (!source.ok()) source = OpenFileOrStored(path);  // renamed between the two, or kept elsewhere
  return source;
}

absl::StatusOr<std::string> ReadPagesBytes(const std::string& directory, const std::string& file, uint64_t offset, uint64_t length) {
  WEFT_ASSIGN_OR_RETURN(const std::unique_ptr<ByteSource> source, OpenPagesFile(directory, file));
  const uint64_t size = source->size();
  if (offset >= size) return std::string();
  std::string bytes(static_cast<size_t>(std::min(length, size - offset)), '\0');
  const size_t have = source->ReadAt(offset, bytes.data(), bytes.size());
  if (have < bytes.size()) return DataLoss("{} offset {}: the bytes cannot be read", file, offset + have);
  return bytes;
}

std::unique_ptr<PagesReader> NewPagesReader(const std::string& directory) { return std::make_unique<DirectoryReader>(directory); }

std::unique_ptr<ByteSource> SourceOfPages(PagesFiles& files, uint64_t pages_dir_id, const std::string& file, absl::Status& failed) {
  return std::make_unique<PagesSource>(files, pages_dir_id, file, failed);
}

}  // namespace weft
