#include "cli/archive_files.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>

#include "cli/exit_codes.h"
#include "cli/output.h"
#include "common/status.h"
#include "common/units.h"
#include "storage/store_note.h"
#include "storage/temporary_file.h"
#include "storage/warc_place.h"

namespace weft {
namespace {

constexpr size_t kCopyBytes = 1 << 20;

}  // namespace

namespace {

// A pipe is not looked into: what is read of it is gone.
bool IsZip(const std::string& file) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(file, error)) return false;
  std::ifstream stream(file, std::ios::binary);
  char magic[4] = {};
  return stream.read(magic, sizeof magic) && std::string_view(magic, sizeof magic) == "PK\x03\x04";
}

}  // namespace

std::vector<std::string> NamedWarcFiles(const std::vector<std::string>& named, bool& failed) {
  std::vector<std::string> files;
  std::set<std::string> known;
  for (const std::string& given : named) {
    const std::string path = given == "-" ? "/dev/stdin" : given;
    uint64_t unfinished = 0;
    const auto found = FindWarcFiles(path, unfinished);
    if (!found.ok()) {
      const auto note = ReadStoreNote(path);
      TellProblem(note.ok() ? fmt::format("{} is not here but in {}: weft store pull {} brings it back", path, note->store.url, path)
                            : ErrorText(found.status()));
      failed = true;
      continue;
    }
    if (unfinished > 0) {
      TellProblem(fmt::format("{}: {} being written, or left by a crash, and left out here", path,
                              HumanCount(unfinished, "file is", "files are")));
    } else if (found->empty()) {
      TellProblem(fmt::format("{} holds no WARC file", path));
      failed = true;
    }
    for (const std::string& where : {path, path + "/warc"}) {
      const auto tally = TallyStored(where);
      if (!tally.ok() || tally->freed == 0) continue;
      TellProblem(fmt::format("{}: {} not here but in a store, and left out: weft store pull {} brings them back", where,
                              HumanCount(tally->freed, "file is", "files are"), where));
      failed = true;
    }
    for (const std::string& file : *found) {
      if (IsZip(file)) {
        TellProblem(fmt::format("{} is a ZIP file, such as a WACZ: take the WARC files out of it first, with unzip {} 'archive/*'", file, file));
        failed = true;
        continue;
      }
      std::error_code error;
      const std::string canonical = std::filesystem::canonical(file, error).string();
      if (error || known.insert(canonical).second) files.push_back(file);
    }
  }
  return files;
}

absl::StatusOr<std::unique_ptr<WarcReader>> OpenNamedWarc(const std::string& path, uint64_t offset) {
  std::error_code error;
  const auto type = std::filesystem::status(path, error).type();
  const bool stream = type == std::filesystem::file_type::fifo || type == std::filesystem::file_type::character ||
                      type == std::filesystem::file_type::socket;
  if (!stream) return WarcReader::Open(path, offset);
  const std::string directory = std::filesystem::temp_directory_path(error).string();
  WEFT_ASSIGN_OR_RETURN(TemporaryFile copy, TemporaryFile::Create(error ? "." : directory));
  std::ifstream from(path, std::ios::binary);
  std::string bytes(kCopyBytes, '\0');
  while (from.read(bytes.data(), static_cast<std::streamsize>(bytes.size())) || from.gcount() > 0) {
    WEFT_RETURN_IF_ERROR(copy.Write(std::string_view(bytes).substr(0, static_cast<size_t>(from.gcount()))));
  }
  if (from.bad() || !from.eof()) return Internal("cannot read {}", path);
  WEFT_ASSIGN_OR_RETURN(std::unique_ptr<ByteSource> source, copy.Finish());
  return WarcReader::OverSource(std::move(source), offset);
}

absl::Status IndexFiles(std::vector<std::string>& files, CdxjIndexer& indexer, bool& failed) {
  std::vector<std::string> read;
  for (const std::string& path : files) {
    std::error_code error;
    if (!std::filesystem::is_regular_file(path, error)) {
      TellProblem(fmt::format("cannot read {}: not a regular file", path));
      failed = true;
      continue;
    }
    WEFT_RETURN_IF_ERROR(indexer.AddWarc(path));
    read.push_back(path);
  }
  failed = failed || indexer.tally().damages > 0 || indexer.tally().unplaced > 0;
  files = std::move(read);
  return absl::OkStatus();
}

absl::StatusOr<WarcPayload> PayloadIn(const std::string& file, const WarcRecord& record, RevisitBodies& bodies) {
  if (!NamesPayload(record)) return PayloadOf(record);
  WEFT_ASSIGN_OR_RETURN(const WarcRecord whole, bodies.Whole(file, record));
  return PayloadOf(whole);
}

bool IsOneOf(const std::string& path, const std::vector<std::string>& files) {
  std::error_code error;
  for (const std::string& file : files) {
    if (std::filesystem::equivalent(path, file, error) && !error) return true;
  }
  return false;
}

}  // namespace weft
