#include "storage/warc_adopt.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <memory>
#include <system_error>

#include "common/status.h"
#include "storage/atomic_output.h"
#include "storage/byte_source.h"
#include "storage/file_ops.h"
#include "storage/gzip_member.h"
#include "storage/warc_format.h"
#include "storage/warc_place.h"
#include "storage/warc_reader.h"
#include "storage/warc_rules.h"
#include "storage/zstd_frame.h"

namespace weft {
namespace {

constexpr size_t kCopyBytes = 1u << 20;
constexpr int kNameTries = 100'000;

struct Looked {
  bool places = true;  // every record can be read by its place, by a reader of plain and gzip files
  uint64_t responses = 0;
  uint64_t damages = 0;
};

absl::StatusOr<bool> IsZstd(const std::string& path) {
  WEFT_ASSIGN_OR_RETURN(const std::unique_ptr<ByteSource> source, OpenFileSource(path));
  std::string front(4, '\0');
  front.resize(source->ReadAt(0, front.data(), front.size()));
  return front == kZstdMagic || front == kZstdDictionaryMagic;
}

absl::StatusOr<Looked> Look(const std::string& path, absl::FunctionRef<absl::Status(std::string_view)> each) {
  WEFT_ASSIGN_OR_RETURN(const bool zstd, IsZstd(path));
  WEFT_ASSIGN_OR_RETURN(const std::unique_ptr<WarcReader> reader, WarcReader::Open(path));
  Looked looked;
  looked.places = !zstd;
  while (true) {
    const auto record = reader->Next();
    if (absl::IsNotFound(record.status())) return looked;
    if (!record.ok()) {
      ++looked.damages;
      continue;
    }
    looked.places = looked.places && record->length > 0;
    if (record->Get("WARC-Type") != "response" && !NamesPayload(*record)) continue;
    ++looked.responses;
    WEFT_RETURN_IF_ERROR(each(WarcTargetUri(*record)));
  }
}

// The name under which the directory holds it: with the ending that tells the form.
std::string NameFor(const std::string& path, bool gzip, int tries) {
  std::string name = path.substr(path.rfind('/') + 1);
  for (const std::string_view ending : {".zst", ".gz", ".warc"}) {
    if (name.ends_with(ending)) name.resize(name.size() - ending.size());
  }
  if (name.empty() || name.front() == '.') name = "import" + name;
  name += gzip ? ".warc.gz" : ".warc";
  return tries == 0 ? name : fmt::format("{}-{}", tries, name);
}

absl::Status Copy(const std::string& path, AtomicOutput& output) {
  WEFT_ASSIGN_OR_RETURN(const std::unique_ptr<ByteSource> source, OpenFileSource(path));
  std::string bytes(kCopyBytes, '\0');
  while (output.size() < source->size()) {
    const size_t got = source->ReadAt(output.size(), bytes.data(), bytes.size());
    if (got == 0) return Internal("{} cannot be read to its end", path);
    WEFT_RETURN_IF_ERROR(output.Write(std::string_view(bytes).substr(0, got)));
  }
  return absl::OkStatus();
}

// A member a record; what is damaged stays behind.
absl::Status Rewrite(const std::string& path, AtomicOutput& output) {
  WEFT_ASSIGN_OR_RETURN(const std::unique_ptr<WarcReader> reader, WarcReader::Open(path));
  GzipMemberWriter gzip;
  std::string packed;
  while (true) {
    const auto record = reader->Next();
    if (absl::IsNotFound(record.status())) return absl::OkStatus();
    if (!record.ok()) continue;
    packed.clear();
    gzip.Begin(&packed);
    for (const std::string_view piece : {std::string_view(record->head), std::string_view(record->block), kRecordEnd}) gzip.Add(piece);
    gzip.Finish();
    WEFT_RETURN_IF_ERROR(output.Write(packed));
  }
}

absl::StatusOr<bool> IsGzip(const std::string& path) {
  WEFT_ASSIGN_OR_RETURN(const std::unique_ptr<ByteSource> source, OpenFileSource(path));
  std::string front(2, '\0');
  front.resize(source->ReadAt(0, front.data(), front.size()));
  return front == "\x1f\x8b";
}

// Already there: this very file, linked by an earlier call.
bool IsSame(const std::string& path, const std::string& target) {
  std::error_code error;
  return std::filesystem::equivalent(path, target, error) && !error;
}

}  // namespace

absl::StatusOr<AdoptedWarc> AdoptWarc(const std::string& path, const std::string& directory,
                                      absl::FunctionRef<absl::Status(std::string_view uri)> each) {
  WEFT_ASSIGN_OR_RETURN(const Looked looked, Look(path, each));
  WEFT_ASSIGN_OR_RETURN(const bool gzip, IsGzip(path));
  AdoptedWarc adopted;
  adopted.responses = looked.responses;
  adopted.damages = looked.damages;
  adopted.rewritten = !looked.places;
  if (looked.responses == 0) return adopted;
  for (int tries = 0; tries < kNameTries; ++tries) {
    adopted.name = NameFor(path, gzip || adopted.rewritten, tries);
    const std::string target = fmt::format("{}/{}", directory, adopted.name);
    if (IsSame(path, target)) return adopted;
    if (PosixFileOps().Exists(target)) continue;
    if (!adopted.rewritten && linkat(AT_FDCWD, path.c_str(), AT_FDCWD, target.c_str(), AT_SYMLINK_FOLLOW) == 0) return adopted;
    if (!adopted.rewritten && errno == EEXIST) continue;
    WEFT_ASSIGN_OR_RETURN(const auto output, AtomicOutput::ToFile(target));
    WEFT_RETURN_IF_ERROR(adopted.rewritten ? Rewrite(path, *output) : Copy(path, *output));
    WEFT_RETURN_IF_ERROR(output->Finish());
    return adopted;
  }
  return Internal("no free name for {} in {}", path, directory);
}

}  // namespace weft
