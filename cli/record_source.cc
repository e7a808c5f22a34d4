#include "cli/record_source.h"

#include <map>
#include <utility>

#include "cli/crawl_directory.h"
#include "cli/tool_client.h"
#include "common/status.h"
#include "scheduler/anchor_list.h"
#include "scheduler/status_report.h"
#include "storage/crawl_db.h"
#include "storage/rocks_kv.h"

namespace weft {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(10);

// A crawl that nobody runs now.
class RestingCrawl : public RecordSource {
 public:
  RestingCrawl(std::unique_ptr<CrawlDirectory> directory, std::unique_ptr<CrawlDb> db)
      : directory_(std::move(directory)), db_(std::move(db)) {}

  absl::StatusOr<wire::StatusReply> Status() override {
    wire::StatusReply status;
    FillLedger(db_->ledger(), 0, status);
    WEFT_ASSIGN_OR_RETURN(std::optional<std::string> state, db_->GetMeta(kMetaState));
    // It says running and nobody runs it: the process was killed.
    status.set_state(!state || *state == "running" ? "interrupted" : *state);
    if (status.state() == "interrupted" && db_->ledger().pending == 0 && db_->ledger().discovered > 0) {
      status.set_state("finished");
    }
    return status;
  }
  absl::StatusOr<wire::RecordsReply> Records(const wire::RecordsRequest& request) override {
    wire::RecordsReply reply;
    WEFT_RETURN_IF_ERROR(FillRecords(*db_, request, request.limit(), reply));
    return reply;
  }
  std::string PagesPath(uint64_t) override { return directory_->warc_path(); }

 private:
  std::unique_ptr<CrawlDirectory> directory_;
  std::unique_ptr<CrawlDb> db_;
};

// One that runs, here or elsewhere, asked through its scheduler's socket.
class RunningCrawl : public RecordSource {
 public:
  RunningCrawl(std::unique_ptr<CrawlDirectory> directory, std::unique_ptr<ToolClient> client)
      : directory_(std::move(directory)), client_(std::move(client)) {}

  absl::StatusOr<wire::StatusReply> Status() override {
    wire::Frame request;
    request.mutable_status_request();
    WEFT_ASSIGN_OR_RETURN(wire::Frame answer, client_->Ask(std::move(request), kPatience));
    for (const wire::NodeStatus& node : answer.status_reply().nodes()) Remember(node);
    return answer.status_reply();
  }
  absl::StatusOr<wire::RecordsReply> Records(const wire::RecordsRequest& request) override {
    wire::Frame frame;
    *frame.mutable_records_request() = request;
    WEFT_ASSIGN_OR_RETURN(wire::Frame answer, client_->Ask(std::move(frame), kPatience));
    for (const wire::NodeStatus& node : answer.records_reply().parsers()) Remember(node);
    return answer.records_reply();
  }
  std::string PagesPath(uint64_t pages_dir_id) override {
    if (directory_ != nullptr) return directory_->warc_path();
    auto it = paths_.find(pages_dir_id);
    return it == paths_.end() ? "" : it->second;
  }

 private:
  void Remember(const wire::NodeStatus& node) {
    if (!node.pages_path().empty()) paths_[node.pages_dir_id()] = node.pages_path();
  }

  std::unique_ptr<CrawlDirectory> directory_;  // null: by --scheduler
  std::unique_ptr<ToolClient> client_;
  std::map<uint64_t, std::string> paths_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<RecordSource>> OpenRecordSource(const CommandLine& line) {
  if (!line.invocation.scheduler.empty()) {
    WEFT_ASSIGN_OR_RETURN(auto client, ToolClient::Connect(line.invocation.scheduler, kPatience));
    return std::make_unique<RunningCrawl>(nullptr, std::move(client));
  }
  WEFT_ASSIGN_OR_RETURN(auto directory, CrawlDirectory::OpenToRead(line.invocation.directory));
  if (directory->running_pid() != 0) {
    auto client = ToolClient::Connect(directory->control_endpoint(), kPatience);
    if (!client.ok()) {
      return Unavailable("{}: process {} crawls there and does not answer ({})", line.invocation.directory,
                         directory->running_pid(), ErrorText(client.status()));
    }
    return std::make_unique<RunningCrawl>(std::move(directory), *std::move(client));
  }
  RocksKvOptions kv_options;
  kv_options.path = directory->db_path();
  kv_options.read_only = true;
  WEFT_ASSIGN_OR_RETURN(std::unique_ptr<Kv> kv, OpenRocksKv(kv_options));
  CrawlDbOptions db_options;
  db_options.read_only = true;
  WEFT_ASSIGN_OR_RETURN(auto db, CrawlDb::Open(std::move(kv), db_options, *SystemRandom()));
  return std::make_unique<RestingCrawl>(std::move(directory), std::move(db));
}

}  // namespace weft
