#include "storage/revisit_bodies.h"

#include <absl/hash/hash.h>
#include <fmt/format.h>

#include <filesystem>
#include <system_error>

#include "common/ascii.h"
#include "storage/atomic_output.h"
#include "storage/warc_place.h"

namespace weft {

void RevisitBodies::FindIds() {
  by_id_.emplace();
  for (size_t i = 0; i < files_.size(); ++i) {
    std::error_code error;
    if (!std::filesystem::is_regular_file(files_[i], error)) continue;  // a pipe is read once
    const auto reader = WarcReader::Open(files_[i]);
    while (reader.ok()) {
      const auto record = (*reader)->Next();
      if (absl::IsNotFound(record.status())) break;
      const bool counts = record.ok() && record->length > 0 && record->Get("WARC-Type") == "response";
      if (counts) by_id_->try_emplace(absl::HashOf(record->Get("WARC-Record-ID")), Place{i, record->offset});
    }
  }
}

absl::StatusOr<WarcRecord> RevisitBodies::Whole(const std::string& path, const WarcRecord& revisit) {
  auto whole = MadeWhole(DirectoryOf(path), revisit);
  if (whole.ok() || revisit.Get("WARC-Refers-To").empty()) return whole;
  if (!by_id_) FindIds();
  const auto found = by_id_->find(absl::HashOf(revisit.Get("WARC-Refers-To")));
  if (found == by_id_->end()) return whole;
  const std::string& file = files_[found->second.file];
  WarcRecord moved = revisit;
  for (auto& [name, value] : moved.fields) {
    if (EqualIgnoringCase(name, kRefersToFile)) value = file.substr(file.rfind('/') + 1);
    if (EqualIgnoringCase(name, kRefersToOffset)) value = fmt::to_string(found->second.offset);
  }
  return MadeWhole(DirectoryOf(file), moved);
}

}  // namespace weft
