// The traps that were found: what status and weft traps show, and what a restart remembers. Bounded.
// Thread rule: one thread.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/wire.pb.h"
#include "storage/crawl_db.h"

namespace weft {

class TrapList {
 public:
  // Where as many are known, none is added any more.
  static constexpr size_t kMost = 1000;

  // What the CrawlDb has stored; empty where nothing is.
  static absl::StatusOr<TrapList> Read(const CrawlDb& db);
  absl::Status Write(CrawlDb& db) const;
  // The same for a store that no CrawlDb has open.
  void AddTo(KvBatch& batch) const;

  // Null if none is of this kind and match, in force or released.
  wire::Trap* Find(wire::Trap::Kind kind, std::string_view match);
  // Null where no more are taken.
  wire::Trap* Add(wire::Trap trap);
  // Released traps refuse nothing and are not found again; held ones are in force again. Ids that no trap has.
  std::vector<uint64_t> Release(const google::protobuf::RepeatedField<uint64_t>& ids) { return Decide(ids, true); }
  std::vector<uint64_t> Hold(const google::protobuf::RepeatedField<uint64_t>& ids) { return Decide(ids, false); }

  const wire::TrapList& list() const { return list_; }
  google::protobuf::RepeatedPtrField<wire::Trap>& traps() { return *list_.mutable_traps(); }

 private:
  std::vector<uint64_t> Decide(const google::protobuf::RepeatedField<uint64_t>& ids, bool released);
  wire::TrapList list_;
};

}  // namespace weft
