#include "cli/live_parts.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <utility>

#include "cli/crash_blame.h"
#include "cli/version.h"
#include "common/ascii.h"
#include "common/digest.h"
#include "common/status.h"
#include "common/units.h"
#include "common/url_rules.h"
#include "fetcher/ares_resolver.h"
#include "fetcher/curl_transport.h"
#include "storage/cdxj_beside.h"
#include "storage/pages_directory.h"
#include "storage/warc_pages.h"

namespace weft {
namespace {

constexpr size_t kReadingJobs = 64;
constexpr absl::Duration kShortestDrain = absl::Seconds(1);

std::vector<Cidr> AllowedNetworks(const wire::CrawlSettings& settings) {
  std::vector<Cidr> networks;
  for (const std::string& text : settings.allow_private_net()) {
    auto cidr = Cidr::Parse(text);
    if (cidr.ok()) networks.push_back(*cidr);
  }
  return networks;
}

// Other headers may hold what is nobody's business.
std::string FromHeader(const wire::CrawlSettings& settings) {
  for (const std::string& header : settings.header()) {
    const size_t colon = header.find(':');
    if (colon != std::string::npos && EqualIgnoringCase(std::string_view(header).substr(0, colon), "from")) {
      return std::string(TrimAsciiSpace(std::string_view(header).substr(colon + 1)));
    }
  }
  return {};
}

}  // namespace

EgressOptions EgressOf(const CrawlInvocation& invocation) {
  EgressOptions options;
  options.connections = invocation.egress_connections;
  if (invocation.egress.empty()) return options;
  if (auto addresses = ParseAddressList(invocation.egress); addresses.ok()) options.addresses = *std::move(addresses);
  return options;
}

std::string MachineName() {
  char name[256] = {};
  return gethostname(name, sizeof name - 1) == 0 && name[0] != 0 ? name : "localhost";
}

absl::StatusOr<std::unique_ptr<Transport>> LiveFetcherParts::MakeTransport(const wire::CrawlSettings& settings) {
  CurlTransportOptions options;
  options.user_agent = settings.user_agent();
  options.timeout = absl::Microseconds(settings.timeout_us());
  options.connect_timeout = absl::Microseconds(settings.connect_timeout_us());
  options.connections = settings.connections();
  options.allowed_private = AllowedNetworks(settings);
  options.egress = egress_;
  options.on_shortage = warn_;
  WEFT_ASSIGN_OR_RETURN(const UrlRules rules, UrlRules::Of(settings));
  // Some host may be asked directly where a rule says so.
  if (!settings.proxy().empty() && !rules.has_proxies() && !egress_.addresses.empty()) {
    return FailedPrecondition("--egress has no effect through a proxy (the crawl's --proxy), whose address every site sees; leave one out");
  }
  return NewCurlTransport(loop_, SystemClock(), options);
}

absl::StatusOr<std::unique_ptr<Resolver>> LiveFetcherParts::MakeResolver(const wire::CrawlSettings& settings) {
  AresResolverOptions options;
  options.fixed.assign(settings.resolve().begin(), settings.resolve().end());
  return NewAresResolver(loop_, SystemClock(), options);
}

// One count for all parsers of the directory.
struct LiveParserParts::Slot : CrashBlame {
  explicit Slot(const std::string& path)
      : CrashBlame(path, std::filesystem::path(path).replace_filename("parsing.blame").string()) {}
};

LiveParserParts::LiveParserParts(std::string pages_directory, const std::string& crash_file, Random& random,
                                 StorageTrouble& trouble, KnownPayloads& payloads, std::function<void(const std::string&)> file_finished)
    : directory_(std::move(pages_directory)),
      random_(random),
      trouble_(trouble),
      payloads_(payloads),
      file_finished_(std::move(file_finished)),
      slot_(std::make_unique<Slot>(crash_file)) {}

LiveParserParts::~LiveParserParts() = default;

absl::StatusOr<std::unique_ptr<PageStore>> LiveParserParts::MakeStore(const wire::CrawlIdentity& crawl,
                                                                     const wire::CrawlSettings& settings) {
  WarcStoreOptions options;
  options.directory = directory_;
  options.compression = WarcCompressionOf(settings.warc_compression());
  if (!settings.warc_prefix().empty()) options.prefix = settings.warc_prefix();
  if (settings.warc_size_bytes() > 0) options.roll_bytes = settings.warc_size_bytes();
  options.dedup = WarcDedupOf(settings.warc_dedup());
  options.payloads = &payloads_;
  options.index = true;
  options.host_name = MachineName();
  options.software = "Weft/" + std::string(WeftVersion());
  options.user_agent = settings.user_agent();
  options.robots_policy = settings.ignore_robots() ? "ignore" : "obey";
  options.operator_contact = settings.contact();
  options.part_of = fmt::format("{}-{:016x}", options.prefix, crawl.lineage());
  options.from = FromHeader(settings);
  options.finished = file_finished_;
  WEFT_ASSIGN_OR_RETURN(std::unique_ptr<WarcStore> store, WarcStore::Open(options, SystemClock(), random_));
  return NewTellingPageStore(std::move(store), directory_, trouble_);
}

absl::StatusOr<std::unique_ptr<StoredPages>> LiveParserParts::OpenStoredPages(absl::Time from) {
  return OpenWarcPages(directory_, from);
}

std::unique_ptr<LinkExtractor> LiveParserParts::MakeExtractor(const wire::CrawlSettings& settings) {
  return NewExtractor(settings.extractor());
}

uint32_t LiveParserParts::CrashesOn(const std::string& key) { return slot_->CrashesOn(key); }

std::map<std::string, uint32_t> LiveParserParts::Blamed() { return slot_->Blamed(); }

void LiveParserParts::NameCurrentPage(const std::string& key) { slot_->Name(key); }

// ---- Worker ----

struct Worker::Part {
  Part(const std::string& name, ZmqContext& context) : thread(name, context) {}
  std::unique_ptr<LiveFetcherParts> fetcher_parts;
  std::unique_ptr<LiveParserParts> parser_parts;
  NodeThread thread;                 // destroyed before the parts that its node uses
  std::unique_ptr<ThreadPool> reading;  // (parser) its end is told to the thread's loop
  FetcherNode* fetcher = nullptr;    // owned by the thread
  ParserNode* parser = nullptr;
  bool told_to_drain = false;
  // Copied on the thread, for the others.
  std::atomic<bool> hears_scheduler{false};
  std::atomic<uint64_t> held{0};
  std::atomic<uint64_t> key_refused{0};
  std::atomic<uint64_t> mismatches{0};

