#include "scheduler/recrawl_desk.h"

#include <algorithm>

#include "common/status.h"
#include "scheduler/anchor_list.h"
#include "storage/wire_place.h"

namespace weft {
namespace {

// Records read at a tick.
constexpr size_t kPiece = 5000;
constexpr uint32_t kOk = 200;

uint64_t BoundOf(int64_t stored_us, absl::Duration otherwise) {
  return stored_us > 0 ? static_cast<uint64_t>(stored_us) : CrawlMicros(otherwise);
}

}  // namespace

std::string RecrawlDesk::PlannedBy() const {
  std::string text = fmt::format("{}..{}", settings_.recrawl_min_us(), settings_.recrawl_max_us());
  for (const std::string& rule : settings_.rule()) text += "\n" + MaskUrlRule(rule);   // no second place for passwords
  return text;
}

absl::Status RecrawlDesk::Open() {
  WEFT_ASSIGN_OR_RETURN(rules_, UrlRules::Of(settings_));
  db_.SetRecrawl(on());
  WEFT_ASSIGN_OR_RETURN(const std::optional<std::string> planned_by, db_.GetMeta(kMetaRecrawl));
  if (!on()) {
    // What ends from now on is planned no more: a later run that wants recrawls begins anew.
    return planned_by.value_or("").empty() ? absl::OkStatus() : db_.PutMeta(kMetaRecrawl, "");
  }
  // A plan counts time on the crawl clock, which stands still while nobody crawls; fixed times do not.
  planning_ = planned_by.value_or("") != PlannedBy() || rules_.has_times();
  return absl::OkStatus();
}

std::optional<RecrawlTerms> RecrawlDesk::TermsFor(std::string_view url, absl::Time since) const {
  if (!on()) return std::nullopt;
  const RecrawlRule rule = rules_.Recrawl(url);
  if (rule.never) return std::nullopt;
  RecrawlTerms terms;
  terms.least_us = BoundOf(settings_.recrawl_min_us(), kDefaultRecrawlMin);
  terms.most_us = BoundOf(settings_.recrawl_max_us(), kDefaultRecrawlMax);
  // A rule that names one end moves the other where they would cross.
  if (rule.most) terms.most_us = CrawlMicros(*rule.most);
  if (rule.most && !rule.least) terms.least_us = std::min(terms.least_us, terms.most_us);
  if (rule.least) terms.least_us = CrawlMicros(*rule.least);
  terms.most_us = std::max(terms.least_us, terms.most_us);
  if (rule.at) terms.at_us = CrawlMicros(rule.at->After(since) - clock_.WallNow());
  return terms;
}

absl::Status RecrawlDesk::Poke() {
  if (!planning_) return absl::OkStatus();
  const auto planner = [this](const UrlRecord& record) { return TermsFor(record.url, record.last_checked()); };
  WEFT_RETURN_IF_ERROR(db_.PlanRecrawl(cursor_, kPiece, planner, clock_.WallNow(), crawl_clock_.Now()).status());
  if (!cursor_.empty()) return absl::OkStatus();
  planning_ = false;
  return db_.PutMeta(kMetaRecrawl, PlannedBy());
}

void FillConditions(const UrlRecord& record, wire::UrlTicket& ticket) {
  // A page that was cut is not the one that the server speaks of.
  if (!record.has_page() || record.truncated) return;
  if (record.status == kOk) {
    ticket.set_etag(record.etag);
    ticket.set_last_modified(record.last_modified);
  }
  // A redirect to its own key has changed what is asked: the page lies under another URL then.
  if (record.own_key_redirects > 0) return;
  wire::StoredPage& stored = *ticket.mutable_stored();
  stored.set_payload_digest(record.payload_digest);
  stored.set_payload_bytes(record.payload_bytes);
  stored.set_status(record.status);
  stored.set_wall_us(absl::ToUnixMicros(record.fetched_at));
  FillPlace(record.place, *stored.mutable_place());
}

void FillRecrawls(const LedgerCounts& counts, std::optional<CrawlTime> next_due, CrawlTime now, wire::StatusReply& status) {
  status.set_due_later(counts.due_later);
  status.set_recrawl_changed(counts.recrawl_changed);
  status.set_recrawl_unchanged(counts.recrawl_unchanged);
  status.set_recrawl_missed(counts.recrawl_missed);
  if (counts.due_later > 0 && next_due) status.set_next_due_us(static_cast<int64_t>(*next_due - std::min(now, *next_due)));
}

}  // namespace weft
