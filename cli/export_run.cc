#include "cli/export_run.h"

#include <algorithm>
#include <utility>

#include "common/ascii.h"
#include "common/status.h"
#include "common/units.h"

namespace weft {
namespace {

constexpr uint32_t kRecordsAtATime = 500;
constexpr absl::Duration kTellEvery = absl::Seconds(2);

}  // namespace

absl::Status ExportRun::Run() {
  // Only a figure for the ETA: where it cannot be had there is none.
  const auto status = source_.Status();
  if (status.ok()) records_in_all_ = status->ledger().done();
  place_ = parts_.resumed();
  if (plan_.sample_pages > 0) {
    WEFT_RETURN_IF_ERROR(WalkBefore(Purpose::kSample));
    sample_most_ = sample_.empty() ? 0 : sample_.front();
  }
  if (Needs(plan_.needs, PageNeeds::kClusters)) {
    WEFT_RETURN_IF_ERROR(WalkBefore(Purpose::kClusters));
    clusters_.Finish();
  }
  pages_.SetUnreadable(place_.unreadable);
  seen_before_ = place_.seen;
  begun_ = clock_.SteadyNow();
  WEFT_RETURN_IF_ERROR(Walk(Purpose::kExport));
  return parts_.Finish();
}

// Over all records, whatever parts are written already, and of the same commit as the export then.
absl::Status ExportRun::WalkBefore(Purpose purpose) {
  ExportPlace from = place_;
  place_ = {};
  place_.pinned_commit = from.pinned_commit;
  WEFT_RETURN_IF_ERROR(Walk(purpose));
  from.pinned_commit = place_.pinned_commit;
  place_ = from;
  return absl::OkStatus();
}

absl::Status ExportRun::Walk(Purpose purpose) {
  wire::RecordsRequest request;
  request.set_limit(kRecordsAtATime);
  request.set_cursor(place_.cursor);
  request.set_pinned_commit(place_.pinned_commit);
  do {
    WEFT_ASSIGN_OR_RETURN(const wire::RecordsReply reply, source_.Records(request));
    place_.cursor = request.cursor();
    place_.pinned_commit = reply.pinned_commit();
    pages_.SetRobotsName(LowerAscii(reply.robots_token()));
    if (purpose != Purpose::kSample) WEFT_RETURN_IF_ERROR(Announce(reply));
    for (int i = static_cast<int>(place_.records); i < reply.rows_size(); ++i) {
      WEFT_RETURN_IF_ERROR(Visit(reply.rows(i), purpose));
      ++place_.seen;
      ++place_.records;
      place_.unreadable = pages_.unreadable();
      if (purpose == Purpose::kExport) WEFT_RETURN_IF_ERROR(parts_.Reached(place_));
    }
    place_.records = 0;
    request.set_cursor(reply.next_cursor());
    request.set_pinned_commit(reply.pinned_commit());
    Tell();
  } while (!request.cursor().empty());
  return absl::OkStatus();
}

// What will be read of a slice, so that it is on its way before it is needed.
absl::Status ExportRun::Announce(const wire::RecordsReply& reply) {
  if (!source_.gathers() || !plan_.reads_pages()) return absl::OkStatus();
  std::vector<WarcPlace> places;
  for (int i = static_cast<int>(place_.records); i < reply.rows_size(); ++i) {
    if (!parts_.Wants(reply.rows(i).key())) continue;
    WEFT_ASSIGN_OR_RETURN(const PageRow row, pages_.FromRecord(reply.rows(i)));
    const ExportWhere::Truth truth = JudgeUnread(row);
    if (truth == ExportWhere::Truth::kFalse || truth == ExportWhere::Truth::kNull) continue;
    places.push_back({row.pages_dir_id, row.warc_file, row.warc_offset, row.warc_length, row.record_digest});
  }
  source_.Expect(places);
  return absl::OkStatus();
}

absl::Status ExportRun::Visit(const wire::RecordsReply::Row& record, Purpose purpose) {
  if (purpose == Purpose::kExport && !parts_.Wants(record.key())) return absl::OkStatus();
  WEFT_ASSIGN_OR_RETURN(PageRow row, pages_.FromRecord(record));
  WEFT_ASSIGN_OR_RETURN(const bool chosen, Chosen(record, row, purpose));
  if (!chosen) return absl::OkStatus();
  if (purpose == Purpose::kSample) {
    Sample(row.url);
    return absl::OkStatus();
  }
  if (purpose == Purpose::kClusters) {
    clusters_.Add(pages_.ReadSketch(row));
    return absl::OkStatus();
  }
  if (Needs(plan_.needs, PageNeeds::kClusters)) row.near_duplicates = clusters_.ClusterOf(row.sim_hash);
  ++place_.pages;
  return parts_.Take(row);
}

// The cheap questions come first; the page is read only where they leave it open, or it is exported.
ExportWhere::Truth ExportRun::JudgeUnread(const PageRow& row) const {
  if (plan_.since_us && absl::ToUnixMicros(row.fetched_at) < *plan_.since_us) return ExportWhere::Truth::kFalse;
  if (!InShardAndShare(plan_, row.url)) return ExportWhere::Truth::kFalse;
  if (sample_most_ && SampleHash(row.url) > *sample_most_) return ExportWhere::Truth::kFalse;
  return plan_.where.Judge(row, /*page_is_read=*/false);
}

absl::StatusOr<bool> ExportRun::Chosen(const wire::RecordsReply::Row& record, PageRow& row, Purpose purpose) {
  const auto truth = JudgeUnread(row);
  if (truth == ExportWhere::Truth::kFalse || truth == ExportWhere::Truth::kNull) return false;
  const bool open = truth == ExportWhere::Truth::kUnread;
  if (!plan_.reads_pages() && purpose == Purpose::kExport) pages_.CheckThere();
  if (!plan_.reads_pages() || (purpose != Purpose::kExport && !open)) return true;
  if (!pages_.Read(row)) {
    if (purpose == Purpose::kExport) parts_.LeaveOut(record.key());
    return false;
  }
  return !open || plan_.where.Judge(row, /*page_is_read=*/true) == ExportWhere::Truth::kTrue;
}

// Those with the least hashes, whatever the order of the records.
void ExportRun::Sample(std::string_view url) {
  sample_.push_back(SampleHash(url));
  std::push_heap(sample_.begin(), sample_.end());
  if (sample_.size() <= plan_.sample_pages) return;
  std::pop_heap(sample_.begin(), sample_.end());
  sample_.pop_back();
}

std::string ExportRun::Remaining(absl::Time now) const {
  const uint64_t done = place_.seen - seen_before_;
  if (records_in_all_ <= place_.seen || done == 0) return "";
  const double seconds = absl::ToDoubleSeconds(now - begun_) / static_cast<double>(done) *
                         static_cast<double>(records_in_all_ - place_.seen);
  return fmt::format(", of {}; about {} to go", HumanCount(records_in_all_),
                     weft::FormatDuration(absl::Seconds(static_cast<int64_t>(seconds) + 1)));
}

void ExportRun::Tell() {
  const absl::Time now = clock_.SteadyNow();
  if (now - last_told_ < kTellEvery) return;
  last_told_ = now;
  const std::string text = fmt::format("weft: {} pages exported, {} looked at{}", HumanCount(place_.pages),
                                       HumanCount(place_.seen), Remaining(now));
  if (console_.is_terminal()) {
    console_.Live(text);
  } else {
    console_.Line(text);
  }
}

}  // namespace weft
