#include "cli/scheduler_host.h"

#include <utility>

#include "common/crawl_key.h"
#include "common/resubmissions.pb.h"
#include "common/status.h"
#include "scheduler/anchor_list.h"
#include "storage/rocks_kv.h"

namespace weft {
namespace {

constexpr absl::Duration kWatchEvery = absl::Milliseconds(100);
constexpr absl::Duration kRecoverEvery = absl::Seconds(2);
constexpr size_t kFirstEnds = 20;

// What ResubmitDesk finds when it opens.
absl::Status WantPages(CrawlDb& db, uint64_t pages_dir_id) {
  WEFT_ASSIGN_OR_RETURN(const std::optional<std::string> stored, db.GetMeta(kMetaResubmissions));
  wire::Resubmissions state;
  if (stored && !state.ParseFromString(*stored)) return DataLoss("crawl.db: the list of its openings cannot be read");
  wire::Resubmissions::Directory* wanted = nullptr;
  for (wire::Resubmissions::Directory& directory : *state.mutable_directories()) {
    if (directory.pages_dir_id() == pages_dir_id) wanted = &directory;
  }
  if (wanted == nullptr) wanted = state.add_directories();
  wanted->set_pages_dir_id(pages_dir_id);
  wanted->set_from_wall_us(0);
  wanted->set_wanted(true);
  return db.PutMeta(kMetaResubmissions, state.SerializeAsString());
}

}  // namespace

SchedulerHost::SchedulerHost(SchedulerHostOptions options, ZmqContext& context, Console& console)
    : options_(std::move(options)), console_(console), thread_("scheduler", context) {
  reading_pool_ = std::make_unique<ThreadPool>("records", 1, 8, thread_.loop());
  options_.scheduler.reading_pool = reading_pool_.get();
  if (options_.checkpoints_path.empty()) return;
  const std::vector<std::string> files = {options_.seen_path + ".a", options_.seen_path + ".b", options_.log_path};
  checkpoints_ = std::make_unique<CheckpointFolder>(options_.checkpoints_path, files, options_.checkpoints_kept, SystemClock());
  checkpoint_pool_ = std::make_unique<ThreadPool>("checkpoint", 1, 1, thread_.loop());
  options_.scheduler.checkpoints = checkpoints_.get();
  options_.scheduler.checkpoint_pool = checkpoint_pool_.get();
}

SchedulerHost::~SchedulerHost() {
  thread_.Stop();
  thread_.Join();
  thread_.loop().SetNode(nullptr);
}

absl::StatusOr<std::unique_ptr<CrawlDb>> SchedulerHost::OpenDb() {
  RocksKvOptions kv_options;
  kv_options.path = options_.db_path;
  WEFT_ASSIGN_OR_RETURN(std::unique_ptr<Kv> kv, OpenRocksKv(kv_options));
  CrawlDbOptions db_options;
  db_options.seen_memory_bytes = options_.memory_bytes;
  db_options.seen_path = options_.seen_path;
  db_options.create.set_canonicaliser_version(kCanonicaliserVersion);
  db_options.create.set_public_suffix_version(options_.suffixes->version());
  db_options.create.set_created_wall_us(absl::ToUnixMicros(SystemClock().WallNow()));
  return CrawlDb::Open(std::move(kv), db_options, thread_.random());
}

absl::Status SchedulerHost::Open(const Settle& settle, bool retry_failed) {
  WEFT_ASSIGN_OR_RETURN(std::unique_ptr<CrawlDb> db, OpenDb());
  WEFT_ASSIGN_OR_RETURN(std::optional<std::string> stored, db->GetMeta(kMetaSettings));
  WEFT_ASSIGN_OR_RETURN(settings_, settle(stored.value_or("")));
  if (retry_failed) {
    WEFT_ASSIGN_OR_RETURN(uint64_t again, db->RequeueFailed(db->stored_clock()));
    console_.Line(fmt::format("weft: {} failed URLs are tried again", again));
  }
  if (options_.pages_to_take != 0) WEFT_RETURN_IF_ERROR(WantPages(*db, options_.pages_to_take));
  WEFT_ASSIGN_OR_RETURN(log_, CrawlLog::Open(options_.log_path, SystemClock()));
  MakeNode(std::move(db));
  node_->Start();
  return node_->health();
}

void SchedulerHost::MakeNode(std::unique_ptr<CrawlDb> db) {
  node_ = std::make_unique<SchedulerNode>(options_.scheduler, settings_, std::move(db), options_.suffixes,
                                          SystemClock(), thread_.random(), thread_.bus(), thread_.pool(), *this);
  TakeKeys();
  if (options_.keys) node_->SetKeys(node_keys_);
}

// The file is small, and looked at for its date only.
void SchedulerHost::TakeKeys() {
  if (!options_.keys) return;
  std::optional<NodeKeys> changed = options_.keys->Changed();
  if (!changed) return;
  node_keys_ = *std::move(changed);
  node_->SetKeys(node_keys_);
}

absl::StatusOr<std::vector<std::string>> SchedulerHost::Bind() {
  std::vector<std::string> open;
  std::vector<std::string> bound;
  for (const std::string& endpoint : options_.endpoints) {
    WEFT_ASSIGN_OR_RETURN(std::string at, thread_.bus().Bind(endpoint));
    open.push_back(std::move(at));
  }
  if (!options_.keyed_endpoints.empty()) WEFT_RETURN_IF_ERROR(thread_.bus().UseKeys(options_.keys->own()));
  for (const std::string& endpoint : options_.keyed_endpoints) {
    WEFT_ASSIGN_OR_RETURN(std::string at, thread_.bus().BindWithKeys(endpoint));
    bound.push_back(std::move(at));
  }
  bound.insert(bound.end(), open.begin(), open.end());
  return bound;
}

void SchedulerHost::Run() {
  thread_.SetReceiver([this](const PeerId& from, Message message) {
    if (node_ != nullptr) node_->OnMessage(from, std::move(message));
  });
  thread_.loop().SetNode(node_.get());
  thread_.loop().Post([this] { Watch(); });
  thread_.Run();
}

void SchedulerHost::Watch() {
  if (node_ == nullptr) return;
  if (!node_->health().ok()) return Recover(node_->health());
  told_of_trouble_ = false;
  if (wanted_stop_ != StopReason::kNone) node_->Stop(wanted_stop_);
  TakeKeys();
  FlushLog();
  SchedulerSnapshot now;
  now.status = node_->Status();
  now.bound = node_->PoliteBound();
  now.stop = node_->stop_reason();
  {
    MutexLock lock(mutex_);
    snapshot_ = std::move(now);
  }
  if (node_->stopped()) {
    ended_ = true;
    thread_.Stop();
    return;
  }
  thread_.loop().At(SystemClock().SteadyNow() + kWatchEvery, [this] { Watch(); });
}

void SchedulerHost::FlushLog() {
  const bool was_well = log_->problem().empty();
  log_->Flush();
  if (was_well && !log_->problem().empty()) console_.Line("weft: " + log_->problem());
}

void SchedulerHost::Recover(const absl::Status& why) {
  if (!told_of_trouble_) {
    console_.Line(fmt::format("weft: the crawl is paused: {}; it goes on by itself when that is over", ErrorText(why)));
    told_of_trouble_ = true;
  }
  thread_.loop().SetNode(nullptr);
  node_.reset();
  if (wanted_stop_ != StopReason::kNone) {
    // Everything acknowledged is durable; what is not is fetched again by the next run.
    failure_ = ErrorText(why);
    ended_ = true;
    thread_.Stop();
    return;
  }
  auto db = OpenDb();
  if (!db.ok()) {
    thread_.loop().At(SystemClock().SteadyNow() + kRecoverEvery, [this, status = db.status()] { Recover(status); });
    return;
  }
  MakeNode(*std::move(db));
  node_->Start();
  thread_.loop().SetNode(node_.get());
  thread_.loop().At(SystemClock().SteadyNow() + kRecoverEvery, [this] {
    if (node_ != nullptr && node_->health().ok()) console_.Line("weft: the crawl goes on");
    Watch();
  });
}

void SchedulerHost::RequestStop(StopReason reason) {
  thread_.loop().Post([this, reason] {
    wanted_stop_ = reason;
    if (node_ != nullptr) node_->Stop(reason);
  });
}

SchedulerSnapshot SchedulerHost::Snapshot() const {
  MutexLock lock(mutex_);
  return snapshot_;
}

std::vector<UrlEnd> SchedulerHost::FirstEnds() const {
  MutexLock lock(mutex_);
  return first_ends_;
}

void SchedulerHost::OnUrlEnd(const UrlEnd& end) {
  log_->Write(end);
  // Written at the end of this turn: a crash costs no line of what was said to be durable long ago.
  if (!std::exchange(flush_posted_, true)) {
    thread_.loop().Post([this] {
      flush_posted_ = false;
      FlushLog();
    });
  }
  MutexLock lock(mutex_);
  if (first_ends_.size() < kFirstEnds) first_ends_.push_back(end);
}

void SchedulerHost::OnNotice(const std::string& text) { console_.Line("weft: " + text); }

}  // namespace weft
