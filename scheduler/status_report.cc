#include "scheduler/status_report.h"

#include <algorithm>
#include <tuple>

#include "common/status.h"
#include "scheduler/anchor_list.h"

namespace weft {

void FillLedger(const LedgerCounts& counts, uint64_t leased, wire::StatusReply& status) {
  wire::Ledger* ledger = status.mutable_ledger();
  leased = std::min(leased, counts.pending);
  ledger->set_discovered(counts.discovered);
  ledger->set_queued(counts.pending - leased);
  ledger->set_leased(leased);
  ledger->set_done(counts.done);
  auto fill = [](const std::map<Outcome, uint64_t>& from, google::protobuf::RepeatedPtrField<wire::Count>* to) {
    for (const auto& [outcome, count] : from) {
      if (count == 0) continue;
      wire::Count* one = to->Add();
      one->set_name(std::string(OutcomeName(outcome)));
      one->set_count(count);
    }
  };
  fill(counts.failed, ledger->mutable_failed());
  fill(counts.refused, ledger->mutable_refused());
  status.set_pages(counts.pages);
  status.set_truncated(counts.truncated);
  status.set_sightings(counts.sightings);
  status.set_superseded(counts.superseded);
}

void FillNodes(const NodeTable& nodes, const NodeKeys& keys, absl::Time now, absl::Duration silence,
               google::protobuf::RepeatedPtrField<wire::NodeStatus>* out) {
  for (const auto& [peer, node] : nodes.nodes()) {
    if (!node.works() || node.said_goodbye) continue;
    wire::NodeStatus* one = out->Add();
    one->set_name(node.info.name());
    one->set_role(node.info.fetches() ? "fetcher" : "parser");
    one->set_leases(node.leases_held);
    one->set_silent_us(absl::ToInt64Microseconds(now - node.last_heard));
    one->set_pages_dir_id(node.info.pages_dir_id());
    one->set_pages_path(node.info.pages_path());
    one->set_machine(node.info.machine());
    if (const auto key = keys.find(node.key); key != keys.end()) one->set_token(key->second.name);
    one->set_worker(std::string(node.worker()));
    one->set_version(node.info.software_version());
    one->set_credit(node.lease_limit - std::min(node.lease_limit, node.leases_granted));
    one->set_pages(node.pages);
    one->set_pages_per_s(node.pages_per_s);
    one->set_held(node.held);
    one->set_lag_us(absl::ToInt64Microseconds(node.lag));
    *one->mutable_tags() = node.info.tags();
    if (!node.store.url().empty()) *one->mutable_store() = node.store;
    if (node.info.parses()) *one->mutable_refusals() = node.refusals;
    if (node.draining || node.told_to_drain) one->set_state(std::string(kDraining));
    if (now - node.last_heard > silence) one->set_state(std::string(kSilent));
  }
  std::sort(out->pointer_begin(), out->pointer_end(), [](const wire::NodeStatus* a, const wire::NodeStatus* b) {
    return std::tie(a->worker(), a->name()) < std::tie(b->worker(), b->name());
  });
}

void FillGonePlaces(const PagesPlaces& places, const NodeTable& nodes,
                    google::protobuf::RepeatedPtrField<wire::NodeStatus>* out) {
  wire::RecordsReply all;
  FillPlaces(places, all.mutable_parsers());
  for (wire::NodeStatus& place : *all.mutable_parsers()) {
    const bool here = std::any_of(nodes.nodes().begin(), nodes.nodes().end(), [&](const auto& one) {
      return one.second.works() && !one.second.said_goodbye && one.second.info.pages_dir_id() == place.pages_dir_id();
    });
    if (here) continue;
    if (place.state().empty()) place.set_state(std::string(kGone));
    *out->Add() = std::move(place);
  }
}

void FillRefusals(const BusRefusals& bus, uint64_t frames, uint64_t registrations, wire::StatusReply& status) {
  wire::Refusals* out = status.mutable_refusals();
  out->set_handshakes(bus.handshakes);
  out->set_frames(bus.frames + frames);
  out->set_malformed(bus.malformed);
  out->set_registrations(registrations);
}

void FillPlaces(const PagesPlaces& places, google::protobuf::RepeatedPtrField<wire::NodeStatus>* out) {
  for (const auto& [id, place] : places) {
    wire::NodeStatus* one = out->Add();
    one->set_pages_dir_id(id);
    one->set_machine(place.machine);
    one->set_pages_path(place.path);
    one->set_worker(place.worker);
    if (place.forgotten) one->set_state(std::string(kForgotten));
    if (place.heard != absl::InfinitePast()) one->set_heard_wall_us(absl::ToUnixMicros(place.heard));
  }
}

void FillTraps(const TrapList& traps, wire::StatusReply& status) {
  for (const wire::Trap& trap : traps.list().traps()) {
    if (!trap.released()) *status.add_traps() = trap;
  }
}

absl::Status FillRobots(const CrawlDb& db, wire::RecordsReply& reply) {
  WEFT_ASSIGN_OR_RETURN(const std::optional<std::string> stored, db.GetMeta(kMetaSettings));
  wire::CrawlSettings settings;
  if (stored && !settings.ParseFromString(*stored)) return DataLoss("crawl.db: its settings cannot be read");
  if (!settings.ignore_robots()) reply.set_robots_token(settings.robots_token());
  return absl::OkStatus();
}

absl::Status FillRecords(const DoneRecords& records, const wire::RecordsRequest& request, size_t limit, wire::RecordsReply& reply) {
  std::vector<DoneRow> rows;
  WEFT_RETURN_IF_ERROR(records.Read(request.cursor(), limit, kMostRecordBytes, request.pinned_commit(), rows,
                                    *reply.mutable_next_cursor()));
  reply.set_pinned_commit(request.pinned_commit());
  for (DoneRow& row : rows) {
    WEFT_RETURN_IF_ERROR(records.FindReferrer(row));
    wire::RecordsReply::Row* out = reply.add_rows();
    out->set_key(row.key.ToBytes());
    out->set_record(EncodeUrlRecord(row.record));
    out->set_referrer_url(std::move(row.referrer_url));
  }
  return absl::OkStatus();
}

absl::Status FillRecords(const CrawlDb& db, wire::RecordsRequest request, size_t limit, wire::RecordsReply& reply) {
  if (request.pinned_commit() == 0) request.set_pinned_commit(db.commit());
  WEFT_RETURN_IF_ERROR(db.health());
  WEFT_RETURN_IF_ERROR(FillRobots(db, reply));
  return FillRecords(db.done_records(), request, limit, reply);
}

}  // namespace weft
