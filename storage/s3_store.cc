#include "storage/s3_store.h"

#include <algorithm>
#include <charconv>
#include <vector>

#include "common/status.h"
#include "storage/s3_answers.h"
#include "storage/s3_requests.h"

namespace weft {
namespace {

constexpr uint64_t kMostParts = 10'000;  // "Amazon S3 multipart upload limits"
constexpr const char* kDigestHeader = "x-amz-meta-weft-sha256";

uint64_t Number(std::string_view text) {
  uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

class S3Store : public ObjectStore {
 public:
  S3Store(const S3Place& place, uint64_t part_bytes, S3Requests requests)
      : place_(place), part_bytes_(part_bytes), requests_(std::move(requests)) {}

  std::string UrlOf(std::string_view name) const override { return fmt::format("s3://{}/{}", place_.bucket, KeyOf(name)); }
  absl::StatusOr<bool> Put(const std::string& path, const std::string& name, const ObjectDigest& digest) override;
  absl::StatusOr<ObjectInfo> Head(const std::string& name) override;
  absl::Status List(const std::string& prefix, absl::FunctionRef<absl::Status(const ObjectInfo&)> each) override;
  absl::StatusOr<std::string> Get(const std::string& name, uint64_t offset, uint64_t length) override;

 private:
  std::string KeyOf(std::string_view name) const { return place_.prefix.empty() ? std::string(name) : fmt::format("{}/{}", place_.prefix, name); }
  absl::Status PutWhole(const ByteSource& source, const std::string& name, const ObjectDigest& digest);
  absl::Status PutParts(const ByteSource& source, const std::string& name, const ObjectDigest& digest);
  absl::StatusOr<std::string> BeginParts(const std::string& name, const ObjectDigest& digest);
  absl::StatusOr<std::string> SendParts(const ByteSource& source, const std::string& name, const std::string& upload);
  absl::Status CompleteParts(const std::string& name, const std::string& upload, const std::string& parts);
  void AbortParts(const std::string& key, const std::string& upload);
  void AbortLeftovers(const std::string& name);

  S3Place place_;
  uint64_t part_bytes_;
  S3Requests requests_;
};

absl::StatusOr<ObjectInfo> S3Store::Head(const std::string& name) {
  WEFT_ASSIGN_OR_RETURN(const StoreResponse response, requests_.Send({.method = "HEAD", .key = KeyOf(name)}));
  if (response.status != 200) return requests_.ErrorOf(response, UrlOf(name));
  return ObjectInfo{name, Number(response.Get("content-length")), std::string(response.Get(kDigestHeader))};
}

absl::StatusOr<bool> S3Store::Put(const std::string& path, const std::string& name, const ObjectDigest& digest) {
  const auto is_same = [&](const ObjectInfo& info) { return info.bytes == digest.bytes && info.sha256 == digest.sha256; };
  auto before = Head(name);
  if (before.ok() && is_same(*before)) return false;
  if (before.ok()) {
    return absl::AlreadyExistsError(fmt::format("{} holds another object ({} bytes, SHA-256 {}) than {} ({} bytes, SHA-256 {}); nothing was replaced",
                                                UrlOf(name), before->bytes, before->sha256.empty() ? "unknown" : before->sha256, path,
                                                digest.bytes, digest.sha256));
  }
  if (!absl::IsNotFound(before.status())) return before.status();
  WEFT_ASSIGN_OR_RETURN(const std::unique_ptr<ByteSource> source, OpenFileSource(path));
  if (source->size() != digest.bytes) return FailedPrecondition("{} has changed while it was stored", path);
  WEFT_RETURN_IF_ERROR(digest.bytes <= part_bytes_ ? PutWhole(*source, name, digest) : PutParts(*source, name, digest));
  WEFT_ASSIGN_OR_RETURN(const ObjectInfo after, Head(name));
  if (!is_same(after)) return DataLoss("{} is {} bytes with SHA-256 {} after {} was stored there", UrlOf(name), after.bytes, after.sha256, path);
  return true;
}

absl::Status S3Store::PutWhole(const ByteSource& source, const std::string& name, const ObjectDigest& digest) {
  WEFT_ASSIGN_OR_RETURN(const StoreResponse response,
                        requests_.Send({.method = "PUT", .key = KeyOf(name), .headers = {{kDigestHeader, digest.sha256}}, .body = &source,
                                        .body_bytes = digest.bytes}));
  return response.status == 200 ? absl::OkStatus() : requests_.ErrorOf(response, UrlOf(name));
}

absl::Status S3Store::PutParts(const ByteSource& source, const std::string& name, const ObjectDigest& digest) {
  AbortLeftovers(name);
  WEFT_ASSIGN_OR_RETURN(const std::string upload, BeginParts(name, digest));
  const auto parts = SendParts(source, name, upload);
  absl::Status status = parts.status();
  if (status.ok()) status = CompleteParts(name, upload, *parts);
  if (!status.ok() && !requests_.wait().stopped()) AbortParts(KeyOf(name), upload);
  return status;
}

absl::StatusOr<std::string> S3Store::BeginParts(const std::string& name, const ObjectDigest& digest) {
  WEFT_ASSIGN_OR_RETURN(const StoreResponse response,
                        requests_.Send({.method = "POST", .key = KeyOf(name), .query = {{"uploads", ""}}, .headers = {{kDigestHeader, digest.sha256}}}));
  std::string upload = S3Element(response.body, "UploadId");
  if (response.status != 200 || upload.empty()) return requests_.ErrorOf(response, UrlOf(name));
  return upload;
}

absl::StatusOr<std::string> S3Store::SendParts(const ByteSource& source, const std::string& name, const std::string& upload) {
  const uint64_t size = source.size();
  const uint64_t part_bytes = std::max(part_bytes_, (size + kMostParts - 1) / kMostParts);
  std::string list;
  for (uint64_t offset = 0, number = 1; offset < size; offset += part_bytes, ++number) {
    WEFT_ASSIGN_OR_RETURN(const StoreResponse response,
                          requests_.Send({.method = "PUT", .key = KeyOf(name),
                                          .query = {{"partNumber", std::to_string(number)}, {"uploadId", upload}}, .body = &source,
                                          .body_offset = offset, .body_bytes = std::min(part_bytes, size - offset)}));
    if (response.status != 200) return requests_.ErrorOf(response, fmt::format("{}, part {}", UrlOf(name), number));
    list += fmt::format("<Part><PartNumber>{}</PartNumber><ETag>{}</ETag></Part>", number, S3Escape(response.Get("etag")));
  }
  return list;
}

absl::Status S3Store::CompleteParts(const std::string& name, const std::string& upload, const std::string& parts) {
  const MemorySource body(fmt::format("<CompleteMultipartUpload>{}</CompleteMultipartUpload>", parts));
  WEFT_ASSIGN_OR_RETURN(const StoreResponse response,
                        requests_.Send({.method = "POST", .key = KeyOf(name), .query = {{"uploadId", upload}}, .body = &body, .body_bytes = body.size()}));
  // An answer that was lost on the way, and the request tried again: the upload is no more, as it is complete. What is there is looked
  // at after this in any case.
  if (response.status == 404 && S3Element(response.body, "Code") == "NoSuchUpload") return absl::OkStatus();
  if (response.status == 200 && response.body.find("<Error>") == std::string::npos) return absl::OkStatus();
  return requests_.ErrorOf(response, UrlOf(name));
}

// What fails here stays behind as parts that nobody sees: a lifecycle rule of the bucket, or the next Put, removes them.
void S3Store::AbortParts(const std::string& key, const std::string& upload) {
  requests_.Send({.method = "DELETE", .key = key, .query = {{"uploadId", upload}}}).status().IgnoreError();
}

void S3Store::AbortLeftovers(const std::string& name) {
  const auto response = requests_.Send({.method = "GET", .key = "", .query = {{"uploads", ""}, {"prefix", KeyOf(name)}}});
  if (!response.ok() || response->status != 200) return;
  for (const std::string_view upload : S3Elements(response->body, "Upload")) {
    if (S3Element(upload, "Key") == KeyOf(name)) AbortParts(KeyOf(name), S3Element(upload, "UploadId"));
  }
}

absl::Status S3Store::List(const std::string& prefix, absl::FunctionRef<absl::Status(const ObjectInfo&)> each) {
  std::string token;
  while (true) {
    S3Call call{.method = "GET", .key = "", .query = {{"list-type", "2"}, {"prefix", KeyOf(prefix)}}};
    if (!token.empty()) call.query.emplace_back("continuation-token", token);
    WEFT_ASSIGN_OR_RETURN(const StoreResponse response, requests_.Send(call));
    if (response.status != 200) return requests_.ErrorOf(response, UrlOf(prefix));
    for (const std::string_view object : S3Elements(response.body, "Contents")) {
      const std::string key = S3Element(object, "Key");
      const size_t front = KeyOf("").size();
      if (key.size() >= front) WEFT_RETURN_IF_ERROR(each({key.substr(front), Number(S3Element(object, "Size")), ""}));
    }
    token = S3Element(response.body, "NextContinuationToken");
    if (token.empty()) return absl::OkStatus();
  }
}

absl::StatusOr<std::string> S3Store::Get(const std::string& name, uint64_t offset, uint64_t length) {
  if (length == 0) return std::string();
  WEFT_ASSIGN_OR_RETURN(StoreResponse response,
                        requests_.Send({.method = "GET", .key = KeyOf(name), .headers = {{"Range", fmt::format("bytes={}-{}", offset, offset + length - 1)}}}));
  if (response.status == 206 && response.body.size() <= length) return std::move(response.body);
  if (response.status == 416) return std::string();
  if (response.status == 200) return offset < response.body.size() ? response.body.substr(static_cast<size_t>(offset), static_cast<size_t>(length)) : "";
  return requests_.ErrorOf(response, UrlOf(name));
}

}  // namespace

std::unique_ptr<ObjectStore> NewS3Store(const S3Place& place, const AwsCredentials& credentials, const StoreOptions& options,
                                        std::unique_ptr<StoreHttp> http, StoreWait& wait, const Clock& clock, Random& random) {
  return std::make_unique<S3Store>(place, options.part_bytes, S3Requests(place, credentials, options, std::move(http), wait, clock, random));
}

}  // namespace weft
