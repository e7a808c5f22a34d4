#include "storage/warc_adopt.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>

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

absl::StatusOr<bool> IsZstd(const std::string& path) {
  WEFT_ASSIGN_OR_RETURN(const std::unique_ptr<ByteSource> source, OpenFileSource(path));
  std::string front(4, '\0');
  front.resize(source->ReadAt(0, front.data(), front.size()));
  return front == kZstdMagic || front == kZstdDictionaryMagic;
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

std::string LastName(const std::string& path) { return path.substr(path.rfind('/') + 1); }

}  // namespace

void WarcAdoption::Note(const WarcRecord& record, Looked& looked) const {
  looked.rewrite = looked.rewrite || record.length == 0;
  if (NamesPayload(record)) looked.names.insert(std::string(record.Get(kRefersToFile)));
  if (record.Get("WARC-Type") == "response" || NamesPayload(record)) ++looked.responses;
}

absl::Status WarcAdoption::Look(const std::string& path, absl::FunctionRef<absl::Status(std::string_view)> each) {
  Looked looked;
  looked.path = path;
  WEFT_ASSIGN_OR_RETURN(looked.rewrite, IsZstd(path));
  WEFT_ASSIGN_OR_RETURN(looked.gzip, IsGzip(path));
  WEFT_ASSIGN_OR_RETURN(const std::unique_ptr<WarcReader> reader, WarcReader::Open(path));
  while (true) {
    const auto record = reader->Next();
    if (absl::IsNotFound(record.status())) break;
    if (!record.ok()) {
      ++looked.damages;
      continue;
    }
    const uint64_t before = looked.responses;
    Note(*record, looked);
    if (looked.responses > before) WEFT_RETURN_IF_ERROR(each(WarcTargetUri(*record)));
  }
  files_.push_back(std::move(looked));
  return absl::OkStatus();
}

bool WarcAdoption::KeepsName(const Looked& file) const {
  const std::string name = NameFor(file.path, file.gzip, 0);
  const std::string target = fmt::format("{}/{}", directory_, name);
  for (const Looked& earlier : files_) {
    if (&earlier == &file) break;
    const bool takes_name = earlier.responses > 0 && NameFor(earlier.path, earlier.gzip || earlier.rewrite, 0) == name;
    if (takes_name && !IsSame(earlier.path, file.path)) return false;
  }
  return name == LastName(file.path) && (IsSame(file.path, target) || !PosixFileOps().Exists(target));
}

bool WarcAdoption::StaysBeside(const Looked& from, const std::string& name) const {
  if (name.find('/') != std::string::npos) return false;
  const std::string path = fmt::format("{}/{}", DirectoryOf(from.path), name);
  for (const Looked& file : files_) {
    const bool named = LastName(file.path) == name && DirectoryOf(file.path) == DirectoryOf(from.path);
    if (named) return !file.rewrite && file.responses > 0 && KeepsName(file);
  }
  return IsSame(path, fmt::format("{}/{}", directory_, name));  // taken before
}

// What is written anew has other offsets: whoever names a record in it is written anew too.
void WarcAdoption::FindBrokenLinks() {
  bool changed = true;
  while (changed) {
    changed = false;
    for (Looked& file : files_) {
      if (file.rewrite) continue;
      file.rewrite = std::any_of(file.names.begin(), file.names.end(), [&](const std::string& name) { return !StaysBeside(file, name); });
      changed = changed || file.rewrite;
    }
  }
}

absl::Status WarcAdoption::Take(absl::FunctionRef<absl::Status(const std::string&, const absl::StatusOr<AdoptedWarc>&)> each) {
  FindBrokenLinks();
  std::vector<std::string> paths;
  for (const Looked& looked : files_) paths.push_back(looked.path);
  bodies_.emplace(std::move(paths));
  for (const Looked& looked : files_) WEFT_RETURN_IF_ERROR(each(looked.path, TakeOne(looked)));
  files_.clear();
  bodies_.reset();
  // The CrawlDb will say that the pages are here: their names must not be lost after it.
  return PosixFileOps().SyncDirectory(directory_);
}

// A member a record; what is damaged stays behind.
absl::Status WarcAdoption::Rewrite(const std::string& path, AtomicOutput& output, AdoptedWarc& adopted) {
  WEFT_ASSIGN_OR_RETURN(const std::unique_ptr<WarcReader> reader, WarcReader::Open(path));
  GzipMemberWriter gzip;
  std::string packed;
  while (true) {
    auto record = reader->Next();
    if (absl::IsNotFound(record.status())) return absl::OkStatus();
    if (!record.ok()) continue;
    if (NamesPayload(*record)) {
      auto whole = bodies_->Whole(path, *record);
      ++(whole.ok() ? adopted.made_whole : adopted.bodiless);
      if (whole.ok()) record = std::move(whole);
    }
    packed.clear();
    gzip.Begin(&packed);
    for (const std::string_view piece : {std::string_view(record->head), std::string_view(record->block), kRecordEnd}) gzip.Add(piece);
    gzip.Finish();
    WEFT_RETURN_IF_ERROR(output.Write(packed));
  }
}

absl::StatusOr<AdoptedWarc> WarcAdoption::TakeOne(const Looked& looked) {
  const std::string& path = looked.path;
  AdoptedWarc adopted;
  adopted.responses = looked.responses;
  adopted.damages = looked.damages;
  adopted.rewritten = looked.rewrite;
  if (looked.responses == 0) return adopted;
  for (int tries = 0; tries < kNameTries; ++tries) {
    adopted.name = NameFor(path, looked.gzip || adopted.rewritten, tries);
    const std::string target = fmt::format("{}/{}", directory_, adopted.name);
    if (!adopted.rewritten && IsSame(path, target)) return adopted;
    if (PosixFileOps().Exists(target)) continue;
    if (!adopted.rewritten && linkat(AT_FDCWD, path.c_str(), AT_FDCWD, target.c_str(), AT_SYMLINK_FOLLOW) == 0) return adopted;
    if (!adopted.rewritten && errno == EEXIST) continue;
    WEFT_ASSIGN_OR_RETURN(const auto output, AtomicOutput::ToFile(target));
    WEFT_RETURN_IF_ERROR(adopted.rewritten ? Rewrite(path, *output, adopted) : Copy(path, *output));
    WEFT_RETURN_IF_ERROR(output->Finish());
    return adopted;
  }
  return Internal("no free name for {} in {}", path, directory_);
}

}  // namespace weft
