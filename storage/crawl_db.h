// CrawlDb: the crawl's memory. It knows every distinct crawl key in exactly one state, the queue of every origin, every
// host with its politeness, and the ledger `discovered = pending + done + failed + refused`, all moved together in one
// atomic batch per call and shard. The scheduler is its only writer.
//
// Keys of every family but meta start with the two-byte shard of the host's registrable domain, so that shards can move
// between schedulers. Layout in docs/architecture.md.
//
// Ahead of the store stands the set of known URLs (storage/seen_urls.h); crawl_db_seen.cc tells how the two stay one.
//
// Errors: after any error of a write the object answers FailedPrecondition to everything; the owner throws it away and
// opens the store again (protocol rule 4). Counters and host records in memory change only after the write returned OK.
// Durability: a change is durable once a Sync that started after it has succeeded; only then may it be acknowledged.
// Thread rule: one thread; Sync() and what done_records() answers may be used on pool threads beside it.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/functional/any_invocable.h>
#include <absl/functional/function_ref.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/fingerprint.h"
#include "common/outcome.h"
#include "common/random.h"
#include "common/url.h"
#include "common/wire.pb.h"
#include "storage/done_records.h"
#include "storage/file_ops.h"
#include "storage/kv.h"
#include "storage/recrawl_interval.h"
#include "storage/seen_urls.h"
#include "storage/time_window.h"
#include "storage/url_record.h"

namespace weft {

// Microseconds on the crawl clock: time during which a scheduler had this CrawlDb open (rule 24). It never goes back.
using CrawlTime = uint64_t;

// A URL that somebody found, ready for the ledger. Scope and limits have been asked already.
struct Candidate {
  Fingerprint key;
  std::string url;                    // request URL
  uint32_t host_begin = 0;            // in `url`, as SetUrl finds them
  uint32_t host_end = 0;
  uint32_t origin_end = 0;
  uint16_t shard = 0;
  uint32_t depth = 0;
  uint32_t redirect_hops = 0;
  bool seed = false;
  uint32_t sitemap_level = 0;         // as in UrlRecord
  Fingerprint referrer;
  uint16_t referrer_shard = 0;
  Outcome refused = Outcome::kNone;   // set: record it as refused, with this reason
  uint64_t lastmod_s = 0;             // a sitemap's hint, Unix time; 0: none
  int nearer = 0;                     // (SetPopular) queued as if it were so many links nearer

  // Its request URL, host and origin. `parsed` must be an http URL with a host.
  void SetUrl(Url parsed);
  std::string_view host() const { return std::string_view(url).substr(host_begin, host_end - host_begin); }  // "example.com"
  std::string_view origin() const { return std::string_view(url).substr(0, origin_end); }   // "https://example.com"; "": not set
};

enum class Admission : uint8_t {
  kQueued,      // new, now pending
  kTakenUp,     // was refused for depth or scope, found again admissible: now pending (rule 36)
  kKnown,       // already in the ledger
  kRefused,     // new, recorded as refused
  kSighting,    // refused, beyond the host's cap of recorded refusals: counted outside the ledger (rule 35)
};

struct OriginState {
  std::string origin;                 // "https://example.com"
  uint64_t pending = 0;               // queued or waiting for a retry
  // No entry of its queue lies below: where hand-out begins after a restart, past the tombstones of what was
  // handed out (rule 6). 0: at the start.
  uint64_t head = 0;
  // Politeness, as below.
  CrawlTime not_before = 0;           // it failed: its own wait, beside the host's
  uint32_t failures = 0;              // in a row
  uint32_t robots_tries = 0;          // in a row, without an answer
};

// A host name, what is pending under it and what politeness must not forget.
struct HostState {
  uint64_t id = 0;                    // Fingerprinter::Short(host)
  uint16_t shard = 0;
  std::string host;
  std::vector<OriginState> origins;
  uint64_t refused_recorded = 0;
  // Its place in the order of hosts to be asked; none: nothing is pending.
  std::optional<CrawlTime> filed_at;
  // Politeness. Times on the crawl clock.
  CrawlTime not_before = 0;           // no request before this
  CrawlTime last_request = 0;         // end of the last response; 0 = never asked
  uint64_t crawl_delay_us = 0;        // from robots.txt
  uint32_t failures = 0;              // requests in a row that no answer came to
  uint32_t throttles = 0;             // throttled answers in a row
  uint64_t delay_us = 0;              // the adaptive delay; 0 = not moved from where it starts
  uint64_t latency_us = 0;            // what an answer of this host takes when all is well; 0 = not known
  // The highest rate ever sent, as its fetchers measured it.
  uint64_t busiest_second = 0;        // most requests that began within one second
  uint64_t shortest_gap_us = 0;       // from the end of a response to the next request on its connection; 0 = none yet
  // What was taken from it, over all its origins.
  uint64_t pages = 0;                 // stored with a 2xx status
  uint64_t answers = 0;               // stored with any status
  uint64_t bytes = 0;                 // of payloads
  uint64_t asked_us = 0;              // time that requests took, in all

