// One thread, one epoll: runs a Node, its sockets and its timers. Callbacks run on the loop's thread only; Post and Stop
// may be called from any thread, all else from the loop's thread, or from anywhere while Run does not run.
// A callback that runs longer than `slow_callback` is reported in the log.
//
// A turn: descriptors, posted callbacks, due timers, the node's OnTick, pollers. If a poller did something or a callback
// was posted meanwhile the next turn follows at once; else the loop sleeps until something happens, the next timer
// or the node's NextWake.
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
  // `name` is the thread's name in logs. Aborts if the kernel gives no epoll, eventfd or timerfd.
  EventLoop(std::string name, const Clock& clock, absl::Duration slow_callback = absl::Milliseconds(250));
  // Callbacks that have not run are destroyed, not called.
  ~EventLoop();

  // Watches a descriptor for `events` (EPOLLIN ...); a second call for the same one replaces both. Callbacks may watch
  // and unwatch any descriptor, their own too. Unwatch before closing. A descriptor that epoll does not take is
  // reported in the log and not watched.
  void Watch(int fd, uint32_t events, absl::AnyInvocable<void(uint32_t events)> callback);
  void Unwatch(int fd);
  // Calls `callback` once at `when` (steady clock), in the order of `when` and then of the calls. The id (never 0) can
  // be cancelled; an id that has run is ignored.
  uint64_t At(absl::Time when, absl::AnyInvocable<void()> callback);
  void CancelTimer(uint64_t id);
  // Runs `callback` on the loop soon. Any thread; callbacks posted before Stop run. The queue is bounded by what the
  // posters have in flight (a ThreadPool: its capacity).
  void Post(absl::AnyInvocable<void()> callback);
  // Called once per turn after events and before sleeping (drains edge-triggered sockets); answers true if it did
  // something, and the loop then does not sleep. The answer is an id for RemovePoller.
  uint64_t AddPoller(absl::AnyInvocable<bool()> poll);
  void RemovePoller(uint64_t id);
  // The node whose OnTick runs after every turn and at NextWake; null for none. A NextWake that is not in the future
  // right after OnTick is taken as 200 µs later, so that a node cannot make the loop spin. Start is the caller's.
  void SetNode(Node* node);

  // Until Stop; may be called again.
  void Run();
  // Run returns after one more turn, which does not sleep. Before Run: the next Run is one such turn.
  void Stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace weft
