// The inside of CrawlDb: its keys, its counters, and the transaction in which one shard changes. Included by the
// crawl_db*.cc files only.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/container/node_hash_map.h>

#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/mutex.h"
#include "storage/crawl_db.h"
#include "storage/host_table.h"
#include "storage/kv.h"
#include "storage/seen_snapshot.h"
#include "storage/seen_urls.h"
#include "storage/store_key.h"

namespace weft {

inline constexpr uint32_t kCrawlDbFormat = 2;   // 2: records of version 2
inline constexpr int kDepthShift = 48;   // of a queue position; below it a sequence
// Waits are added to the clock: none makes the sum wrap around.
inline constexpr uint64_t kLongestWait = uint64_t{1} << 62;
inline constexpr std::string_view kClockName = "clock";

// What one shard adds to the ledger, stored with every batch that changes it.
struct ShardCounts {
  LedgerCounts ledger;
  uint64_t next_sequence = 1;   // of queue positions; never used twice
  uint64_t commit = 0;          // last commit that touched the shard
  CrawlTime clock = 0;          // crawl clock of that commit
  CrawlDb::HostCounts hosts;
};
std::string EncodeShardCounts(const ShardCounts& counts);
absl::StatusOr<ShardCounts> DecodeShardCounts(std::string_view bytes);

std::string EncodeHostState(const HostState& host);
absl::StatusOr<HostState> DecodeHostState(std::string_view bytes);

// Refusals that a changed scope, or another sighting, can undo (rule 36).
bool RefusedByScope(Outcome reason);

// A number as the value of meta.
std::string Number(uint64_t value);
std::string CountsName(uint16_t shard);
// 13 bytes: what a set keeps of a fingerprint, and the note.
inline constexpr size_t kSeenEntryBytes = 13;
void PutSeenEntry(std::string& out, const Fingerprint& key, SeenNote note);

// What a record leaves for a link to change.
SeenNote SeenNoteOf(UrlState state, Outcome reason, uint32_t depth);

// What meta says of the set of known URLs: the snapshot that belongs to this very state of the store, and that family kSeen
// notes everything of later commits. A store without it was written before there was a set.
struct SeenPointer {
  uint32_t slot = 0;     // 1: PATH.a, 2: PATH.b, 0: no snapshot, everything is in the family
  uint64_t id = 0;
  uint64_t commit = 0;   // the snapshot holds everything up to here
};

// A snapshot while it is written.
struct SeenSaving {
  // Shared with work that may still run on a pool's thread when the CrawlDb is thrown away.
  std::shared_ptr<SeenSnapshotWriter> writer;
  SeenPointer pointer;
  size_t segments = 0;
  size_t next = 0;
  uint64_t noted_before = 0;   // bytes noted when it began
  bool last_piece = false;
};

using DueEntry = TimeWindow<Fingerprint>::Entry;

class ShardChange;

struct CrawlDb::Impl {
  std::unique_ptr<Kv> kv;
  CrawlDbOptions options;
  wire::CrawlIdentity identity;
  Fingerprinter fingerprinter{0};
  uint64_t incarnation = 0;
  uint64_t previous_incarnation = 0;
  uint64_t opened_commit = 0;
  bool created_now = false;
  CrawlTime clock = 0;
  uint64_t commit = 0;
  std::vector<ShardCounts> shards{kShardCount};
  LedgerCounts total;
  std::unique_ptr<HostTable> hosts;
  HostCounts host_counts;
  TimeWindow<Fingerprint> due;
  absl::flat_hash_map<std::string, QueueInsert> lowest_inserts;
  absl::Status failed;
  std::unique_ptr<SeenUrls> seen;   // null: none
  SeenPointer seen_pointer;
  std::unique_ptr<SeenSaving> seen_saving;
  uint64_t seen_ids = 0;            // the next snapshot's
  uint64_t seen_noted = 0;          // bytes in the family since the snapshot
  uint64_t seen_save_at = 0;        // saved when that many are noted
  uint64_t seen_reads = 0;
  bool recrawl = false;
  bool popular = false;
  PriorityOf priority_of;   // null: all have 0
  std::vector<std::pair<Fingerprint, SeenNote>> looked_up;   // of one call: the next link to them needs no read
  std::vector<Fingerprint> check_keys;     // kept for their memory
  std::vector<SeenAnswer> check_answers;
  // A sync may fail on its pool's thread; written once, then read by everybody.
  mutable Mutex mutex;
  absl::Status sync_failed ABSL_GUARDED_BY(mutex);

  absl::Status Health() const;

