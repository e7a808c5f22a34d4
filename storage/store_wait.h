// The pause between two tries, which can be cut short: when a process ends nobody waits for a store that does not answer.
// Thread rule: any thread.
#pragma once

#include <absl/time/time.h>

#include <atomic>

#include "common/mutex.h"

namespace weft {

class StoreWait {
 public:
  virtual ~StoreWait() = default;
  // False: it was stopped, before or meanwhile.
  virtual bool Pause(absl::Duration duration) = 0;
  virtual bool stopped() const = 0;
};

class StoppableWait : public StoreWait {
 public:
  bool Pause(absl::Duration duration) override;
  bool stopped() const override { return stopped_; }
  void Stop();

 private:
  std::atomic<bool> stopped_{false};
  Mutex mutex_;
  CondVar changed_;
};

}  // namespace weft