  bool Look() {
    hears_scheduler = fetcher != nullptr ? fetcher->hears_scheduler() : parser->hears_scheduler();
    held = Held();
    key_refused = thread.bus().counters().key_refused;
    mismatches = thread.bus().counters().mismatches;
    return fetcher != nullptr ? fetcher->stopped() : parser->stopped();
  }
  uint64_t Held() const {
    if (fetcher == nullptr) return parser->counters().waiting;
    const FetcherNode::Counters counts = fetcher->counters();
    return counts.active + counts.held_pages;
  }
};

Worker::Worker(const std::function<void(const std::string&)>& warn) : trouble_(warn) {}

namespace {

absl::Status UseKeys(const Reach& scheduler, ZmqBus& bus) {
  return scheduler.keyed() ? bus.UseKeys(scheduler.own) : absl::OkStatus();
}

// Closes what a crash left open, and tells what became of it.
absl::Status RepairPages(const std::string& directory, const std::function<void(const std::string&)>& warn) {
  WEFT_ASSIGN_OR_RETURN(std::vector<WarcRepair> repairs, WarcStore::Repair(directory));
  for (const WarcRepair& repair : repairs) {
    if (repair.cut_bytes > 0) {
      warn(fmt::format("{}: closed after a crash, {} of a torn tail cut", repair.file, HumanSize(repair.cut_bytes)));
    }
    if (repair.synced_bytes_lost > 0) {
      warn(fmt::format("{}: {} that had been stored durably are gone", repair.file,
                       HumanSize(repair.synced_bytes_lost)));
    }
  }
  if (absl::Status indexed = IndexRepaired(directory, repairs); !indexed.ok()) {
    warn(fmt::format("a file that was closed after a crash has no index beside it: {}", ErrorText(indexed)));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Worker>> Worker::Make(const WorkerOptions& options, ZmqContext& context,
                                                     const PublicSuffixes& suffixes,
                                                     const std::function<void(const std::string&)>& warn) {
  for (const IpAddress& address : options.egress.addresses) WEFT_RETURN_IF_ERROR(CheckSource(address));
  std::unique_ptr<Worker> worker(new Worker(warn));
  const std::string machine = MachineName();
  const Called called = {machine, options.name.empty() ? fmt::format("{}/{}", machine, getpid()) : options.name,
                         SystemRandom()->NextId()};
  uint64_t pages_dir_id = 0;
  if (options.parsers > 0) {
    std::error_code error;
    std::filesystem::create_directories(options.pages_directory, error);
    if (error) return FailedPrecondition("--pages {}: {}", options.pages_directory, error.message());
    WEFT_RETURN_IF_ERROR(RepairPages(options.pages_directory, warn));
    WEFT_ASSIGN_OR_RETURN(pages_dir_id, OpenPagesDirectory(options.pages_directory, *SystemRandom(), PosixFileOps()));
    worker->note_ = std::make_unique<AcknowledgedNote>(options.pages_directory);
    worker->files_ = NewPagesReader(options.pages_directory);
  }
  for (uint32_t i = 0; i < options.parsers; ++i) {
    WEFT_RETURN_IF_ERROR(worker->AddParser(options, i, called, pages_dir_id, suffixes, context));
  }
  if (options.fetches) WEFT_RETURN_IF_ERROR(worker->AddFetcher(options, called, context, warn));
  return worker;
}

absl::Status Worker::AddParser(const WorkerOptions& options, uint32_t number, const Called& called, uint64_t pages_dir_id,
                               const PublicSuffixes& suffixes, ZmqContext& context) {
  auto part = std::make_unique<Part>(fmt::format("parser-{}", number), context);
  ParserOptions parser;
  parser.name = fmt::format("{}/parser-{}", called.worker, number);
  parser.scheduler_endpoint = options.scheduler.endpoint;
  parser.scheduler_key = options.scheduler.scheduler_key;
  parser.process = called.process;
  std::string endpoint = options.pages_endpoint;
  const size_t percent = endpoint.find('%');
  if (percent != std::string::npos) endpoint.replace(percent, 1, fmt::format("{}", number));
  WEFT_RETURN_IF_ERROR(UseKeys(options.scheduler, part->thread.bus()));
  WEFT_ASSIGN_OR_RETURN(parser.pages_endpoint, options.scheduler.keyed() ? part->thread.bus().BindWithKeys(endpoint)
                                                                         : part->thread.bus().Bind(endpoint));
  parser.pages_path = std::filesystem::absolute(options.pages_directory).string();
  parser.machine = called.machine;
  parser.worker = called.worker;
  parser.version = std::string(WeftVersion());
  parser.public_suffix_version = suffixes.version();
  parser.note = note_.get();
  parser.store_status = options.store_status;
  // Within one process nobody asks.
  if (!endpoint.starts_with("inproc:")) {
    part->reading = std::make_unique<ThreadPool>("reading", 1, kReadingJobs, part->thread.loop());
    parser.reading_pool = part->reading.get();
    parser.files = files_.get();
  }
  part->parser_parts = std::make_unique<LiveParserParts>(
      options.pages_directory, fmt::format("{}/parsing-{}", options.pages_directory, number), part->thread.random(), trouble_,
      payloads_, options.file_finished);
  auto node = std::make_unique<ParserNode>(parser, *part->parser_parts, pages_dir_id, SystemClock(), part->thread.random(),
                                           part->thread.bus(), part->thread.pool());
  part->parser = node.get();
  part->thread.SetNode(std::move(node), [raw = part.get()] { return raw->Look(); });
  parts_.push_back(std::move(part));
  return absl::OkStatus();
}

absl::Status Worker::AddFetcher(const WorkerOptions& options, const Called& called, ZmqContext& context,
                                const std::function<void(const std::string&)>& warn) {
  auto part = std::make_unique<Part>("fetcher", context);
  FetcherOptions fetcher;
  fetcher.name = fmt::format("{}/fetcher", called.worker);
  fetcher.scheduler_endpoint = options.scheduler.endpoint;
  fetcher.scheduler_key = options.scheduler.scheduler_key;
  fetcher.process = called.process;
  WEFT_RETURN_IF_ERROR(UseKeys(options.scheduler, part->thread.bus()));
  fetcher.machine = called.machine;
  fetcher.worker = called.worker;
  fetcher.version = std::string(WeftVersion());
  fetcher.tags = options.tags;
  part->fetcher_parts = std::make_unique<LiveFetcherParts>(part->thread.loop(), options.egress, warn);
  auto node = std::make_unique<FetcherNode>(fetcher, *part->fetcher_parts, SystemClock(), part->thread.random(),
                                            part->thread.bus());
  part->fetcher = node.get();
  part->thread.SetNode(std::move(node), [raw = part.get()] { return raw->Look(); });
  parts_.push_back(std::move(part));
  return absl::OkStatus();
}

Worker::~Worker() {
  Stop();
  Join();
}

void Worker::Run() {
  for (auto& part : parts_) part->thread.Run();
}

void Worker::Drain(absl::Time deadline) {
  bool fetching = false;
  for (auto& part : parts_) {
    if (part->fetcher == nullptr) continue;
    DrainPart(*part, deadline);
    fetching = fetching || !part->thread.ended();
  }
  for (auto& part : parts_) {
    if (part->parser != nullptr && !fetching) DrainPart(*part, deadline);
  }
}

void Worker::DrainPart(Part& part, absl::Time deadline) {
  if (part.told_to_drain) return;
  part.told_to_drain = true;
  const absl::Duration left = std::max(deadline - SystemClock().SteadyNow(), kShortestDrain);
  part.thread.loop().Post([raw = &part, left] {
    if (raw->fetcher != nullptr) raw->fetcher->Drain(left);
    if (raw->parser != nullptr) raw->parser->Drain(left);
  });
}

bool Worker::hears_scheduler() const {
  return std::all_of(parts_.begin(), parts_.end(),
                     [](const auto& part) { return part->thread.ended() || part->hears_scheduler; });
}

uint64_t Worker::held() const {
  uint64_t most = 0;
  // What a parser of ours has, our fetcher holds too.
  for (const auto& part : parts_) most = std::max(most, part->held.load());
  return most;
}

uint64_t Worker::key_refused() const {
  uint64_t sum = 0;
  for (const auto& part : parts_) sum += part->key_refused;
  return sum;
}

uint64_t Worker::mismatches() const {
  uint64_t sum = 0;
  for (const auto& part : parts_) sum += part->mismatches;
  return sum;
}

bool Worker::left_by_fetcher() const {
  return std::any_of(parts_.begin(), parts_.end(), [](const auto& part) { return part->fetcher != nullptr && part->thread.ended(); }) &&
         !ended();
}

bool Worker::ended() const {
  for (const auto& part : parts_) {
    if (!part->thread.ended()) return false;
  }
  return true;
}

void Worker::Stop() {
  for (auto& part : parts_) part->thread.Stop();
}

void Worker::Join() {
  for (auto& part : parts_) part->thread.Join();
  if (note_ == nullptr) return;
  if (absl::Status written = note_->Write(); !written.ok()) spdlog::warn("{}", ErrorText(written));
}

uint64_t Worker::not_handed_in() const {
  uint64_t held = 0;
  uint64_t waiting = 0;
  for (const auto& part : parts_) {
    // What a parser of ours has, our fetcher holds too.
    if (part->fetcher != nullptr) held += part->fetcher->counters().active + part->fetcher->counters().held_pages;
    if (part->parser != nullptr) waiting += part->parser->counters().waiting;
  }
  return std::max(held, waiting);
}

std::string Worker::refused() const {
  for (const auto& part : parts_) {
    if (!part->thread.ended()) continue;
    const std::string& why = part->fetcher != nullptr ? part->fetcher->refused() : part->parser->refused();
    if (!why.empty()) return why;
  }
  return "";
}

}  // namespace weft