  uint64_t pending() const {
    uint64_t sum = 0;
    for (const OriginState& o : origins) sum += o.pending;
    return sum;
  }
  // When something of what is pending may be asked for.
  CrawlTime ready() const {
    CrawlTime earliest = UINT64_MAX;
    for (const OriginState& o : origins) {
      if (o.pending > 0) earliest = std::min(earliest, o.not_before);
    }
    return std::max(not_before, earliest == UINT64_MAX ? 0 : earliest);
  }
};

// How one attempt ended, for Commit.
struct AttemptEnd {
  enum class Kind : uint8_t {
    kDone,          // `page` is stored
    kFailed,        // final: `reason`
    kRefused,       // never requested after all (robots, address): `reason`
    kRetry,         // tried again after `retry_after_us`; attempt + 1
    kBackToQueue,   // not this URL's fault (throttled, host parked, lease over): same attempt, same place
    kOwnKeyRedirect // answered with a redirect to its own key: queued again with `new_url`; attempt + 1
  };
  Kind kind = Kind::kDone;
  Fingerprint key;
  uint16_t shard = 0;
  uint32_t generation = 0;
  uint32_t attempt = 0;
  Outcome reason = Outcome::kNone;
  uint64_t retry_after_us = 0;
  uint64_t took_us = 0;               // the request; 0: none was made
  std::string new_url;
  // kDone
  uint32_t status = 0;
  WarcPlace place;
  std::string payload_digest;
  uint64_t payload_bytes = 0;
  bool truncated = false;
  absl::Time fetched_at;
  std::string mime;
  std::string etag;                     // as in UrlRecord
  std::string last_modified;
  // Set: when it is done it is fetched again, by these terms. Of any kind, for a visit that fails leaves the record done.
  std::optional<RecrawlTerms> recrawl;
};

enum class CommitVerdict : uint8_t {
  kCommitted,
  kSuperseded,   // the record is not pending, or generation or attempt differ: counted, changes nothing
  kUnknownKey,   // no such record (after a restore): counted as superseded
  kRedirectLoop, // kOwnKeyRedirect beyond kMaxOwnKeyRedirects: committed as failed: redirect-loop
};

// A queue's order: by priority, then by depth, then by arrival. The first byte of a position is the URL's rank; lower ones come
// first, and a URL of priority 0 has the default.
inline constexpr int kRankShift = 56;
inline constexpr int kDefaultRank = 128;
inline int RankOf(uint64_t position) { return static_cast<int>(position >> kRankShift); }

// Where popularity counts (SetPopular) a step takes the place of the depth, and what has none lies behind all that have one.
inline constexpr int kPopularSteps = 15;

// A pending URL that is wanted sooner, by so many steps: 1 to kPopularSteps.
struct Preference {
  Fingerprint key;
  uint16_t shard = 0;
  int step = 0;
};

// Something has been put into an origin's queue.
struct QueueInsert {
  uint16_t shard = 0;
  uint64_t host_id = 0;
  uint64_t position = 0;
};

struct QueuedUrl {
  uint64_t position = 0;   // in the origin's queue, ascending; resume after it
  Fingerprint key;
  UrlRecord record;
};

// What became of a Preference.
struct Preferred {
  enum class Kind : uint8_t {
    kMoved,
    kWaits,   // its place is as good, or it waits for a retry
    kOver,    // not pending, or not known
  };
  Kind kind = Kind::kOver;
  // kMoved
  uint64_t host_id = 0;
  std::string origin;
  QueuedUrl url;
};

struct LedgerCounts {
  uint64_t discovered = 0;
  uint64_t pending = 0;
  uint64_t done = 0;
  std::map<Outcome, uint64_t> failed;
  std::map<Outcome, uint64_t> refused;
  // Beside the ledger.
  uint64_t pages = 0;        // with a stored page of a 2xx status: done, or being fetched again
  uint64_t truncated = 0;
  uint64_t sightings = 0;
  uint64_t superseded = 0;
  uint64_t due_later = 0;    // done, and fetched again later
  uint64_t recrawl_changed = 0;    // visits that found another page,
  uint64_t recrawl_unchanged = 0;  // the same,
  uint64_t recrawl_missed = 0;     // or none

