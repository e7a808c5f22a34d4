#include "storage/sqlite_host_graph.h"

#include "common/status.h"

namespace weft {

absl::StatusOr<HostGraph> HostGraph::Create(size_t pairs_in_memory) {
  HostGraph graph;
  graph.pairs_in_memory_ = pairs_in_memory;
  WEFT_ASSIGN_OR_RETURN(graph.db_, SqliteDatabase::Open(""));
  WEFT_RETURN_IF_ERROR(graph.db_.Execute("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -65536"));
  WEFT_RETURN_IF_ERROR(graph.db_.Execute("CREATE TABLE pairs (source TEXT, target TEXT, links INTEGER, pages INTEGER,"
                                         " PRIMARY KEY (source, target)) WITHOUT ROWID"));
  WEFT_ASSIGN_OR_RETURN(graph.add_,
                        graph.db_.Prepare("INSERT INTO pairs VALUES (?1, ?2, ?3, ?4) ON CONFLICT (source, target) DO UPDATE"
                                          " SET links = links + ?3, pages = pages + ?4"));
  return graph;
}

absl::Status HostGraph::Add(const std::string& source, const std::string& target, int64_t links) {
  Counts& counts = pairs_[{source, target}];
  counts.links += links;
  ++counts.pages;
  return pairs_.size() >= pairs_in_memory_ ? Spill() : absl::OkStatus();
}

absl::Status HostGraph::Spill() {
  WEFT_RETURN_IF_ERROR(db_.Execute("BEGIN"));
  for (const auto& [pair, counts] : pairs_) {
    add_.BindText(1, pair.first);
    add_.BindText(2, pair.second);
    add_.Bind(3, Cell(counts.links));
    add_.Bind(4, Cell(counts.pages));
    WEFT_RETURN_IF_ERROR(add_.Run());
  }
  pairs_.clear();
  return db_.Execute("COMMIT");
}

absl::Status HostGraph::ForEach(absl::FunctionRef<absl::Status(const Edge&)> visit) {
  WEFT_RETURN_IF_ERROR(Spill());
  WEFT_ASSIGN_OR_RETURN(SqliteStatement all, db_.Prepare("SELECT * FROM pairs ORDER BY source, target"));
  while (true) {
    WEFT_ASSIGN_OR_RETURN(const bool more, all.Step());
    if (!more) return absl::OkStatus();
    WEFT_RETURN_IF_ERROR(visit({all.Text(0), all.Text(1), all.Number(2), all.Number(3)}));
  }
}

}  // namespace weft
