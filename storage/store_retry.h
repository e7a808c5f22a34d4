// How often, and after which pauses, one request to a store is tried. Thread rule: one thread.
#pragma once

#include <absl/status/status.h>

#include "common/random.h"
#include "storage/object_store.h"
#include "storage/store_http.h"

namespace weft {

class StoreRetry {
 public:
  StoreRetry(const StoreOptions& options, StoreWait& wait, Random& random)
      : tries_(options.tries), pause_(options.first_pause), longest_(options.longest_pause), wait_(wait), random_(random) {}

  // Whether to try (again), after a pause that is doubled each time, between half and the whole of it: uploads that were told to slow
  // down together come back apart. False: the tries are used up, or somebody stopped the wait.
  bool Next() {
    if (tried_ == tries_) return false;
    if (tried_++ == 0) return !wait_.stopped();
    const absl::Duration pause = pause_ / 2 + pause_ / 2 * random_.Unit();
    pause_ = std::min(pause_ * 2, longest_);
    return wait_.Pause(pause);
  }
  // What to answer when Next said no.
  absl::Status GiveUp(const absl::Status& last) const;

  // The server is busy or broken just now: 408, 429, 5xx but 501.
  static bool IsPassing(int status) { return status == 408 || status == 429 || (status >= 500 && status != 501); }

 private:
  int tries_;
  int tried_ = 0;
  absl::Duration pause_;
  absl::Duration longest_;
  StoreWait& wait_;
  Random& random_;
};

}  // namespace weft
