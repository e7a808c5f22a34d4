// Committed records and states for status, export and politeness, wherever they are: a crawl directory that nobody runs, one that is running, or
// a scheduler over the network.
// Thread rule: one thread.
#pragma once

#include <absl/status/statusor.h>

#include <memory>
#include <string>
#include <vector>

#include "cli/options.h"
#include "common/wire.pb.h"
#include "storage/pages_files.h"
#include "storage/url_record.h"

namespace weft {

class RecordSource : public PagesFiles {
 public:
  virtual absl::StatusOr<wire::StatusReply> Status() = 0;
  // One page of committed records; see RecordsRequest.
  virtual absl::StatusOr<wire::RecordsReply> Records(const wire::RecordsRequest& request) = 0;
  virtual absl::StatusOr<wire::PolitenessReply> Politeness(const std::string& host) = 0;
  // The traps that were found; what `request` says of them is done first.
  virtual absl::StatusOr<wire::TrapsReply> Traps(const wire::TrapsRequest& request) = 0;
  // It was given up by weft node forget, and is not here: what lies there is lost.
  virtual bool PagesLost(uint64_t pages_dir_id) = 0;
  // What will be read next, in that order: read ahead where that helps.
  virtual void Expect(const std::vector<WarcPlace>& /*places*/) {}
  // Workers are asked for what is not here: what cannot be reached now may be there later.
  virtual bool gathers() const { return false; }
  // Nobody runs the crawl: its clock stands.
  virtual bool rests() const { return false; }
  // Who had that pages directory last: "worker-1 (last heard 3m ago)".
  virtual std::string NodeOf(uint64_t pages_dir_id) = 0;
};

// By --scheduler or the directory that the command line names.
absl::StatusOr<std::unique_ptr<RecordSource>> OpenRecordSource(const CommandLine& line);

}  // namespace weft
