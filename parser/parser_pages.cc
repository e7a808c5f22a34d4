// A page in the parser: stored, read (parser_reading.cc), synced, reported.
#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "common/status.h"
#include "parser/parser_node_impl.h"

namespace weft {

namespace {

// What is stored since an earlier visit, where this answer may turn out to bring nothing else. A 304 speaks of it; else it
// is for the store to compare the payloads.
std::optional<StoredBefore> BeforeOf(const wire::Page& page, int status, size_t payload_bytes) {
  constexpr int kOk = 200;
  constexpr int kNotModified = 304;
  const wire::StoredPage& stored = page.ticket().stored();
  if (!page.ticket().has_stored() || !page.truncated().empty()) return std::nullopt;
  const bool not_modified = status == kNotModified && stored.status() == kOk;  // of another it was not asked
  if (!not_modified && (stored.status() != static_cast<uint32_t>(status) || stored.payload_bytes() != payload_bytes)) {
    return std::nullopt;
  }
  StoredBefore before;
  before.url = page.ticket().url();
  before.began = absl::FromUnixMicros(stored.wall_us());
  before.payload_digest = stored.payload_digest();
  before.place = PlaceOf(stored.place());
  before.not_modified = not_modified;
  return before;
}

ExchangeNotes NotesOf(const wire::Page& page, const std::string& charset) {
  ExchangeNotes notes;
  notes.via = page.ticket().via();
  notes.depth = page.ticket().depth();
  notes.took = absl::Microseconds(page.took_us());
  notes.charset = charset;
  return notes;
}

}  // namespace

// What is told of the page before it is read.
void ParserNode::Impl::BeginResult(Work& work, const HttpHead& head, const PayloadView& payload) {
  const wire::Page& page = work.arrived.page;
  wire::PageResult& result = work.result;
  *result.mutable_epoch() = page.epoch();
  *result.mutable_ticket() = page.ticket();
  result.mutable_ticket()->clear_stored();
  result.mutable_ticket()->clear_via();
  *result.mutable_sitemaps() = page.sitemaps();
  result.set_status(static_cast<uint32_t>(head.status()));
  result.set_payload_bytes(payload.payload.size());
  result.set_truncated(!page.truncated().empty());
  result.set_wall_us(page.wall_us());
  result.set_took_us(page.took_us());
  result.set_outcome(static_cast<uint32_t>(Outcome::kResponse));
}

// Once it is read: the records tell of that too.
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
  exchange.tls_version = page.tls_version();
  exchange.cipher_suite = page.cipher_suite();
  const ExchangeNotes notes = NotesOf(page, work.charset);
  if (!work.robots) exchange.notes = &notes;
  const std::optional<StoredBefore> before = BeforeOf(page, head.status(), payload.payload.size());
  if (before) exchange.before = &*before;
  WEFT_ASSIGN_OR_RETURN(StoredExchange stored, store->Append(exchange));
  FillPlace(stored.place, *work.result.mutable_place());
  work.result.set_payload_digest(stored.payload_digest);
  work.original = !stored.revisit && !stored.place.refers && page.truncated().empty();
  return absl::OkStatus();
}

// What was blamed for crashes has no page in the CrawlDb.
void ParserNode::Impl::TellCommitted(const Work& work) {
  const wire::PageResult& result = work.result;
  if (store == nullptr || !work.original || result.outcome() != static_cast<uint32_t>(Outcome::kResponse)) return;
  CommittedPage page;
  page.url = result.ticket().url();
  page.began = absl::FromUnixMicros(result.wall_us());
  page.place = PlaceOf(result.place());
  page.payload_digest = result.payload_digest();
  page.payload_bytes = result.payload_bytes();
  store->Committed(page);
}

void ParserNode::Impl::Process(ArrivedPage arrived, uint32_t crashes) {
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
  const bool poison = !work.robots && crashes >= kMaxCrashes;
  if (poison) work.arrived.page.set_store_only(true);
  std::string head_bytes = work.arrived.page.response_head();
  auto head = HttpHead::ParseResponse(head_bytes);
  if (!head.ok()) head = HttpHead();  // stored as it came; nothing can be read from it
  PayloadView payload;
  ExtractPayload(*head, body, payload);
  BeginResult(work, *head, payload);
  if (poison) {
    work.result.set_outcome(static_cast<uint32_t>(Outcome::kParserCrash));
  } else if (!work.robots) {
    Parse(work, *head, payload);
  }
  absl::Status stored = Store(work, *head, body, payload);
  if (!stored.ok()) {
    intake.Refuse(work.arrived, work.bytes, ErrorText(stored));
    return;
  }
  ++counts.pages;
  counts.bytes += work.bytes;
  work.arrived.chunks.clear();
  unsynced.push_back(std::move(work));
}

void ParserNode::Impl::ProcessSome() {
  absl::Time begun = clock.SteadyNow();
  ArrivedPage arrived;
  while (store != nullptr && intake.Take(arrived)) {
    const uint32_t crashes = parts.CrashesOn(arrived.page.ticket().key());
    if (crashes < kMaxCrashes && (crashes > 0 || IsSuspect(arrived.page))) {
      suspects.push_back(std::move(arrived));
      AskLeave();
      continue;
    }
    Process(std::move(arrived), crashes);
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
