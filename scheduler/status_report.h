// What the scheduler tells tools: the ledger, the nodes, committed records.
#pragma once

#include <absl/status/status.h>
#include <absl/time/time.h>

#include <string_view>

#include "common/wire.pb.h"
#include "scheduler/node_keys.h"
#include "scheduler/node_table.h"
#include "scheduler/pages_places.h"
#include "scheduler/trap_list.h"
#include "storage/crawl_db.h"

namespace weft {

// A NodeStatus's states.
inline constexpr std::string_view kDraining = "draining";
inline constexpr std::string_view kSilent = "silent";        // for several heartbeats
inline constexpr std::string_view kGone = "gone";            // a pages directory of which no parser is connected
inline constexpr std::string_view kForgotten = "forgotten";  // by weft node forget

// `leased`: of the pending ones, how many are out with a fetcher.
void FillLedger(const LedgerCounts& counts, uint64_t leased, wire::StatusReply& status);
// `silence`: after which a node is called silent.
void FillNodes(const NodeTable& nodes, const NodeKeys& keys, absl::Time now, absl::Duration silence,
               google::protobuf::RepeatedPtrField<wire::NodeStatus>* out);
// `frames` and `registrations` were refused by the scheduler, behind its bus.
void FillRefusals(const BusRefusals& bus, uint64_t frames, uint64_t registrations, wire::StatusReply& status);
// Those of which no parser is connected.
void FillGonePlaces(const PagesPlaces& places, const NodeTable& nodes,
                    google::protobuf::RepeatedPtrField<wire::NodeStatus>* out);
// Where each pages directory was last seen.
void FillPlaces(const PagesPlaces& places, google::protobuf::RepeatedPtrField<wire::NodeStatus>* out);
// Those in force.
void FillTraps(const TrapList& traps, wire::StatusReply& status);

// A slice's records have about so many bytes at most, and with the URLs of their referrers, of 8 KiB at most, they fit into a frame.
inline constexpr uint64_t kMostRecordBytes = 1 << 20;
inline constexpr size_t kMostRecordRows = 500;
// Whose robots directives count.
absl::Status FillRobots(const CrawlDb& db, wire::RecordsReply& reply);
// On any thread. The request's commit is pinned.
absl::Status FillRecords(const DoneRecords& records, const wire::RecordsRequest& request, size_t limit, wire::RecordsReply& reply);
// Both of a crawl that rests. Without a pinned commit the last is pinned.
absl::Status FillRecords(const CrawlDb& db, wire::RecordsRequest request, size_t limit, wire::RecordsReply& reply);

}  // namespace weft
