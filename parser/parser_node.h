// The parser as an event handler: takes pages from fetchers, stores them durably, extracts their links, reports both to
// the scheduler and acknowledges a page to its fetcher once the scheduler has recorded it.
// Thread rule: one loop.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "common/clock.h"
#include "common/node.h"
#include "common/random.h"
#include "common/registrable_domain.h"
#include "common/work_pool.h"
#include "parser/link_extractor.h"
#include "storage/acknowledged_note.h"
#include "storage/page_store.h"
#include "storage/pages_files.h"
#include "storage/stored_pages.h"

namespace weft {

struct ParserOptions {
  std::string name;                  // for people
  std::string scheduler_endpoint;
  PeerKey scheduler_key;             // "": it asks for none
  uint64_t process = 0;              // as in Register
  std::string pages_endpoint;        // where fetchers reach this parser (already bound by the owner of the bus)
  std::string pages_path;            // absolute path of the pages directory
  std::string machine;
  std::string worker;                // the process that it is a part of, for people
  std::string version;               // of this program
  std::string public_suffix_version;  // of the list in use: must be the crawl's
  uint64_t credit_items = 64;        // pages that one fetcher may have here unacknowledged
  uint64_t credit_bytes = 64ull << 20;  // raised to one maximum body where that is more
  size_t link_cache_entries = 1 << 20;
  // The pages directory's, shared by its parsers; outlives the node and what it has on its pool. Null: what was
  // acknowledged is known as long as the process lives.
  AcknowledgedNote* note = nullptr;
  // What tools may ask for of the pages directory, and the pool that reads it, so that no sync waits for a tool. Outlive the node
  // and what it has on its pools. Null: it answers for no files; the node's own pool.
  const PagesReader* files = nullptr;
  WorkPool* reading_pool = nullptr;
  // Where the files of the pages directory go, as far as is known now; asked at every heartbeat. Null: they stay there.
  std::function<wire::StoreStatus()> store_status;
};

// Makes what needs the crawl's settings, which a parser learns at registration.
class ParserParts {
 public:
  virtual ~ParserParts() = default;
  virtual absl::StatusOr<std::unique_ptr<PageStore>> MakeStore(const wire::CrawlIdentity& crawl,
                                                              const wire::CrawlSettings& settings) = 0;
  virtual std::unique_ptr<LinkExtractor> MakeExtractor(const wire::CrawlSettings& settings) = 0;
  // What the pages directory has stored since then, to be read once (rule 13).
  virtual absl::StatusOr<std::unique_ptr<StoredPages>> OpenStoredPages(absl::Time from) = 0;
  // Names the page that is about to be parsed in a place that survives a crash of this process (rule 14), and forgets it
  // afterwards; answers how often a parser has died on that page before.
  virtual uint32_t CrashesOn(const std::string& key) = 0;
  virtual void NameCurrentPage(const std::string& key) = 0;  // "" = none
  // All that CrashesOn knows.
  virtual std::map<std::string, uint32_t> Blamed() = 0;
};

class ParserNode : public Node {
 public:
  ParserNode(const ParserOptions& options, ParserParts& parts, uint64_t pages_dir_id, const Clock& clock,
             Random& random, Bus& bus, WorkPool& sync_pool);
  ~ParserNode() override;

  void Start() override;
  void OnMessage(const PeerId& from, Message message) override;
  void OnTick() override;
  absl::Time NextWake() const override;

  // Takes no more pages, reports what it has until the deadline, says goodbye. Then stopped() is true.
  void Drain(absl::Duration deadline);
  bool stopped() const;
  const std::string& refused() const;
  // Registered, and the scheduler was heard within the last three heartbeats.
  bool hears_scheduler() const;

  struct Counters {
    uint64_t pages = 0;
    uint64_t bytes = 0;
    uint64_t links = 0;
    uint64_t links_suppressed = 0;
    uint64_t waiting = 0;
  };
  Counters counters() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace weft
