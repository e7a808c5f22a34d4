// The inside of ParserNode, for its own files: the scheduler's side (parser_node.cc) and what is done with a page
// (parser_pages.cc, parser_reading.cc, parser_stored.cc, parser_suspects.cc).
#pragma once

#include <absl/container/flat_hash_set.h>

#include <algorithm>
#include <deque>
#include <iterator>
#include <map>
#include <utility>

#include "common/follow_choice.h"
#include "common/http_message.h"
#include "common/key_rules.h"
#include "common/order_choice.h"
#include "common/session_link.h"
#include "common/sitemap_choice.h"
#include "common/status.h"
#include "parser/file_desk.h"
#include "parser/html_sniff.h"
#include "parser/link_cache.h"
#include "parser/page_intake.h"
#include "parser/parser_node.h"
#include "parser/robots_directives.h"
#include "parser/stored_walk.h"
#include "parser/sitemap_reader.h"
#include "storage/wire_place.h"

namespace weft {

inline constexpr absl::Duration kTick = absl::Milliseconds(200);
inline constexpr absl::Duration kFarewell = absl::Seconds(2);
inline constexpr absl::Duration kBusyTurn = absl::Milliseconds(20);
inline constexpr int kLinksPerMessage = 2000;
inline constexpr uint32_t kMaxCrashes = 3;
inline constexpr int kMostBlamed = 1000;  // pages that a registration tells of

inline std::string TicketId(const std::string& key, uint32_t generation, uint32_t attempt) {
  return fmt::format("{}/{}/{}", key, generation, attempt);
}

inline bool IsRedirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

struct ParserNode::Impl {
  Impl(const ParserOptions& o, ParserParts& p, uint64_t dir, const Clock& c, Random& r, Bus& b, WorkPool& pool)
      : options(o), parts(p), pages_dir_id(dir), clock(c), random(r), bus(b), sync_pool(pool), node_id(r.NextId()),
        intake(b, c, r.NextId(), o.credit_items, o.credit_bytes),
        files(b, c, node_id, dir, o.files, o.reading_pool != nullptr ? *o.reading_pool : pool), cache(o.link_cache_entries) {
    if (options.note != nullptr) acknowledged = options.note->last();
  }

  // A page from its arrival to its acknowledgement.
  struct Work {
    ArrivedPage arrived;            // without its chunks once stored
    uint64_t bytes = 0;
    bool robots = false;
    bool original = false;          // stored as a response of its own, whole
    wire::PageResult result;
    std::vector<wire::LinkBatch> batches;   // links beyond one message
    std::vector<Fingerprint> keys;  // of the links that are sent
    bool cacheable = false;
    std::string host;               // of the page, once asked for
    std::string charset;            // by which its links were read
    std::vector<std::pair<ArrivedPage, uint64_t>> twins;  // sent again meanwhile; released with the same answer
  };

  void Connect();
  void BeginSession();
  void OnScheduler(Message& message);
  void OnRegistered(const wire::Registered& registered);
  void OnAllowedKeys(const wire::AllowedKeys& allowed);
  void OnEndedAck(const wire::EndedAck& ack);
  void TellCommitted(const Work& work);
  void OnSubmitAgain(const wire::SubmitAgain& request);
  void OnStoredAck(const wire::StoredAck& ack);
  void NoteCommit(uint64_t commit);
  void WriteNoteIfDue();
  absl::Duration Lag() const;
  void Beat();
  void ToScheduler(wire::Frame frame) { link->Send({std::move(frame), nullptr}); }

  void ProcessSome();
  bool IsSuspect(const wire::Page& page) const;
  void AskLeave();
  void OnSuspectLeave(const wire::SuspectLeave& leave);
  void Process(ArrivedPage arrived, uint32_t crashes);
  static void BeginResult(Work& work, const HttpHead& head, const PayloadView& payload);
  absl::Status Store(Work& work, const HttpHead& head, std::string_view wire_body, const PayloadView& payload);
  void Parse(Work& work, const HttpHead& head, const PayloadView& payload);
  void Read(Work& work, const HttpHead& head, const PayloadView& payload);
  ExtractedPage ReadPage(Work& work, const LinkExtractor::Input& input, bool html);
  void Obey(Work& work, const HttpHead& head, ExtractedPage& page);
  bool ReadAsSitemap(Work& work, const LinkExtractor::Input& input, bool html, std::vector<ExtractedLink>& links);
  void TakeSitemap(Work& work, SitemapFile file, std::vector<ExtractedLink>& links);
  static void Note(Work& work, std::string_view note);
  void AddLinks(Work& work, const std::vector<ExtractedLink>& links);
  static void AddSuppressed(Work& work, const Url& url, const Fingerprint& key);
  void TakeRedirect(Work& work, const HttpHead& head);
  static void TakeValidators(Work& work, const HttpHead& head);
  void FillLink(const Url& url, LinkKind kind, const Fingerprint& key, wire::Link* out) const;
  void SubmitSome();
  void SubmitStored(const PageOnDisk& page, uint64_t number);
  void SyncIfNeeded();
  void OnSynced(const absl::Status& status);
  void Report(const Work& work);
  bool HandedIn() const { return intake.empty() && suspects.empty() && unsynced.empty() && syncing.empty() && reported.empty(); }

  ParserOptions options;
  ParserParts& parts;
  uint64_t pages_dir_id;
  const Clock& clock;
  Random& random;
  Bus& bus;
  WorkPool& sync_pool;
  uint64_t node_id;

  PeerId scheduler;
  std::unique_ptr<SessionLink> link;
  bool registered = false;
  std::string refused;
  wire::Registered terms;
  KeyOptions keys;
  Fingerprinter fingerprinter{0};
  uint64_t highest_commit = 0;
  Acknowledged acknowledged;   // what a registration tells of (rule 13); `highest_commit` is this process's alone
  absl::Time last_note = absl::InfinitePast();
  bool note_running = false;
  bool note_failed = false;
  uint64_t nonce = 0;
  absl::Time last_beat = absl::InfinitePast();
  absl::Time last_heard = absl::InfinitePast();

  // Shared with a sync that may still run on its pool's thread when this node is gone.
  std::shared_ptr<PageStore> store;
  std::unique_ptr<LinkExtractor> extractor;
  LinkKinds followed = kFollowedKinds;
  std::string robots_name;           // in lower case
  std::string extractor_name;        // of the settings that it was made by
  PageIntake intake;
  std::deque<ArrivedPage> suspects;  // wait for the scheduler's leave to be read, one after the other
  bool leave_asked = false;          // for the first of them
  FileDesk files;                    // what tools ask for
  LinkCache cache;
  std::unique_ptr<StoredWalk> walk;  // while stored pages are submitted again

  std::vector<Work> unsynced;
  std::vector<Work> syncing;
  std::map<std::string, Work> reported;    // by ticket
  std::shared_ptr<bool> alive = std::make_shared<bool>(true);  // a sync's callback may come after this object

  bool draining = false;
  bool said_goodbye = false;
  bool stopped = false;
  absl::Time drain_deadline = absl::InfiniteFuture();
  Counters counts;
  uint64_t handed_in = 0;            // pages on record
};

}  // namespace weft
