// The set of known URLs of a CrawlDb: where it comes from at the opening, and how it is saved.
//
// It must never hold a URL that the store does not (that URL would be lost), and it must hold every one that the store does
// (else a blind write would undo a record). Both follow from one rule: the store itself says, in the same atomic writes as
// the records, which snapshot it stands on and what came after. A store that was restored from a copy, or lost its unsynced
// tail, names the snapshot that it stood on then; if that is gone, it is not there in the other slot either, since ids are
// drawn, and the set is read from the records.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "common/status.h"
#include "storage/byte_coding.h"
#include "storage/crawl_db.h"
#include "storage/crawl_db_state.h"

namespace weft {
namespace {

constexpr std::string_view kPointerName = "seen";
constexpr uint8_t kPointerVersion = 1;
constexpr size_t kPieceBytes = 1 << 20;

std::string EncodePointer(const SeenPointer& pointer) {
  std::string out(1, static_cast<char>(kPointerVersion));
  PutFixed32(out, pointer.slot);
  PutFixed64(out, pointer.id);
  PutFixed64(out, pointer.commit);
  return out;
}

absl::StatusOr<SeenPointer> DecodePointer(std::string_view bytes) {
  ByteReader in(bytes);
  const uint8_t version = in.Fixed8();
  SeenPointer pointer;
  pointer.slot = in.Fixed32();
  pointer.id = in.Fixed64();
  pointer.commit = in.Fixed64();
  if (version != kPointerVersion || !in.AtEnd() || pointer.slot > 2) return DataLoss("crawl.db: what it says of known URLs is damaged");
  return pointer;
}

absl::Status TakeNoted(std::string_view entries, SeenUrls& set) {
  ByteReader in(entries);
  while (in.ok() && !in.AtEnd()) {
    Fingerprint key;
    key.lo = in.Fixed64();
    key.hi = in.Fixed32();
    const uint8_t bits = in.Fixed8();
    if (in.ok()) set.Put(key, SeenNote::FromBits(bits));
  }
  return in.ok() ? absl::OkStatus() : DataLoss("crawl.db: what became known is damaged");
}

}  // namespace

absl::Status CrawlDb::Impl::LoadSeen(Random& random, KvBatch& batch) {
  seen_ids = random.NextId();
  WEFT_ASSIGN_OR_RETURN(std::optional<std::string> stored, kv->Get(Family::kMeta, kPointerName));
  if (!stored && created_now) batch.Put(Family::kMeta, std::string(kPointerName), EncodePointer({}));
  if (stored) {
    WEFT_ASSIGN_OR_RETURN(seen_pointer, DecodePointer(*stored));
  }
  if (options.seen_memory_bytes == 0) return absl::OkStatus();
  WEFT_ASSIGN_OR_RETURN(seen, SeenUrls::Create(options.seen_memory_bytes));
  absl::Status loaded;
  if (!created_now) loaded = stored ? LoadSeenSaved() : NotFound("it was written by a Weft that had no such set");
  PlanSeenSave(0);
  if (loaded.ok()) return absl::OkStatus();
  spdlog::warn("crawl.db: the set of known URLs is read from the records: {}", ErrorText(loaded));
  WEFT_ASSIGN_OR_RETURN(seen, SeenUrls::Create(options.seen_memory_bytes));
  WEFT_RETURN_IF_ERROR(LoadSeenScan());
  seen_save_at = 0;  // so that the next opening need not
  return absl::OkStatus();
}

absl::Status CrawlDb::Impl::LoadSeenSaved() {
  if (seen_pointer.slot != 0) {
    const std::string file = SeenFile(seen_pointer.slot);
    WEFT_RETURN_IF_ERROR(WithContext(LoadSeenSnapshot(file, seen_pointer.id, identity.lineage(), *seen), file));
  }
  absl::Status taken;
  WEFT_RETURN_IF_ERROR(kv->Scan(Family::kSeen, SeenName(seen_pointer.commit + 1), "",
                                [&](std::string_view, std::string_view entries) {
                                  seen_noted += entries.size();
                                  taken = TakeNoted(entries, *seen);
                                  return taken.ok();
                                }));
  return taken;
}

absl::Status CrawlDb::Impl::LoadSeenScan() {
  constexpr uint64_t kTellEvery = 20'000'000;
  uint64_t records = 0;
  absl::Status damaged;
  WEFT_RETURN_IF_ERROR(kv->Scan(Family::kUrls, "", "", [&](std::string_view name, std::string_view value) {
    auto head = DecodeUrlRecordHead(value);
    if (!head.ok() || name.size() != 18) {
      damaged = head.ok() ? DataLoss("crawl.db: a URL's key is damaged") : head.status();
      return false;
    }
    seen->Put(Fingerprint::FromBytes(name.substr(2)), SeenNoteOf(head->state, head->reason, head->depth));
    if (++records % kTellEvery == 0) spdlog::warn("crawl.db: {} of {} records are read", records, total.discovered);
    return true;
  }));
  return damaged;
}

// ---- saving ----

void CrawlDb::Impl::PlanSeenSave(uint64_t from) {
  const uint64_t quarter = seen == nullptr || options.seen_save_bytes == 0 ? 0 : seen->memory_bytes() / 4;
  seen_save_at = from + std::max(options.seen_save_bytes, quarter);
}

const SeenUrls* CrawlDb::seen() const { return impl_->seen.get(); }
uint64_t CrawlDb::seen_reads() const { return impl_->seen_reads; }

bool CrawlDb::SeenSaveDue() const {
  if (impl_->seen == nullptr || impl_->options.seen_path.empty() || !impl_->Usable().ok()) return false;
  return impl_->seen_saving != nullptr || impl_->seen_noted >= impl_->seen_save_at;
}

CrawlDb::SeenWork CrawlDb::NextSeenPiece() {
  Impl& db = *impl_;
  if (db.seen_saving == nullptr) {
    db.seen_saving = std::make_unique<SeenSaving>();
    SeenSaving& begun = *db.seen_saving;
    begun.pointer = {db.seen_pointer.slot == 1 ? 2u : 1u, db.seen_ids++, db.commit};
    begun.segments = db.seen->segments();
    begun.noted_before = db.seen_noted;
    begun.writer = std::make_shared<SeenSnapshotWriter>(
        db.SeenFile(begun.pointer.slot),
        SeenSnapshotHead{begun.pointer.id, db.identity.lineage(), begun.pointer.commit, db.seen->size()}, db.files());
  }
  SeenSaving& saving = *db.seen_saving;
  std::string piece;
  while (saving.next < saving.segments && piece.size() < kPieceBytes) {
    std::string segment;
    db.seen->SaveSegment(saving.next++, segment);
    PutFixed32(piece, static_cast<uint32_t>(segment.size()));
    piece += segment;
  }
  saving.last_piece = saving.next == saving.segments;
  return [writer = saving.writer, piece = std::move(piece), last = saving.last_piece] {
    WEFT_RETURN_IF_ERROR(writer->Add(piece));
    return last ? writer->Finish() : absl::OkStatus();
  };
}

absl::StatusOr<bool> CrawlDb::SeenPieceWritten(const absl::Status& written) {
  Impl& db = *impl_;
  if (!written.ok()) {
    spdlog::warn("crawl.db: the set of known URLs could not be saved: {}", ErrorText(written));
    db.seen_saving.reset();
    db.PlanSeenSave(db.seen_noted);
    return false;
  }
  if (!db.seen_saving->last_piece) return false;
  const std::unique_ptr<SeenSaving> saved = std::move(db.seen_saving);
  // Behind everything that the snapshot holds: a store that has this has that.
  KvBatch batch;
  batch.Put(Family::kMeta, std::string(kPointerName), EncodePointer(saved->pointer));
  batch.DeleteRange(Family::kSeen, SeenName(0), SeenName(saved->pointer.commit + 1));
  WEFT_RETURN_IF_ERROR(db.Write(batch));
  db.seen_pointer = saved->pointer;
  db.seen_noted -= saved->noted_before;
  db.PlanSeenSave(0);
  return true;
}

CrawlDb::SeenWork CrawlDb::OldSeenRemoval() {
  Impl& db = *impl_;
  return [&files = db.files(), old = db.SeenFile(db.seen_pointer.slot == 1 ? 2 : 1)] {
    return files.Exists(old) ? files.Remove(old) : absl::OkStatus();
  };
}

}  // namespace weft
