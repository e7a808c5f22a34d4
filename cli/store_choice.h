// What --store and the options beside it come to in a run that writes pages: where finished files go, and the wait for them at its end.
#pragma once

#include <absl/status/statusor.h>

#include <memory>
#include <optional>
#include <string>

#include "cli/console.h"
#include "cli/options.h"
#include "storage/store_uploads.h"

namespace weft {

StoreOptions StoreOf(const CrawlInvocation& call);

// Of this call, else as an earlier run on this pages directory was told; nullopt: files stay here. InvalidArgument: the store is none, or
// there are no credentials for it.
absl::StatusOr<std::optional<StoreUploadsOptions>> ChooseStore(const CommandLine& line, const std::string& directory, Console& console);

// `console` outlives it.
std::unique_ptr<StoreUploads> NewStoreUploads(const StoreUploadsOptions& options, Console& console);

// Waits until everything is stored or given up, and says so; a signal ends the process. Answers `code`, or kExitNotStored instead of
// kExitOk.
int FinishUploads(StoreUploads& uploads, const StoreUploadsOptions& options, Console& console, int code);

// Asks whether such a store can be opened at all, without asking it.
absl::Status CheckStoreOpens(const StoreOptions& options);

}  // namespace weft
