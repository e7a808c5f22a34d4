// What `weft node drain` and `weft node forget` say to a scheduler: registers as a tool, asks, and asks again where the scheduler began
// anew or refused for now.
// Thread rule: one loop.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "common/clock.h"
#include "common/node.h"
#include "common/random.h"
#include "common/session_link.h"

namespace weft::test {

struct SimToolOptions {
  std::string name;
  std::string scheduler_endpoint;
  PeerKey scheduler_key;                        // "": it asks for none
  uint64_t process = 0;
  wire::NodeRequest request;
  absl::Duration again = absl::Seconds(2);      // after a refusal
  int tries = 1;                                // answers that refuse, until it gives up
};

class SimTool : public Node {
 public:
  SimTool(SimToolOptions options, const Clock& clock, Random& random, Bus& bus);

  void Start() override;
  void OnMessage(const PeerId& from, Message message) override;
  void OnTick() override;
  absl::Time NextWake() const override;

  bool done() const { return done_; }
  // The last answer; none yet.
  const std::optional<wire::NodeReply>& reply() const { return reply_; }

 private:
  void BeginSession();
  void Ask();

  SimToolOptions options_;
  const Clock& clock_;
  Random& random_;
  Bus& bus_;
  PeerId scheduler_;
  std::unique_ptr<SessionLink> link_;
  uint64_t node_id_;
  uint64_t nonce_ = 0;
  bool registered_ = false;
  bool done_ = false;
  int refusals_ = 0;
  std::optional<wire::NodeReply> reply_;
  absl::Time last_beat_ = absl::InfinitePast();
  absl::Time ask_at_ = absl::InfiniteFuture();
};

}  // namespace weft::test
