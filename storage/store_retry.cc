#include "storage/store_retry.h"

#include "common/status.h"

namespace weft {

absl::Status StoreRetry::GiveUp(const absl::Status& last) const {
  if (wait_.stopped()) return absl::CancelledError("stopped");
  return Unavailable("{} ({} tries)", ErrorText(last), tried_);
}

}  // namespace weft
