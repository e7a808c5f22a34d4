// What the people who run a simulated cluster do to its nodes: tokens are revoked and given anew, nodes are asked to leave or
// forgotten, wall clocks are set.
#include <fmt/format.h>

#include <utility>

#include "tests/support/sim_cluster.h"

namespace weft::test {
namespace {

constexpr const char* kControl = "sim://scheduler/control";
constexpr const char* kToolKey = "tool";
// A running scheduler looks at its tokens all the time, but not at every moment.
constexpr absl::Duration kTokensRead = absl::Seconds(1);
// Two seconds apart: until a lease has run out for certain.
constexpr int kTries = 20;

}  // namespace

void SimCluster::GiveToken(Machine& machine) {
  if (machine.name == "scheduler") {
    machine.key = "scheduler";
    keys_[kToolKey] = {.name = kToolKey, .tool = true};
    return;
  }
  machine.key = fmt::format("{}/{}", machine.name, keys_.size());
  keys_[machine.key] = {.name = machine.key, .fetches = machine.name.starts_with("fetcher"), .parses = machine.name.starts_with("parser")};
}

// One that is down reads them when it starts.
void SimCluster::TellKeys() {
  Machine& machine = Find("scheduler");
  if (machine.scheduler == nullptr) return;
  clock_.After(kTokensRead * random_->Unit(), machine.process->life(), [this, &machine] {
    if (machine.scheduler == nullptr) return;
    machine.process->Enter([this, &machine] {
      observer_->keys().OnKeysTaken(keys_);
      if (options_.planted != SimOptions::Planted::kSchedulerNotToldOfRevocation) return machine.scheduler->SetKeys(keys_);
      NodeKeys all_hold = keys_;
      for (auto& [key, token] : all_hold) token.revoked = false;
      machine.scheduler->SetKeys(std::move(all_hold));
    });
  });
}

bool SimCluster::Revoke(const SimFault& fault, Machine& machine) {
  if (!options_.keys || machine.gone || keys_[machine.key].revoked) return false;
  keys_[machine.key].revoked = true;
  TellKeys();
  if (fault.for_good) return true;
  clock_.After(fault.length, kWorld, [this, &machine] {
    if (stopped_) return;
    GiveToken(machine);
    TellKeys();
    if (machine.process) ++restarts_;
    StopMachine(machine);
    StartMachine(machine);
  });
  return true;
}

void SimCluster::Forget(const SimFault& fault, Machine& machine) {
  wire::NodeRequest request;
  request.set_what(wire::NodeRequest::FORGET);
  request.set_name(machine.name);
  if (fault.kind == SimFault::Kind::kForgetCutOff) {
    network_.Part(machine.name, "scheduler", fault.length);
    return AskTool(std::move(request), 1 + static_cast<int>(fault.length / absl::Seconds(2)));
  }
  if (machine.process) ++restarts_;
  StopMachine(machine);
  machine.gone = true;
  clock_.After(fault.length, kWorld, [this, request = std::move(request)]() mutable { AskTool(std::move(request), kTries); });
}

void SimCluster::JumpClocks(const SimFault& fault) {
  for (auto& machine : machines_) {
    if (!fault.machine.empty() && machine->name != fault.machine) continue;
    machine->clock->JumpWall(fault.length);
    if (options_.planted == SimOptions::Planted::kTimeFollowsTheWallClock) machine->clock->JumpSteady(fault.length);
  }
}

bool SimCluster::Manage(const SimFault& fault, Machine& machine) {
  switch (fault.kind) {
    case SimFault::Kind::kRevoke: return Revoke(fault, machine);
    case SimFault::Kind::kDrain: {
      if (!machine.process) return false;
      machine.rest = fault.length;
      machine.rests_for_good = fault.for_good;
      wire::NodeRequest request;
      request.set_what(wire::NodeRequest::DRAIN);
      request.set_name(machine.name);
      request.set_deadline_us(absl::ToInt64Microseconds(absl::Minutes(10)));
      AskTool(std::move(request), 1);
      return true;
    }
    case SimFault::Kind::kForget:
    case SimFault::Kind::kForgetCutOff:
      if (!machine.process) return false;
      Forget(fault, machine);
      return true;
    case SimFault::Kind::kClockJump:
      JumpClocks(fault);
      return true;
    default: return false;
  }
}

void SimCluster::AskTool(wire::NodeRequest request, int tries) {
  if (stopped_) return;
  tools_.push_back(MakeMachine(fmt::format("tool-{}", tools_.size())));
  Machine& machine = *tools_.back();
  machine.process = std::make_unique<SimProcess>(clock_, network_, machine.name, *machine.clock, random_->Next(), options_.pool);
  SimToolOptions options;
  options.name = machine.name;
  options.scheduler_endpoint = kControl;
  options.scheduler_key = SchedulerKey();
  options.process = machine.process->life();
  options.request = std::move(request);
  options.tries = tries;
  if (options_.keys) machine.process->bus().UseKey(kToolKey, options_.watches_frames);
  observer_->OnProcess(machine.process->life(), machine.name, *machine.clock);
  auto node = std::make_unique<SimTool>(std::move(options), *machine.clock, machine.process->random(), machine.process->bus());
  machine.tool = node.get();
  machine.process->set_after_turn([this, &machine] { CheckTool(machine); });
  machine.process->Run(std::move(node));
}

void SimCluster::CheckTool(Machine& machine) {
  if (machine.tool == nullptr || !machine.tool->done() || machine.restarting) return;
  const std::optional<wire::NodeReply>& reply = machine.tool->reply();
  if (options_.faultless && reply && !reply->late().empty()) {
    observer_->violations().Add("drain", "{} had not left at the deadline, and nothing hindered it", reply->late(0));
  }
  machine.restarting = true;
  clock_.After(absl::ZeroDuration(), kWorld, [this, &machine] { StopMachine(machine); });
}

}  // namespace weft::test
