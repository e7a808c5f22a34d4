// What --store and the options beside it come to in a run that writes pages: where finished files go, and the wait for them at its end.
#pragma once

#include <absl/status/statusor.h>

#include <functional>
#include <memory>
#include <string>

#include "cli/console.h"
#include "cli/options.h"
#include "common/wire.pb.h"
#include "storage/store_uploads.h"

namespace weft {

StoreOptions StoreOf(const CrawlInvocation& call);

// To where this call says, else where an earlier run on this pages directory was told; null: files stay here. Not begun yet.
// InvalidArgument: the store is none, or there are no credentials for it. `console` outlives it.
absl::StatusOr<std::unique_ptr<StoreUploads>> ChooseUploads(const CommandLine& line, const std::string& directory, Console& console);

// For WorkerOptions::file_finished; null where `uploads` is.
std::function<void(const std::string&)> HandsFilesTo(StoreUploads* uploads);

// For WorkerOptions::store_status; null where `uploads` is.
std::function<wire::StoreStatus()> TellsOf(const StoreUploads* uploads);

// Waits until everything is stored or given up, and says so; a signal ends the process. Answers `code`, or kExitNotStored instead of
// kExitOk. Null: `code`, at once.
int FinishUploads(StoreUploads* uploads, Console& console, int code);

}  // namespace weft
