// The frontier: which hosts have URLs to hand out, and when each may be asked again. Hosts wait in the CrawlDb, ordered by
// the time at which they become ready, with a window of the first ones in memory; a hand-out costs O(log hosts), however many
// there are. A host is in memory as a whole only while something of it is out, or was a moment ago; its URLs stay in the
// CrawlDb and are read in small windows when its turn comes. What is handed out is an overlay in memory: the queue entry
// itself is deleted only when the URL's end commits, so a restart finds everything, and looks at nothing before it is needed.
// Times are on the crawl clock. Thread rule: the scheduler's loop.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/container/flat_hash_set.h>
#include <absl/container/node_hash_map.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <deque>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/crawl_db.h"

namespace weft {

struct FrontierOrigin {
  std::string origin;
  uint64_t cursor = 0;             // hand-out position; rests in memory only (rule 6)
  // By position, read ahead from the cursor on; before the cursor only what has moved ahead since it passed (MoveUp).
  std::deque<QueuedUrl> window;
  bool dry = false;                // nothing in the queue behind the cursor
  std::set<uint64_t> out;          // positions that are out
  CrawlTime not_before = 0;        // OriginState's: this origin failed and waits by itself
};

struct FrontierHost {
  uint64_t id = 0;
  uint16_t shard = 0;
  std::string host;
  std::vector<FrontierOrigin> origins;
  CrawlTime not_before = 0;
  bool busy = false;               // leased, or lent for one request
  bool parked = false;             // see Frontier::Park
  size_t turn = 0;                 // origins take turns
  CrawlTime ready_key = 0;         // its key in the ready set, if it is there
  std::optional<int64_t> turn_key;  // its key among those whose time has come
  bool in_ready = false;
};

// A URL that is out with a fetcher.
struct OutUrl {
  uint64_t host_id = 0;
  uint16_t shard = 0;
  std::string origin;
  uint64_t position = 0;
  uint64_t lease = 0;              // counter of its lease; 0: the lease is over, the URL was asked
  absl::Time unleased;             // then: since when
  std::string node;                // peer that holds it
  uint32_t generation = 0;
  uint32_t attempt = 0;
  uint32_t depth = 0;
  Fingerprint referrer;
  uint16_t referrer_shard = 0;
  std::string referrer_url;        // empty: none, not read, or too long to be carried along
  uint32_t redirect_hops = 0;
};

struct FrontierMemory {
  size_t idle_hosts = 4096;   // that have nothing out and stay in memory as a whole, for what was read of their queues
  size_t window = 256;        // hosts per shard whose turn is known (storage/time_window.h)
  size_t choice = 128;        // ready hosts that are compared by what their next URLs are worth
};

class Frontier {
 public:
  explicit Frontier(CrawlDb& db, const FrontierMemory& memory = {})
      : db_(db), memory_(memory), filed_(memory.window) {}

  // `no_request_before`: after a crash nobody knows when a host was asked last (rule 19).
  void Load(CrawlTime no_request_before);
  // Takes note of what the CrawlDb has queued since the last call.
  void TakeInserts();

  // The host whose turn it is, or null: the one that has been ready longest, where a second of waiting weighs as much as a
  // point of its next URL's priority, so that none waits for ever. It stays where it is until MarkBusy. An error of the
  // CrawlDb shows in its health.
  FrontierHost* NextReady(CrawlTime now);
  // When the next host becomes ready; nullopt: none will by itself.
  std::optional<CrawlTime> NextReadyTime();
  // An origin of `host` that may be asked now and has URLs, in turn; null if there is none after all (the host then
  // leaves the ready set until something is queued).
  absl::StatusOr<FrontierOrigin*> PickOrigin(FrontierHost& host, CrawlTime now);
  // Takes up to `limit` URLs that are not out from the origin's queue.
  absl::StatusOr<std::vector<QueuedUrl>> Take(FrontierHost& host, FrontierOrigin& origin, size_t limit);

  void MarkOut(const Fingerprint& key, OutUrl out);
  const OutUrl* FindOut(const Fingerprint& key) const;
  // Its end was committed.
  void Forget(const Fingerprint& key);
  // It comes back unasked or to be asked again: the cursor goes back to it.
  void Return(const Fingerprint& key);
  // Something of the origin that was not out has ended: what was read ahead may hold it and is read again.
  void ReadAgain(uint64_t host_id, std::string_view origin);
  // The queue holds something at `position` again.
  void Lower(uint64_t host_id, std::string_view origin, uint64_t position);

  // A URL that is not out has moved to this place, ahead of where it was. Put into what was read ahead: to go back and read
  // from there would pass over all that has been handed out since.
  void MoveUp(uint64_t host_id, std::string_view origin, QueuedUrl url);

  // Null: it is not in memory, so nothing of it is out.
  FrontierHost* Find(uint64_t host_id);
  FrontierHost& FindOrAdd(const HostState& state);
  // Notes in `state` how far the host's queues have been handed out and ended, for CrawlDb::PutPoliteness.
  void FillHeads(HostState& state);
  FrontierOrigin& OriginOf(FrontierHost& host, std::string_view origin);
  void MarkBusy(FrontierHost& host);
  void MarkFree(FrontierHost& host);
  // Out of the way of others until Unpark, whatever is queued: no node may have it now. Next to nothing of it stays in
  // memory; `host` may be gone after this. A restart knows nothing of it.
  void Park(FrontierHost& host, CrawlTime now);
  void Unpark(uint16_t shard, uint64_t host_id);
  // Its waits have changed: file it anew.
  void Refile(FrontierHost& host);

  size_t out_count() const { return out_.size(); }
  const absl::flat_hash_map<Fingerprint, OutUrl>& out() const { return out_; }
  const absl::node_hash_map<uint64_t, FrontierHost>& hosts() const { return hosts_; }

 private:
  absl::Status Refill(FrontierHost& host, FrontierOrigin& origin, size_t limit);
  // The next host that is not in memory as a whole; it stays in the window.
  std::optional<TimeWindow<uint64_t>::Found> NextOnDisk();
  void TakeBack(const OutUrl& out);
  // Forgets what was read ahead; it is read again.
  static void DropWindow(FrontierOrigin& origin);
  // Lets go of hosts that the CrawlDb knows as well.
  void DropIdle(CrawlTime now);
  // Brings hosts whose time has come together, to choose among them.
  void GatherReady(CrawlTime now);
  void LeaveTurn(FrontierHost& host);
  static int64_t TurnKey(const FrontierHost& host);
  bool MayGo(const FrontierHost& host, CrawlTime now) const;

  CrawlDb& db_;
  const FrontierMemory memory_;
  TimeWindow<uint64_t> filed_;
  CrawlTime no_request_before_ = 0;
  absl::node_hash_map<uint64_t, FrontierHost> hosts_;  // nodes: references stay valid
  std::set<std::pair<CrawlTime, uint64_t>> ready_;
  std::set<std::pair<int64_t, uint64_t>> turns_;   // those of ready_ whose time has come, some of them
  std::deque<uint64_t> spent_;   // not busy, with nothing to hand out, when they were noted
  absl::flat_hash_map<Fingerprint, OutUrl> out_;
  absl::flat_hash_set<uint64_t> parked_;
};

// "example.com" of "https://example.com:8443".
std::string_view HostOfOrigin(std::string_view origin);

}  // namespace weft
