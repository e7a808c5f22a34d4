#include "storage/aws_credentials.h"

#include "common/ascii.h"
#include "common/status.h"
#include "storage/byte_source.h"

namespace weft {
namespace {

constexpr size_t kMostFile = 1u << 20;

std::string Of(const Environment& environment, const char* name) {
  const char* value = environment(name);
  return value == nullptr ? "" : value;
}

}  // namespace

absl::StatusOr<AwsCredentials> ReadAwsProfile(std::string_view text, std::string_view profile) {
  AwsCredentials found;
  bool inside = false;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const std::string_view line = TrimAsciiSpace(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (line.empty() || line.front() == '#' || line.front() == ';') continue;
    if (line.front() == '[') {
      inside = line.back() == ']' && TrimAsciiSpace(line.substr(1, line.size() - 2)) == profile;
      continue;
    }
    const size_t equals = line.find('=');
    if (!inside || equals == std::string_view::npos) continue;
    const std::string name = LowerAscii(TrimAsciiSpace(line.substr(0, equals)));
    const std::string value(TrimAsciiSpace(line.substr(equals + 1)));
    if (name == "aws_access_key_id") found.access_key = value;
    if (name == "aws_secret_access_key") found.secret_key = value;
    if (name == "aws_session_token") found.session_token = value;
  }
  if (found.access_key.empty() || found.secret_key.empty()) return NotFound("no keys of the profile '{}'", profile);
  return found;
}

absl::StatusOr<AwsCredentials> FindAwsCredentials(const Environment& environment) {
  AwsCredentials found{Of(environment, "AWS_ACCESS_KEY_ID"), Of(environment, "AWS_SECRET_ACCESS_KEY"), Of(environment, "AWS_SESSION_TOKEN")};
  if (!found.access_key.empty() && !found.secret_key.empty()) return found;
  std::string path = Of(environment, "AWS_SHARED_CREDENTIALS_FILE");
  if (path.empty()) path = Of(environment, "HOME") + "/.aws/credentials";
  std::string profile = Of(environment, "AWS_PROFILE");
  if (profile.empty()) profile = "default";
  auto source = OpenFileSource(path);
  absl::Status why = source.status();
  if (source.ok()) {
    std::string text(static_cast<size_t>(std::min<uint64_t>((*source)->size(), kMostFile)), '\0');
    text.resize((*source)->ReadAt(0, text.data(), text.size()));
    auto read = ReadAwsProfile(text, profile);
    if (read.ok()) return read;
    why = WithContext(read.status(), path);
  }
  return FailedPrecondition("no credentials for S3: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or write them to {} ({})", path,
                            ErrorText(why));
}

std::string FindAwsRegion(const Environment& environment) {
  for (const char* name : {"AWS_REGION", "AWS_DEFAULT_REGION"}) {
    if (const std::string region = Of(environment, name); !region.empty()) return region;
  }
  return "us-east-1";
}

}  // namespace weft
