// What a revoked key is still good for: nothing (rule 33). From the moment at which a scheduler has taken the revocation, nothing that
// is work, a renewal or a list goes to whoever shows that key, and nothing commits that it hands in from then on; a parser that
// has read the new list of keys takes no page of it.
// Thread rule: one thread.
#pragma once

#include <absl/container/flat_hash_set.h>

#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "common/bus.h"
#include "common/fingerprint.h"
#include "scheduler/node_keys.h"
#include "storage/url_record.h"
#include "tests/support/sim_clock.h"
#include "tests/support/sim_violations.h"

namespace weft::test {

class KeyCheck {
 public:
  explicit KeyCheck(Violations& violations) : violations_(violations) {}

  // The scheduler has been told which keys hold. Before the first call keys are not used, and nothing is judged.
  void OnKeysTaken(const NodeKeys& keys);

  // Frames as they are handed to the network or to a node, by the key of the process at the other end.
  void OnSentByScheduler(Life parser, const PeerKey& to, const std::string& machine, const wire::Frame& frame);
  void OnDeliveredToScheduler(const PeerKey& from, const wire::Frame& frame);
  void OnSentByParser(Life parser, const wire::Frame& frame);
  void OnDeliveredToParser(Life parser, const PeerKey& from, const wire::Frame& frame);
  void OnProcessGone(Life life);
  void OnWritten(const UrlRecord& record);

  uint64_t revoked() const { return revoked_.size(); }

 private:
  using Attempt = std::tuple<Fingerprint, uint32_t, uint32_t>;  // key, generation, attempt
  // A list of keys on its way to a parser.
  struct Told {
    Life parser = kWorld;
    uint64_t scheduler_session = 0;
    uint64_t parser_session = 0;
    uint64_t seq = 0;
    std::set<PeerKey> keys;
  };
  bool MayBring(Life parser, const PeerKey& key) const;

  Violations& violations_;
  bool used_ = false;
  std::set<PeerKey> revoked_;
  std::vector<Told> told_;
  std::map<Life, std::set<PeerKey>> read_;                      // by parsers: whose pages they take
  std::map<Life, absl::flat_hash_set<Attempt>> taken_;          // by parsers: pages under keys that may bring them
  absl::flat_hash_set<Attempt> ends_;                           // handed in under keys that held
  absl::flat_hash_set<std::tuple<uint64_t, std::string, uint64_t>> places_;  // directory, file, offset: the same
};

}  // namespace weft::test
