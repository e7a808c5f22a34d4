// Pages as they arrive from fetchers: sessions, credit, and the chunks of large bodies put together again.
// Thread rule: the parser's loop.
#pragma once

#include <absl/time/time.h>

#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/session_link.h"

namespace weft {

struct ArrivedPage {
  PeerId from;
  uint64_t from_session = 0;   // the fetcher's: an answer to an earlier one is not sent
  wire::Page page;
  std::vector<Payload> chunks;
  absl::Time arrived;          // its head
};

class PageIntake {
 public:
  PageIntake(Bus& bus, const Clock& clock, uint64_t session, uint64_t credit_items, uint64_t credit_bytes);

  void OnMessage(const PeerId& from, Message message);
  // Whether a fetcher is remembered: what it brought is not dropped.
  bool Knows(const PeerId& from) const { return fetchers_.contains(from); }
  // The next complete page, in order of completion.
  bool Take(ArrivedPage& page);
  bool empty() const { return ready_.empty(); }
  size_t waiting() const { return ready_.size(); }
  // When the one that is taken next arrived; none waits: the infinite future.
  absl::Time oldest() const { return ready_.empty() ? absl::InfiniteFuture() : ready_.front().arrived; }

  // Tells the fetcher that the page is done with; its credit comes back with it.
  void Acknowledge(const ArrivedPage& page, uint64_t bytes);
  // This parser will not store it: the fetcher looks for another. `bytes` of its body, which may have been let go.
  void Refuse(const ArrivedPage& page, uint64_t bytes, const std::string& reason);
  // Whose pages are taken from now on (protocol rule 33): what waits here of others is dropped unacknowledged, and their
  // frames are refused. Frames from where no key is asked for are taken.
  void AllowKeys(std::set<PeerKey> keys);
  // Frames under keys that bring no pages, or that came over somebody else's connection.
  uint64_t refused() const { return refused_; }
  // No further credit is granted.
  void StopCredit() { stopped_ = true; }
  // Sends the acknowledgements gathered since the last call; forgets fetchers silent for `dead_after`.
  void OnTick(absl::Duration dead_after);
  void set_credit_bytes(uint64_t bytes) { credit_bytes_ = bytes; }

 private:
  struct Fetcher {
    explicit Fetcher(SessionLink l) : link(std::move(l)) {}
    SessionLink link;
    PeerKey key;                             // who sent its first frame: a connection never changes hands
    absl::Time last_heard;
    bool greeted = false;
    uint64_t done_items = 0;
    uint64_t done_bytes = 0;
    uint64_t said_items = 0;                 // the credit that was said last
    std::vector<uint64_t> acknowledged;
    std::map<uint64_t, ArrivedPage> partial;   // by page id, until all chunks are there
  };

  bool MayBring(const PeerKey& key) const { return key.empty() || allowed_.contains(key); }
  void OnPage(const PeerId& from, Fetcher& fetcher, Message& message);
  void OnChunk(Fetcher& fetcher, Message& message);
  void SayCredit(Fetcher& fetcher);
  void ReturnCredit(const ArrivedPage& page, uint64_t bytes, bool acknowledged);

  Bus& bus_;
  const Clock& clock_;
  uint64_t session_;
  uint64_t credit_items_;
  uint64_t credit_bytes_;
  bool stopped_ = false;
  uint64_t refused_ = 0;
  std::set<PeerKey> allowed_;
  std::map<PeerId, Fetcher> fetchers_;  // ordered: a simulated run repeats
  std::deque<ArrivedPage> ready_;
};

// Bytes of all chunks.
uint64_t BodyBytes(const ArrivedPage& page);

}  // namespace weft
