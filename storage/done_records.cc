#include "storage/done_records.h"

#include <utility>

#include "common/status.h"
#include "storage/byte_coding.h"
#include "storage/crawl_db_state.h"

namespace weft {

absl::Status DoneRecords::Read(std::string_view cursor, size_t limit, uint64_t most_bytes, uint64_t pinned_commit,
                               std::vector<DoneRow>& rows, std::string& next) const {
  rows.clear();
  next.clear();
  uint64_t bytes = 0;
  absl::Status damaged;
  WEFT_RETURN_IF_ERROR(kv_->Scan(Family::kUrls, cursor, "", [&](std::string_view key, std::string_view value) {
    if (rows.size() >= limit || bytes >= most_bytes) {
      next = std::string(key);
      return false;
    }
    auto head = DecodeUrlRecordHead(value);
    if (!head.ok()) {
      damaged = head.status();
      return false;
    }
    if (!head->page) return true;
    auto record = DecodeUrlRecord(value);
    if (!record.ok()) {
      damaged = record.status();
      return false;
    }
    if (record->page_commit() > pinned_commit) return true;
    DoneRow row;
    ByteReader in(key);
    row.shard = in.Fixed16();
    row.key = Fingerprint::FromBytes(in.Raw(16));
    row.record = *std::move(record);
    rows.push_back(std::move(row));
    bytes += value.size();
    return true;
  }));
  return damaged;
}

absl::Status DoneRecords::FindReferrer(DoneRow& row) const {
  if (row.record.referrer.empty()) return absl::OkStatus();
  WEFT_ASSIGN_OR_RETURN(const std::optional<std::string> bytes, kv_->Get(Family::kUrls, UrlKey(row.record.referrer_shard, row.record.referrer)));
  if (!bytes) return absl::OkStatus();
  WEFT_ASSIGN_OR_RETURN(UrlRecord referrer, DecodeUrlRecord(*bytes));
  row.referrer_url = std::move(referrer.url);
  return absl::OkStatus();
}

}  // namespace weft
