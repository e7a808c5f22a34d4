// The files of an export: one, or with --rows-per-file as many as it takes, NAME-00000.EXT and on. Each appears whole. Beside
// parts stands NAME.EXT.state until all are there: how far whole parts go, so that --resume goes on behind them.
// Pages that were left out, as their nodes were missing, are noted there too, by key: the export is not complete, and --resume takes
// just these, in further parts.
// A partitioned export (export_partitions.h) has parts of several files, and an empty _SUCCESS beside them, as other writers of
// data sets leave it, when all are there.
// What goes to a store is staged with a state file always: whole files that are not stored yet stay, and --resume stores them.
// Thread rule: one thread.
#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <cstdint>
#include <set>
#include <memory>
#include <string>
#include <vector>

#include "cli/export_plan.h"
#include "cli/export_sinks.h"
#include "cli/export_upload.h"

namespace weft {

// A place between two records of a RecordSource, and what was counted before it.
struct ExportPlace {
  std::string cursor;           // of the request that brought the record
  uint64_t records = 0;         // of its answer that are done with
  uint64_t pinned_commit = 0;   // 0: none is pinned yet
  uint64_t seen = 0;            // records in all
  uint64_t pages = 0;           // of these taken
  uint64_t unreadable = 0;

  bool operator==(const ExportPlace&) const = default;
};

class ExportParts {
 public:
  // FailedPrecondition: the output is there and may not be replaced. InvalidArgument: --resume of an export with other options.
  // `resumed()` tells where to go on.
  static absl::StatusOr<std::unique_ptr<ExportParts>> Open(const ExportPlan& plan);

  const ExportPlace& resumed() const { return resumed_; }
  // With --resume: everything is there already, since `completed_at`.
  bool complete() const { return complete_; }
  absl::Time completed_at() const { return completed_at_; }
  // Pages that could not be read then: their rows lack what is read of them.
  uint64_t unreadable_then() const { return unreadable_then_; }
  uint64_t parts() const { return parts_; }
  // With --resume: only pages are wanted that were left out before, so many.
  size_t wanted() const { return wanted_.size(); }
  // By the record's key.
  bool Wants(const std::string& key) const { return wanted_.empty() || wanted_.contains(key); }
  void LeaveOut(const std::string& key) { left_out_.insert(key); }
  // What was left out is noted, so that --resume can go on with it.
  bool notes_left_out() const { return plan_.rows_per_file > 0; }
  uint64_t rows() const { return rows_of_parts_ + (sink_ == nullptr ? 0 : sink_->rows()); }

  absl::Status Take(PageRow& row);
  // All records before `place` were taken or passed over: here a part may end.
  absl::Status Reached(const ExportPlace& place);
  absl::Status Finish();

  // "pages.csv.gz", 7: "pages-00007.csv.gz".
  static std::string PartName(const std::string& output, uint64_t part);

 private:
  explicit ExportParts(const ExportPlan& plan) : plan_(plan) {}
  absl::Status CheckOutput();
  absl::Status ReadState(const std::string& json);
  absl::Status WriteState(const ExportPlace& place);
  absl::Status OpenNext();
  absl::Status EndPart();
  // The files of a part; of most exports one.
  std::vector<std::string> FilesOf(uint64_t part) const;
  bool IsThere(uint64_t part) const;
  absl::Status BeginDirectory();
  absl::Status CheckWhole(const std::string& note);
  absl::Status WriteWhole(const std::string& note);
  absl::Status NoteLeftOut();
  // Of a partitioned export: names that begin with "_" are no part of a data set.
  std::string StatePath() const { return plan_.output + (plan_.partitioned ? "/_weft.state" : ".state"); }
  std::string SuccessPath() const { return plan_.output + "/_SUCCESS"; }
  // What says by which options the parts that stand there were made; of parts in one directory it is hidden, as it is no part.
  std::string WholePath() const;
  // Beside what stands or is staged there is a state file while the export goes on.
  bool KeepsState() const { return plan_.rows_per_file > 0 || plan_.stored(); }
  // Into the store: nothing may be there of an export that begins; of one that goes on, what the run before has left here.
  absl::Status BeginStored();
  absl::Status StoreWholeParts();
  absl::Status RemoveState();

  const ExportPlan& plan_;
  std::unique_ptr<ExportUpload> upload_;  // null: files stay here
  std::unique_ptr<PageSink> sink_;
  ExportPlace resumed_;
  ExportPlace last_;            // that was reached
  std::set<std::string> wanted_;    // keys; empty: all pages
  std::set<std::string> left_out_;
  bool complete_ = false;
  absl::Time completed_at_ = absl::UnixEpoch();
  uint64_t unreadable_then_ = 0;
  uint64_t parts_ = 0;          // that are whole
  uint64_t stored_parts_ = 0;   // of these, in the store
  uint64_t rows_of_parts_ = 0;
};

}  // namespace weft
