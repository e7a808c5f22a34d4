// One start of one node's process: its life, bus, pool and randomness, and the turns of its loop (an event, then OnTick,
// then sleep until NextWake). Destroying it is a crash: everything it had in mind is gone.
// Thread rule: one thread.
#pragma once

#include <absl/functional/any_invocable.h>

#include <memory>
#include <string>

#include "common/node.h"
#include "common/random.h"
#include "tests/support/sim_clock.h"
#include "tests/support/sim_network.h"
#include "tests/support/sim_work_pool.h"

namespace weft::test {

class SimProcess {
 public:
  SimProcess(SimClock& clock, SimNetwork& network, std::string machine, const SimNodeClock& node_clock, uint64_t seed,
             const SimWorkPoolOptions& pool);
  ~SimProcess();

  // The node is made over this process's parts, and starts in an event of its own, after `before` has run in it.
  void Run(std::unique_ptr<Node> node, absl::AnyInvocable<void()> after_start = nullptr);
  // Runs a callback as an event of the loop.
  void Enter(absl::AnyInvocable<void()> event);
  // Dies in the middle of what it is doing: nothing of the rest is heard or happens. The owner destroys it after the turn.
  void Die();
  bool dead() const { return dead_; }
  // Called after each turn; may not destroy this process itself.
  void set_after_turn(absl::AnyInvocable<void()> after_turn) { after_turn_ = std::move(after_turn); }

  Life life() const { return life_; }
  const std::string& machine() const { return machine_; }
  SimBus& bus() { return *bus_; }
  SimWorkPool& pool() { return *pool_; }
  Random& random() { return *random_; }
  const SimNodeClock& clock() const { return node_clock_; }
  // Wakes that the node asked for although they had passed already, in a row.
  uint64_t hot_wakes() const { return hot_wakes_; }

 private:
  void Rewake();

  SimClock& clock_;
  std::string machine_;
  const SimNodeClock& node_clock_;
  Life life_;
  std::unique_ptr<Random> random_;
  std::unique_ptr<SimBus> bus_;
  std::unique_ptr<SimWorkPool> pool_;
  std::unique_ptr<Node> node_;
  absl::AnyInvocable<void()> after_turn_;
  bool entered_ = false;
  bool dead_ = false;
  absl::Time next_wake_ = absl::InfiniteFuture();
  uint64_t hot_wakes_ = 0;
};

}  // namespace weft::test
