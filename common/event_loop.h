// One thread, one epoll: runs a Node, its sockets and its timers. Callbacks run on the loop's thread only; Post and Stop
// may be called from any thread. A callback that runs longer than `slow_callback` is reported in the log.
#pragma once

#include <absl/functional/any_invocable.h>
#include <absl/status/status.h>
#include <absl/time/time.h>

#include <cstdint>
#include <memory>
#include <string>

#include "common/clock.h"
#include "common/node.h"

namespace weft {

class EventLoop {
 public:
  // `name` is the thread's name in logs. Aborts if the kernel gives no epoll or eventfd.
  EventLoop(std::string name, const Clock& clock, absl::Duration slow_callback = absl::Milliseconds(250));
  ~EventLoop();

  // Watches a descriptor for `events` (EPOLLIN ...); a second call for the same one replaces both.
  void Watch(int fd, uint32_t events, absl::AnyInvocable<void(uint32_t events)> callback);
  void Unwatch(int fd);
  // Calls `callback` once at `when` (steady clock). The id can be cancelled; an id that has run is ignored.
  uint64_t At(absl::Time when, absl::AnyInvocable<void()> callback);
  void CancelTimer(uint64_t id);
  // Runs `callback` on the loop soon. Any thread; callbacks posted before Stop run.
  void Post(absl::AnyInvocable<void()> callback);
  // Called once per turn after events and before sleeping (drains edge-triggered sockets); answers true if it did
  // something, and the loop then does not sleep.
  void AddPoller(absl::AnyInvocable<bool()> poll);
  // The node whose OnTick runs after every turn and at NextWake.
  void SetNode(Node* node);

  // Until Stop.
  void Run();
  void Stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace weft
