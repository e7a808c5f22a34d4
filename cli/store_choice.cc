#include "cli/store_choice.h"

#include <unistd.h>

#include "cli/exit_codes.h"
#include "cli/signals.h"
#include "common/status.h"
#include "common/units.h"
#include "storage/file_ops.h"

namespace weft {
namespace {

constexpr absl::Duration kLook = absl::Milliseconds(100);
constexpr absl::Duration kPlainEvery = absl::Seconds(10);

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

absl::Status CheckStoreOpens(const StoreOptions& options) {
  StoppableWait wait;
  const std::unique_ptr<Random> random = SystemRandom();
  const auto store = OpenObjectStore(options, wait, SystemClock(), *random);
  return store.ok() ? absl::OkStatus() : InvalidArgument("--store {}: {}", options.url, ErrorText(store.status()));
}

absl::StatusOr<std::optional<StoreUploadsOptions>> ChooseStore(const CommandLine& line, const std::string& directory, Console& console) {
  const CrawlInvocation& call = line.invocation;
  StoreUploadsOptions options{.directory = directory, .store = StoreOf(call), .free = call.store_free == "on"};
  if (call.store == "none") {
    PosixFileOps().Remove(fmt::format("{}/{}", directory, kStoreStateFile)).IgnoreError();  // there may be none
    return std::nullopt;
  }
  if (call.store.empty()) {
    const auto before = ReadStoreState(directory);
    if (!before.ok()) return std::nullopt;
    options.store.url = before->store.url;
    if (call.store_endpoint.empty()) options.store.endpoint = before->store.endpoint;
    if (call.store_region.empty()) options.store.region = before->store.region;
    if (!line.given.contains("store-part-size")) options.store.part_bytes = before->store.part_bytes;
    if (!line.given.contains("store-free")) options.free = before->free;
    console.Line(fmt::format("weft: finished files go to {}, as before; --store none ends that", options.store.url));
  }
  WEFT_RETURN_IF_ERROR(CheckStoreOpens(options.store));
  return options;
}

std::unique_ptr<StoreUploads> NewStoreUploads(const StoreUploadsOptions& options, Console& console) {
  auto make = [store = options.store](StoreWait& wait, Random& random) { return OpenObjectStore(store, wait, SystemClock(), random); };
  return std::make_unique<StoreUploads>(options, make, [&console](const std::string& text) { console.Line("weft: " + text); });
}

int FinishUploads(StoreUploads& uploads, const StoreUploadsOptions& options, Console& console, int code) {
  uploads.Finish();
  absl::Time told = SystemClock().SteadyNow();
  StoreProgress now = uploads.progress();
  while (!now.idle) {
    const std::string text = fmt::format("storing in {}: {} stored, {} to go", options.store.url, HumanCount(now.stored, "file"), HumanCount(now.waiting));
    console.Live(text);
    if (!console.is_terminal() && SystemClock().SteadyNow() - told >= kPlainEvery) {
      told = SystemClock().SteadyNow();
      console.Line("weft: " + text);
    }
    if (WaitForSignal(kLook) != 0) {
      console.EndLive();
      console.Line(fmt::format("weft: left with {} that {} not stored yet; the same command goes on", HumanCount(now.waiting, "file"),
                               now.waiting == 1 ? "is" : "are"));
      _exit(kExitInterrupted);
    }
    now = uploads.progress();
  }
  console.EndLive();
  if (now.stored > 0) {
    console.Line(fmt::format("weft: {} ({}) stored in {}{}", HumanCount(now.stored, "file"), HumanSize(now.stored_bytes), options.store.url,
                             options.free ? ", and removed here" : ""));
  }
  if (now.failed == 0) return code;
  console.Line(fmt::format("weft: {} in {} {} not stored; the same command, or weft store push {} --store {}, goes on", HumanCount(now.failed, "file"),
                           options.directory, now.failed == 1 ? "is" : "are", options.directory, options.store.url));
  return code == kExitOk ? kExitNotStored : code;
}

}  // namespace weft
