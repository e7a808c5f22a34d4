// Credit and sizes on the wire (rules 25, 26, 29): a fetcher never has more pages or bytes with a parser than that has
// granted, in the cumulative terms of their two sessions; no frame and no payload is longer than a bus carries.
// Thread rule: one thread.
#pragma once

#include <map>
#include <set>
#include <utility>

#include "common/bus.h"
#include "tests/support/sim_violations.h"

namespace weft::test {

class CreditCheck {
 public:
  explicit CreditCheck(Violations& violations) : violations_(violations) {}

  // Handed to the network by anybody.
  void OnSent(const Message& message);
  // A parser's frame was handed to a fetcher.
  void OnDelivered(const wire::Frame& frame);
  uint64_t largest_holding() const { return largest_; }

 private:
  struct Account {
    uint64_t items = 0;
    uint64_t bytes = 0;
    uint64_t sent_bytes = 0;
    std::set<uint64_t> sent;
    std::set<uint64_t> acknowledged;
  };
  void Grant(const wire::Frame& frame, uint64_t items, uint64_t bytes);

  Violations& violations_;
  std::map<std::pair<uint64_t, uint64_t>, Account> accounts_;  // sessions of fetcher and parser
  uint64_t largest_ = 0;
};

}  // namespace weft::test
