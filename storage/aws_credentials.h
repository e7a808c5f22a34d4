// The credentials of S3, from where Amazon's own tools take them.
#pragma once

#include <absl/status/statusor.h>

#include <functional>
#include <string>
#include <string_view>

#include "storage/aws_signature.h"

namespace weft {

// Null or empty: the variable is not set.
using Environment = std::function<const char*(const char* name)>;

// AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (with AWS_SESSION_TOKEN), else the profile AWS_PROFILE ("default") of
// AWS_SHARED_CREDENTIALS_FILE (~/.aws/credentials). FailedPrecondition, for people: there are none, and where they were looked for.
absl::StatusOr<AwsCredentials> FindAwsCredentials(const Environment& environment);
// `text`: of a credentials file. NotFound: it has no such profile, or no keys in it.
absl::StatusOr<AwsCredentials> ReadAwsProfile(std::string_view text, std::string_view profile);
// AWS_REGION, AWS_DEFAULT_REGION, else "us-east-1".
std::string FindAwsRegion(const Environment& environment);

}  // namespace weft
