#include "storage/s3_requests.h"

#include <algorithm>

#include "common/digest.h"
#include "common/status.h"
#include "common/url.h"
#include "storage/s3_answers.h"
#include "storage/store_retry.h"

namespace weft {
namespace {

constexpr size_t kReadBytes = 1u << 20;

bool IsPassing(const S3Call& call, const StoreResponse& response) {
  if (StoreRetry::IsPassing(response.status)) return true;
  // Where the work takes long (CompleteMultipartUpload) an error may follow after "200 OK". An object that is read may hold anything.
  if (response.status < 300 && call.method != "POST") return false;
  if (response.body.find("<Error>") == std::string::npos) return false;
  const std::string code = S3Element(response.body, "Code");
  for (const std::string_view passing : {"SlowDown", "RequestTimeout", "InternalError", "ServiceUnavailable", "OperationAborted"}) {
    if (code == passing) return true;
  }
  return false;
}

std::string Said(const StoreResponse& response) {
  const std::string code = S3Element(response.body, "Code");
  const std::string message = S3Element(response.body, "Message");
  if (code.empty()) return fmt::format("the server answers {}", response.status);
  return fmt::format("the server answers {} {}{}{}", response.status, code, message.empty() ? "" : ": ", message);
}

}  // namespace

S3Requests::S3Requests(const S3Place& place, const AwsCredentials& credentials, const StoreOptions& options,
                       std::unique_ptr<StoreHttp> http, StoreWait& wait, const Clock& clock, Random& random)
    : place_(place), credentials_(credentials), options_(options), http_(std::move(http)), wait_(wait), clock_(clock), random_(random) {
  // A certificate for *.s3.REGION.amazonaws.com is not of a name with more dots.
  const bool by_host = place_.endpoint.empty() && place_.bucket.find('.') == std::string::npos;
  if (!by_host) path_prefix_ = "/" + place_.bucket;
  if (place_.endpoint.empty()) {
    origin_ = fmt::format("https://{}s3.{}.amazonaws.com", by_host ? place_.bucket + "." : "", place_.region);
  } else if (const auto url = Url::Parse(place_.endpoint); url.ok()) {
    origin_ = url->origin();
  }
  host_ = origin_.substr(origin_.find("://") + 3);
}

absl::StatusOr<StoreResponse> S3Requests::SendOnce(const S3Call& call, const std::string& payload_sha256) {
  // Signed anew each time: a signature is good for some minutes.
  const absl::Time now = clock_.WallNow();
  AwsRequest request;
  request.method = call.method;
  request.path = path_prefix_ + "/" + call.key;
  request.query = call.query;
  request.headers = call.headers;
  request.headers.emplace_back("Host", host_);
  request.headers.emplace_back("x-amz-date", AwsTime(now));
  request.headers.emplace_back("x-amz-content-sha256", payload_sha256);
  if (!credentials_.session_token.empty()) request.headers.emplace_back("x-amz-security-token", credentials_.session_token);
  request.payload_sha256 = payload_sha256;
  StoreRequest sent;
  sent.method = request.method;
  sent.url = origin_ + AwsTarget(request);
  sent.headers = request.headers;
  sent.headers.emplace_back("Authorization", AwsAuthorization(request, credentials_, now, place_.region));
  sent.body = call.body;
  sent.body_offset = call.body_offset;
  sent.body_bytes = call.body_bytes;
  return http_->Send(sent);
}

absl::StatusOr<StoreResponse> S3Requests::Send(const S3Call& call) {
  std::string sha256 = HexLower(Sha256Stream().Finish());
  if (call.body != nullptr) {
    WEFT_ASSIGN_OR_RETURN(sha256, Sha256OfRange(*call.body, call.body_offset, call.body_bytes));
  }
  StoreRetry retry(options_, wait_, random_);
  absl::Status last = Unavailable("{}: not asked", host_);
  while (retry.Next()) {
    auto response = SendOnce(call, sha256);
    if (!response.ok() && !absl::IsUnavailable(response.status())) return response.status();
    if (response.ok() && !IsPassing(call, *response)) return response;
    last = Unavailable("{}: {}", host_, response.ok() ? Said(*response) : ErrorText(response.status()));
  }
  return retry.GiveUp(last);
}

absl::Status S3Requests::ErrorOf(const StoreResponse& response, std::string_view what) const {
  const std::string_view region = response.Get("x-amz-bucket-region");
  if (!region.empty() && region != place_.region) {
    return FailedPrecondition("{}: the bucket is in the region {}, not {}: --store-region {}", what, region, place_.region, region);
  }
  const std::string code = S3Element(response.body, "Code");
  if (code == "RequestTimeTooSkewed") {
    return FailedPrecondition("{}: this machine's clock ({}) is too far from the server's", what, AwsTime(clock_.WallNow()));
  }
  const std::string text = fmt::format("{}: {}", what, Said(response));
  if (response.status == 401 || response.status == 403) return absl::PermissionDeniedError(text);
  if (response.status == 404) return absl::NotFoundError(text);
  return absl::InternalError(text);
}

absl::StatusOr<std::string> Sha256OfRange(const ByteSource& source, uint64_t offset, uint64_t bytes) {
  Sha256Stream stream;
  std::string buffer(static_cast<size_t>(std::min<uint64_t>(bytes, kReadBytes)), '\0');
  while (bytes > 0) {
    const size_t want = static_cast<size_t>(std::min<uint64_t>(bytes, buffer.size()));
    if (source.ReadAt(offset, buffer.data(), want) != want) return DataLoss("the file cannot be read to its end");
    stream.Add(std::string_view(buffer).substr(0, want));
    offset += want;
    bytes -= want;
  }
  return HexLower(stream.Finish());
}

}  // namespace weft
