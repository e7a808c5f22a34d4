// Bytes of the files in pages directories, wherever these lie, as a seam: on this machine's disk, in a store, or with the parser
// that wrote them. And what of a directory may be read so at all.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "storage/byte_source.h"

namespace weft {

// Thread rule: one thread.
class PagesFiles {
 public:
  virtual ~PagesFiles() = default;
  // Fewer than `length` only at the end of the file. Unavailable: the directory cannot be reached now, and where it is. NotFound:
  // it has no such file.
  virtual absl::StatusOr<std::string> ReadBytes(uint64_t pages_dir_id, const std::string& file, uint64_t offset, uint64_t length) = 0;
};

// One pages directory, for the parser that answers for it. Any thread; the calls block.
class PagesReader {
 public:
  virtual ~PagesReader() = default;
  // As PagesFiles::ReadBytes. InvalidArgument: that is no name of a WARC file, or none of this directory itself.
  virtual absl::StatusOr<std::string> Read(const std::string& file, uint64_t offset, uint64_t length) const = 0;
};
std::unique_ptr<PagesReader> NewPagesReader(const std::string& directory);

// The file by its name when it is full, also while it is written and where it was moved to a store. InvalidArgument: not a plain name.
absl::StatusOr<std::unique_ptr<ByteSource>> OpenPagesFile(const std::string& directory, const std::string& file);
// As PagesFiles::ReadBytes.
absl::StatusOr<std::string> ReadPagesBytes(const std::string& directory, const std::string& file, uint64_t offset, uint64_t length);

// One directory on this machine, whatever number is asked for.
class DirectoryFiles : public PagesFiles {
 public:
  explicit DirectoryFiles(std::string directory) : directory_(std::move(directory)) {}
  absl::StatusOr<std::string> ReadBytes(uint64_t /*pages_dir_id*/, const std::string& file, uint64_t offset, uint64_t length) override {
    return ReadPagesBytes(directory_, file, offset, length);
  }

 private:
  const std::string directory_;
};

// A file of `files` as bytes at any place; `failed` has the first error of a read. Both outlive it. Its size is not known: it
// ends where it is read to its end.
std::unique_ptr<ByteSource> SourceOfPages(PagesFiles& files, uint64_t pages_dir_id, const std::string& file, absl::Status& failed);

}  // namespace weft
