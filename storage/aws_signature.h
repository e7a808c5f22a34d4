// AWS Signature Version 4, header form, as the Amazon S3 API reference tells it under "Signature Calculations for the
// Authorization Header: Transferring Payload in a Single Chunk". Pure functions; any thread.
#pragma once

#include <absl/time/time.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weft {

struct AwsCredentials {
  std::string access_key;
  std::string secret_key;
  std::string session_token;  // of temporary ones; empty: none
};

// Everything as it is meant, not as it is escaped: the signature and the request line are made of the same bytes by AwsTarget.
struct AwsRequest {
  std::string method;
  std::string path = "/";                                     // "/bucket/a key"
  std::vector<std::pair<std::string, std::string>> query;
  std::vector<std::pair<std::string, std::string>> headers;   // those that are signed: Host and X-Amz-* must be
  std::string payload_sha256;                                 // hexadecimal
};

// UriEncode() of the reference: all but A-Z a-z 0-9 - . _ ~ becomes %XX, upper case; "/" too unless it is kept.
std::string AwsEscape(std::string_view text, bool keep_slash = false);
// Path and query as they stand in the request line.
std::string AwsTarget(const AwsRequest& request);
// "20130524T000000Z"
std::string AwsTime(absl::Time time);

// The three steps of the reference.
std::string AwsCanonicalRequest(const AwsRequest& request);
std::string AwsStringToSign(const AwsRequest& request, absl::Time time, std::string_view region);
// Lower-case hexadecimal.
std::string AwsSignature(const AwsRequest& request, const AwsCredentials& credentials, absl::Time time, std::string_view region);
// The value of the Authorization header.
std::string AwsAuthorization(const AwsRequest& request, const AwsCredentials& credentials, absl::Time time, std::string_view region);

}  // namespace weft
