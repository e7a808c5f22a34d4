#include "cli/store_choice.h"

#include <unistd.h>

#include "cli/exit_codes.h"
#include "cli/signals.h"
#include "common/status.h"
#include "common/units.h"
#include "common/utf8.h"
#include "storage/file_ops.h"

namespace weft {
namespace {

constexpr absl::Duration kLook = absl::Milliseconds(100);
constexpr absl::Duration kPlainEvery = absl::Seconds(10);

// Whether such a store can be opened at all; it is not asked anything.
absl::Status CheckOpens(const StoreOptions& options) {
  StoppableWait wait;
  const std::unique_ptr<Random> random = SystemRandom();
  const auto store = OpenObjectStore(options, wait, SystemClock(), *random);
  return store.ok() ? absl::OkStatus() : InvalidArgument("--store {}: {}", options.url, ErrorText(store.status()));
}

// "storing in s3://...: 3 files stored, 4 to go", redrawn, or said now and then.
class StoringTeller {
 public:
  StoringTeller(const std::string& url, Console& console) : url_(url), console_(console), told_(SystemClock().SteadyNow()) {}
  void Tell(const StoreProgress& now) {
    const std::string text = fmt::format("storing in {}: {} stored, {} to go", url_, HumanCount(now.stored, "file"), HumanCount(now.waiting));
    console_.Live(text);
    if (console_.is_terminal() || SystemClock().SteadyNow() - told_ < kPlainEvery) return;
    told_ = SystemClock().SteadyNow();
    console_.Line("weft: " + text);
  }

 private:
  const std::string& url_;
  Console& console_;
  absl::Time told_;
};

}  // namespace

StoreOptions StoreOf(const CrawlInvocation& call) {
  StoreOptions options;
  options.url = call.store;
  options.endpoint = call.store_endpoint;
  options.region = call.store_region;
  if (call.store_part_bytes > 0) options.part_bytes = call.store_part_bytes;
  if (call.store_timeout_us > 0) options.timeout = absl::Microseconds(static_cast<int64_t>(call.store_timeout_us));
  return options;
}

absl::StatusOr<std::unique_ptr<StoreUploads>> ChooseUploads(const CommandLine& line, const std::string& directory, Console& console) {
  const CrawlInvocation& call = line.invocation;
  StoreUploadsOptions options{.directory = directory, .store = StoreOf(call), .free = call.store_free == "on"};
  if (call.store == "none") {
    PosixFileOps().Remove(fmt::format("{}/{}", directory, kStoreStateFile)).IgnoreError();  // there may be none
    return nullptr;
  }
  if (call.store.empty()) {
    const auto before = ReadStoreState(directory);
    if (!before.ok()) return nullptr;
    options.store.url = before->store.url;
    if (call.store_endpoint.empty()) options.store.endpoint = before->store.endpoint;
    if (call.store_region.empty()) options.store.region = before->store.region;
    if (!line.given.contains("store-part-size")) options.store.part_bytes = before->store.part_bytes;
    if (!line.given.contains("store-free")) options.free = before->free;
    console.Line(fmt::format("weft: finished files go to {}, as before; --store none ends that", options.store.url));
  }
  WEFT_RETURN_IF_ERROR(CheckOpens(options.store));
  auto make = [store = options.store](StoreWait& wait, Random& random) { return OpenObjectStore(store, wait, SystemClock(), random); };
  return std::make_unique<StoreUploads>(options, make, [&console](const std::string& text) { console.Line("weft: " + text); });
}

std::function<void(const std::string&)> HandsFilesTo(StoreUploads* uploads) {
  if (uploads == nullptr) return nullptr;
  return [uploads](const std::string& name) { uploads->FileFinished(name); };
}

std::function<wire::StoreStatus()> TellsOf(const StoreUploads* uploads) {
  if (uploads == nullptr) return nullptr;
  return [uploads] {
    const StoreProgress now = uploads->progress();
    wire::StoreStatus status;
    status.set_url(uploads->options().store.url);
    status.set_stored(now.stored_in_all);
    status.set_stored_bytes(now.stored_bytes_in_all);
    status.set_freed(now.freed_in_all);
    status.set_waiting(now.waiting);
    status.set_failed(now.failed);
    status.set_trouble(ReplaceInvalidUtf8(now.trouble));
    status.set_last_error(ReplaceInvalidUtf8(now.last_error));
    return status;
  };
}

int FinishUploads(StoreUploads* uploads, Console& console, int code) {
  if (uploads == nullptr) return code;
  const std::string& url = uploads->options().store.url;
  const std::string& directory = uploads->options().directory;
  uploads->Finish();
  StoringTeller teller(url, console);
  StoreProgress now = uploads->progress();
  for (; !now.idle; now = uploads->progress()) {
    teller.Tell(now);
    if (WaitForSignal(kLook) == 0) continue;
    console.EndLive();
    console.Line(fmt::format("weft: left; {} not stored yet, the same command goes on", HumanCount(now.waiting, "file is", "files are")));
    _exit(kExitInterrupted);
  }
  console.EndLive();
  if (now.stored > 0) {
    console.Line(fmt::format("weft: {} ({}) stored in {}{}", HumanCount(now.stored, "file"), HumanSize(now.stored_bytes), url,
                             uploads->options().free ? ", and removed here" : ""));
  }
  if (now.failed == 0) return code;
  const StoreOptions& store = uploads->options().store;
  const std::string endpoint = store.endpoint.empty() ? "" : " --store-endpoint " + store.endpoint;
  const std::string region = store.region.empty() ? "" : " --store-region " + store.region;
  console.Line(fmt::format("weft: {} not stored; the same command, or weft store push {} --store {}{}{}, goes on",
                           HumanCount(now.failed, "file is", "files are"), directory, url, endpoint, region));
  return code == kExitOk ? kExitNotStored : code;
}

}  // namespace weft
