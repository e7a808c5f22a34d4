#include "storage/aws_signature.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <cstdlib>
#include <map>

#include "common/ascii.h"
#include "common/digest.h"

namespace weft {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";

std::string Hmac(std::string_view key, std::string_view text) {
  std::string out(32, '\0');
  unsigned int size = 0;
  // Fails only without memory or without SHA-256 in the library.
  if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(text.data()),
           text.size(), reinterpret_cast<unsigned char*>(out.data()), &size) == nullptr) {
    std::abort();
  }
  return out;
}

std::string Sha256Hex(std::string_view bytes) {
  Sha256Stream stream;
  stream.Add(bytes);
  return HexLower(stream.Finish());
}

bool IsUnreserved(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
}

// "Sorted alphabetically by key name; sort after encoding": a parameter without a value has an empty one.
std::string CanonicalQuery(const AwsRequest& request) {
  std::vector<std::pair<std::string, std::string>> escaped;
  for (const auto& [name, value] : request.query) escaped.emplace_back(AwsEscape(name), AwsEscape(value));
  std::sort(escaped.begin(), escaped.end());
  std::string query;
  for (const auto& [name, value] : escaped) query += fmt::format("{}{}={}", query.empty() ? "" : "&", name, value);
  return query;
}

// "Lowercase header names, trimmed values", sorted by name; runs of blanks within a value are one.
std::map<std::string, std::string> CanonicalHeaders(const AwsRequest& request) {
  std::map<std::string, std::string> headers;
  for (const auto& [name, value] : request.headers) {
    std::string single;
    for (const char c : TrimAsciiSpace(value)) {
      if (c != ' ' || single.empty() || single.back() != ' ') single += c;
    }
    headers[LowerAscii(name)] = single;
  }
  return headers;
}

std::string SignedHeaders(const AwsRequest& request) {
  std::string names;
  for (const auto& [name, value] : CanonicalHeaders(request)) names += (names.empty() ? "" : ";") + name;
  return names;
}

std::string Scope(absl::Time time, std::string_view region) {
  return fmt::format("{}/{}/s3/aws4_request", AwsTime(time).substr(0, 8), region);
}

}  // namespace

std::string AwsEscape(std::string_view text, bool keep_slash) {
  std::string out;
  for (const char c : text) {
    if (IsUnreserved(c) || (c == '/' && keep_slash)) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

std::string AwsTarget(const AwsRequest& request) {
  const std::string query = CanonicalQuery(request);
  return AwsEscape(request.path, true) + (query.empty() ? "" : "?" + query);
}

std::string AwsTime(absl::Time time) { return absl::FormatTime("%Y%m%dT%H%M%SZ", time, absl::UTCTimeZone()); }

std::string AwsCanonicalRequest(const AwsRequest& request) {
  // S3 normalises no path: "." and ".." and double slashes are parts of a key.
  std::string text = fmt::format("{}\n{}\n{}\n", request.method, AwsEscape(request.path, true), CanonicalQuery(request));
  for (const auto& [name, value] : CanonicalHeaders(request)) text += fmt::format("{}:{}\n", name, value);
  return text + fmt::format("\n{}\n{}", SignedHeaders(request), request.payload_sha256);
}

std::string AwsStringToSign(const AwsRequest& request, absl::Time time, std::string_view region) {
  return fmt::format("{}\n{}\n{}\n{}", kAlgorithm, AwsTime(time), Scope(time, region), Sha256Hex(AwsCanonicalRequest(request)));
}

std::string AwsSignature(const AwsRequest& request, const AwsCredentials& credentials, absl::Time time, std::string_view region) {
  std::string key = Hmac("AWS4" + credentials.secret_key, AwsTime(time).substr(0, 8));
  for (const std::string_view part : {region, std::string_view("s3"), std::string_view("aws4_request")}) key = Hmac(key, part);
  return HexLower(Hmac(key, AwsStringToSign(request, time, region)));
}

std::string AwsAuthorization(const AwsRequest& request, const AwsCredentials& credentials, absl::Time time, std::string_view region) {
  return fmt::format("{} Credential={}/{},SignedHeaders={},Signature={}", kAlgorithm, credentials.access_key, Scope(time, region),
                     SignedHeaders(request), AwsSignature(request, credentials, time, region));
}

}  // namespace weft
