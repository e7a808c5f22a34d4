#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/random.h"
#include "common/session_link.h"
#include "tests/common/session_link_messages.h"

namespace weft {
namespace {

using test::BeatReply;
using test::Numbered;
using test::Unknown;
using ::testing::IsEmpty;

// ---- Two owners over a wire that loses, repeats, delays and reorders, in virtual time ----

struct Faults {
  double lose = 0;
  double repeat = 0;
  int64_t longest_delay_us = 1'000;
};

// Names a message: the sender's process start, what it counted of new sessions, and its number since then.
struct Name {
  uint64_t session = 0;
  uint32_t era = 0;
  uint64_t number = 0;
};

class Simulation {
 public:
  Simulation(uint64_t seed, Faults faults) : random_(SeededRandom(seed)), faults_(faults) {
    for (int side : {0, 1}) Start(side);
  }

  void Start(int side) {
    Owner& owner = owners_[side];
    owner.session = ++sessions_;
    owner.era = 0;
    owner.number = 0;
    owner.heard = {};
    owner.told.clear();
    owner.wire = std::make_unique<SideBus>(this, side);
    owner.link = std::make_unique<SessionLink>(owner.wire.get(), "peer", owner.session);
  }
  void MakeLinkAnew(int side) {
    Owner& owner = owners_[side];
    owner.link = std::make_unique<SessionLink>(owner.wire.get(), "peer", owner.session);
    owner.must_listen = true;
    owner.heard = {};
    owner.told.clear();
    NextEra(owner);
  }
  void Reset(int side) {
    Owner& owner = owners_[side];
    owner.told.erase(owner.link->peer_session());
    owner.link->Reset();
    owner.heard = {};
    NextEra(owner);
  }

  void Send(int side) {
    Owner& owner = owners_[side];
    if (owner.must_listen) return;
    Message message = Numbered(++owner.number);
    message.frame.mutable_page_chunk()->set_index(owner.era);
    message.payload = body_;
    owner.link->Send(std::move(message));
  }
  void Beat(int side) {
    if (!owners_[side].must_listen) owners_[side].link->SendUnsequenced(test::Beat());
  }

  void RunFor(int64_t us) {
    const int64_t end = now_us_ + us;
    while (!flying_.empty() && flying_.begin()->first <= end) {
      now_us_ = flying_.begin()->first;
      auto [to, message] = std::move(flying_.begin()->second);
      flying_.erase(flying_.begin());
      Arrive(to, std::move(message));
    }
    now_us_ = end;
  }
  // Both sides beat once a virtual second.
  void RunWithBeats(int seconds) {
    for (int i = 0; i < seconds; ++i) {
      for (int side : {0, 1}) Beat(side);
      RunFor(1'000'000);
    }
  }

  struct Owner {
    uint64_t session = 0;
    uint32_t era = 0;
    uint64_t number = 0;
    bool must_listen = false;
    Name heard;              // the last one since this side knows the present session
    std::set<uint64_t> told;  // sessions heard
    int new_sessions = 0;
    std::unique_ptr<Bus> wire;
    std::unique_ptr<SessionLink> link;
  };
  Owner& owner(int side) { return owners_[side]; }
  Random& random() { return *random_; }
  void Heal() { faults_ = {}; }
  size_t frames() const { return frames_; }
  std::vector<std::string> faults_found;

 private:
  class SideBus : public Bus {
   public:
    SideBus(Simulation* simulation, int side) : simulation_(simulation), side_(side) {}
    absl::StatusOr<PeerId> Connect(const std::string& endpoint) override { return endpoint; }
    void Disconnect(const PeerId&) override {}
    void Send(const PeerId&, const Message& message) override { simulation_->Fly(1 - side_, message); }

   private:
    Simulation* simulation_;
    int side_;
  };

  void NextEra(Owner& owner) {
    ++owner.era;
    owner.number = 0;
  }

