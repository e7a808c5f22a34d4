#include "storage/webhdfs_store.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "common/digest.h"
#include "common/status.h"
#include "storage/aws_signature.h"
#include "storage/store_retry.h"

namespace weft {
namespace {

constexpr uint64_t kReadBytes = 8u << 20;

using Parameters = std::vector<std::pair<std::string, std::string>>;
using Json = nlohmann::json;

std::string Said(const StoreResponse& response) {
  const Json json = Json::parse(response.body, nullptr, /*allow_exceptions=*/false);
  if (json.is_object() && json.contains("RemoteException") && json["RemoteException"].is_object()) {
    return fmt::format("the server answers {} {}", response.status, json["RemoteException"].value("message", ""));
  }
  return fmt::format("the server answers {}", response.status);
}

class WebHdfsStore : public ObjectStore {
 public:
  WebHdfsStore(const HdfsPlace& place, const StoreOptions& options, std::unique_ptr<StoreHttp> http, StoreWait& wait, Random& random)
      : place_(place), options_(options), http_(std::move(http)), wait_(wait), random_(random) {}

  std::string UrlOf(std::string_view name) const override {
    return fmt::format("webhdfs://{}{}/{}", place_.origin.substr(place_.origin.find("://") + 3), place_.path, name);
  }
  absl::StatusOr<bool> Put(const std::string& path, const std::string& name, const ObjectDigest& digest) override;
  absl::StatusOr<ObjectInfo> Head(const std::string& name) override;
  absl::Status List(const std::string& prefix, absl::FunctionRef<absl::Status(const ObjectInfo&)> each) override;
  absl::StatusOr<std::string> Get(const std::string& name, uint64_t offset, uint64_t length) override;

 private:
  std::string UrlFor(std::string_view name, const Parameters& parameters) const;
  absl::Status ErrorOf(const StoreResponse& response, std::string_view name) const;
  absl::StatusOr<StoreResponse> Send(const StoreRequest& request);
  absl::StatusOr<ObjectDigest> DigestOf(const std::string& name, uint64_t bytes);
  absl::Status Create(const ByteSource& source, const std::string& name);
  absl::Status Rename(const std::string& from, const std::string& to);

