#include "storage/warc_pages.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "common/ascii.h"
#include "common/digest.h"
#include "common/status.h"
#include "storage/byte_source.h"
#include "storage/pages_directory.h"
#include "storage/store_note.h"
#include "storage/stored_source.h"
#include "storage/warc_digest.h"
#include "storage/warc_file.h"
#include "storage/warc_format.h"
#include "storage/warc_place.h"
#include "storage/warc_reader.h"

namespace weft {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kReadAhead = 1u << 20;  // of files that lie in a store alone

// The beginning of a source: what is durable of a file that grows.
class Front : public ByteSource {
 public:
  Front(std::unique_ptr<ByteSource> source, uint64_t size)
      : source_(std::move(source)), size_(std::min(size, source_->size())) {}
  uint64_t size() const override { return size_; }
  size_t ReadAt(uint64_t offset, char* to, size_t size) const override {
    if (offset >= size_) return 0;
    return source_->ReadAt(offset, to, static_cast<size_t>(std::min<uint64_t>(size, size_ - offset)));
  }

 private:
  std::unique_ptr<ByteSource> source_;
  uint64_t size_;
};

class WarcPages : public StoredPages {
 public:
  WarcPages(std::string directory, uint64_t id, absl::Time from, uint64_t max_record_bytes, std::vector<std::string> files)
      : directory_(std::move(directory)), id_(id), from_(from), max_record_bytes_(max_record_bytes),
        files_(std::move(files)) {}

  absl::StatusOr<PageOnDisk> Next() override;
  absl::StatusOr<PageOnDisk> ReadAt(const WarcPlace& place) override;

 private:
  absl::Status OpenFile(const std::string& name);