  // discovered == pending + done + sum(failed) + sum(refused)
  bool AddsUp() const;
};

struct CrawlDbOptions {
  wire::CrawlIdentity create;             // used only when the store is empty; zero ids are drawn from `random`
  uint64_t refused_cap_per_host = 10'000;
  // The set of known URLs ahead of the store (storage/seen_urls.h); 0: none, every link is looked up.
  uint64_t seen_memory_bytes = 16ull << 20;
  // Its snapshots are PATH.a and PATH.b; empty: it is never saved, and read again from the store.
  std::string seen_path;
  // Bytes noted since the last snapshot, per URL 13, at which the next one is due, or a quarter of the memory in
  // use if that is more; 0: always.
  uint64_t seen_save_bytes = 32ull << 20;
  size_t hosts_in_memory = 65'536;        // records; the others are read when they are needed
  size_t window = 256;                    // of what is ordered by time, per shard (storage/time_window.h)
  FileOps* files = nullptr;               // the kernel's where null
  bool read_only = false;                 // nothing is written, no incarnation is minted
};

class CrawlDb {
 public:
  // Opens what is in `kv`, or creates a crawl there. FailedPrecondition with a message for users where the format is
  // newer than this program; DataLoss where it cannot be read. Mints a new incarnation (rule 3).
  static absl::StatusOr<std::unique_ptr<CrawlDb>> Open(std::unique_ptr<Kv> kv, const CrawlDbOptions& options,
                                                       Random& random);
  ~CrawlDb();

  const wire::CrawlIdentity& identity() const;
  uint64_t incarnation() const;
  // What the db knew when it was opened: the incarnation of the opening before (0: none) and its last commit. Who saw a
  // later commit acknowledged under that incarnation saw one that is lost (rule 13).
  uint64_t previous_incarnation() const;
  uint64_t opened_commit() const;
  bool created_now() const;

  // --- The ledger ---
  // One answer per candidate, in order; duplicates within the call count as known. One batch per shard.
  // A seed that is known as refused (scope, depth, prefix, excluded) is taken up. A known pending record found nearer
  // (smaller depth) keeps its place but takes the smaller depth. A done one that waits to be fetched again is due at once
  // where a sitemap says that it changed after its last visit.
  absl::StatusOr<std::vector<Admission>> Admit(std::span<const Candidate> candidates, CrawlTime now);
  // One verdict per end, in order. First wins on (key, generation, attempt) while the record is pending (rule 1).
  absl::StatusOr<std::vector<CommitVerdict>> Commit(std::span<const AttemptEnd> ends, CrawlTime now);
  // Puts every record that ended as failed back into its queue (--retry-failed): how many.
  absl::StatusOr<uint64_t> RequeueFailed(CrawlTime now);
  // Asks `judge` again about everything pending, and everything refused by scope or depth; kNone is admissible. What is
  // answered otherwise than before changes its state: how many. For a scope or depth limit that changed; a scan.
  absl::StatusOr<uint64_t> Rejudge(absl::FunctionRef<Outcome(const UrlRecord&)> judge, CrawlTime now);
  LedgerCounts ledger() const;
  // Recounts from the records, by a scan: for checks and tests.
  absl::StatusOr<LedgerCounts> Recount() const;

  absl::StatusOr<std::optional<UrlRecord>> Find(const Fingerprint& key, uint16_t shard) const;
  // The URL of each, in order, by one read; "" where there is no record.
  absl::StatusOr<std::vector<std::string>> UrlsOf(std::span<const std::pair<Fingerprint, uint16_t>> places) const;
  // --- Queues ---
  // Up to `limit` entries of the origin's queue with position > `after`, in order (depth first, then arrival).
  absl::StatusOr<std::vector<QueuedUrl>> ReadQueue(uint16_t shard, std::string_view origin, uint64_t after,
                                                   size_t limit) const;
  // Moves retries that are due into their queues; answers the hosts that got some. NextDue: when the next one is.
  // What is done and due is pending again, one generation later; unless recrawls are off: then it is forgotten that it was.
  absl::StatusOr<std::vector<uint64_t>> PromoteDue(CrawlTime now, size_t limit);
  std::optional<CrawlTime> NextDue() const;
  // Off, until it is said. Not stored.
  void SetRecrawl(bool on);
  // -100 to 100, 0 where none is set: within a queue, higher ones come first whatever their depth. Asked of each URL
  // when it goes into its queue; not stored, so what waits already keeps its place.
  using PriorityOf = absl::AnyInvocable<int(std::string_view url) const>;
  void SetPriorities(PriorityOf priority_of);
  // Off, until it is said. Not stored: what waits already keeps its place.
  void SetPopular(bool on);
  // Moves URLs ahead in their queues, behind none of a lower priority: one answer each, in order, one batch in all. Only for
  // what is not handed out; TakeLowestInserts does not tell of it.
  absl::StatusOr<std::vector<Preferred>> Prefer(std::span<const Preference> wanted, CrawlTime now);
  // Plans when done records are fetched again, of at most `limit` records from `cursor` on (empty: the start), which then
  // stands behind them and is empty at the end. nullopt of `planner`: not at all. For a crawl whose recrawl settings
  // changed: how many were planned anew.
  using RecrawlPlanner = absl::FunctionRef<std::optional<RecrawlTerms>(const UrlRecord&)>;
  absl::StatusOr<uint64_t> PlanRecrawl(std::string& cursor, size_t limit, RecrawlPlanner planner, absl::Time wall,
                                       CrawlTime now);
  // Lowest position that an insert since the last call went to, by origin, for hand-out cursors (rule 6).
  absl::flat_hash_map<std::string, QueueInsert> TakeLowestInserts();