  void Fly(int to, const Message& message) {
    ++frames_;
    int copies = random_->Unit() < faults_.lose ? 0 : 1;
    if (random_->Unit() < faults_.repeat) ++copies;
    for (; copies > 0; --copies) {
      int64_t delay = 1 + static_cast<int64_t>(random_->Below(static_cast<uint64_t>(faults_.longest_delay_us)));
      flying_.emplace(now_us_ + delay, std::make_pair(to, message));
    }
  }

  void Arrive(int side, Message message) {
    Owner& owner = owners_[side];
    wire::Frame frame = message.frame;
    SessionLink::Received received = owner.link->Receive(std::move(message));
    if (received.peer_lost_us) owner.link->SendUnsequenced(Unknown(), &frame);
    if (received.new_session) {
      ++owner.new_sessions;
      owner.must_listen = false;
      if (owner.link->peer_session() != owner.heard.session) owner.heard = {};
      NextEra(owner);  // what was not acknowledged is handed in again, under new numbers
    }
    for (const Message& delivered : received.deliver) {
      if (delivered.frame.has_page_beat()) owner.link->SendUnsequenced(BeatReply(), &delivered.frame);
      if (delivered.frame.has_page_chunk()) Check(owner, delivered);
    }
  }

  // Within an era the numbers come one after the other; eras only grow; no dead session comes back.
  void Check(Owner& owner, const Message& message) {
    const wire::PageChunk& chunk = message.frame.page_chunk();
    Name name{message.frame.session(), chunk.index(), chunk.page_id()};
    Name& last = owner.heard;
    bool same_era = name.session == last.session && name.era == last.era;
    std::string what = fmt::format("session {} era {} number {} after session {} era {} number {}", name.session,
                                   name.era, name.number, last.session, last.era, last.number);
    if (message.payload != body_) faults_found.push_back("payload copied or lost");
    if (name.session != owner.link->peer_session()) faults_found.push_back("not the peer's: " + what);
    if (same_era && name.number != last.number + 1) faults_found.push_back(what);
    if (!same_era && name.number != 1) faults_found.push_back(what);
    if (name.session == last.session && name.era < last.era) faults_found.push_back(what);
    // One may come back if a late frame of an older one, never heard before, came in between.
    bool heard_before = !owner.told.insert(name.session).second;
    bool outlived = *owner.told.rbegin() > name.session;
    if (name.session != last.session && heard_before && outlived) faults_found.push_back("came back: " + what);
    last = name;
  }

