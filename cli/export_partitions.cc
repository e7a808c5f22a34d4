#include "cli/export_partitions.h"

#include <fmt/format.h>

#include <filesystem>
#include <map>
#include <system_error>
#include <utility>

#include "common/status.h"
#include "storage/file_ops.h"

namespace weft {
namespace {

constexpr std::string_view kSubsets[] = {"crawldiagnostics", "robotstxt", "warc"};

std::string FileOf(const ExportPlan& plan, std::string_view subset, uint64_t part) {
  return fmt::format("{}/subset={}/part-{:05}.parquet", plan.output, subset, part);
}

// With all directories above it, durable.
absl::Status MakeDirectories(const std::string& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return absl::OkStatus();
  const std::string above = DirectoryOf(path);
  if (above != path && above != ".") WEFT_RETURN_IF_ERROR(MakeDirectories(above));
  std::filesystem::create_directory(path, error);
  if (error) return ErrnoStatus(error.value(), "make the directory", path);
  return PosixFileOps().SyncDirectory(above);
}

class PartitionedSink final : public PageSink {
 public:
  PartitionedSink(const ExportPlan& plan, uint64_t part) : plan_(plan), part_(part) {}

  absl::Status Take(PageRow& row) override {
    WEFT_ASSIGN_OR_RETURN(PageSink* const sink, Of(SubsetOf(row)));
    const uint64_t before = sink->rows();
    WEFT_RETURN_IF_ERROR(sink->Take(row));
    rows_ += sink->rows() - before;
    return absl::OkStatus();
  }
  absl::Status Finish() override {
    if (sinks_.empty()) WEFT_RETURN_IF_ERROR(Of("warc").status());  // what is exported is one file at least
    for (const auto& [subset, sink] : sinks_) WEFT_RETURN_IF_ERROR(sink->Finish());
    for (const std::string_view subset : kSubsets) {
      const std::string stale = FileOf(plan_, subset, part_);
      if (!sinks_.contains(subset) && PosixFileOps().Exists(stale)) WEFT_RETURN_IF_ERROR(PosixFileOps().Remove(stale));
    }
    return absl::OkStatus();
  }

 private:
  absl::StatusOr<PageSink*> Of(std::string_view subset) {
    const auto found = sinks_.find(subset);
    if (found != sinks_.end()) return found->second.get();
    const std::string path = FileOf(plan_, subset, part_);
    WEFT_RETURN_IF_ERROR(MakeDirectories(DirectoryOf(path)));
    RemoveLeftovers(path);
    WEFT_ASSIGN_OR_RETURN(auto sink, OpenPageSink(plan_, path));
    return sinks_.emplace(subset, std::move(sink)).first->second.get();
  }

  const ExportPlan& plan_;
  uint64_t part_;
  std::map<std::string_view, std::unique_ptr<PageSink>> sinks_;
};

}  // namespace

std::string_view SubsetOf(const PageRow& row) {
  if (row.parsed_url.path() == "/robots.txt") return "robotstxt";
  return row.status == 200 ? "warc" : "crawldiagnostics";
}

std::string PartitionValue(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
    out += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out.empty() ? "crawl" : out;
}

std::vector<std::string> PartitionFiles(const ExportPlan& plan, uint64_t part) {
  std::vector<std::string> files;
  for (const std::string_view subset : kSubsets) files.push_back(FileOf(plan, subset, part));
  return files;
}

std::unique_ptr<PageSink> NewPartitionedSink(const ExportPlan& plan, uint64_t part) {
  return std::make_unique<PartitionedSink>(plan, part);
}

}  // namespace weft
