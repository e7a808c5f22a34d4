#include "cli/record_source.h"

#include <deque>
#include <filesystem>
#include <utility>

#include "cli/crawl_directory.h"
#include "cli/key_files.h"
#include "cli/output.h"
#include "cli/pages_finder.h"
#include "cli/pages_gatherer.h"
#include "cli/reach.h"
#include "cli/scheduler_keys.h"
#include "cli/tool_client.h"
#include "common/clock.h"
#include "common/status.h"
#include "common/registrable_domain.h"
#include "scheduler/anchor_list.h"
#include "scheduler/politeness_report.h"
#include "scheduler/recrawl_desk.h"
#include "scheduler/status_report.h"
#include "scheduler/trap_list.h"
#include "storage/crawl_db.h"
#include "storage/rocks_kv.h"

namespace weft {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(10);
constexpr absl::Duration kLongPatience = absl::Seconds(60);  // URLs may have to be judged anew

// A crawl that nobody runs now.
class RestingCrawl : public RecordSource {
 public:
  RestingCrawl(std::unique_ptr<CrawlDirectory> directory, std::unique_ptr<CrawlDb> db, PagesFinder finder)
      : directory_(std::move(directory)), db_(std::move(db)), finder_(std::move(finder)) {}

  absl::StatusOr<wire::StatusReply> Status() override {
    wire::StatusReply status;
    FillLedger(db_->ledger(), 0, status);
    FillRecrawls(db_->ledger(), db_->NextDue(), db_->stored_clock(), status);
    WEFT_ASSIGN_OR_RETURN(std::optional<std::string> state, db_->GetMeta(kMetaState));
    // It says running and nobody runs it: the process was killed.
    status.set_state(!state || *state == "running" ? "interrupted" : *state);
    if (status.state() == "interrupted" && db_->ledger().pending == 0 && db_->ledger().discovered > 0) {
      status.set_state("finished");
    }
    if (status.state() == "interrupted" && db_->ledger().done == 0 && db_->ledger().failed.empty()) status.set_state("new");
    WEFT_ASSIGN_OR_RETURN(const TrapList traps, TrapList::Read(*db_));
    FillTraps(traps, status);
    WEFT_ASSIGN_OR_RETURN(const PagesPlaces places, ReadPagesPlaces(*db_));
    FillPlaces(places, status.mutable_places());
    return status;
  }
  absl::StatusOr<wire::TrapsReply> Traps(const wire::TrapsRequest& request) override {
    wire::TrapsReply reply;
    WEFT_ASSIGN_OR_RETURN(TrapList traps, TrapList::Read(*db_));
    for (uint64_t id : traps.Release(request.release())) reply.add_unknown(id);
    for (uint64_t id : traps.Hold(request.hold())) reply.add_unknown(id);
    *reply.mutable_list() = traps.list();
    const bool decides = request.release_size() + request.hold_size() > 0;
    reply.set_later(decides);
    return decides ? Write(traps, std::move(reply)) : reply;
  }
  absl::StatusOr<wire::RecordsReply> Records(const wire::RecordsRequest& request) override {
    wire::RecordsReply reply;
    WEFT_RETURN_IF_ERROR(FillRecords(*db_, request, request.limit(), reply));
    return reply;
  }
  absl::StatusOr<wire::PolitenessReply> Politeness(const std::string& host) override {
    WEFT_ASSIGN_OR_RETURN(std::optional<std::string> stored, db_->GetMeta(kMetaSettings));
    wire::CrawlSettings settings;
    if (!stored || !settings.ParseFromString(*stored)) return DataLoss("crawl.db: the crawl's settings cannot be read");
    WEFT_ASSIGN_OR_RETURN(auto suffixes, PublicSuffixes::Load());
    PolitenessLedger ledger(settings, *suffixes);
    WEFT_RETURN_IF_ERROR(RestoreGroups(*db_, 0, ledger));
    wire::PolitenessReply reply;
    FillPoliteness(*db_, settings, ledger, "", db_->stored_clock(), host, reply);
    return reply;
  }
  absl::StatusOr<std::string> ReadBytes(uint64_t id, const std::string& file, uint64_t offset, uint64_t length) override {
    WEFT_ASSIGN_OR_RETURN(const std::string directory, finder_.Find(id));
    return ReadPagesBytes(directory, file, offset, length);
  }
  std::string NodeOf(uint64_t id) override { return finder_.NodeOf(id, SystemClock().WallNow()); }
  bool PagesLost(uint64_t pages_dir_id) override { return finder_.Lost(pages_dir_id); }
  bool rests() const override { return true; }

