// A thread with an event loop, a bus and a pool, to run one node on. Destroyed in order: thread, node, pool, bus, loop.
// Thread rule: made and destroyed by one thread; only Stop and loop().Post may be called from others.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "common/clock.h"
#include "common/event_loop.h"
#include "common/random.h"
#include "common/thread_pool.h"
#include "common/zmq_bus.h"

namespace weft {

class NodeThread {
 public:
  NodeThread(const std::string& name, ZmqContext& context);
  ~NodeThread();

  EventLoop& loop() { return loop_; }
  ZmqBus& bus() { return bus_; }
  Random& random() { return *random_; }
  // For blocking work of this node: one thread, named after it.
  WorkPool& pool() { return pool_; }

  // Before Run. The loop ends by itself once `stopped` answers true (asked on the loop).
  void SetNode(std::unique_ptr<Node> node, std::function<bool()> stopped);
  // For an owner that runs its nodes itself: where messages go.
  void SetReceiver(std::function<void(const PeerId& from, Message message)> receiver) { receiver_ = std::move(receiver); }
  // Starts the node on its thread.
  void Run();
  void Stop();
  // Waits for the thread's end.
  void Join();
  bool ended() const { return ended_; }

 private:
  void WatchStopped();

  std::unique_ptr<Random> random_;
  EventLoop loop_;
  ZmqBus bus_;
  ThreadPool pool_;
  std::unique_ptr<Node> node_;
  std::function<bool()> stopped_;
  std::function<void(const PeerId& from, Message message)> receiver_;
  std::atomic<bool> ended_{false};
  std::thread thread_;
};

}  // namespace weft
