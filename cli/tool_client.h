// Asks a running scheduler something and waits for the answer: for weft status, export and seeds.
// Thread rule: one thread; every call blocks until the answer or its deadline.
#pragma once

#include <absl/status/statusor.h>

#include <memory>
#include <string>

#include "cli/node_thread.h"
#include "cli/reach.h"
#include "common/wire.pb.h"

namespace weft {

class ToolClient {
 public:
  // Connects and registers as a tool. Unavailable: nobody answered within `patience`. FailedPrecondition: it does not take
  // our key, or asks for one.
  static absl::StatusOr<std::unique_ptr<ToolClient>> Connect(const Reach& reach, absl::Duration patience);
  ~ToolClient();

  // Sends `request` and answers the next frame that is not a heartbeat's.
  // `slow`: the answer takes its time, and nobody is told when it does.
  absl::StatusOr<wire::Frame> Ask(wire::Frame request, absl::Duration patience, bool slow = false);
  const wire::Registered& terms() const { return terms_; }
  // The scheduler does not know us any more: it was started again, or we were silent for long. Connect again.
  bool lost() const;

 private:
  ToolClient();
  struct Session;
  std::string WhyNotConnected() const;

  ZmqContext context_;
  std::unique_ptr<Random> random_;
  EventLoop loop_;
  std::unique_ptr<ZmqBus> bus_;
  std::unique_ptr<Session> session_;
  wire::Registered terms_;
};

}  // namespace weft