  HdfsPlace place_;
  StoreOptions options_;
  std::unique_ptr<StoreHttp> http_;
  StoreWait& wait_;
  Random& random_;
};

std::string WebHdfsStore::UrlFor(std::string_view name, const Parameters& parameters) const {
  std::string url = fmt::format("{}/webhdfs/v1{}", place_.origin, AwsEscape(name.empty() ? place_.path : fmt::format("{}/{}", place_.path, name), true));
  char mark = '?';
  for (const auto& [key, value] : parameters) url += fmt::format("{}{}={}", std::exchange(mark, '&'), key, AwsEscape(value, true));
  if (!place_.user.empty()) url += fmt::format("&user.name={}", AwsEscape(place_.user));
  return url;
}

absl::Status WebHdfsStore::ErrorOf(const StoreResponse& response, std::string_view name) const {
  const std::string text = fmt::format("{}: {}", UrlOf(name), Said(response));
  if (response.status == 401 || response.status == 403) return absl::PermissionDeniedError(text);
  if (response.status == 404) return absl::NotFoundError(text);
  return absl::InternalError(text);
}

// A name node sends the request on to a data node: bytes go there, and nothing of a body to the name node.
absl::StatusOr<StoreResponse> WebHdfsStore::Send(const StoreRequest& request) {
  StoreRetry retry(options_, wait_, random_);
  absl::Status last = Unavailable("{}: not asked", place_.origin);
  while (retry.Next()) {
    StoreRequest first = request;
    first.body = nullptr;
    first.body_bytes = 0;
    auto response = http_->Send(first);
    if (response.ok() && response->status == 307) {
      StoreRequest second = request;
      second.url = std::string(response->Get("location"));
      if (second.url.empty()) return Internal("{}: a redirect without its target", place_.origin);
      second.headers.emplace_back("Content-Type", "application/octet-stream");
      response = http_->Send(second);
    }
    if (!response.ok() && !absl::IsUnavailable(response.status())) return response.status();
    if (response.ok() && !StoreRetry::IsPassing(response->status)) return response;
    last = Unavailable("{}: {}", place_.origin, response.ok() ? Said(*response) : ErrorText(response.status()));
  }
  return retry.GiveUp(last);
}

absl::StatusOr<ObjectInfo> WebHdfsStore::Head(const std::string& name) {
  WEFT_ASSIGN_OR_RETURN(const StoreResponse response, Send({.method = "GET", .url = UrlFor(name, {{"op", "GETFILESTATUS"}})}));
  if (response.status != 200) return ErrorOf(response, name);
  const Json json = Json::parse(response.body, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("FileStatus") || !json["FileStatus"].is_object()) return Internal("{}: an answer that is none", UrlOf(name));
  return ObjectInfo{name, json["FileStatus"].value("length", uint64_t{0}), ""};
}

absl::StatusOr<ObjectDigest> WebHdfsStore::DigestOf(const std::string& name, uint64_t bytes) {
  Sha256Stream stream;
  uint64_t read = 0;
  while (read < bytes) {
    WEFT_ASSIGN_OR_RETURN(const std::string piece, Get(name, read, kReadBytes));
    if (piece.empty()) break;
    stream.Add(piece);
    read += piece.size();
  }
  return ObjectDigest{read, HexLower(stream.Finish())};
}

absl::StatusOr<bool> WebHdfsStore::Put(const std::string& path, const std::string& name, const ObjectDigest& digest) {
  const auto before = Head(name);
  if (before.ok()) {
    // HDFS notes no SHA-256: what is there is read.
    WEFT_ASSIGN_OR_RETURN(const ObjectDigest there, DigestOf(name, before->bytes));
    if (there == digest) return false;
    return absl::AlreadyExistsError(fmt::format("{} is another file ({} bytes) than {}; nothing was replaced", UrlOf(name), before->bytes, path));
  }
  if (!absl::IsNotFound(before.status())) return before.status();
  WEFT_ASSIGN_OR_RETURN(const auto source, OpenFileSource(path));
  if (source->size() != digest.bytes) return FailedPrecondition("{} has changed while it was stored", path);
  const std::string unfinished = name + ".unfinished";
  WEFT_RETURN_IF_ERROR(Create(*source, unfinished));
  WEFT_ASSIGN_OR_RETURN(const ObjectDigest there, DigestOf(unfinished, digest.bytes + 1));
  if (!(there == digest)) return DataLoss("{} is not what was sent there", UrlOf(unfinished));
  WEFT_RETURN_IF_ERROR(Rename(unfinished, name));
  return true;
}

absl::Status WebHdfsStore::Create(const ByteSource& source, const std::string& name) {
  WEFT_ASSIGN_OR_RETURN(const StoreResponse response,
                        Send({.method = "PUT", .url = UrlFor(name, {{"op", "CREATE"}, {"overwrite", "true"}}), .body = &source, .body_bytes = source.size()}));
  return response.status == 201 || response.status == 200 ? absl::OkStatus() : ErrorOf(response, name);
}

absl::Status WebHdfsStore::Rename(const std::string& from, const std::string& to) {
  const std::string target = fmt::format("{}/{}", place_.path, to);
  WEFT_ASSIGN_OR_RETURN(const StoreResponse response, Send({.method = "PUT", .url = UrlFor(from, {{"op", "RENAME"}, {"destination", target}})}));
  if (response.status != 200) return ErrorOf(response, from);
  // {"boolean": false} where it was renamed already and the answer was lost, too.
  WEFT_ASSIGN_OR_RETURN(const ObjectInfo there, Head(to));
  (void)there;
  return absl::OkStatus();
}

absl::Status WebHdfsStore::List(const std::string& prefix, absl::FunctionRef<absl::Status(const ObjectInfo&)> each) {
  WEFT_ASSIGN_OR_RETURN(const StoreResponse response, Send({.method = "GET", .url = UrlFor("", {{"op", "LISTSTATUS"}})}));
  if (response.status != 200) return ErrorOf(response, "");
  const Json json = Json::parse(response.body, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("FileStatuses") || !json["FileStatuses"].is_object()) return Internal("{}: an answer that is none", UrlOf(""));
  for (const Json& file : json["FileStatuses"].value("FileStatus", Json::array())) {
    if (!file.is_object() || file.value("type", "") != "FILE") continue;
    const std::string name = file.value("pathSuffix", "");
    if (name.starts_with(prefix)) WEFT_RETURN_IF_ERROR(each({name, file.value("length", uint64_t{0}), ""}));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> WebHdfsStore::Get(const std::string& name, uint64_t offset, uint64_t length) {
  WEFT_ASSIGN_OR_RETURN(StoreResponse response,
                        Send({.method = "GET", .url = UrlFor(name, {{"op", "OPEN"}, {"offset", std::to_string(offset)}, {"length", std::to_string(length)}})}));
  if (response.status != 200 && response.status != 206) return ErrorOf(response, name);
  if (response.body.size() > length) return Internal("{}: more bytes came than were asked for", UrlOf(name));
  return std::move(response.body);
}

}  // namespace

std::unique_ptr<ObjectStore> NewWebHdfsStore(const HdfsPlace& place, const StoreOptions& options, std::unique_ptr<StoreHttp> http,
                                             StoreWait& wait, Random& random) {
  return std::make_unique<WebHdfsStore>(place, options, std::move(http), wait, random);
}

}  // namespace weft