 private:
  // Read from here on no more. The list alone is written, and no incarnation minted: no crawl has run meanwhile.
  absl::StatusOr<wire::TrapsReply> Write(const TrapList& traps, wire::TrapsReply reply) {
    const std::string path = directory_->path();
    db_.reset();
    directory_.reset();  // its lock is shared with other readers
    std::error_code error;
    const bool crawls = std::filesystem::exists(path + "/warc", error);
    WEFT_ASSIGN_OR_RETURN(auto alone, crawls ? CrawlDirectory::OpenForCrawl(path) : CrawlDirectory::OpenForScheduler(path));
    RocksKvOptions options;
    options.path = alone->db_path();
    WEFT_ASSIGN_OR_RETURN(std::unique_ptr<Kv> kv, OpenRocksKv(options));
    KvBatch batch;
    traps.AddTo(batch);
    WEFT_RETURN_IF_ERROR(kv->Write(batch));
    WEFT_RETURN_IF_ERROR(kv->Sync());
    return reply;
  }

  std::unique_ptr<CrawlDirectory> directory_;
  std::unique_ptr<CrawlDb> db_;
  PagesFinder finder_;
};

// Whether workers are asked for pages, and as whom.
struct Gather {
  enum How { kAuto, kAlways, kNever } how = kAuto;
  KeyPair own;                 // empty: they ask for no key
  std::string keys_directory;  // of the scheduler, on its own machine: who may read its key may ask its parsers
};

absl::StatusOr<KeyPair> PairFor(const Gather& gather) {
  std::error_code error;
  if (gather.keys_directory.empty() || !std::filesystem::exists(gather.keys_directory, error)) return gather.own;
  WEFT_ASSIGN_OR_RETURN(const auto addresses, NotedAddresses(gather.keys_directory));
  if (addresses.empty()) return gather.own;  // it listens without keys
  return OpenSchedulerPair(gather.keys_directory);
}

// One that runs, here or elsewhere, asked through its scheduler's socket.
class RunningCrawl : public RecordSource {
 public:
  RunningCrawl(std::unique_ptr<CrawlDirectory> directory, Reach reach, std::unique_ptr<ToolClient> client, PagesFinder finder,
               Gather gather)
      : directory_(std::move(directory)), reach_(std::move(reach)), client_(std::move(client)), finder_(std::move(finder)),
        gather_(std::move(gather)) {}

  absl::StatusOr<wire::StatusReply> Status() override {
    wire::Frame request;
    request.mutable_status_request();
    WEFT_ASSIGN_OR_RETURN(wire::Frame answer, Ask(request, kPatience));
    return answer.status_reply();
  }
  absl::StatusOr<wire::TrapsReply> Traps(const wire::TrapsRequest& request) override {
    wire::Frame frame;
    *frame.mutable_traps_request() = request;
    WEFT_ASSIGN_OR_RETURN(wire::Frame answer, Ask(frame, kLongPatience));
    return answer.traps_reply();
  }
  absl::StatusOr<wire::RecordsReply> Records(const wire::RecordsRequest& request) override {
    wire::Frame frame;
    *frame.mutable_records_request() = request;
    WEFT_ASSIGN_OR_RETURN(wire::Frame answer, Ask(frame, kPatience));
    for (const wire::NodeStatus& node : answer.records_reply().parsers()) {
      finder_.Seen(node.pages_dir_id(), PlaceOf(node));
    }
    serving_ = answer.records_reply().serving();
    if (gatherer_ != nullptr) gatherer_->Know(serving_);
    return answer.records_reply();
  }
  absl::StatusOr<wire::PolitenessReply> Politeness(const std::string& host) override {
    wire::Frame frame;
    frame.mutable_politeness_request()->set_host(host);
    WEFT_ASSIGN_OR_RETURN(wire::Frame answer, Ask(frame, kPatience));
    return answer.politeness_reply();
  }
  absl::StatusOr<std::string> ReadBytes(uint64_t id, const std::string& file, uint64_t offset, uint64_t length) override {
    if (gather_.how != Gather::kAlways) {
      const auto directory = finder_.Find(id);
      if (directory.ok()) return ReadPagesBytes(*directory, file, offset, length);
      if (gather_.how == Gather::kNever) return directory.status();
    }
    for (const Block& block : read_) {
      if (block.id == id && block.file == file && offset >= block.offset && offset + length <= block.offset + block.bytes.size()) {
        return block.bytes.substr(static_cast<size_t>(offset - block.offset), static_cast<size_t>(length));
      }
    }
    WEFT_RETURN_IF_ERROR(BeginGathering());
    auto bytes = gatherer_->Read(id, file, offset, length);
    if (bytes.ok()) {
      if (read_.size() >= kBlocks) read_.pop_front();
      read_.push_back({id, file, offset, *bytes});
    }
    return bytes;
  }
  void Expect(const std::vector<WarcPlace>& places) override {
    std::vector<WarcPlace> away;
    for (const WarcPlace& place : places) {
      if (gather_.how == Gather::kAlways || !finder_.Find(place.pages_dir_id).ok()) away.push_back(place);
    }
    if (!gathers() || away.empty() || !BeginGathering().ok()) return;
    gatherer_->Expect(away);
  }
  bool gathers() const override { return gather_.how != Gather::kNever; }
  std::string NodeOf(uint64_t id) override { return finder_.NodeOf(id, SystemClock().WallNow()); }
  bool PagesLost(uint64_t pages_dir_id) override { return finder_.Lost(pages_dir_id); }