  std::unique_ptr<Random> random_;
  Faults faults_;
  Owner owners_[2];
  uint64_t sessions_ = 1000;
  int64_t now_us_ = 0;
  size_t frames_ = 0;
  std::multimap<int64_t, std::pair<int, Message>> flying_;
  Payload body_ = std::make_shared<const std::string>("body");
};

TEST(SessionLinkSimulation, EveryMessageArrivesOnceInOrderOverABadWire) {
  for (uint64_t seed = 1; seed <= 150; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    Simulation simulation(seed, {.lose = 0.2, .repeat = 0.2, .longest_delay_us = 3'000'000});
    std::vector<uint64_t> sent(2);
    for (int round = 0; round < 40; ++round) {
      for (int side : {0, 1}) {
        for (uint64_t n = simulation.random().Below(8); n > 0; --n) {
          simulation.owner(side).era = 0;  // no session ends here: all is one numbering
          simulation.owner(side).number = sent[static_cast<size_t>(side)]++;
          simulation.Send(side);
        }
      }
      simulation.RunWithBeats(1);
    }
    simulation.Heal();
    simulation.RunWithBeats(8);
    EXPECT_THAT(simulation.faults_found, IsEmpty());
    for (int side : {0, 1}) {
      EXPECT_EQ(simulation.owner(side).new_sessions, 1);
      EXPECT_EQ(simulation.owner(side).link->unconfirmed(), 0u);
      EXPECT_EQ(simulation.owner(1 - side).heard.number, sent[static_cast<size_t>(side)]);
    }
    if (HasFailure()) return;
  }
}

constexpr Faults kBadWire{.lose = 0.1, .repeat = 0.1, .longest_delay_us = 2'000'000};

enum class Event { kRestart, kReset, kForget };

// Restarts, resets and forgotten links at random on a bad wire, then peace.
void RunWithEvents(uint64_t seed, const std::vector<Event>& events, Simulation& simulation) {
  SCOPED_TRACE(fmt::format("seed {}", seed));
  Random& random = simulation.random();
  for (int round = 0; round < 40; ++round) {
    int side = static_cast<int>(random.Below(2));
    if (random.Below(8) == 0) {
      switch (events[random.Below(events.size())]) {
        case Event::kRestart: simulation.Start(side); break;
        case Event::kReset: simulation.Reset(side); break;
        case Event::kForget:  // by the side that is connected to, after a silence
          simulation.RunFor(kBadWire.longest_delay_us);
          simulation.MakeLinkAnew(1);
          break;
      }
    }
    for (int sender : {0, 1}) {
      for (uint64_t n = random.Below(6); n > 0; --n) simulation.Send(sender);
    }
    simulation.RunWithBeats(1);
  }
  simulation.Heal();
  simulation.RunWithBeats(12);
}

void ExpectConverged(uint64_t seed, Simulation& simulation) {
  SCOPED_TRACE(fmt::format("seed {}", seed));
  int settled[2] = {simulation.owner(0).new_sessions, simulation.owner(1).new_sessions};
  for (int side : {0, 1}) simulation.Send(side);
  simulation.RunWithBeats(3);
  for (int side : {0, 1}) {
    Simulation::Owner& owner = simulation.owner(side);
    Simulation::Owner& other = simulation.owner(1 - side);
    EXPECT_EQ(owner.new_sessions, settled[side]) << "a change after the wire was good";
    EXPECT_EQ(owner.link->unconfirmed(), 0u);
    EXPECT_EQ(owner.link->peer_session(), other.session);
    EXPECT_EQ(other.heard.session, owner.session);
    EXPECT_EQ(other.heard.era, owner.era);
    EXPECT_EQ(other.heard.number, owner.number);
  }
}

TEST(SessionLinkSimulation, RestartsAndResetsNeverMixSessionsAndAlwaysConverge) {
  for (uint64_t seed = 1; seed <= 400 && !::testing::Test::HasFailure(); ++seed) {
    Simulation simulation(seed, kBadWire);
    RunWithEvents(seed, {Event::kRestart, Event::kReset}, simulation);
    EXPECT_THAT(simulation.faults_found, IsEmpty()) << "seed " << seed;
    ExpectConverged(seed, simulation);
  }
}

TEST(SessionLinkSimulation, ForgottenLinksNeverMixAndAlwaysConverge) {
  for (uint64_t seed = 1; seed <= 400 && !::testing::Test::HasFailure(); ++seed) {
    Simulation simulation(seed, kBadWire);
    RunWithEvents(seed, {Event::kRestart, Event::kReset, Event::kForget, Event::kForget}, simulation);
    EXPECT_THAT(simulation.faults_found, IsEmpty()) << "seed " << seed;
    ExpectConverged(seed, simulation);
  }
}

TEST(SessionLinkSimulation, AStallIsNotAStorm) {
  Simulation simulation(1, {.lose = 0, .repeat = 0, .longest_delay_us = 1});
  simulation.RunWithBeats(2);
  for (int i = 0; i < 1000; ++i) simulation.Send(0);
  size_t before = simulation.frames();
  simulation.RunWithBeats(60);
  EXPECT_EQ(simulation.frames() - before, 60u * 4);  // beats and answers, no message again
}

}  // namespace
}  // namespace weft
