#include "tests/support/sim_process.h"

#include <algorithm>
#include <utility>

namespace weft::test {
namespace {

// A loop that is asked to wake at once takes some time for a turn all the same.
constexpr absl::Duration kTurn = absl::Microseconds(50);

}  // namespace

SimProcess::SimProcess(SimClock& clock, SimNetwork& network, std::string machine, const SimNodeClock& node_clock,
                       uint64_t seed, const SimWorkPoolOptions& pool)
    : clock_(clock),
      machine_(std::move(machine)),
      node_clock_(node_clock),
      life_(clock.Begin()),
      random_(SeededRandom(seed)) {
  bus_ = std::make_unique<SimBus>(network, machine_, life_, [this](const PeerId& from, Message message) {
    Enter([this, from, message = std::move(message)]() mutable {
      if (node_) node_->OnMessage(from, std::move(message));
    });
  });
  pool_ = std::make_unique<SimWorkPool>(clock, life_, random_->Next(), pool,
                                        [this](absl::AnyInvocable<void()> done) { Enter(std::move(done)); });
}

SimProcess::~SimProcess() {
  clock_.End(life_);
  node_.reset();
}

void SimProcess::Run(std::unique_ptr<Node> node, absl::AnyInvocable<void()> after_start) {
  node_ = std::move(node);
  clock_.At(clock_.Now(), life_, [this, after_start = std::move(after_start)]() mutable {
    Enter([this, &after_start] {
      node_->Start();
      if (after_start) after_start();
    });
  });
}

void SimProcess::Die() {
  dead_ = true;
  clock_.End(life_);
  bus_->Mute();
}

void SimProcess::Enter(absl::AnyInvocable<void()> event) {
  if (dead_) return;
  if (entered_) return event();
  entered_ = true;
  event();
  if (node_ && !dead_) node_->OnTick();
  entered_ = false;
  Rewake();
  if (after_turn_) after_turn_();
}

void SimProcess::Rewake() {
  if (!node_) return;
  absl::Time asked = node_->NextWake();
  if (asked == absl::InfiniteFuture()) return;
  hot_wakes_ = asked <= node_clock_.SteadyNow() ? hot_wakes_ + 1 : 0;
  absl::Time wake = std::max(node_clock_.ToWorld(asked), clock_.Now() + kTurn);
  if (wake >= next_wake_) return;
  next_wake_ = wake;
  clock_.At(wake, life_, [this, wake] {
    if (next_wake_ != wake) return;  // an earlier one has taken its place
    next_wake_ = absl::InfiniteFuture();
    Enter([] {});
  });
}

}  // namespace weft::test
