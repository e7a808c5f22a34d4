// An export to a store: files are written in a directory of this machine, as any export's are, and stored once they are whole; then the
// local copy goes. So nothing half stands under a final name, and what could not be stored is still here: --resume goes on with it.
// Thread rule: one thread; calls block.
#pragma once

#include <absl/status/statusor.h>

#include <memory>
#include <string>

#include "cli/export_plan.h"
#include "common/random.h"
#include "storage/object_store.h"
#include "storage/store_wait.h"

namespace weft {

class ExportUpload {
 public:
  // Of a plan that is stored. Makes its directory, and holds it for this process alone; the store is not asked yet. `plan` outlives it.
  // FailedPrecondition: another export to the same place is running. InvalidArgument: no credentials.
  static absl::StatusOr<std::unique_ptr<ExportUpload>> Open(const ExportPlan& plan);
  ~ExportUpload();
  ExportUpload(const ExportUpload&) = delete;
  ExportUpload& operator=(const ExportUpload&) = delete;

  // FailedPrecondition: the store holds an object under the name that the file at `path` will have.
  absl::Status CheckFree(const std::string& path);
  // Stores the whole file at `path`, where the store does not hold it already, and removes it here unless told to `keep` it.
  absl::Status Put(const std::string& path, bool keep = false);

 private:
  explicit ExportUpload(const ExportPlan& plan) : plan_(plan) {}
  // Below the store's URL.
  std::string NameOf(const std::string& path) const;

  const ExportPlan& plan_;
  int lock_ = -1;
  StoppableWait wait_;
  std::unique_ptr<Random> random_ = SystemRandom();
  std::unique_ptr<ObjectStore> store_;
};

}  // namespace weft
