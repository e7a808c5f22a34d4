#include "scheduler/trap_list.h"

#include <algorithm>
#include <utility>

#include "common/status.h"

namespace weft {
namespace {

constexpr std::string_view kMetaTraps = "traps";

}  // namespace

absl::StatusOr<TrapList> TrapList::Read(const CrawlDb& db) {
  TrapList list;
  WEFT_ASSIGN_OR_RETURN(std::optional<std::string> stored, db.GetMeta(kMetaTraps));
  if (stored && !list.list_.ParseFromString(*stored)) return DataLoss("crawl.db: the list of traps cannot be read");
  return list;
}

absl::Status TrapList::Write(CrawlDb& db) const { return db.PutMeta(kMetaTraps, list_.SerializeAsString()); }

void TrapList::AddTo(KvBatch& batch) const {
  batch.Put(Family::kMeta, CrawlDb::MetaKey(kMetaTraps), list_.SerializeAsString());
}

wire::Trap* TrapList::Find(wire::Trap::Kind kind, std::string_view match) {
  for (wire::Trap& trap : *list_.mutable_traps()) {
    if (trap.kind() == kind && trap.match() == match) return &trap;
  }
  return nullptr;
}

wire::Trap* TrapList::Add(wire::Trap trap) {
  if (static_cast<size_t>(list_.traps_size()) >= kMost) return nullptr;
  list_.set_last_id(list_.last_id() + 1);
  trap.set_id(list_.last_id());
  return &(*list_.add_traps() = std::move(trap));
}

std::vector<uint64_t> TrapList::Decide(const google::protobuf::RepeatedField<uint64_t>& ids, bool released) {
  std::vector<uint64_t> unknown;
  bool changed = false;
  for (uint64_t id : ids) {
    auto& traps = *list_.mutable_traps();
    auto trap = std::find_if(traps.begin(), traps.end(), [id](const wire::Trap& one) { return one.id() == id; });
    if (trap == traps.end()) {
      unknown.push_back(id);
      continue;
    }
    changed = changed || trap->released() != released;
    trap->set_released(released);
  }
  if (changed) list_.set_decisions(list_.decisions() + 1);
  return unknown;
}

}  // namespace weft