  // --- Hosts ---
  // Null: not known. What is pointed to is valid until the next call that is not const, or the next FindHost.
  const HostState* FindHost(uint16_t shard, uint64_t id) const;
  // By its name alone: every shard is asked. Not for what happens with each URL.
  const HostState* FindHost(std::string_view host) const;
  uint64_t HostId(std::string_view host) const;
  // All of them, gathered by a scan: for checks and tests.
  void ForEachHost(absl::FunctionRef<void(const HostState&)> visit) const;
  struct HostCounts {
    uint64_t all = 0;
    uint64_t pending = 0;   // with something pending
  };
  HostCounts host_counts() const;
  // Hosts with something pending, by the time at which they were filed; for a TimeWindow.
  using FiledHost = TimeWindow<uint64_t>::Entry;   // filed_at, host id
  absl::StatusOr<std::vector<FiledHost>> ReadFiled(uint16_t shard, const FiledHost& from, size_t limit) const;
  // Writes the politeness part of `state`, that of its origins too, and raises the heads of its queues where nothing was put
  // below since (which origins there are, and counts, are the ledger's and are ignored here). Files the host anew where its
  // waits make it ready later than before.
  // `now` is stored with it, so that no wait is longer after a crash than it was (rule 24).
  absl::Status PutPoliteness(const HostState& state, CrawlTime now);
  // robots.txt of an origin as last received, with its expiry on the crawl clock; nullopt: never fetched.
  absl::StatusOr<std::optional<std::string>> GetRobots(std::string_view origin) const;
  absl::Status PutRobots(std::string_view origin, std::string_view encoded);

  // --- Meta: small named values (settings, state, clock) ---
  absl::StatusOr<std::optional<std::string>> GetMeta(std::string_view name) const;
  absl::Status PutMeta(std::string_view name, std::string_view value);
  // The key in Family::kMeta, for who writes a value into a store that no CrawlDb has open.
  static std::string MetaKey(std::string_view name);
  // The crawl clock as last stored; ticks are stored by the owner with PutClock.
  CrawlTime stored_clock() const;
  absl::Status PutClock(CrawlTime now);

  // --- Reading results ---
  using Row = DoneRow;
  // As DoneRecords::Read, with no bound on bytes.
  absl::Status ReadDone(std::string_view cursor, size_t limit, uint64_t pinned_commit, std::vector<Row>& rows,
                        std::string& next) const;
  // Reads beside this object's own thread, as long as this object lives.
  DoneRecords done_records() const;

  // --- The set of known URLs ---
  // Nothing is asked of it that the store has not been told: it is filled after each write, and at the opening from a
  // snapshot that the store names by id and from what the store has noted since, else by a scan of every record's key.
  const SeenUrls* seen() const;
  uint64_t seen_reads() const;   // links that had to be looked up in the store since the opening
  // A snapshot is due or being written. Then: NextSeenPiece on this thread, its work on any thread, and its answer to
  // SeenPieceWritten; true: the snapshot is complete, and once a Sync that began later has succeeded its predecessor may be
  // removed by OldSeenRemoval. A failed snapshot is no failure of the CrawlDb: it is tried again later.
  using SeenWork = absl::AnyInvocable<absl::Status()>;
  bool SeenSaveDue() const;
  SeenWork NextSeenPiece();
  absl::StatusOr<bool> SeenPieceWritten(const absl::Status& written);
  SeenWork OldSeenRemoval();

  // Sequence of the last commit; grows by one with every Admit or Commit batch.
  uint64_t commit() const;
  // See the header's durability note. May run on another thread.
  absl::Status Sync();
  // A copy of the store in a directory that is not there yet, consistent and durable. May run on another thread.
  absl::Status Checkpoint(const std::string& directory) const;
  // The first error of a write or sync; OK while healthy.
  absl::Status health() const;

 private:
  friend class ShardChange;
  struct Impl;
  explicit CrawlDb(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace weft
