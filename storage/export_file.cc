#include "storage/export_file.h"

#include "common/status.h"

namespace weft {

std::unique_ptr<OutputFile> OutputFile::ToDescriptor(int fd) {
  return std::unique_ptr<OutputFile>(new OutputFile(AtomicOutput::ToDescriptor(fd)));
}

absl::StatusOr<std::unique_ptr<OutputFile>> OutputFile::ToFile(const std::string& path) {
  WEFT_ASSIGN_OR_RETURN(auto output, AtomicOutput::ToFile(path));
  return std::unique_ptr<OutputFile>(new OutputFile(std::move(output)));
}

}  // namespace weft
