#include "storage/store_note.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include <nlohmann/json.hpp>

#include "common/status.h"
#include "storage/atomic_output.h"
#include "storage/byte_source.h"
#include "storage/file_ops.h"
#include "storage/warc_format.h"

namespace weft {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kMostNote = 64 * 1024;

absl::StatusOr<Json> ReadJson(const std::string& path) {
  WEFT_ASSIGN_OR_RETURN(const auto source, OpenFileSource(path));
  std::string text(static_cast<size_t>(std::min<uint64_t>(source->size(), kMostNote)), '\0');
  text.resize(source->ReadAt(0, text.data(), text.size()));
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return DataLoss("{} cannot be read", path);
  return json;
}

absl::Status WriteJson(const std::string& path, const Json& json) {
  WEFT_ASSIGN_OR_RETURN(const auto output, AtomicOutput::ToFile(path));
  WEFT_RETURN_IF_ERROR(output->Write(json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"));
  return output->Finish();
}

std::string Text(const Json& json, const char* name) {
  const auto it = json.find(name);
  return it != json.end() && it->is_string() ? it->get<std::string>() : "";
}

uint64_t Number(const Json& json, const char* name, uint64_t otherwise) {
  const auto it = json.find(name);
  return it != json.end() && it->is_number_unsigned() ? it->get<uint64_t>() : otherwise;
}

StoreOptions StoreOf(const Json& json) {
  StoreOptions store;
  store.url = Text(json, "store");
  store.endpoint = Text(json, "endpoint");
  store.region = Text(json, "region");
  store.part_bytes = Number(json, "part_bytes", store.part_bytes);
  return store;
}

Json JsonOf(const StoreOptions& store) {
  return {{"store", store.url}, {"endpoint", store.endpoint}, {"region", store.region}, {"part_bytes", store.part_bytes}};
}

}  // namespace

absl::StatusOr<StoreNote> ReadStoreNote(const std::string& path) {
  const std::string note_path = path + std::string(kStoredSuffix);
  WEFT_ASSIGN_OR_RETURN(const Json json, ReadJson(note_path));
  StoreNote note{StoreOf(json), Text(json, "name"), {Number(json, "bytes", 0), Text(json, "sha256")}};
  if (note.store.url.empty() || note.name.empty() || note.digest.sha256.empty()) return DataLoss("{} cannot be read", note_path);
  return note;
}

absl::Status WriteStoreNote(const std::string& path, const StoreNote& note) {
  Json json = JsonOf(note.store);
  json["name"] = note.name;
  json["bytes"] = note.digest.bytes;
  json["sha256"] = note.digest.sha256;
  return WriteJson(path + std::string(kStoredSuffix), json);
}

absl::StatusOr<StoreState> ReadStoreState(const std::string& directory) {
  WEFT_ASSIGN_OR_RETURN(const Json json, ReadJson(fmt::format("{}/{}", directory, kStoreStateFile)));
  return StoreState{StoreOf(json), Text(json, "free") == "on", Text(json, "trouble")};
}

absl::Status WriteStoreState(const std::string& directory, const StoreState& state) {
  Json json = JsonOf(state.store);
  json["free"] = state.free ? "on" : "off";
  json["trouble"] = state.trouble;
  return WriteJson(fmt::format("{}/{}", directory, kStoreStateFile), json);
}

absl::StatusOr<StoreTally> TallyStored(const std::string& directory) {
  namespace fs = std::filesystem;
  StoreTally tally;
  std::error_code error;
  for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
    std::string path = it->path().string();
    std::error_code ignored;
    if (IsWarcFileName(path) && !fs::exists(path + std::string(kStoredSuffix), ignored)) {
      ++tally.waiting;
      tally.waiting_bytes += it->file_size(ignored);
    }
    if (!path.ends_with(kStoredSuffix)) continue;
    path.resize(path.size() - kStoredSuffix.size());
    const auto note = ReadStoreNote(path);
    if (!IsWarcFileName(path) || !note.ok()) continue;
    ++tally.stored;
    tally.stored_bytes += note->digest.bytes;
    if (!fs::exists(path, ignored)) ++tally.freed;
  }
  if (error) return ErrnoStatus(error.value(), "list the directory", directory);
  return tally;
}

}  // namespace weft
