// Pages that were stored before and are submitted again (rule 13).
#include <utility>

#include "common/status.h"
#include "scheduler/commit_desk.h"
#include "storage/wire_place.h"

namespace weft {
namespace {

void FillTicket(const Candidate& place, const UrlRecord& record, wire::UrlTicket& ticket) {
  ticket.set_key(place.key.ToBytes());
  ticket.set_shard(place.shard);
  ticket.set_generation(record.generation);
  ticket.set_attempt(record.attempt);
  ticket.set_url(record.url);
  ticket.set_depth(record.depth);
  ticket.set_redirect_hops(record.redirect_hops);
  ticket.set_seed(record.seed);
  ticket.set_own_key_redirects(record.own_key_redirects);
}

// Of a URL that is fetched again what was stored before its last visit is no answer to this one (rule 2); and that a page
// has not changed says nothing where none is known.
bool AnswersVisit(const wire::PageResult& result, const UrlRecord& record) {
  constexpr uint32_t kNotModified = 304;
  if (result.revisit_of_us() != 0 && absl::FromUnixMicros(result.revisit_of_us()) != record.fetched_at) return false;
  if (!record.keeps_page) return result.revisit_of_us() == 0 && result.status() != kNotModified;
  return absl::FromUnixMicros(result.wall_us()) > record.last_checked();
}

// A revisit has no page of its own: it says that the one that is stored was found again.
void FillFromPage(const UrlRecord& record, wire::PageResult& result) {
  FillPlace(record.place, *result.mutable_place());
  result.set_payload_digest(record.payload_digest);
  result.set_payload_bytes(record.payload_bytes);
  result.set_truncated(record.truncated);
}

}  // namespace

// What is to become of a stored page; where it is wanted `ticket` is filled from its `record`.
absl::StatusOr<CommitDesk::StoredFate> CommitDesk::FateOf(const std::string& url, wire::UrlTicket& ticket,
                                                          UrlRecord& record) {
  auto parsed = Url::Parse(url);
  if (!parsed.ok() || !parsed->is_http() || parsed->host().empty()) return StoredFate::kPassed;
  const Candidate place = intake_.FromSeed(*parsed);
  // As it was requested: a redirect to its own key changes what is requested next.
  auto fits = [&](const std::optional<UrlRecord>& found) {
    return found && (found->state != UrlState::kPending || found->url == place.url);
  };
  WEFT_ASSIGN_OR_RETURN(std::optional<UrlRecord> found, db_.Find(place.key, place.shard));
  if (!fits(found) && !empty()) {
    // Its referrer, or that redirect, may have come just before it.
    WEFT_RETURN_IF_ERROR(Flush());
    WEFT_ASSIGN_OR_RETURN(found, db_.Find(place.key, place.shard));
  }
  if (!fits(found)) return StoredFate::kUnknown;
  // Its parser could not know that it is a sitemap, and read no URL of it: it is fetched again.
  if (found->sitemap_level > 0) return StoredFate::kPassed;
  if (found->state != UrlState::kPending || frontier_.FindOut(place.key) != nullptr) return StoredFate::kPassed;
  record = *std::move(found);
  FillTicket(place, record, ticket);
  return StoredFate::kWanted;
}

absl::Status CommitDesk::TakeStored(const PeerId& from, wire::PageResult result) {
  const uint64_t number = result.stored_number();
  UrlRecord record;
  WEFT_ASSIGN_OR_RETURN(StoredFate fate, FateOf(result.ticket().url(), *result.mutable_ticket(), record));
  const bool revisit = result.revisit_of_us() != 0;
  if (fate == StoredFate::kWanted && !AnswersVisit(result, record)) fate = StoredFate::kPassed;
  if (fate == StoredFate::kUnknown && revisit) fate = StoredFate::kPassed;  // the page that it is of comes by itself
  if (fate != StoredFate::kWanted) {
    wire::StoredAck& answer = stored_answers_[from];
    (fate == StoredFate::kPassed ? answer.mutable_passed() : answer.mutable_unknown())->Add(number);
    return absl::OkStatus();
  }
  if (revisit) FillFromPage(record, result);
  Arrived& arrived = TakePage(from, std::move(result), record.referrer, record.referrer_shard);
  arrived.stored_number = number;
  arrived.told.note += arrived.told.note.empty() ? "stored-before" : ",stored-before";
  if (record.referrer.empty()) return absl::OkStatus();
  WEFT_ASSIGN_OR_RETURN(std::optional<UrlRecord> referrer, db_.Find(record.referrer, record.referrer_shard));
  if (referrer) arrived.told.referrer = referrer->url;
  return absl::OkStatus();
}

absl::Status CommitDesk::TakeStored(wire::LinkBatch batch) {
  UrlRecord record;
  WEFT_ASSIGN_OR_RETURN(StoredFate fate, FateOf(batch.ticket().url(), *batch.mutable_ticket(), record));
  if (fate != StoredFate::kWanted) return absl::OkStatus();
  for (const wire::Link& link : batch.links()) AddLink(link, batch.ticket());
  return absl::OkStatus();
}

}  // namespace weft
