// One export from its first record to its last: pages are chosen, read as far as is needed, and handed on.
// Thread rule: one thread.
#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <cstdint>
#include <memory>
#include <optional>

#include "cli/console.h"
#include "cli/export_pages.h"
#include "cli/export_parts.h"
#include "cli/export_plan.h"
#include "cli/record_source.h"
#include "common/clock.h"
#include "parser/near_duplicates.h"

namespace weft {

class ExportRun {
 public:
  ExportRun(const ExportPlan& plan, RecordSource& source, ExportPages& pages, ExportParts& parts, Console& console,
            const Clock& clock)
      : plan_(plan), source_(source), pages_(pages), parts_(parts), console_(console), clock_(clock),
        begun_(clock.SteadyNow()), last_told_(begun_) {}

  absl::Status Run();
  // Exported.
  uint64_t pages() const { return place_.pages; }

 private:
  enum class Purpose : uint8_t { kSample, kClusters, kExport };
  absl::Status WalkBefore(Purpose purpose);
  absl::Status Walk(Purpose purpose);
  absl::Status Visit(const wire::RecordsReply::Row& record, Purpose purpose);
  // Without reading the page, which kUnread asks for.
  ExportWhere::Truth JudgeUnread(const PageRow& row) const;
  absl::StatusOr<bool> Chosen(const wire::RecordsReply::Row& record, PageRow& row, Purpose purpose);
  absl::Status Announce(const wire::RecordsReply& reply);
  void Sample(std::string_view url);
  void Tell();
  std::string Remaining(absl::Time now) const;

  const ExportPlan& plan_;
  RecordSource& source_;
  ExportPages& pages_;
  ExportParts& parts_;
  Console& console_;
  const Clock& clock_;
  absl::Time begun_;
  absl::Time last_told_;
  ExportPlace place_;
  uint64_t seen_before_ = 0;             // by the run that this one goes on with
  uint64_t records_in_all_ = 0;          // about; 0: not known
  NearDuplicates clusters_;
  std::vector<uint64_t> sample_;         // a heap of the least hashes, the greatest of them on top
  std::optional<uint64_t> sample_most_;  // of a sample by number: once it is known
};

}  // namespace weft
