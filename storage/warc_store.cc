#include "storage/warc_store.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "common/digest.h"
#include "common/mutex.h"
#include "common/status.h"
#include "storage/cdxj_beside.h"
#include "storage/pages_directory.h"
#include "storage/warc_file.h"
#include "storage/warc_format.h"
#include "storage/warc_records.h"

namespace weft {
namespace {

constexpr int kNameTries = 10'000;
constexpr size_t kMostUncommitted = 4096;  // records whose ids are kept until they are committed

}  // namespace

// Who touches what: the appending thread everything but what stands under the two locks. `sync_mutex` is held through
// a Sync and makes it the only one that syncs, finishes and destroys files; `mutex` is held for moments.
struct WarcStore::Impl {
  Impl(const WarcStoreOptions& store_options, const Clock& store_clock, Random& store_random, FileOps& file_ops)
      : options(store_options), clock(store_clock), random(store_random), files(file_ops), records(options, store_random) {}

  struct Slot {
    std::unique_ptr<WarcFile> file;
    std::unique_ptr<CdxjOfStore> index;  // null: none is written. Whoever has the file has it too
    bool failed = false;         // a sync of it failed: never synced again (what the kernel dropped would be missed)
    uint64_t reported_lost = 0;  // with `failed`: up to here Sync has said that it is lost
  };

  absl::Status BeginFile();
  void Retire();
  void RetireIfDone();
  // An index counts a plain record without the empty lines behind it.
  uint64_t IndexedBytes(const WarcPlace& place) const {
    return options.compression == WarcCompression::kNone ? place.length - kRecordEnd.size() : place.length;
  }
  std::optional<KnownPayload> Known(const Exchange& exchange, std::string_view payload_digest) const;
  bool MayBeReferredTo(uint64_t payload_bytes, const WarcPlace& place) const;
  void NoteId(const WarcPlace& place, std::string id);
  std::string TakeId(const WarcPlace& place);
  absl::Status SyncCurrent(Slot& slot, bool sync_directory);
  absl::Status FinishRetired(Slot& slot);
  void WriteIndex(Slot& slot);
  absl::Status ReportLost(Slot& slot);

  WarcStoreOptions options;
  const Clock& clock;
  Random& random;
  FileOps& files;
  uint64_t directory_id = 0;

  // The appending thread's.
  WarcFile* file = nullptr;  // of `current`, null where there is none
  CdxjOfStore* index = nullptr;  // the same
  uint64_t next_serial = 0;
  // By file and offset, the oldest first: of what may be referred to once it is committed.
  std::map<std::pair<std::string, uint64_t>, std::string> ids;
  WarcRecords records;

