#include "storage/warc_format.h"

#include <fmt/format.h>

namespace weft {
namespace {

bool IsControl(char c) { return static_cast<unsigned char>(c) < 0x20 || c == '\x7f'; }

std::string_view EndingOf(WarcCompression compression) {
  switch (compression) {
    case WarcCompression::kNone: return ".warc";
    case WarcCompression::kGzip: return ".warc.gz";
    case WarcCompression::kZstd: return ".warc.zst";
  }
  return "";
}

}  // namespace

WarcCompression WarcCompressionOf(std::string_view name) {
  if (name == "none") return WarcCompression::kNone;
  return name == "zstd" ? WarcCompression::kZstd : WarcCompression::kGzip;
}

WarcDedup WarcDedupOf(std::string_view name) {
  if (name == "none") return WarcDedup::kNone;
  return name == "all" ? WarcDedup::kAll : WarcDedup::kUrl;
}

bool IsWarcFileName(std::string_view name) {
  return name.ends_with(".warc") || name.ends_with(".warc.gz") || name.ends_with(".warc.zst");
}

std::string WarcFileName(std::string_view prefix, absl::Time now, uint64_t serial, std::string_view host,
                         uint64_t pages_dir_id, WarcCompression compression) {
  constexpr size_t kLongestHost = 64;
  std::string safe_host(host.substr(0, kLongestHost));
  for (char& c : safe_host) {
    if (!BelongsInFileName(c)) c = '-';
  }
  if (safe_host.empty()) safe_host = "localhost";
  const absl::CivilSecond civil = absl::ToCivilSecond(now, absl::UTCTimeZone());
  const int64_t millis = absl::ToUnixMillis(now) - absl::ToUnixSeconds(now) * 1000;
  return fmt::format("{}-{:04}{:02}{:02}{:02}{:02}{:02}{:03}-{:05}-{}-{:08x}{}", IsWarcPrefix(prefix) ? prefix : kWarcPrefix,
                     civil.year(), civil.month(), civil.day(), civil.hour(), civil.minute(), civil.second(), millis, serial,
                     safe_host, static_cast<uint32_t>(pages_dir_id), EndingOf(compression));
}

std::string WarcDate(absl::Time time) {
  const absl::CivilSecond civil = absl::ToCivilSecond(time, absl::UTCTimeZone());
  const int64_t micros = absl::ToUnixMicros(time) - absl::ToUnixSeconds(time) * 1'000'000;
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", civil.year(), civil.month(), civil.day(),
                     civil.hour(), civil.minute(), civil.second(), micros);
}

std::string NewRecordId(Random& random) {
  const uint64_t high = (random.Next() & ~0xF000ULL) | 0x4000ULL;               // version 4
  const uint64_t low = (random.Next() & ~(3ULL << 62)) | (2ULL << 62);          // variant 10
  return fmt::format("<urn:uuid:{:08x}-{:04x}-{:04x}-{:04x}-{:012x}>", high >> 32, (high >> 16) & 0xFFFF,
                     high & 0xFFFF, low >> 48, low & 0xFFFFFFFFFFFFULL);
}

std::string WarcUrl(std::string_view url) {
  std::string safe;
  safe.reserve(url.size());
  for (const char c : url) {
    if (IsControl(c) || c == ' ' || c == '<' || c == '>') {
      fmt::format_to(std::back_inserter(safe), "%{:02X}", static_cast<unsigned char>(c));
    } else {
      safe += c;
    }
  }
  return safe;
}

WarcHead::WarcHead(std::string_view type) {
  text_.reserve(1024);
  text_ += "WARC/1.1\r\n";
  Add("WARC-Type", type);
}

WarcHead& WarcHead::Add(std::string_view name, std::string_view value) {
  AppendWarcField(text_, name, value);
  return *this;
}

WarcHead& WarcHead::AddUrl(std::string_view name, std::string_view url) { return Add(name, WarcUrl(url)); }

std::string WarcHead::Finish(uint64_t content_length) {
  Add("Content-Length", fmt::to_string(content_length));
  text_ += "\r\n";
  return std::move(text_);
}

void AppendWarcField(std::string& block, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  block += name;
  block += ": ";
  for (const char c : value) block += IsControl(c) ? ' ' : c;
  block += "\r\n";
}

}  // namespace weft