  absl::Status Load(Random& random);
  absl::Status LoadCounts();
  // A store of before there was an order of hosts gets one.
  absl::Status LoadFiled(KvBatch& batch);
  absl::StatusOr<std::vector<DueEntry>> ReadDue(uint16_t shard, const DueEntry& from, size_t limit) const;
  // Null: not known. A store that cannot be read is not written to any more.
  const HostState* FindHost(uint16_t shard, uint64_t id);
  // Of a record that is or was in a queue.
  uint64_t HostIdOf(const UrlRecord& record) const;
  absl::StatusOr<std::vector<uint64_t>> PromoteInShard(uint16_t shard, std::span<const DueEntry> entries, CrawlTime now);
  // What the set says of each candidate, into check_answers.
  void AskSeen(std::span<const Candidate> candidates);
  // Admits candidates[indexes], all of the change's shard.
  absl::Status AdmitToShard(std::span<const Candidate> candidates, std::span<const size_t> indexes, ShardChange& change,
                            std::vector<Admission>& answers);
  // Moves wanted[indexes], all of the change's shard.
  absl::Status PreferInShard(std::span<const Preference> wanted, std::span<const size_t> indexes, ShardChange& change,
                             std::vector<Preferred>& answers);
  absl::Status LoadSeen(Random& random, KvBatch& batch);
  absl::Status LoadSeenSaved();
  absl::Status LoadSeenScan();
  FileOps& files() const { return options.files != nullptr ? *options.files : PosixFileOps(); }
  std::string SeenFile(uint32_t slot) const { return options.seen_path + (slot == 1 ? ".a" : ".b"); }
  void PlanSeenSave(uint64_t from);
  absl::Status Write(const KvBatch& batch);
  // OK, or what every call answers after an error.
  absl::Status Usable() const;
  void Recount();
  // The counters of one shard become others.
  void Replace(uint16_t shard, ShardCounts counts);
};

// The changes of one call to one shard: gathered here, written as one batch, and only then taken over into memory. Those of
// several shards may be gathered in one batch after one another, and written together: it is cheaper, and nothing depends on it.
class ShardChange {
 public:
  // `before`: how many changes are gathered in `batch` already.
  ShardChange(CrawlDb::Impl& db, uint16_t shard, CrawlTime now, KvBatch& batch, uint64_t before = 0);

  ShardCounts& counts() { return counts_; }
  uint64_t commit() const { return counts_.commit; }
  CrawlTime now() const { return now_; }
  // Something is to be written.
  bool dirty() const { return batch_.size() > begin_; }
  // Something is to be written, be it only the counters.
  bool touched() const { return touched_ || dirty(); }
  void Touch() { touched_ = true; }
  // The host as it will be; made if it is new.
  HostState& Host(std::string_view host);
  // The host in whose queue the record is.
  HostState* HostOf(const UrlRecord& record);
  OriginState& Origin(HostState& host, std::string_view origin);

  // Puts a pending record into its origin's queue at a new position, as if it were `nearer` by so many links.
  void Enqueue(const Fingerprint& key, UrlRecord& record, std::string_view origin, std::string_view host, int nearer = 0);
  // To a better place in the queue that it waits in, of the same priority.
  Preferred MoveUp(const Preference& wanted, UrlRecord& record);
  // Takes it out of its queue, or out of the retries, whichever it is in; its host has one pending less.
  void Dequeue(const Fingerprint& key, UrlRecord& record);
  // Out of its queue and into the retries; its host has it pending all the same.
  void Postpone(const Fingerprint& key, UrlRecord& record, CrawlTime due);
  // Back into its queue where it waited for a retry.
  void Promote(const Fingerprint& key, UrlRecord& record);
  // A done record is due then; 0: not any more.
  void Schedule(const Fingerprint& key, UrlRecord& record, CrawlTime due);
  // A sitemap says that the record's page changed after its last visit, and it is to be fetched again anyway.
  bool HintPulls(const Candidate& candidate, const UrlRecord& record) const;
  // A done record's turn has come: pending again, one generation later, its page kept.
  void VisitAgain(const Fingerprint& key, UrlRecord& record);
  // A pending record, already out of its queue, is done: by its page, or by the one it keeps where a visit brought none.
  void PageDone(const AttemptEnd& end, CrawlTime now, UrlRecord& record);
  // kNew: there was no record. kReopened: links may change more of it than before.
  enum class Was { kKnown, kNew, kReopened };
  void PutRecord(const Fingerprint& key, UrlRecord& record, Was was);

  // Gathers what is left.
  void Seal();
  // Once the batch is written: now memory may follow (rule 4).
  void TakeOver();
  // Both, and the write between them.
  absl::Status Apply();

 private:
  HostState* HostById(uint64_t id);
  OriginState* OriginOf(HostState& host, const UrlRecord& record);
  void File(HostState& host);
  uint64_t RankFor(const UrlRecord& record) const;
  uint64_t OrderFor(const UrlRecord& record, int nearer) const;
  void QueueAt(const Fingerprint& key, UrlRecord& record, const HostState& host, OriginState& origin, int nearer = 0);
  void Unqueue(const Fingerprint& key, UrlRecord& record);

  CrawlDb::Impl& db_;
  uint16_t shard_;
  ShardCounts counts_;
  KvBatch& batch_;
  const size_t begin_;
  const CrawlTime now_;
  bool touched_ = false;
  absl::node_hash_map<uint64_t, HostState> hosts_;
  std::vector<DueEntry> due_added_;
  std::vector<DueEntry> due_removed_;
  std::vector<std::pair<std::string, QueueInsert>> inserts_;
  std::vector<std::pair<Fingerprint, SeenNote>> seen_;
  std::string record_bytes_;   // kept for its room
  std::string noted_;   // for the family kSeen
  uint64_t noted_bytes_ = 0;
};

}  // namespace weft