  Mutex sync_mutex;
  Mutex mutex;  // guards the slots' flags too
  std::unique_ptr<Slot> current ABSL_GUARDED_BY(mutex);
  std::vector<std::unique_ptr<Slot>> retired ABSL_GUARDED_BY(mutex);
  bool directory_changed ABSL_GUARDED_BY(mutex) = false;
};

// What has the exchange's payload; of a 304 what has that of the page that it speaks of.
std::optional<KnownPayload> WarcStore::Impl::Known(const Exchange& exchange, std::string_view payload_digest) const {
  if (options.dedup != WarcDedup::kAll || options.payloads == nullptr) return std::nullopt;
  const bool not_modified = exchange.before != nullptr && exchange.before->not_modified;
  return options.payloads->Find(not_modified ? exchange.before->payload_digest : payload_digest);
}

bool WarcStore::Impl::MayBeReferredTo(uint64_t payload_bytes, const WarcPlace& place) const {
  const bool here = place.pages_dir_id == directory_id && !place.refers;
  return options.dedup == WarcDedup::kAll && options.payloads != nullptr && here && payload_bytes >= KnownPayloads::kLeastPayload;
}

void WarcStore::Impl::NoteId(const WarcPlace& place, std::string id) {
  ids[{place.file, place.offset}] = std::move(id);
  if (ids.size() > kMostUncommitted) ids.erase(ids.begin());
}

std::string WarcStore::Impl::TakeId(const WarcPlace& place) {
  const auto found = ids.find({place.file, place.offset});
  if (found == ids.end()) return "";
  std::string id = std::move(found->second);
  ids.erase(found);
  return id;
}

absl::Status WarcStore::Impl::BeginFile() {
  for (int tries = 0; tries < kNameTries; ++tries) {
    const std::string name = WarcFileName(options.prefix, clock.WallNow(), next_serial++, options.host_name, directory_id,
                                          options.compression);
    auto created = WarcFile::Create(files, options.directory, name);
    if (absl::IsAlreadyExists(created.status())) continue;
    if (!created.ok()) return created.status();
    auto slot = std::make_unique<Slot>();
    slot->file = std::move(*created);
    file = slot->file.get();
    if (options.index) slot->index = std::make_unique<CdxjOfStore>(options.directory);
    index = slot->index.get();
    const MutexLock lock(mutex);
    current = std::move(slot);
    directory_changed = true;
    return absl::OkStatus();
  }
  return Internal("no free WARC file name in {}", options.directory);
}

// The next Sync finishes the file; the next Append begins a new one.
void WarcStore::Impl::Retire() {
  file = nullptr;
  index = nullptr;
  const MutexLock lock(mutex);
  if (current != nullptr) retired.push_back(std::move(current));
}

// Ends the current file where a sync of it failed or it has its size.
void WarcStore::Impl::RetireIfDone() {
  bool done = false;
  {
    const MutexLock lock(mutex);
    done = current != nullptr && (current->failed || current->file->size() >= options.roll_bytes);
  }
  if (done) Retire();
}

// What a failed file holds beyond what Sync has already reported as lost.
absl::Status WarcStore::Impl::ReportLost(Slot& slot) {
  const uint64_t size = slot.file->size();
  if (size <= std::exchange(slot.reported_lost, size)) return absl::OkStatus();
  return Internal("{}: given up after an earlier sync failed", slot.file->name());
}

absl::Status WarcStore::Impl::FinishRetired(Slot& slot) {
  if (slot.failed) return ReportLost(slot);
  WEFT_RETURN_IF_ERROR(slot.file->Finish(clock.SteadyNow()));
  if (slot.file->size() == 0 || slot.file->torn()) return absl::OkStatus();
  if (slot.index != nullptr) WriteIndex(slot);
  if (options.finished != nullptr) options.finished(slot.file->name());
  return absl::OkStatus();
}

// The pages are safe without it: whoever needs an index that is not there reads the file.
void WarcStore::Impl::WriteIndex(Slot& slot) {
  const std::string path = fmt::format("{}/{}", options.directory, slot.file->name());
  const absl::Status status = slot.index->Write(path, slot.file->size());
  if (!status.ok()) spdlog::warn("{} has no index beside it: {}", slot.file->name(), ErrorText(status));
}

absl::Status WarcStore::Impl::SyncCurrent(Slot& slot, bool sync_directory) {
  const uint64_t size = slot.file->size();
  absl::Status status = slot.file->SyncTo(size, clock.SteadyNow());
  if (status.ok() && sync_directory) status = files.SyncDirectory(options.directory);
  if (!status.ok()) {
    const MutexLock lock(mutex);
    slot.failed = true;
    slot.reported_lost = size;
  }
  return status;
}

WarcStore::WarcStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

WarcStore::~WarcStore() {
  if (absl::Status status = Close(); !status.ok()) spdlog::error("closing the WARC files: {}", ErrorText(status));
}

absl::StatusOr<std::unique_ptr<WarcStore>> WarcStore::Open(const WarcStoreOptions& options, const Clock& clock,
                                                           Random& random, FileOps& files) {
  auto impl = std::make_unique<Impl>(options, clock, random, files);
  WEFT_ASSIGN_OR_RETURN(impl->directory_id, OpenPagesDirectory(options.directory, random, files));
  return std::unique_ptr<WarcStore>(new WarcStore(std::move(impl)));
}

uint64_t WarcStore::pages_dir_id() const { return impl_->directory_id; }

absl::StatusOr<StoredExchange> WarcStore::Append(const Exchange& exchange) {
  Impl& impl = *impl_;
  impl.RetireIfDone();
  if (impl.file == nullptr) WEFT_RETURN_IF_ERROR(impl.BeginFile());
  WarcFile& file = *impl.file;

  impl.records.Clear();
  if (file.size() == 0) impl.records.AddWarcinfo(file.name(), impl.clock.WallNow());
  StoredExchange stored;
  stored.payload_digest = Sha1(exchange.payload);
  const std::optional<KnownPayload> known = impl.Known(exchange, stored.payload_digest);
  const WarcRecords::Written written = impl.records.AddExchange(exchange, stored.payload_digest, known ? &*known : nullptr);
  const std::string_view bytes = impl.records.bytes();
  const std::string_view record = bytes.substr(written.begin, written.size);
  const WarcPlace place{impl.directory_id, file.name(), file.size() + written.begin, record.size(), Sha1(record), written.refers};
  stored.revisit = written.revisit;
  stored.place = written.revisit ? exchange.before->place : place;
  const absl::Status status = file.Append(bytes);
  if (!status.ok()) {
    if (!absl::IsResourceExhausted(status) || file.torn()) impl.Retire();
    return status;
  }
  if (impl.index != nullptr) impl.index->Add(exchange, stored, place, impl.IndexedBytes(place));
  // What another process stored, and is found again: from now on it is known here.
  if (written.revisit && impl.MayBeReferredTo(exchange.payload.size(), stored.place)) {
    const StoredBefore& before = *exchange.before;
    impl.options.payloads->Add(stored.payload_digest, {std::string(before.url), before.began, before.place.file, before.place.offset});
  } else if (impl.MayBeReferredTo(exchange.payload.size(), stored.place)) {
    impl.NoteId(place, written.record_id);
  }
  return stored;
}

void WarcStore::Committed(const CommittedPage& page) {
  if (!impl_->MayBeReferredTo(page.payload_bytes, page.place)) return;
  impl_->options.payloads->Add(page.payload_digest,
                               {std::string(page.url), page.began, page.place.file, page.place.offset, impl_->TakeId(page.place)});
}

absl::Status WarcStore::Sync() {
  Impl& impl = *impl_;
  const MutexLock sync_lock(impl.sync_mutex);
  std::vector<std::unique_ptr<Impl::Slot>> retired;
  Impl::Slot* current = nullptr;
  bool directory_changed = false;
  absl::Status status;
  {
    const MutexLock lock(impl.mutex);
    retired.swap(impl.retired);
    current = impl.current.get();  // may be retired meanwhile, but only a Sync destroys it
    directory_changed = std::exchange(impl.directory_changed, false) || !retired.empty();
    if (current != nullptr && current->failed) {
      status = impl.ReportLost(*current);
      current = nullptr;
    }
  }
  for (const auto& slot : retired) status.Update(impl.FinishRetired(*slot));
  if (current != nullptr) {
    status.Update(impl.SyncCurrent(*current, directory_changed));
  } else if (directory_changed) {
    status.Update(impl.files.SyncDirectory(impl.options.directory));
  }
  return status;
}

absl::Status WarcStore::Close() {
  impl_->Retire();
  return Sync();
}

}  // namespace weft
