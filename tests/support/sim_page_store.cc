#include "tests/support/sim_page_store.h"

#include <fmt/format.h>

#include "common/fingerprint.h"
#include "common/status.h"

namespace weft::test {
namespace {

// Stands for SHA-1 where only equality counts.
std::string Digest(std::string_view bytes) { return Fingerprinter(1).Of(bytes).ToBytes() + "sim "; }

}  // namespace

void SimPageDisk::MarkSynced(Record& record) {
  if (record.synced) return;
  record.synced = true;
  ++synced_urls_[record.url];
}

void SimPageDisk::Crash(Random& random) {
  for (auto& [name, file] : files_) {
    size_t synced = 0;
    while (synced < file.records.size() && file.records[synced].synced) ++synced;
    size_t kept = synced + random.Below(file.records.size() - synced + 1);
    file.records.resize(kept);
    // What reached the disk by itself is as durable as the rest.
    for (Record& record : file.records) MarkSynced(record);
  }
}

std::string SimPageDisk::SyncedAt(const WarcPlace& place) const {
  auto file = files_.find(place.file);
  if (place.pages_dir_id != pages_dir_id_ || file == files_.end()) return {};
  for (const Record& record : file->second.records) {
    if (record.offset == place.offset && record.length == place.length && record.synced) return record.url;
  }
  return {};
}

size_t SimPageDisk::copies(const std::string& url) const {
  auto it = synced_urls_.find(url);
  return it == synced_urls_.end() ? 0 : it->second;
}

size_t SimPageDisk::synced_records() const {
  size_t sum = 0;
  for (const auto& [url, count] : synced_urls_) sum += count;
  return sum;
}

absl::StatusOr<StoredExchange> SimPageStore::Append(const Exchange& exchange) {
  if (disk_.clock_.Now() < disk_.full_until_) return ResourceExhausted("no space left on the simulated disk");
  if (file_.empty()) file_ = fmt::format("sim-{:05}.warc", disk_.next_file_++);
  SimPageDisk::File& file = disk_.files_[file_];
  SimPageDisk::Record record;
  record.url = std::string(exchange.url);
  record.offset = file.size;
  record.length = 200 + exchange.response_head.size() + exchange.wire_body.size();
  file.size += record.length;
  StoredExchange stored;
  stored.place = {disk_.pages_dir_id_, file_, record.offset, record.length, Digest(exchange.response_head)};
  stored.payload_digest = Digest(exchange.payload);
  file.records.push_back(std::move(record));
  return stored;
}

absl::Status SimPageStore::Sync() {
  if (file_.empty()) return absl::OkStatus();
  SimPageDisk::File& file = disk_.files_[file_];
  if (disk_.fail_sync_) {
    disk_.fail_sync_ = false;
    std::erase_if(file.records, [](const SimPageDisk::Record& record) { return !record.synced; });
    file_.clear();
    return Unavailable("injected error of a sync");
  }
  for (auto record = file.records.rbegin(); record != file.records.rend() && !record->synced; ++record) {
    disk_.MarkSynced(*record);
  }
  return absl::OkStatus();
}

}  // namespace weft::test
