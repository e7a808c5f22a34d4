#include "storage/cdxj_indexer.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "common/status.h"
#include "storage/cdxj.h"
#include "storage/cdxj_beside.h"
#include "storage/warc_format.h"
#include "storage/warc_reader.h"

namespace weft {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMostOpenIndexes = 128;  // descriptors; what comes beyond is sorted anew

absl::Status ListDirectory(const std::string& path, std::vector<std::string>& files, uint64_t& unfinished) {
  std::error_code error;
  for (fs::directory_iterator it(path, error), end; !error && it != end; it.increment(error)) {
    std::string name = it->path().filename().string();
    if (IsWarcFileName(name)) {
      files.push_back(it->path().string());
    } else if (name.ends_with(kOpenSuffix)) {
      name.resize(name.size() - kOpenSuffix.size());
      unfinished += IsWarcFileName(name) ? 1 : 0;
    }
  }
  if (error) return Internal("cannot list {}: {}", path, error.message());
  return absl::OkStatus();
}

}  // namespace

absl::Status CdxjIndexer::AddWarc(const std::string& path) {
  auto beside = OpenCdxjBeside(path);
  if (beside.ok()) {
    ++tally_.files;
    return TakeBeside(*std::move(beside));
  }
  if (!absl::IsNotFound(beside.status())) tell_(fmt::format("{}; the file is read", ErrorText(beside.status())));
  return ReadWarc(path);
}

absl::Status CdxjIndexer::TakeBeside(std::unique_ptr<LineSource> lines) {
  if (beside_.size() < kMostOpenIndexes) {
    beside_.push_back(std::move(lines));
    return absl::OkStatus();
  }
  std::string_view line;
  while (true) {
    WEFT_ASSIGN_OR_RETURN(const bool there, lines->Next(line));
    if (!there) return absl::OkStatus();
    WEFT_RETURN_IF_ERROR(sorter_.Add(line));
  }
}

absl::Status CdxjIndexer::ReadWarc(const std::string& path) {
  WEFT_ASSIGN_OR_RETURN(const std::unique_ptr<WarcReader> reader, WarcReader::Open(path));
  ++tally_.files;
  ++tally_.files_read;
  const std::string name = path.substr(path.rfind('/') + 1);
  CaptureCollector collector(name, [this](const Capture& capture) { return sorter_.Add(CdxjLine(capture)); });
  while (true) {
    const auto record = reader->Next();
    if (absl::IsNotFound(record.status())) return collector.Finish();
    if (!record.ok()) {
      ++tally_.damages;
      tell_(fmt::format("{}: {}", path, ErrorText(record.status())));
    } else if (record->length == 0) {
      if (tally_.unplaced++ == 0) {
        tell_(fmt::format("{}: the member at offset {} holds several records: they cannot be found by offset and are left "
                          "out; compress the file anew, a member a record", path, record->offset));
      }
    } else {
      WEFT_RETURN_IF_ERROR(collector.Take(*record));
    }
  }
}

absl::StatusOr<std::unique_ptr<LineSource>> CdxjIndexer::Finish() {
  WEFT_ASSIGN_OR_RETURN(std::unique_ptr<LineSource> read, sorter_.Finish());
  auto sources = std::exchange(beside_, {});
  sources.push_back(std::move(read));
  return MergedLines(std::move(sources));
}

absl::StatusOr<std::vector<std::string>> FindWarcFiles(const std::string& path, uint64_t& unfinished) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (status.type() == fs::file_type::not_found) return NotFound("no file or directory {}", path);
  if (error) return Internal("cannot read {}: {}", path, error.message());
  std::vector<std::string> files;
  if (!fs::is_directory(status)) return std::vector<std::string>{path};
  WEFT_RETURN_IF_ERROR(ListDirectory(path, files, unfinished));
  if (fs::is_directory(path + "/warc", error)) WEFT_RETURN_IF_ERROR(ListDirectory(path + "/warc", files, unfinished));
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace weft
