#include "storage/object_store.h"

#include <algorithm>
#include <cstdlib>

#include "common/digest.h"
#include "common/status.h"
#include "common/url.h"
#include "storage/atomic_output.h"
#include "storage/aws_credentials.h"
#include "storage/byte_source.h"
#include "storage/directory_store.h"
#include "storage/s3_requests.h"
#include "storage/s3_store.h"
#include "storage/store_http.h"
#include "storage/webhdfs_store.h"

namespace weft {
namespace {

constexpr std::string_view kS3 = "s3://";
constexpr std::string_view kFile = "file://";
constexpr std::string_view kHdfs = "webhdfs://";
constexpr uint64_t kFetchBytes = 8u << 20;

std::string_view WithoutSlashes(std::string_view text) {
  while (text.starts_with('/')) text.remove_prefix(1);
  while (text.ends_with('/')) text.remove_suffix(1);
  return text;
}

// "Bucket naming rules": what could not be a bucket must not become a part of a host name or path.
bool IsBucket(std::string_view name) {
  const bool plain = std::all_of(name.begin(), name.end(), [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.'; });
  return plain && name.size() >= 3 && name.size() <= 63 && name.front() != '.' && name.front() != '-' && name.find("..") == name.npos;
}

const char* FromEnvironment(const char* name) { return std::getenv(name); }

absl::StatusOr<S3Place> S3PlaceOf(const StoreOptions& options) {
  S3Place place;
  const std::string_view rest = std::string_view(options.url).substr(kS3.size());
  place.bucket = std::string(rest.substr(0, rest.find('/')));
  if (!IsBucket(place.bucket)) return InvalidArgument("'{}': '{}' is no bucket's name; expected s3://BUCKET/PREFIX", options.url, place.bucket);
  place.prefix = std::string(WithoutSlashes(rest.substr(place.bucket.size())));
  place.region = options.region.empty() ? FindAwsRegion(FromEnvironment) : options.region;
  place.endpoint = options.endpoint;
  return place;
}

absl::StatusOr<HdfsPlace> HdfsPlaceOf(const std::string& text) {
  const auto url = Url::Parse("http://" + text.substr(kHdfs.size()));
  if (!url.ok() || url->host().empty()) return InvalidArgument("'{}' names no host; expected webhdfs://HOST:PORT/PATH", text);
  HdfsPlace place{url->origin(), "/" + std::string(WithoutSlashes(url->path())), std::string(url->userinfo())};
  if (place.path == "/") place.path.clear();
  if (const char* user = std::getenv("HADOOP_USER_NAME"); place.user.empty() && user != nullptr) place.user = user;
  return place;
}

}  // namespace

absl::Status CheckStoreUrl(std::string_view url) {
  const std::string text(url);
  if (url.starts_with(kS3)) return S3PlaceOf({.url = text}).status();
  if (url.starts_with(kHdfs)) return HdfsPlaceOf(text).status();
  if (url.starts_with(kFile) && url.size() > kFile.size() + 1 && url[kFile.size()] == '/') return absl::OkStatus();
  return InvalidArgument("'{}' is no store: expected s3://BUCKET/PREFIX, file:///PATH or webhdfs://HOST:PORT/PATH", url);
}

absl::StatusOr<std::unique_ptr<ObjectStore>> OpenObjectStore(const StoreOptions& options, StoreWait& wait, const Clock& clock, Random& random) {
  WEFT_RETURN_IF_ERROR(CheckStoreUrl(options.url));
  if (options.url.starts_with(kFile)) {
    return NewDirectoryStore("/" + std::string(WithoutSlashes(std::string_view(options.url).substr(kFile.size()))), wait);
  }
  if (options.url.starts_with(kHdfs)) {
    WEFT_ASSIGN_OR_RETURN(const HdfsPlace place, HdfsPlaceOf(options.url));
    return NewWebHdfsStore(place, options, NewCurlStoreHttp(options.timeout, wait), wait, random);
  }
  WEFT_ASSIGN_OR_RETURN(const S3Place place, S3PlaceOf(options));
  WEFT_ASSIGN_OR_RETURN(const AwsCredentials credentials, FindAwsCredentials(FromEnvironment));
  return NewS3Store(place, credentials, options, NewCurlStoreHttp(options.timeout, wait), wait, clock, random);
}

absl::StatusOr<ObjectDigest> DigestOfFile(const std::string& path) {
  WEFT_ASSIGN_OR_RETURN(const auto source, OpenFileSource(path));
  WEFT_ASSIGN_OR_RETURN(std::string sha256, Sha256OfRange(*source, 0, source->size()));
  return ObjectDigest{source->size(), std::move(sha256)};
}

absl::Status FetchObject(ObjectStore& store, const std::string& name, const ObjectDigest& digest, const std::string& path) {
  WEFT_ASSIGN_OR_RETURN(const auto output, AtomicOutput::ToFile(path));
  Sha256Stream stream;
  while (output->size() < digest.bytes) {
    WEFT_ASSIGN_OR_RETURN(const std::string piece, store.Get(name, output->size(), std::min(kFetchBytes, digest.bytes - output->size())));
    if (piece.empty()) break;
    stream.Add(piece);
    WEFT_RETURN_IF_ERROR(output->Write(piece));
  }
  const std::string sha256 = HexLower(stream.Finish());
  if (output->size() != digest.bytes || (!digest.sha256.empty() && sha256 != digest.sha256)) {
    return DataLoss("{} is not what was stored there: {} of {} bytes, or another digest", store.UrlOf(name), output->size(), digest.bytes);
  }
  return output->Finish();
}

}  // namespace weft
