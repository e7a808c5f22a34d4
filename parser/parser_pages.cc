// A page in the parser: stored, read (parser_reading.cc), synced, reported.
#include <algorithm>
#include <iterator>
#include <utility>

#include "common/status.h"
#include "parser/parser_node_impl.h"

namespace weft {

absl::Status ParserNode::Impl::Store(Work& work, const HttpHead& head, std::string_view wire_body,
                                     const PayloadView& payload) {
  const wire::Page& page = work.arrived.page;
  Exchange exchange;
  exchange.url = page.ticket().url();
  exchange.request_head = page.request_head();
  exchange.response_head = page.response_head();
  exchange.wire_body = wire_body;
  exchange.payload = payload.payload;
  exchange.ip = page.ip();
  exchange.began = absl::FromUnixMicros(page.wall_us());
  exchange.truncated = page.truncated();
  WEFT_ASSIGN_OR_RETURN(StoredExchange stored, store->Append(exchange));
  wire::PageResult& result = work.result;
  *result.mutable_epoch() = page.epoch();
  *result.mutable_ticket() = page.ticket();
  *result.mutable_sitemaps() = page.sitemaps();
  result.set_status(static_cast<uint32_t>(head.status()));
  FillPlace(stored.place, *result.mutable_place());
  result.set_payload_digest(stored.payload_digest);
  result.set_payload_bytes(payload.payload.size());
  result.set_truncated(!page.truncated().empty());
  result.set_wall_us(page.wall_us());
  result.set_took_us(page.took_us());
  result.set_outcome(static_cast<uint32_t>(Outcome::kResponse));
  return absl::OkStatus();
}

void ParserNode::Impl::Process(ArrivedPage arrived) {
  Work work;
  work.bytes = BodyBytes(arrived);
  work.robots = arrived.page.robots();
  std::string joined;
  std::string_view body;
  if (arrived.chunks.size() == 1) {
    body = *arrived.chunks[0];
  } else {
    joined.reserve(work.bytes);
    for (const Payload& chunk : arrived.chunks) joined += *chunk;
    body = joined;
  }
  work.arrived = std::move(arrived);
  const std::string& key = work.arrived.page.ticket().key();
  bool poison = !work.robots && parts.CrashesOn(key) >= kMaxCrashes;
  if (poison) work.arrived.page.set_store_only(true);
  std::string head_bytes = work.arrived.page.response_head();
  auto head = HttpHead::ParseResponse(head_bytes);
  if (!head.ok()) head = HttpHead();  // stored as it came; nothing can be read from it
  PayloadView payload;
  ExtractPayload(*head, body, payload);
  absl::Status stored = Store(work, *head, body, payload);
  if (!stored.ok()) {
    intake.Refuse(work.arrived, work.bytes, ErrorText(stored));
    return;
  }
  ++counts.pages;
  counts.bytes += work.bytes;
  if (poison) {
    work.result.set_outcome(static_cast<uint32_t>(Outcome::kParserCrash));
  } else if (!work.robots) {
    Parse(work, *head, payload);
  }
  work.arrived.chunks.clear();
  unsynced.push_back(std::move(work));
}

void ParserNode::Impl::ProcessSome() {
  absl::Time begun = clock.SteadyNow();
  ArrivedPage arrived;
  while (store != nullptr && intake.Take(arrived)) {
    Process(std::move(arrived));
    SyncIfNeeded();
    if (clock.SteadyNow() - begun > kBusyTurn) return;
  }
}

void ParserNode::Impl::SyncIfNeeded() {
  if (unsynced.empty() || !syncing.empty()) return;
  auto result = std::make_shared<absl::Status>();  // written on the pool's thread, read when it is done
  bool taken = sync_pool.Submit([result, held = store] { *result = held->Sync(); },
                                [this, result, living = alive] {
                                  if (*living) OnSynced(*result);
                                });
  if (!taken) return;  // the queue is full: tried again at the next tick
  syncing = std::move(unsynced);
  unsynced.clear();
}

void ParserNode::Impl::OnSynced(const absl::Status& status) {
  std::vector<Work> works = std::move(syncing);
  syncing.clear();
  if (!status.ok()) {
    // What was appended meanwhile went to the same file and is lost with it; a later sync would not tell.
    works.insert(works.end(), std::make_move_iterator(unsynced.begin()), std::make_move_iterator(unsynced.end()));
    unsynced.clear();
  }
  for (Work& work : works) {
    if (!status.ok()) {
      intake.Refuse(work.arrived, work.bytes, ErrorText(status));
    } else if (work.robots) {
      intake.Acknowledge(work.arrived, work.bytes);
    } else {
      const wire::UrlTicket& ticket = work.result.ticket();
      std::string id = TicketId(ticket.key(), ticket.generation(), ticket.attempt());
      auto known = reported.find(id);
      if (known != reported.end()) {
        known->second.twins.emplace_back(std::move(work.arrived), work.bytes);
        continue;
      }
      Report(work);
      reported.emplace(std::move(id), std::move(work));
    }
  }
  SyncIfNeeded();
}

void ParserNode::Impl::Report(const Work& work) {
  for (const wire::LinkBatch& batch : work.batches) {
    wire::Frame frame;
    *frame.mutable_link_batch() = batch;
    ToScheduler(std::move(frame));
  }
  wire::Frame frame;
  *frame.mutable_page_result() = work.result;
  ToScheduler(std::move(frame));
}

}  // namespace weft
