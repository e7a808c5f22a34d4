#include "common/url_parser.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "common/percent_encoding.h"
#include "common/status.h"
#include "common/url_host.h"
#include "common/utf8.h"

namespace weft {
namespace {

constexpr size_t kMaxInputBytes = 1 << 20;

enum PathByte : uint8_t { kEndsSegment = 1, kEndsSpecialSegment = 2, kEncode = 4 };

constexpr std::array<uint8_t, 256> MakePathBytes() {
  std::array<uint8_t, 256> table{};
  for (unsigned c = 0; c < 256; ++c) {
    if ((internal::kEncodeSets[c] & static_cast<unsigned>(EncodeSet::kPath)) != 0) table[c] = kEncode;
  }
  for (char c : {'/', '?', '#'}) table[static_cast<unsigned char>(c)] = kEndsSegment | kEndsSpecialSegment;
  table['\\'] = kEndsSpecialSegment;
  return table;
}

constexpr std::array<uint8_t, 256> kPathBytes = MakePathBytes();

bool IsAlpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool IsSchemeByte(char c) { return IsAlpha(c) || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.'; }
char LoweredByte(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool IsDriveLetter(std::string_view text) {
  return text.size() == 2 && IsAlpha(text[0]) && (text[1] == ':' || text[1] == '|');
}

// 4.2, "starts with a Windows drive letter".
bool StartsWithDriveLetter(std::string_view text) {
  return text.size() >= 2 && IsDriveLetter(text.substr(0, 2)) &&
         (text.size() == 2 || std::string_view("/\\?#").find(text[2]) != std::string_view::npos);
}

// "/C:" alone or as the first segment of `path`.
bool BeginsAtNormalizedDrive(std::string_view path) {
  return path.size() >= 3 && path[0] == '/' && IsAlpha(path[1]) && path[2] == ':' &&
         (path.size() == 3 || path[3] == '/');
}

// 1 for ".", 2 for "..", with "%2e" in either case for a dot; else 0.
int DotSegment(std::string_view segment) {
  int dots = 0;
  while (!segment.empty()) {
    if (segment[0] == '.') {
      segment.remove_prefix(1);
    } else if (segment.starts_with("%2e") || segment.starts_with("%2E")) {
      segment.remove_prefix(3);
    } else {
      return 0;
    }
    if (++dots > 2) return 0;
  }
  return dots;
}

// Whether a byte below 0x20 or above 0x7f occurs: eight bytes a step, since nearly every URL is clean.
bool HasControlOrNonAscii(std::string_view text) {
  constexpr uint64_t kOnes = 0x0101010101010101;
  size_t at = 0;
  for (; at + 8 <= text.size(); at += 8) {
    uint64_t word;
    std::memcpy(&word, text.data() + at, 8);
    if (((word | ((word - kOnes * 0x20) & ~word)) & (kOnes * 0x80)) != 0) return true;
  }
  for (; at < text.size(); ++at) {
    if (static_cast<unsigned char>(text[at]) < 0x20 || static_cast<unsigned char>(text[at]) >= 0x80) return true;
  }
  return false;
}

// 4.4: trims C0 controls and spaces at both ends, drops tabs and newlines; what is no UTF-8 becomes U+FFFD. The result
// points into `input` or into `storage`.
std::string_view Clean(std::string_view input, std::string& storage) {
  const auto trimmed = [](char c) { return static_cast<unsigned char>(c) <= 0x20; };
  while (!input.empty() && trimmed(input.front())) input.remove_prefix(1);
  while (!input.empty() && trimmed(input.back())) input.remove_suffix(1);
  if (!HasControlOrNonAscii(input)) return input;
  if (input.find_first_of("\t\n\r") != std::string_view::npos) {
    storage.reserve(input.size());
    for (char c : input) {
      if (c != '\t' && c != '\n' && c != '\r') storage += c;
    }
    input = storage;
  }
  if (!IsValidUtf8(input)) {
    storage = ReplaceInvalidUtf8(input);
    input = storage;
  }
  return input;
}

// The length of the scheme before its ":", or npos.
size_t SchemeLength(std::string_view text) {
  if (text.empty() || !IsAlpha(text[0])) return std::string_view::npos;
  size_t length = 1;
  while (length < text.size() && IsSchemeByte(text[length])) ++length;
  return length < text.size() && text[length] == ':' ? length : std::string_view::npos;
}

}  // namespace

UrlParser::Scheme UrlParser::SchemeOf(std::string_view name) {
  if (name == "http") return Scheme::kHttp;
  if (name == "https") return Scheme::kHttps;
  if (name == "file") return Scheme::kFile;
  if (name == "ws") return Scheme::kWs;
  if (name == "wss") return Scheme::kWss;
  if (name == "ftp") return Scheme::kFtp;
  return Scheme::kNotSpecial;
}

absl::StatusOr<Url> UrlParser::Parse(std::string_view input) {
  if (input.size() > kMaxInputBytes) return InvalidArgument("a URL of {} bytes is longer than 1 MiB", input.size());
  if (query_encoder_ == nullptr && TakeCanonical(input)) return std::move(url_);
  if (base_ != nullptr && base_->empty()) base_ = nullptr;
  std::string storage;
  const std::string_view text = Clean(input, storage);
  const size_t scheme_length = SchemeLength(text);
  if (scheme_length != std::string_view::npos) {
    url_.href_.reserve(text.size() + 8);
    WEFT_RETURN_IF_ERROR(ParseWithScheme(text.substr(0, scheme_length), text.substr(scheme_length + 1)));
  } else {
    WEFT_RETURN_IF_ERROR(ParseWithoutScheme(text));
  }
  return std::move(url_);
}

// The scheme state and the states that it leads to.
absl::Status UrlParser::ParseWithScheme(std::string_view name, std::string_view rest) {
  url_.href_ = name;
  for (char& c : url_.href_) c = LoweredByte(c);
  scheme_ = SchemeOf(url_.href_);
  url_.scheme_end_ = static_cast<uint32_t>(name.size());
  url_.href_ += ':';
  if (scheme_ == Scheme::kFile) return ParseFile(rest);
  if (special()) {
    if (BaseIs(scheme_) && !rest.starts_with("//")) return ParseRelative(rest);
    return ParseAuthority(rest);
  }
  if (rest.starts_with("//")) return ParseAuthority(rest);
  EndAuthority();
  if (rest.starts_with('/')) {
    ParsePath(rest.substr(1));
  } else {
    ParseOpaquePath(rest);
  }
  return absl::OkStatus();
}

// The no scheme state.
absl::Status UrlParser::ParseWithoutScheme(std::string_view rest) {
  if (base_ == nullptr) return InvalidArgument("'{}' is relative and has no base", rest.substr(0, 100));
  const bool opaque_base = base_->path_begin_ == base_->scheme_end_ + 1 && !base_->path().starts_with('/');
  if (opaque_base) {
    if (!rest.starts_with('#')) return InvalidArgument("'{}:' URLs are no base for relative ones", base_->scheme());
    ResolveQueryAndFragment(rest);
    return absl::OkStatus();
  }
  scheme_ = SchemeOf(base_->scheme());
  if (scheme_ != Scheme::kFile) return ParseRelative(rest);
  return ParseFile(rest);
}

// The relative and relative slash states.
absl::Status UrlParser::ParseRelative(std::string_view rest) {
  scheme_ = SchemeOf(base_->scheme());
  if (rest.empty() || rest[0] == '?' || rest[0] == '#') {
    ResolveQueryAndFragment(rest);
    return absl::OkStatus();
  }
  if (!IsSlash(rest[0])) {
    CopyBasePath();
    ShortenPath();
    ParsePath(rest);
    return absl::OkStatus();
  }
  if (rest.size() > 1 && IsSlash(rest[1])) {
    url_.href_.assign(base_->href_, 0, base_->scheme_end_ + 1);
    url_.scheme_end_ = base_->scheme_end_;
    return ParseAuthority(rest);
  }
  CopyBaseAuthority();
  ParsePath(rest.substr(1));
  return absl::OkStatus();
}

// The file state. Such a URL always has a host, which may be empty.
absl::Status UrlParser::ParseFile(std::string_view rest) {
  if (!rest.empty() && IsSlash(rest[0])) return ParseFileSlash(rest.substr(1));
  if (!BaseIs(Scheme::kFile)) {
    BeginAuthority();
    EndAuthority();
    ParsePath(rest);
    return absl::OkStatus();
  }
  if (rest.empty() || rest[0] == '?' || rest[0] == '#') {
    ResolveQueryAndFragment(rest);
    return absl::OkStatus();
  }
  if (StartsWithDriveLetter(rest)) {
    CopyBaseAuthority();
  } else {
    CopyBasePath();
    ShortenPath();
  }
  ParsePath(rest);
  return absl::OkStatus();
}

// The file slash state, behind the first slash.
absl::Status UrlParser::ParseFileSlash(std::string_view rest) {
  if (!rest.empty() && IsSlash(rest[0])) return ParseFileHost(rest.substr(1));
  if (BaseIs(Scheme::kFile)) {
    CopyBaseAuthority();
    if (!StartsWithDriveLetter(rest) && BeginsAtNormalizedDrive(base_->path())) {
      url_.href_ += base_->path().substr(0, 3);
    }
  } else {
    BeginAuthority();
    EndAuthority();
  }
  ParsePath(rest);
  return absl::OkStatus();
}

// The file host state.
absl::Status UrlParser::ParseFileHost(std::string_view rest) {
  if (url_.href_.empty()) url_.href_ = "file:";
  url_.scheme_end_ = 4;
  BeginAuthority();
  const size_t end = FindPartEnd(rest);
  const std::string_view host = rest.substr(0, end);
  if (IsDriveLetter(host)) {
    EndAuthority();
    ParsePath(rest);
    return absl::OkStatus();
  }
  if (!host.empty()) {
    WEFT_RETURN_IF_ERROR(AppendHost(host, true, url_.href_));
    if (std::string_view(url_.href_).substr(url_.host_begin_) == "localhost") url_.href_.resize(url_.host_begin_);
  }
  EndAuthority();
  ParsePathStart(rest.substr(end));
  return absl::OkStatus();
}

// The authority state. Special URLs may have any number of slashes before it (special authority ignore slashes state).
absl::Status UrlParser::ParseAuthority(std::string_view rest) {
  if (special()) {
    while (!rest.empty() && IsSlash(rest[0])) rest.remove_prefix(1);
  } else {
    rest.remove_prefix(2);
  }
  BeginAuthority();
  const size_t end = FindPartEnd(rest);
  std::string_view authority = rest.substr(0, end);
  if (const size_t at = authority.rfind('@'); at != std::string_view::npos) {
    if (at + 1 == authority.size()) return InvalidArgument("host is empty");
    AppendUserinfo(authority.substr(0, at));
    authority.remove_prefix(at + 1);
  }
  WEFT_RETURN_IF_ERROR(ParseHostAndPort(authority));
  ParsePathStart(rest.substr(end));
  return absl::OkStatus();
}

void UrlParser::AppendUserinfo(std::string_view credentials) {
  std::string& out = url_.href_;
  const size_t colon = credentials.find(':');
  const std::string_view password =
      colon == std::string_view::npos ? std::string_view() : credentials.substr(colon + 1);
  AppendPercentEncoded(credentials.substr(0, colon), EncodeSet::kUserinfo, out);
  if (!password.empty()) {
    out += ':';
    AppendPercentEncoded(password, EncodeSet::kUserinfo, out);
  }
  if (out.size() > url_.userinfo_begin_) out += '@';
}

// The host and port states. A colon between brackets belongs to the host.
absl::Status UrlParser::ParseHostAndPort(std::string_view text) {
  url_.host_begin_ = static_cast<uint32_t>(url_.href_.size());
  size_t colon = 0;
  for (bool in_brackets = false; colon < text.size() && (in_brackets || text[colon] != ':'); ++colon) {
    if (text[colon] == '[') in_brackets = true;
    if (text[colon] == ']') in_brackets = false;
  }
  if (colon == 0 && (special() || !text.empty())) return InvalidArgument("host is empty");
  if (colon > 0) WEFT_RETURN_IF_ERROR(AppendHost(text.substr(0, colon), special(), url_.href_));
  url_.host_end_ = static_cast<uint32_t>(url_.href_.size());
  if (colon < text.size()) WEFT_RETURN_IF_ERROR(ParsePort(text.substr(colon + 1)));
  url_.path_begin_ = static_cast<uint32_t>(url_.href_.size());
  return absl::OkStatus();
}

absl::Status UrlParser::ParsePort(std::string_view text) {
  unsigned port = 0;
  for (char c : text) {
    if (c >= '0' && c <= '9') port = port * 10 + static_cast<unsigned>(c - '0');
    if (c < '0' || c > '9' || port > 65535) {
      return InvalidArgument("port '{}' is not a number from 0 to 65535", text.substr(0, 20));
    }
  }
  if (text.empty() || (special() && port == DefaultPort(url_.scheme()))) return absl::OkStatus();
  url_.port_ = static_cast<uint16_t>(port);
  url_.href_ += ':';
  url_.href_ += fmt::format_int(port).c_str();
  return absl::OkStatus();
}

void UrlParser::ParsePathStart(std::string_view rest) {
  const bool slash = !rest.empty() && IsSlash(rest[0]);
  if (slash || special()) {
    ParsePath(rest.substr(slash ? 1 : 0));
  } else {
    ParseQueryAndFragment(rest);
  }
}

// The path state, behind the slash of the first segment. Appends at least one segment.
void UrlParser::ParsePath(std::string_view rest) {
  const unsigned ends = special() ? kEndsSpecialSegment : kEndsSegment;
  for (bool more = true; more;) {
    unsigned classes = 0;
    size_t end = 0;
    for (; end < rest.size(); ++end) {
      const unsigned byte_class = kPathBytes[static_cast<unsigned char>(rest[end])];
      if ((byte_class & ends) != 0) break;
      classes |= byte_class;
    }
    more = end < rest.size() && IsSlash(rest[end]);
    AppendSegment(rest.substr(0, end), more, (classes & kEncode) != 0);
    rest.remove_prefix(more ? end + 1 : end);
  }
  MarkPathWithoutAuthority();
  ParseQueryAndFragment(rest);
}

void UrlParser::AppendSegment(std::string_view segment, bool slash_follows, bool needs_encoding) {
  std::string& out = url_.href_;
  if (!segment.empty() && (segment[0] == '.' || segment[0] == '%')) {
    if (const int dots = DotSegment(segment); dots > 0) {
      if (dots == 2) ShortenPath();
      if (!slash_follows) out += '/';
      return;
    }
  }
  const bool first = out.size() == url_.path_begin_;
  out += '/';
  if (first && scheme_ == Scheme::kFile && IsDriveLetter(segment)) {
    out += segment[0];
    out += ':';
  } else if (needs_encoding) {
    AppendPercentEncoded(segment, EncodeSet::kPath, out);
  } else {
    out += segment;
  }
}

// 4.2, "shorten a path": what is removed was appended before, so that all of them together stay linear.
void UrlParser::ShortenPath() {
  std::string& out = url_.href_;
  const std::string_view path = std::string_view(out).substr(url_.path_begin_);
  if (path.empty()) return;
  if (scheme_ == Scheme::kFile && path.size() == 3 && BeginsAtNormalizedDrive(path)) return;
  out.resize(out.rfind('/'));
}

// 4.5: without an authority a path that begins with "//" would read as one; "/." keeps it apart.
void UrlParser::MarkPathWithoutAuthority() {
  if (url_.host_begin_ != url_.scheme_end_ + 1) return;
  if (!std::string_view(url_.href_).substr(url_.path_begin_).starts_with("//")) return;
  url_.href_.insert(url_.path_begin_, "/.");
  url_.path_begin_ += 2;
}

// The opaque path state: of its spaces only one right before a query or fragment is encoded.
void UrlParser::ParseOpaquePath(std::string_view rest) {
  const size_t end = std::min(rest.find_first_of("?#"), rest.size());
  std::string_view path = rest.substr(0, end);
  const bool last_space = end < rest.size() && path.ends_with(' ');
  if (last_space) path.remove_suffix(1);
  AppendPercentEncoded(path, EncodeSet::kC0Control, url_.href_);
  if (last_space) url_.href_ += "%20";
  ParseQueryAndFragment(rest.substr(end));
}

// The base's path, with its query unless `rest` brings one. `rest` is empty or begins with "?" or "#".
void UrlParser::ResolveQueryAndFragment(std::string_view rest) {
  CopyBasePath();
  MarkPathWithoutAuthority();
  if (!rest.starts_with('?') && base_->has_query()) {
    url_.query_begin_ = static_cast<uint32_t>(url_.href_.size());
    url_.href_ += '?';
    url_.href_ += base_->query();
  }
  ParseQueryAndFragment(rest);
}

// `rest` is empty or begins with "?" or "#".
void UrlParser::ParseQueryAndFragment(std::string_view rest) {
  std::string& out = url_.href_;
  if (rest.starts_with('?')) {
    const size_t end = std::min(rest.find('#'), rest.size());
    url_.query_begin_ = static_cast<uint32_t>(out.size());
    out += '?';
    AppendQuery(rest.substr(1, end - 1));
    rest.remove_prefix(end);
  }
  if (rest.starts_with('#')) {
    url_.fragment_begin_ = static_cast<uint32_t>(out.size());
    out += '#';
    AppendPercentEncoded(rest.substr(1), EncodeSet::kFragment, out);
  }
}

// 1.3, "percent-encode after encoding". A "#" cannot occur in the query itself, so "&#" is what the encoder wrote for
// a character that the encoding lacks; the standard escapes its three delimiters.
void UrlParser::AppendQuery(std::string_view query) {
  const EncodeSet set = special() ? EncodeSet::kSpecialQuery : EncodeSet::kQuery;
  const bool utf8_only = !special() || scheme_ == Scheme::kWs || scheme_ == Scheme::kWss;
  if (query_encoder_ == nullptr || utf8_only) {
    AppendPercentEncoded(query, set, url_.href_);
    return;
  }
  const std::string encoded = (*query_encoder_)(query);
  std::string_view rest = encoded;
  for (size_t mark = rest.find("&#"); mark != std::string_view::npos; mark = rest.find("&#")) {
    const size_t end = std::min(rest.find_first_not_of("0123456789", mark + 2), rest.size());
    AppendPercentEncoded(rest.substr(0, mark), set, url_.href_);
    url_.href_ += "%26%23";
    url_.href_ += rest.substr(mark + 2, end - mark - 2);
    const bool closed = end < rest.size() && rest[end] == ';';
    if (closed) url_.href_ += "%3B";
    rest.remove_prefix(closed ? end + 1 : end);
  }
  AppendPercentEncoded(rest, set, url_.href_);
}

size_t UrlParser::FindPartEnd(std::string_view text) const {
  const unsigned ends = special() ? kEndsSpecialSegment : kEndsSegment;
  size_t end = 0;
  while (end < text.size() && (kPathBytes[static_cast<unsigned char>(text[end])] & ends) == 0) ++end;
  return end;
}

void UrlParser::BeginAuthority() {
  url_.href_ += "//";
  url_.userinfo_begin_ = url_.host_begin_ = static_cast<uint32_t>(url_.href_.size());
}

void UrlParser::EndAuthority() {
  const auto end = static_cast<uint32_t>(url_.href_.size());
  if (url_.host_begin_ == 0) url_.userinfo_begin_ = url_.host_begin_ = end;
  url_.host_end_ = url_.path_begin_ = end;
}

void UrlParser::CopyBaseAuthority() {
  const bool has_authority = base_->host_begin_ != base_->scheme_end_ + 1;
  url_.href_.assign(base_->href_, 0, has_authority ? base_->path_begin_ : base_->scheme_end_ + 1);
  url_.scheme_end_ = base_->scheme_end_;
  url_.userinfo_begin_ = base_->userinfo_begin_;
  url_.host_begin_ = base_->host_begin_;
  url_.host_end_ = base_->host_end_;
  url_.port_ = base_->port_;
  url_.path_begin_ = static_cast<uint32_t>(url_.href_.size());
}

void UrlParser::CopyBasePath() {
  CopyBaseAuthority();
  url_.href_ += base_->path();
}

}  // namespace weft
