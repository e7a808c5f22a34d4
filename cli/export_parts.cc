#include "cli/export_parts.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>
#include <utility>

#include <nlohmann/json.hpp>

#include "cli/export_partitions.h"
#include "common/base64.h"
#include "common/digest.h"
#include "common/status.h"
#include "storage/file_ops.h"

namespace weft {
namespace {

bool IsRegular(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode);
}

std::string ReadAll(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

absl::Time TimeOf(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0 ? absl::TimeFromTimespec(info.st_mtim) : absl::UnixEpoch();
}

// By which options the export was made of which that is the note; empty: it does not say.
std::string IdentityIn(const nlohmann::json& json) {
  const bool there = json.is_object() && json.contains("export") && json["export"].is_string();
  return there ? json["export"].get<std::string>() : "";
}

constexpr size_t kKeyBytes = 16;

std::string JoinKeys(const std::set<std::string>& keys) {
  std::string all;
  for (const std::string& key : keys) all += key;
  return Base64(all);
}

// False: they are none.
bool SplitKeys(const std::string& text, std::set<std::string>& keys) {
  const auto all = DecodeBase64(text);
  if (!all.ok() || all->size() % kKeyBytes != 0) return false;
  for (size_t begin = 0; begin < all->size(); begin += kKeyBytes) keys.insert(all->substr(begin, kKeyBytes));
  return true;
}

absl::Status AlreadyThere(const std::string& path) {
  return FailedPrecondition("{} is there already; --force replaces it", path);
}

}  // namespace

std::string ExportParts::PartName(const std::string& output, uint64_t part) {
  const size_t slash = output.rfind('/');
  const size_t name = slash == std::string::npos ? 0 : slash + 1;
  size_t dot = output.size();
  // The ending, and that of a compression behind it.
  for (int endings = CompressionOf(output) == Compression::kNone ? 1 : 2; endings > 0; --endings) {
    const size_t found = output.rfind('.', dot - 1);
    if (found == std::string::npos || found <= name) break;
    dot = found;
  }
  return fmt::format("{}-{:05}{}", output.substr(0, dot), part, output.substr(dot));
}

absl::StatusOr<std::unique_ptr<ExportParts>> ExportParts::Open(const ExportPlan& plan) {
  std::unique_ptr<ExportParts> parts(new ExportParts(plan));
  if (plan.stored()) {
    WEFT_ASSIGN_OR_RETURN(parts->upload_, ExportUpload::Open(plan));
  }
  WEFT_RETURN_IF_ERROR(parts->CheckOutput());
  if (parts->complete_) return parts;
  WEFT_RETURN_IF_ERROR(parts->BeginStored());
  if (plan.partitioned) WEFT_RETURN_IF_ERROR(parts->BeginDirectory());
  if (parts->KeepsState()) {
    RemoveLeftovers(parts->StatePath());
    if (IsRegular(parts->WholePath())) WEFT_RETURN_IF_ERROR(PosixFileOps().Remove(parts->WholePath()));
    WEFT_RETURN_IF_ERROR(parts->WriteState(parts->resumed_));
  }
  WEFT_RETURN_IF_ERROR(parts->OpenNext());
  return parts;
}

absl::Status ExportParts::CheckOutput() {
  // JSON Lines have always been replaced: scripts may count on it.
  const bool replaces = plan_.force || (plan_.json_lines_as_ever && !plan_.stored());
  const std::string first = plan_.partitioned ? plan_.output : FilesOf(0).front();
  const bool whole = plan_.partitioned || plan_.stored() ? IsRegular(WholePath()) : IsThere(0);
  if (!KeepsState() && !(plan_.resume && plan_.partitioned)) {
    return !replaces && IsThere(0) ? AlreadyThere(first) : absl::OkStatus();
  }
  const bool begun = KeepsState() && IsRegular(StatePath());
  if (plan_.resume && begun) return ReadState(ReadAll(StatePath()));
  if (plan_.resume && whole && !plan_.force) {
    WEFT_RETURN_IF_ERROR(CheckWhole(WholePath()));
    complete_ = true;
    completed_at_ = TimeOf(plan_.partitioned || plan_.stored() ? WholePath() : first);
    for (uint64_t part = 1; !plan_.partitioned && IsThere(part); ++part) completed_at_ = TimeOf(FilesOf(part).front());
    return absl::OkStatus();
  }
  if (!KeepsState()) return absl::OkStatus();  // a partitioned one that was broken off
  if (begun && !replaces) {
    return FailedPrecondition("{} is there: an export was not finished; --resume goes on with it, --force begins anew", StatePath());
  }
  return !replaces && IsThere(0) ? AlreadyThere(first) : absl::OkStatus();
}

absl::Status ExportParts::ReadState(const std::string& text) {
  const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  const auto number = [&](const char* name) {
    const auto it = json.find(name);
    return it != json.end() && it->is_number_unsigned() ? it->get<uint64_t>() : 0;
  };
  const auto words = [&](const char* name) {
    const auto it = json.find(name);
    return it != json.end() && it->is_string() ? it->get<std::string>() : std::string();
  };
  if (!json.is_object()) return DataLoss("{} cannot be read; --force begins anew", StatePath());
  if (words("export") != HexLower(Sha1(plan_.identity))) {
    return InvalidArgument("{} is of an export with other options: give the same ones, or --force to begin anew", StatePath());
  }
  const auto cursor = DecodeBase64(words("cursor"));
  const bool keys = SplitKeys(words("wanted"), wanted_) && SplitKeys(words("left_out"), left_out_);
  if (!cursor.ok() || !keys) return DataLoss("{} cannot be read; --force begins anew", StatePath());
  resumed_ = {*cursor, number("records"), number("pinned_commit"), number("seen"), number("pages"), number("unreadable")};
  last_ = resumed_;
  parts_ = number("parts");
  rows_of_parts_ = number("rows");
  return absl::OkStatus();
}

// What stands there whole may be what other options brought. Where nothing is noted of them they are taken for the same.
absl::Status ExportParts::CheckWhole(const std::string& note) {
  const auto json = nlohmann::json::parse(ReadAll(note), nullptr, /*allow_exceptions=*/false);
  const std::string export_of = IdentityIn(json);
  if (json.is_object() && json.contains("unreadable") && json["unreadable"].is_number_unsigned()) unreadable_then_ = json["unreadable"].get<uint64_t>();
  if (export_of.empty() || export_of == HexLower(Sha1(plan_.identity))) return absl::OkStatus();
  return InvalidArgument("{} is complete already, of an export with other options: give the same ones, another --output, or --force "
                         "to export anew", plan_.output);
}

std::string ExportParts::WholePath() const {
  if (plan_.partitioned) return SuccessPath();
  const std::filesystem::path output(plan_.output);
  return (output.parent_path() / ("." + output.filename().string() + ".complete")).string();
}

absl::Status ExportParts::WriteWhole(const std::string& note) {
  const nlohmann::json json = {{"export", HexLower(Sha1(plan_.identity))}, {"complete", true}, {"unreadable", last_.unreadable}};
  WEFT_ASSIGN_OR_RETURN(auto file, OutputFile::ToFile(note));
  WEFT_RETURN_IF_ERROR(file->Write(json.dump() + "\n"));
  return file->Finish();
}

absl::Status ExportParts::WriteState(const ExportPlace& place) {
  const nlohmann::json json = {{"export", HexLower(Sha1(plan_.identity))}, {"cursor", Base64(place.cursor)},
                               {"records", place.records}, {"pinned_commit", place.pinned_commit},
                               {"seen", place.seen}, {"pages", place.pages}, {"unreadable", place.unreadable},
                               {"parts", parts_}, {"rows", rows_of_parts_}, {"wanted", JoinKeys(wanted_)},
                               {"left_out", JoinKeys(left_out_)}};
  WEFT_ASSIGN_OR_RETURN(auto file, OutputFile::ToFile(StatePath()));
  WEFT_RETURN_IF_ERROR(file->Write(json.dump() + "\n"));
  return file->Finish();
}

std::vector<std::string> ExportParts::FilesOf(uint64_t part) const {
  if (plan_.partitioned) return PartitionFiles(plan_, part);
  return {plan_.rows_per_file == 0 ? plan_.output : PartName(plan_.output, part)};
}

bool ExportParts::IsThere(uint64_t part) const {
  const std::vector<std::string> files = FilesOf(part);
  return std::any_of(files.begin(), files.end(), IsRegular);
}

absl::Status ExportParts::BeginDirectory() {
  if (IsRegular(SuccessPath())) WEFT_RETURN_IF_ERROR(PosixFileOps().Remove(SuccessPath()));
  std::error_code error;
  std::filesystem::create_directories(plan_.output, error);
  if (error) return ErrnoStatus(error.value(), "make the directory", plan_.output);
  return absl::OkStatus();
}

absl::Status ExportParts::OpenNext() {
  if (plan_.partitioned) {
    sink_ = NewPartitionedSink(plan_, parts_);
    return absl::OkStatus();
  }
  const std::string path = FilesOf(parts_).front();
  if (!path.empty()) RemoveLeftovers(path);
  WEFT_ASSIGN_OR_RETURN(sink_, OpenPageSink(plan_, path));
  return absl::OkStatus();
}

absl::Status ExportParts::EndPart() {
  WEFT_RETURN_IF_ERROR(sink_->Finish());
  rows_of_parts_ += sink_->rows();
  sink_.reset();
  ++parts_;
  return absl::OkStatus();
}

absl::Status ExportParts::Take(PageRow& row) {
  if (sink_ == nullptr) WEFT_RETURN_IF_ERROR(OpenNext());
  return sink_->Take(row);
}

absl::Status ExportParts::Reached(const ExportPlace& place) {
  last_ = place;
  if (plan_.rows_per_file == 0 || sink_ == nullptr || sink_->rows() < plan_.rows_per_file) return absl::OkStatus();
  WEFT_RETURN_IF_ERROR(EndPart());
  WEFT_RETURN_IF_ERROR(WriteState(place));
  return StoreWholeParts();
}

absl::Status ExportParts::Finish() {
  // What is exported is one part at least, be it empty.
  if (sink_ == nullptr && parts_ == 0) WEFT_RETURN_IF_ERROR(OpenNext());
  // Of pages that were left out before none may have come back; and the run before may have come to the end, but not stored it.
  const bool nothing_new = !wanted_.empty() || upload_ != nullptr;
  if (sink_ != nullptr && parts_ > 0 && nothing_new && sink_->rows() == 0) sink_.reset();
  if (sink_ != nullptr) WEFT_RETURN_IF_ERROR(EndPart());
  if (!KeepsState() && !plan_.partitioned) return absl::OkStatus();
  // Of an export that this one replaces and that had more of them.
  const bool numbered = plan_.rows_per_file > 0 || plan_.partitioned;
  for (uint64_t part = parts_; numbered && IsThere(part); ++part) {
    for (const std::string& file : FilesOf(part)) {
      if (IsRegular(file)) WEFT_RETURN_IF_ERROR(PosixFileOps().Remove(file));
    }
  }
  if (upload_ != nullptr) WEFT_RETURN_IF_ERROR(WriteState(last_));
  WEFT_RETURN_IF_ERROR(StoreWholeParts());
  if (!left_out_.empty()) return NoteLeftOut();
  WEFT_RETURN_IF_ERROR(WriteWhole(WholePath()));
  if (upload_ != nullptr && plan_.partitioned) WEFT_RETURN_IF_ERROR(upload_->Put(SuccessPath(), /*keep=*/true));
  return RemoveState();
}

absl::Status ExportParts::BeginStored() {
  if (upload_ == nullptr || parts_ > 0) return StoreWholeParts();
  std::vector<std::string> files = FilesOf(0);
  if (plan_.partitioned) files.push_back(SuccessPath());
  for (const std::string& file : files) WEFT_RETURN_IF_ERROR(upload_->CheckFree(file));
  return absl::OkStatus();
}

absl::Status ExportParts::StoreWholeParts() {
  if (upload_ == nullptr) return absl::OkStatus();
  for (; stored_parts_ < parts_; ++stored_parts_) {
    for (const std::string& file : FilesOf(stored_parts_)) {
      if (IsRegular(file)) WEFT_RETURN_IF_ERROR(upload_->Put(file));
    }
  }
  return absl::OkStatus();
}

absl::Status ExportParts::RemoveState() { return IsRegular(StatePath()) ? PosixFileOps().Remove(StatePath()) : absl::OkStatus(); }

// The next run looks through all records again, as they are then: of a page that was fetched again meanwhile it takes the newer one.
absl::Status ExportParts::NoteLeftOut() {
  if (plan_.rows_per_file == 0) return RemoveState();
  wanted_ = std::move(left_out_);
  left_out_.clear();
  ExportPlace begin;
  begin.pages = last_.pages;
  begin.unreadable = last_.unreadable;
  return WriteState(begin);
}

}  // namespace weft
