// Rule 12: a page is marked done only when every link that its result names is recorded, in the same write or before it,
// for nothing reads a page again that is done. A crash keeps any prefix of the writes: what counts is their order.
// Thread rule: one thread.
#pragma once

#include <absl/functional/any_invocable.h>

#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "common/fingerprint.h"
#include "common/wire.pb.h"
#include "storage/url_record.h"
#include "tests/support/sim_violations.h"

namespace weft::test {

class LinkCheck {
 public:
  // There is a record of that key, in what has been written so far.
  using Recorded = absl::AnyInvocable<bool(const Fingerprint& key) const>;
  // No more refused keys of that link's host are recorded: they are only counted (rule 35).
  using CountedOnly = absl::AnyInvocable<bool(const std::string& url) const>;
  LinkCheck(Violations& violations, Recorded recorded, CountedOnly counted_only)
      : violations_(violations), recorded_(std::move(recorded)), counted_only_(std::move(counted_only)) {}

  // Handed to the network by a parser: a LinkBatch or a PageResult.
  void OnSent(const wire::Frame& frame);
  // Written; to be called after `Recorded` knows of the whole write.
  void OnWritten(const UrlRecord& record);

  // The depths with which results of a URL were reported: of the one that was committed last, and the least of all.
  struct Depths {
    std::optional<uint32_t> committed;
    uint32_t least = UINT32_MAX;
  };
  const std::map<std::string, Depths>& depths() const { return depths_; }

 private:
  struct Named {
    Fingerprint key;
    std::string url;
  };
  struct Reported {
    std::string url;
    uint32_t depth = 0;
    std::vector<Named> links;
  };
  // By parser's session, key, generation and attempt.
  using BatchOf = std::tuple<uint64_t, std::string, uint32_t, uint32_t>;

  Violations& violations_;
  Recorded recorded_;
  CountedOnly counted_only_;
  std::map<BatchOf, std::vector<Named>> batches_;
  std::map<std::string, Reported> reported_;  // by place
  std::map<std::string, Depths> depths_;      // by URL
};

}  // namespace weft::test