 private:
  // What was read last: a page's record is read again where its exchange is copied.
  struct Block {
    uint64_t id = 0;
    std::string file;
    uint64_t offset = 0;
    std::string bytes;
  };
  static constexpr size_t kBlocks = 4;

  // Who is silent for long, as while pages come from afar, is forgotten by the scheduler, and registers again.
  absl::StatusOr<wire::Frame> Ask(const wire::Frame& request, absl::Duration patience) {
    auto answer = client_->Ask(request, patience);
    if (answer.ok() || !client_->lost()) return answer;
    WEFT_ASSIGN_OR_RETURN(client_, ToolClient::Connect(reach_, patience));
    return client_->Ask(request, patience);
  }

  absl::Status BeginGathering() {
    if (gatherer_ != nullptr) return absl::OkStatus();
    WEFT_ASSIGN_OR_RETURN(const KeyPair own, PairFor(gather_));
    WEFT_ASSIGN_OR_RETURN(gatherer_, PagesGatherer::Make(own));
    gatherer_->Know(serving_);
    return absl::OkStatus();
  }

  std::unique_ptr<CrawlDirectory> directory_;  // null: by --scheduler
  Reach reach_;
  std::unique_ptr<ToolClient> client_;
  PagesFinder finder_;
  Gather gather_;
  std::unique_ptr<PagesGatherer> gatherer_;    // once it is needed
  google::protobuf::RepeatedPtrField<wire::ParserAddress> serving_;
  std::deque<Block> read_;
};

Gather GatherOf(const CommandLine& line) {
  Gather gather;
  const std::string& how = line.invocation.gather;
  gather.how = how == "always" ? Gather::kAlways : how == "never" ? Gather::kNever : Gather::kAuto;
  return gather;
}

}  // namespace

absl::StatusOr<std::unique_ptr<RecordSource>> OpenRecordSource(const CommandLine& line) {
  WEFT_ASSIGN_OR_RETURN(PagesFinder finder, PagesFinder::Make(line.invocation.pages_dirs));
  Gather gather = GatherOf(line);
  if (!line.invocation.scheduler.empty() || !line.invocation.join.empty()) {
    WEFT_ASSIGN_OR_RETURN(const Reach reach, FindReach(line, [](const std::string& text) {
      TellProblem(text);
    }));
    WEFT_ASSIGN_OR_RETURN(auto client, ToolClient::Connect(reach, kPatience));
    gather.own = reach.own;
    return std::make_unique<RunningCrawl>(nullptr, reach, std::move(client), std::move(finder), std::move(gather));
  }
  WEFT_ASSIGN_OR_RETURN(auto directory, CrawlDirectory::OpenToRead(line.invocation.directory));
  finder.AddIfThere(directory->warc_path());
  if (directory->running_pid() != 0) {
    Reach near;
    near.endpoint = directory->control_endpoint();
    auto client = ToolClient::Connect(near, kPatience);
    if (!client.ok()) {
      return Unavailable("{}: process {} crawls there and does not answer ({})", line.invocation.directory,
                         directory->running_pid(), ErrorText(client.status()));
    }
    gather.keys_directory = KeysPath(directory->path());
    return std::make_unique<RunningCrawl>(std::move(directory), near, *std::move(client), std::move(finder), std::move(gather));
  }
  RocksKvOptions kv_options;
  kv_options.path = directory->db_path();
  kv_options.read_only = true;
  WEFT_ASSIGN_OR_RETURN(std::unique_ptr<Kv> kv, OpenRocksKv(kv_options));
  CrawlDbOptions db_options;
  db_options.read_only = true;
  WEFT_ASSIGN_OR_RETURN(auto db, CrawlDb::Open(std::move(kv), db_options, *SystemRandom()));
  WEFT_ASSIGN_OR_RETURN(PagesPlaces places, ReadPagesPlaces(*db));
  for (const auto& [id, place] : places) finder.Seen(id, place);
  return std::make_unique<RestingCrawl>(std::move(directory), std::move(db), std::move(finder));
}

}  // namespace weft
