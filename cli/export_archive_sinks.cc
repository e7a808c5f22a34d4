#include "cli/export_archive_sinks.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include "cli/version.h"
#include "common/clock.h"
#include "common/status.h"
#include "storage/cdxj.h"
#include "storage/line_sorter.h"
#include "storage/wacz.h"
#include "storage/warc_copier.h"
#include "storage/warc_format.h"

namespace weft {
namespace {

// Temporary files lie beside the output, whose disk has room for it.
std::string SortingDirectory(const std::string& path) {
  std::error_code error;
  if (!path.empty() && (std::filesystem::is_regular_file(path, error) || !std::filesystem::exists(path, error))) return DirectoryOf(path);
  const std::string temporary = std::filesystem::temp_directory_path(error).string();
  return error ? "." : temporary;
}

// An index counts a plain record without the empty lines behind it.
uint64_t IndexedBytes(const PageRow& row) {
  const bool packed = row.warc_file.ends_with(".gz") || row.warc_file.ends_with(".zst");
  return packed || row.warc_length < kRecordEnd.size() ? row.warc_length : row.warc_length - kRecordEnd.size();
}

Capture CaptureOf(const PageRow& row) {
  Capture capture;
  capture.url = WarcUrl(row.url);
  capture.key = CdxjKey(capture.url);
  capture.timestamp = CdxjTimestamp(WarcDate(row.fetched_at));
  capture.mime = row.warc_refers ? std::string(kRevisitMime) : CdxjMime(row.content_type);
  capture.status = fmt::to_string(row.status);
  capture.digest = row.digest;
  capture.length = IndexedBytes(row);
  capture.offset = row.warc_offset;
  capture.filename = row.warc_file;
  return capture;
}

class CdxjSink final : public PageSink {
 public:
  CdxjSink(std::unique_ptr<ByteSink> to, const std::string& path) : to_(std::move(to)), sorter_({.directory = SortingDirectory(path)}) {}
  absl::Status Take(PageRow& row) override {
    ++rows_;
    return sorter_.Add(CdxjLine(CaptureOf(row)));
  }
  absl::Status Finish() override {
    WEFT_ASSIGN_OR_RETURN(const std::unique_ptr<LineSource> lines, sorter_.Finish());
    std::string_view line;
    while (true) {
      WEFT_ASSIGN_OR_RETURN(const bool there, lines->Next(line));
      if (!there) return to_->Finish();
      WEFT_RETURN_IF_ERROR(to_->Write(line));
      WEFT_RETURN_IF_ERROR(to_->Write("\n"));
    }
  }

 private:
  std::unique_ptr<ByteSink> to_;
  LineSorter sorter_;
};

class WaczSink final : public PageSink {
 public:
  WaczSink(std::unique_ptr<WaczWriter> to, const std::string& path) : to_(std::move(to)), sorter_({.directory = SortingDirectory(path)}) {}

  absl::Status Take(PageRow& row) override {
    if (!row.read) return absl::OkStatus();
    bytes_.clear();
    const WarcPlace place{row.pages_dir_id, row.warc_file, row.warc_offset, row.warc_length, row.record_digest};
    WEFT_ASSIGN_OR_RETURN(const WarcCopier::Copied copied, copier_.Copy(*row.files, place, bytes_));
    Capture capture = CaptureOf(row);
    capture.mime = CdxjMime(row.content_type);  // the archive holds a revisit as the response that it stands for
    capture.filename = std::string(kArchive);
    capture.offset = offset_ + copied.begin;
    capture.length = copied.size;
    WEFT_RETURN_IF_ERROR(Append());
    ++rows_;
    WEFT_RETURN_IF_ERROR(sorter_.Add(CdxjLine(capture)));
    const bool html = capture.mime == "text/html" || capture.mime == "application/xhtml+xml";
    if (!html || row.status != 200) return absl::OkStatus();
    return to_->AddPage({row.url, capture.timestamp, row.title, row.text.value_or("")});
  }
  absl::Status Finish() override {
    bytes_.clear();
    WEFT_RETURN_IF_ERROR(Append());  // a WACZ of nothing holds an empty file
    WEFT_RETURN_IF_ERROR(to_->EndWarc());
    WEFT_ASSIGN_OR_RETURN(const std::unique_ptr<LineSource> captures, sorter_.Finish());
    WEFT_RETURN_IF_ERROR(to_->AddIndex(*captures));
    return to_->Finish();
  }

 private:
  static constexpr std::string_view kArchive = "pages.warc.gz";

  absl::Status Append() {
    if (!begun_) WEFT_RETURN_IF_ERROR(to_->BeginWarc(std::string(kArchive)));
    begun_ = true;
    offset_ += bytes_.size();
    return to_->AppendWarc(bytes_);
  }

  std::unique_ptr<WaczWriter> to_;
  LineSorter sorter_;
  WarcCopier copier_;
  std::string bytes_;
  bool begun_ = false;
  uint64_t offset_ = 0;  // of the next bytes in the packed WARC file
};

}  // namespace

absl::StatusOr<std::unique_ptr<PageSink>> NewCdxjSink(std::unique_ptr<ByteSink> to, const std::string& path) {
  return std::make_unique<CdxjSink>(std::move(to), path);
}

absl::StatusOr<std::unique_ptr<PageSink>> NewWaczSink(const ExportPlan& plan, const std::string& path) {
  WaczOptions options;
  options.title = path.substr(path.rfind('/') + 1);
  options.software = "Weft/" + std::string(WeftVersion());
  options.created = SystemClock().WallNow();
  options.pages_of_index = false;
  options.with_text = Needs(plan.needs, PageNeeds::kVisibleText);
  WEFT_ASSIGN_OR_RETURN(auto writer, WaczWriter::Create(path, options));
  return std::make_unique<WaczSink>(std::move(writer), path);
}

}  // namespace weft
