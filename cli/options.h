// The command line of every Weft command: ParseCommandLine turns what the user typed, and the config file it names,
// into settings. A flag beats the config file, the config file beats the default. Every option is one row of
// options_table.h; nothing else knows names, defaults or limits.
//
//   auto parsed = ParseCommandLine(argv);       // an error is for people: print it, exit with kExitUsage
//   if (!parsed->help.empty()) print it, exit with kExitOk
//   parsed->settings, parsed->invocation        // all checked
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/wire.pb.h"

namespace weft {

// Values are bits: an option names the set of commands that take it.
enum class Command : uint32_t {
  kNone = 0,
  kCrawl = 1u << 0,
  kScheduler = 1u << 1,
  kWorker = 1u << 2,
  kFetcher = 1u << 3,
  kParser = 1u << 4,
  kSeedsAdd = 1u << 5,
  kStatus = 1u << 6,
  kExport = 1u << 7,
  kInspect = 1u << 8,
  kPoliteness = 1u << 12,
  kTraps = 1u << 10,
  kNodeList = 1u << 15,
  kNodeDrain = 1u << 16,
  kNodeForget = 1u << 17,
  kCheckpoint = 1u << 18,
  kWarcCheck = 1u << 20,
  kWarcCat = 1u << 21,
  kWarcExtract = 1u << 22,
  kIndex = 1u << 23,
  kWacz = 1u << 24,
  kImport = 1u << 25,
  kTokenNew = 1u << 26,
  kTokenList = 1u << 27,
  kTokenRevoke = 1u << 28,
  kStorePush = 1u << 29,
  kStorePull = 1u << 30,
  kStoreList = 1u << 31,
};

// "crawl", "seeds add", ...
std::string_view CommandName(Command command);

// What belongs to this one call and is not stored with the crawl.
struct CrawlInvocation {
  std::vector<std::string> seeds;       // (crawl, seeds add) as typed; ReadSeeds in seed_list.h reads them
  std::vector<std::string> seed_files;  // -i; "-" is standard input
  std::string out_dir;                  // (crawl, import; warc extract: a directory, index and wacz: a file)
  std::vector<std::string> files;       // (warc ..., index, wacz, import, store ...) files or directories to read
  uint64_t offset = 0;                  // (warc cat)
  std::string uri;                      // (warc cat)
  bool payload = false;                 // (warc cat)
  bool headers = false;                 // (warc cat)
  std::string title;                    // (wacz)
  std::string data_dir;                 // (scheduler, token ..., seeds add)
  std::string listen;                   // (scheduler, worker, parser) endpoint to bind
  std::string scheduler;                // endpoint of the scheduler; "" where a directory was named
  std::string join;                     // a token, a file that holds one, or "-"; "" = without keys
  bool join_from_environment = false;
  bool insecure = false;                // no keys on addresses that others reach
  bool keys = false;                    // (scheduler) on loopback too
  std::string role;                     // (token new)
  std::vector<std::string> addresses;   // (token new) where machines reach the scheduler
  std::string token;                    // (token revoke) name or id
  std::vector<std::string> pages_dirs;  // (worker, parser: exactly one; export: any number)
  std::string host;                     // (politeness)
  std::string directory;                // (status, export, politeness, traps) a crawl's directory; "" where --scheduler was given
  std::string node_name;                // (worker, fetcher, parser) (node ...) whom to drain or forget
  std::string tags;                     // (worker, fetcher) node_tags.h reads them
  std::string checkpoint_to;            // (checkpoint)
  std::string restore;                  // (scheduler) a checkpoint to start from
  uint64_t checkpoint_every_us = 0;     // (scheduler) 0 = never
  uint32_t checkpoints_kept = 2;        // (scheduler)
  uint64_t drain_us = 20'000'000;       // (node drain)
  uint32_t parsers = 0;                 // threads; 0 = one a core
  std::string egress;                   // (crawl, worker, fetcher) addresses, as ParseAddressList reads them
  uint32_t egress_connections = 0;      // of one of them; 0 = no limit
  uint64_t memory_bytes = 0;            // (crawl, scheduler) for known URLs
  bool retry_failed = false;
  bool change_scope = false;
  bool json = false;                    // (status, politeness, traps, warc check, token list)
  std::vector<std::string> trap_words;  // (traps) "release" or "hold", then numbers of traps
  std::string format;                   // (export)
  std::string gather;                   // (export) "auto", "always" or "never"
  std::string output;                   // (export, token new) file; "" = standard output
  bool text = false;                    // (export) with the text of HTML pages
  std::string text_from;                // (export) "page" or "main"
  std::string table;                    // (export) these nine: export_plan.h reads them
  std::string columns;
  std::string where;
  std::string since;
  std::string sample;
  std::string shard;
  uint32_t rows_per_file = 0;
  std::string staging;                  // where files are written that go to a store
  bool resume = false;
  bool force = false;                   // (export, scheduler)
  std::vector<std::string> inspected;   // (inspect) what, then the URL or file: inspection.h reads them and the next seven
  bool jsonl = false;                   // (inspect)
  std::string base_url;                 // (inspect)
  std::string of_url;                   // (inspect)
  std::string agent;                    // (inspect)
  std::string content_type;             // (inspect)
  std::string x_robots_tag;             // (inspect)
  std::string link_header;              // (inspect)
  std::string store;                    // (crawl, worker, parser, store ...; but for this one export) these six: store_choice.h reads them
  std::string store_endpoint;
  std::string store_region;
  uint64_t store_part_bytes = 0;
  uint64_t store_timeout_us = 0;
  std::string store_free;               // on | off
  std::string log_level;                // debug | info | warn | error
  std::string config_file;
};

struct CommandLine {
  Command command = Command::kNone;
  wire::CrawlSettings settings;         // complete: defaults, then config file, then flags
  CrawlInvocation invocation;
  // Names of the options that the user gave, by flag or config file: what MergeWithStored takes over.
  std::set<std::string, std::less<>> given;
  std::vector<std::string> argv;        // as typed, argv[0] included, secrets masked
  std::string help;                     // not empty: print it and end with kExitOk
};

absl::StatusOr<CommandLine> ParseCommandLine(const std::vector<std::string>& argv);

}  // namespace weft
