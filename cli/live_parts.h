// The concrete classes behind the nodes' seams, as real runs use them.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cli/node_thread.h"
#include "cli/options.h"
#include "cli/reach.h"
#include "cli/telling_page_store.h"
#include "fetcher/egress.h"
#include "fetcher/fetcher_node.h"
#include "parser/parser_node.h"
#include "storage/warc_store.h"

namespace weft {

class LiveFetcherParts : public FetcherParts {
 public:
  // `warn` prints a line for people, on the loop's thread.
  LiveFetcherParts(EventLoop& loop, EgressOptions egress, std::function<void(const std::string&)> warn)
      : loop_(loop), egress_(std::move(egress)), warn_(std::move(warn)) {}
  absl::StatusOr<std::unique_ptr<Transport>> MakeTransport(const wire::CrawlSettings& settings) override;
  absl::StatusOr<std::unique_ptr<Resolver>> MakeResolver(const wire::CrawlSettings& settings) override;

 private:
  EventLoop& loop_;
  EgressOptions egress_;
  std::function<void(const std::string&)> warn_;
};

class LiveParserParts : public ParserParts {
 public:
  // `crash_file`: where this parser names the page it is parsing; one file per parser, in the pages directory.
  // `file_finished`: see WarcStoreOptions.
  LiveParserParts(std::string pages_directory, const std::string& crash_file, Random& random, StorageTrouble& trouble,
                  KnownPayloads& payloads, std::function<void(const std::string&)> file_finished);
  ~LiveParserParts() override;
  absl::StatusOr<std::unique_ptr<PageStore>> MakeStore(const wire::CrawlIdentity& crawl,
                                                      const wire::CrawlSettings& settings) override;
  std::unique_ptr<LinkExtractor> MakeExtractor(const wire::CrawlSettings& settings) override;
  absl::StatusOr<std::unique_ptr<StoredPages>> OpenStoredPages(absl::Time from) override;
  uint32_t CrashesOn(const std::string& key) override;
  std::map<std::string, uint32_t> Blamed() override;
  void NameCurrentPage(const std::string& key) override;

 private:
  struct Slot;
  std::string directory_;
  Random& random_;
  StorageTrouble& trouble_;
  KnownPayloads& payloads_;  // of the pages directory
  std::function<void(const std::string&)> file_finished_;
  std::unique_ptr<Slot> slot_;
};

std::string MachineName();

// One fetcher and some parsers, each on its thread: what `weft crawl` and `weft worker` run beside a scheduler.
struct WorkerOptions {
  Reach scheduler;
  bool fetches = true;
  EgressOptions egress;
  uint32_t parsers = 1;
  std::string pages_directory;
  // Where parsers are reached: "inproc://pages-%" or "tcp://127.0.0.1:0"; % becomes the parser's number.
  std::string pages_endpoint;
  std::string name;                // "": the machine's and the process's id
  std::vector<std::string> tags;   // of the fetcher
  // Told of every finished WARC file, on a disk thread or whoever destroys the worker; null: nobody is.
  std::function<void(const std::string&)> file_finished = nullptr;
  std::function<wire::StoreStatus()> store_status = nullptr;  // as in ParserOptions; asked on parsers' threads
};

// As --egress and --egress-connections give it.
EgressOptions EgressOf(const CrawlInvocation& invocation);

class Worker {
 public:
  // Repairs the pages directory, binds the parsers, makes the nodes. `warn` prints a line for people: now, and while the
  // worker lives, on any thread.
  static absl::StatusOr<std::unique_ptr<Worker>> Make(const WorkerOptions& options, ZmqContext& context,
                                                      const PublicSuffixes& suffixes,
                                                      const std::function<void(const std::string&)>& warn);
  ~Worker();
  void Run();
  // Returns leases, hands in pages: the fetcher first, then the parsers, which it needs for that. Call it again and again
  // until ended(); what is left at the deadline is fetched again.
  void Drain(absl::Time deadline);
  // Every node that has not ended is registered and hears the scheduler; and what they hold that is not handed in.
  bool hears_scheduler() const;
  uint64_t held() const;
  // How often a connection was refused for its key, or for having one or none.
  uint64_t key_refused() const;
  uint64_t mismatches() const;
  // Its fetcher has ended and parsers of its have not: when it was told to by the scheduler, which tells them too.
  bool left_by_fetcher() const;
  // Every node has ended.
  bool ended() const;
  void Stop();
  void Join();
  // Why a node that has ended did so, if the scheduler refused it; "": none was. Others of this worker may go on: it is to be drained.
  std::string refused() const;
  // Pages that a drain left; read after Join().
  uint64_t not_handed_in() const;

 private:
  explicit Worker(const std::function<void(const std::string&)>& warn);
  struct Part;
  struct Called {
    std::string machine;
    std::string worker;          // "machine/pid", or what --name says
    uint64_t process = 0;        // random, one for all nodes of this process
  };
  absl::Status AddParser(const WorkerOptions& options, uint32_t number, const Called& called, uint64_t pages_dir_id,
                         const PublicSuffixes& suffixes, ZmqContext& context);
  absl::Status AddFetcher(const WorkerOptions& options, const Called& called, ZmqContext& context,
                          const std::function<void(const std::string&)>& warn);
  StorageTrouble trouble_;  // destroyed after the parts that tell it
  KnownPayloads payloads_;  // and after those that ask it
  std::unique_ptr<AcknowledgedNote> note_;
  std::unique_ptr<PagesReader> files_;  // and these two after their parsers
  void DrainPart(Part& part, absl::Time deadline);
  std::vector<std::unique_ptr<Part>> parts_;
};

}  // namespace weft
