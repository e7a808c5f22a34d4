// weft status: the state and the ledger of a crawl, running or not.
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/node_text.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/record_source.h"
#include "common/status.h"
#include "common/units.h"
#include "storage/store_note.h"

namespace weft {
namespace {

nlohmann::ordered_json CheckpointJson(const wire::CheckpointStatus& last) {
  if (last.path().empty() && !last.running() && last.problem().empty()) return nullptr;
  return {{"running", last.running()}, {"path", last.path()}, {"bytes", last.bytes()}, {"age_s", last.age_us() / 1'000'000},
          {"problem", last.problem()}};
}

std::string CheckpointText(const wire::CheckpointStatus& last) {
  std::string text;
  if (!last.path().empty()) {
    text = fmt::format("checkpoint {} of {}, {} ago", last.path(), HumanSize(last.bytes()),
                       weft::FormatDuration(absl::Trunc(absl::Microseconds(last.age_us()), absl::Seconds(1))));
  }
  if (last.running()) text += text.empty() ? "a checkpoint is being made" : "; another is being made";
  if (!last.problem().empty()) text += fmt::format("{}no checkpoint was made: {}", text.empty() ? "" : "; ", last.problem());
  return text;
}

nlohmann::ordered_json Counts(const google::protobuf::RepeatedPtrField<wire::Count>& counts) {
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  for (const wire::Count& count : counts) json[count.name()] = count.count();
  return json;
}

// `pages`: the crawl's own pages directory; empty: it is not known here.
std::string Json(const wire::StatusReply& status, const std::string& pages) {
  const wire::Ledger& ledger = status.ledger();
  nlohmann::ordered_json json;
  json["state"] = status.state();
  json["ledger"] = {{"discovered", ledger.discovered()}, {"queued", ledger.queued()}, {"leased", ledger.leased()},
                    {"done", ledger.done()},             {"failed", Counts(ledger.failed())},
                    {"refused", Counts(ledger.refused())}};
  json["pages"] = status.pages();
  json["truncated"] = status.truncated();
  json["superseded"] = status.superseded();
  json["sightings"] = status.sightings();
  json["recrawl"] = {{"due_later", status.due_later()},
                     {"next_due_s", status.next_due_us() / 1'000'000},
                     {"changed", status.recrawl_changed()},
                     {"unchanged", status.recrawl_unchanged()},
                     {"missed", status.recrawl_missed()}};
  nlohmann::ordered_json nodes = nlohmann::ordered_json::array();
  for (const wire::NodeStatus& node : status.nodes()) nodes.push_back(NodeJson(node));
  json["nodes"] = nodes;
  const wire::Refusals& refusals = status.refusals();
  json["refusals"] = RefusalsJson(refusals);
  json["refusals"]["registrations"] = refusals.registrations();
  nlohmann::ordered_json stores = nlohmann::ordered_json::array();
  for (const wire::NodeStatus* node : StoresOf(status)) stores.push_back(StoreJson(*node));
  json["stores"] = stores;
  nlohmann::ordered_json away = nlohmann::ordered_json::array();
  for (const wire::NodeStatus& place : status.places()) away.push_back(PlaceJson(place));
  json["pages_away"] = away;
  nlohmann::ordered_json waits = nlohmann::ordered_json::array();
  for (const wire::TagWait& wait : status.tag_waits()) {
    waits.push_back({{"tag", wait.tag()}, {"hosts", wait.hosts()}, {"node_there", wait.node_there()}});
  }
  json["tag_waits"] = waits;
  json["checkpoint"] = CheckpointJson(status.checkpoint());
  nlohmann::ordered_json traps = nlohmann::ordered_json::array();
  for (const wire::Trap& trap : status.traps()) {
    traps.push_back({{"id", trap.id()}, {"pattern", trap.match()}, {"reason", trap.reason()}, {"urls", trap.urls()},
                     {"pages", trap.pages()}, {"refused", trap.refused()}, {"example", trap.example()}});
  }
  json["traps"] = traps;
  if (const auto state = ReadStoreState(pages); !pages.empty() && state.ok()) {
    const StoreTally tally = TallyStored(pages).value_or(StoreTally{});
    json["store"] = {{"url", state->store.url}, {"stored", tally.stored}, {"stored_bytes", tally.stored_bytes}, {"freed", tally.freed},
                     {"waiting", tally.waiting}, {"waiting_bytes", tally.waiting_bytes}, {"trouble", state->trouble}};
  }
  return json.dump();
}

void PrintReasons(std::string_view title, const google::protobuf::RepeatedPtrField<wire::Count>& counts) {
  uint64_t sum = 0;
  for (const wire::Count& count : counts) sum += count.count();
  Print("  {:<11}{:>12}\n", title, HumanCount(sum));
  for (const wire::Count& count : counts) Print("    {:<20}{:>12}\n", count.name(), HumanCount(count.count()));
}

void PrintStore(const std::string& pages) {
  const auto state = ReadStoreState(pages);
  if (!state.ok()) return;
  const StoreTally tally = TallyStored(pages).value_or(StoreTally{});
  Print("  store {}: {} ({}) stored, {} ({}) waiting\n", state->store.url, HumanCount(tally.stored, "file"), HumanSize(tally.stored_bytes),
        HumanCount(tally.waiting), HumanSize(tally.waiting_bytes));
  if (!state->trouble.empty()) Print("  store: nothing could be stored lately: {}\n", state->trouble);
}

void PrintText(const wire::StatusReply& status, const CrawlInvocation& call) {
  const wire::Ledger& ledger = status.ledger();
  Print("{}: {} page{}\n", status.state(), HumanCount(status.pages()), status.pages() == 1 ? "" : "s");
  if (status.state() == "running" && ledger.discovered() == 0) {
    const std::string reach = !call.directory.empty() ? "--data " + call.directory
                              : !call.join.empty()     ? "--join FILE"
                                                       : "--scheduler " + call.scheduler;
    Print("  no seeds yet: weft seeds add URL {}\n", reach);
  }
  if (status.state() == "new") Print("  nothing was crawled here yet\n");
  Print("  {:<11}{:>12}\n", "discovered", HumanCount(ledger.discovered()));
  Print("  {:<11}{:>12}\n", "queued", HumanCount(ledger.queued()));
  Print("  {:<11}{:>12}\n", "leased", HumanCount(ledger.leased()));
  Print("  {:<11}{:>12}\n", "done", HumanCount(ledger.done()));
  PrintReasons("failed", ledger.failed());
  PrintReasons("refused", ledger.refused());
  for (const std::string& text : RecrawlTexts(status)) Print("  {}\n", text);
  for (const wire::Trap& trap : status.traps()) {
    Print("  trap {}: {} ({}), {} refused\n", trap.id(), trap.match(), trap.reason(), HumanCount(trap.refused(), "link"));
  }
  for (const std::string& warning : status.warnings()) Print("  {}\n", warning);
  for (const wire::NodeStatus& node : status.nodes()) Print("  {}\n", NodeText(node));
  for (const wire::NodeStatus& place : status.places()) Print("  {}\n", PlaceText(place));
  if (const std::string text = CheckpointText(status.checkpoint()); !text.empty()) Print("  {}\n", text);
  for (const std::string& text : RefusalTexts(status)) Print("  {}\n", text);
  for (const wire::NodeStatus* node : StoresOf(status)) {
    for (const std::string& text : StoreTexts(*node)) Print("  {}\n", text);
  }
}

}  // namespace

int StatusCommand(const CommandLine& line) {
  auto source = OpenRecordSource(line);
  absl::StatusOr<wire::StatusReply> status = source.ok() ? (*source)->Status() : source.status();
  if (!status.ok()) {
    TellProblem(ErrorText(status.status()));
    return kExitFailed;
  }
  const std::string& directory = line.invocation.directory;
  const std::string pages = directory.empty() ? "" : directory + "/warc";
  if (line.invocation.json) {
    Print("{}\n", Json(*status, pages));
  } else {
    PrintText(*status, line.invocation);
    // Of a crawl that runs its parsers have told.
    if (!pages.empty() && StoresOf(*status).empty()) PrintStore(pages);
  }
  return kExitOk;
}

}  // namespace weft
