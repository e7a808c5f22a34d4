// Records whose page is stored, read for exports beside the crawl: in slices, each as the store is when it is read, all without
// what was committed after a pin (protocol rule 37).
// Thread rule: any thread, as long as the store lives (storage/kv.h); the calls block.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/fingerprint.h"
#include "storage/kv.h"
#include "storage/url_record.h"

namespace weft {

struct DoneRow {
  Fingerprint key;
  uint16_t shard = 0;
  UrlRecord record;
  std::string referrer_url = {};   // once asked for
};

class DoneRecords {
 public:
  explicit DoneRecords(const Kv& kv) : kv_(&kv) {}

  // Records whose page was stored by commit `pinned_commit` or before (in its newest version), in key order from `cursor`
  // (empty: start) on; `next` is empty at the end. Ends behind the row that makes the records `most_bytes` or more.
  absl::Status Read(std::string_view cursor, size_t limit, uint64_t most_bytes, uint64_t pinned_commit, std::vector<DoneRow>& rows,
                    std::string& next) const;
  // The URL of the page that named the row's first, where it is known.
  absl::Status FindReferrer(DoneRow& row) const;

 private:
  const Kv* kv_;
};

}  // namespace weft