  std::string directory_;
  uint64_t id_;
  absl::Time from_;
  uint64_t max_record_bytes_;
  std::vector<std::string> files_;
  size_t next_file_ = 0;
  std::string name_;
  std::unique_ptr<WarcReader> reader_;
  std::unique_ptr<ByteSource> bytes_;   // of the same file, for digests
};

std::optional<absl::Time> TimeOf(std::string_view date) {
  absl::Time time;
  std::string error;
  if (!absl::ParseTime(absl::RFC3339_full, std::string(date), &time, &error)) return std::nullopt;
  return time;
}

// A revisit that does not say of which page it is says nothing here.
bool IsPage(const WarcRecord& record) {
  if (record.length == 0) return false;
  return IsRevisit(record) ? NamesPayload(record) || TimeOf(record.Get("WARC-Refers-To-Date")).has_value()
                           : EqualIgnoringCase(record.Get("WARC-Type"), "response");
}

PageOnDisk PageOf(WarcRecord record, absl::Time began) {
  PageOnDisk page;
  page.url = std::string(record.Get("WARC-Target-URI"));
  if (page.url.starts_with('<') && page.url.ends_with('>')) page.url = page.url.substr(1, page.url.size() - 2);
  page.truncated = std::string(record.Get("WARC-Truncated"));
  page.began = began;
  if (IsRevisit(record)) page.revisit_of = TimeOf(record.Get("WARC-Refers-To-Date"));
  page.response = std::move(record.block);
  return page;
}

absl::StatusOr<absl::Time> DateOf(const WarcRecord& record) {
  const std::optional<absl::Time> began = TimeOf(record.Get("WARC-Date"));
  if (!began) return DataLoss("a record whose WARC-Date cannot be read at offset {}", record.offset);
  return *began;
}

// What is durable of `path`, and where it is found now. A finished file is durable to its end; of one that is still
// written its note tells.
absl::StatusOr<std::pair<std::string, uint64_t>> DurablePart(const std::string& path) {
  if (fs::exists(path) || fs::exists(path + std::string(kStoredSuffix))) return std::make_pair(path, UINT64_MAX);
  const std::optional<uint64_t> synced = ReadSyncedNote(path + std::string(kSyncedSuffix));
  if (!synced) return DataLoss("{}: it is not known how much of it is durable", path);
  return std::make_pair(path + std::string(kOpenSuffix), *synced);
}

absl::Status WarcPages::OpenFile(const std::string& name) {
  constexpr int kLooks = 3;  // it may be finished between two looks, or its note be written just now
  absl::Status failed;
  for (int look = 0; look < kLooks; ++look) {
    auto part = DurablePart(fmt::format("{}/{}", directory_, name));
    failed = part.status();
    if (!failed.ok()) continue;
    auto source = OpenFileOrStored(part->first, kReadAhead);
    auto bytes = OpenFileOrStored(part->first, kReadAhead);
    failed = source.status();
    failed.Update(bytes.status());
    if (!failed.ok()) continue;
    name_ = name;
    bytes_ = *std::move(bytes);
    reader_ = WarcReader::OverSource(std::make_unique<Front>(*std::move(source), part->second), 0, max_record_bytes_);
    return absl::OkStatus();
  }
  return failed;
}

absl::StatusOr<PageOnDisk> WarcPages::Next() {
  while (true) {
    if (reader_ == nullptr) {
      if (next_file_ == files_.size()) return NotFound("no further page");
      const std::string& name = files_[next_file_++];
      absl::Status opened = OpenFile(name);
      if (!opened.ok()) return DataLoss("{}: {}", name, ErrorText(opened));
    }
    auto record = reader_->Next();
    if (absl::IsNotFound(record.status())) {
      reader_.reset();
      continue;
    }
    if (!record.ok()) return DataLoss("{}: {}", name_, ErrorText(record.status()));
    if (!IsPage(*record)) continue;
    WEFT_ASSIGN_OR_RETURN(const absl::Time began, DateOf(*record));
    if (began < from_) continue;
    if (CheckBlockDigest(*record) == DigestVerdict::kDiffers) {
      return DataLoss("{}: the bytes at offset {} have changed since they were stored", name_, record->offset);
    }
    std::string bytes(static_cast<size_t>(record->length), '\0');
    bytes.resize(bytes_->ReadAt(record->offset, bytes.data(), bytes.size()));
    WarcPlace place{id_, name_, record->offset, record->length, Sha1(bytes)};
    if (NamesPayload(*record)) {
      place.refers = true;
      auto whole = MadeWhole(directory_, *record);
      if (!whole.ok()) return DataLoss("{} offset {}: {}", name_, place.offset, ErrorText(whole.status()));
      record = std::move(whole);
    }
    PageOnDisk page = PageOf(*std::move(record), began);
    page.place = std::move(place);
    return page;
  }
}

absl::StatusOr<PageOnDisk> WarcPages::ReadAt(const WarcPlace& place) {
  auto record = ReadWarcPlace(directory_, place);
  if (!record.ok()) return DataLoss("{}", ErrorText(record.status()));
  WEFT_ASSIGN_OR_RETURN(const absl::Time began, DateOf(*record));
  PageOnDisk page = PageOf(*std::move(record), began);
  page.place = place;
  return page;
}

// Also where it cannot be told.
bool WrittenSince(const std::string& path, absl::Time from) {
  struct stat found;
  return stat(path.c_str(), &found) != 0 || absl::TimeFromTimespec(found.st_mtim) >= from;
}

}  // namespace

absl::StatusOr<std::unique_ptr<StoredPages>> OpenWarcPages(const std::string& directory, absl::Time from,
                                                           uint64_t max_record_bytes) {
  WEFT_ASSIGN_OR_RETURN(const uint64_t id, ReadPagesDirectoryId(directory));
  std::vector<std::string> files;
  std::error_code error;
  for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
    std::string name = it->path().filename().string();
    // A file whose local copy is no more was written before its note was.
    for (const std::string_view suffix : {kOpenSuffix, kStoredSuffix}) {
      if (name.ends_with(suffix)) name.resize(name.size() - suffix.size());
    }
    if (IsWarcFileName(name) && WrittenSince(it->path().string(), from)) files.push_back(std::move(name));
  }
  if (error) return ErrnoStatus(error.value(), "list the directory", directory);
  // Names begin with the time of their making: pages come nearly in the order in which they were stored. A file that got
  // its final name meanwhile may be listed under both.
  std::sort(files.begin(), files.end());
  files.erase(std::unique(files.begin(), files.end()), files.end());
  return std::make_unique<WarcPages>(directory, id, from, max_record_bytes, std::move(files));
}

}  // namespace weft
