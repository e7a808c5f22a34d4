#include "cli/options_check.h"

#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "common/follow_choice.h"
#include "common/group_rule.h"
#include "common/ip_address.h"
#include "common/node_tags.h"
#include "common/sitemap_choice.h"
#include "common/status.h"
#include "common/url.h"
#include "common/warc_prefix.h"

namespace weft {
namespace {

bool IsAlnum(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// RFC 9110 5.6.2.
bool IsTokenChar(char c) {
  return IsAlnum(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool HasControl(std::string_view text) {
  const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  return std::any_of(text.begin(), text.end(), control);
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

std::optional<uint16_t> ReadPort(std::string_view text) {
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return port;
}

absl::Status CheckEndpoint(std::string_view value, bool any_port) {
  constexpr std::string_view kScheme = "tcp://";
  constexpr std::string_view kNodeShape = "expected tcp://HOST:PORT, such as tcp://127.0.0.1:7700";
  if (!value.starts_with(kScheme)) return InvalidArgument("'{}' is not an address of a node: {}", value, kNodeShape);
  const std::string_view rest = value.substr(kScheme.size());
  const size_t colon = rest.rfind(':');
  if (colon == std::string_view::npos) return InvalidArgument("'{}' has no port: {}", value, kNodeShape);
  const std::string_view host = rest.substr(0, colon);
  const std::string_view port_text = rest.substr(colon + 1);
  const std::optional<uint16_t> port = ReadPort(port_text);
  const bool port_ok = any_port ? port_text == "*" || port.has_value() : port.value_or(0) != 0;
  if (!port_ok) return InvalidArgument("'{}' has no usable port: {}", value, kNodeShape);
  if (host.empty()) return InvalidArgument("'{}' names no host: {}", value, kNodeShape);
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckRegex(std::string_view value) {
  RE2::Options options;
  options.set_log_errors(false);
  const RE2 regex(re2::StringPiece(value.data(), value.size()), options);
  if (regex.ok()) return absl::OkStatus();
  return InvalidArgument("'{}' is not a regular expression that RE2 reads: {}", value, regex.error());
}

absl::Status CheckNetwork(std::string_view value) {
  const auto cidr = Cidr::Parse(value);
  if (cidr.ok()) return absl::OkStatus();
  return InvalidArgument("'{}' is not a network; expected an address or a network such as 127.0.0.0/8 or fd00::/8", value);
}

absl::Status CheckEgress(std::string_view value) {
  return value.empty() ? absl::OkStatus() : ParseAddressList(value).status();
}

absl::Status CheckSitemaps(std::string_view value) {
  if (value == kSitemapsAuto || value == kSitemapsOff) return absl::OkStatus();
  const auto url = Url::Parse(value);
  if (url.ok() && url->is_http() && !url->host().empty()) return absl::OkStatus();
  return InvalidArgument("'{}' is neither auto, off nor the URL of a sitemap, such as https://example.com/sitemap.xml", value);
}

absl::Status CheckFollow(std::string_view value) { return ParseFollow(value).status(); }

absl::Status CheckGroup(std::string_view value) { return ParseGroupRule(value).status(); }

absl::Status CheckTags(std::string_view value) { return ParseTags(value).status(); }

absl::Status CheckNodeName(std::string_view value) {
  constexpr size_t kLongest = 64;
  const bool plain = value.size() <= kLongest && std::all_of(value.begin(), value.end(), [](char c) {
    return IsAlnum(c) || std::string_view("._-").find(c) != std::string_view::npos;
  });
  if (plain) return absl::OkStatus();
  return InvalidArgument("'{}' is no name for a node: expected up to {} letters, digits, '.', '_' and '-'", value, kLongest);
}

absl::Status CheckResolve(std::string_view value) {
  constexpr std::string_view kShape = "expected HOST:PORT:ADDR, such as example.com:443:127.0.0.1";
  const size_t host_end = value.find(':');
  const size_t port_end = host_end == std::string_view::npos ? host_end : value.find(':', host_end + 1);
  if (port_end == std::string_view::npos || host_end == 0) return InvalidArgument("'{}': {}", value, kShape);
  const std::string_view host = value.substr(0, host_end);
  const bool host_ok = host == "*" || std::all_of(host.begin(), host.end(), [](char c) {
    return IsAlnum(c) || c == '.' || c == '-' || c == '_' || static_cast<unsigned char>(c) >= 0x80;
  });
  if (!host_ok) return InvalidArgument("'{}': '{}' is not a host name; {}", value, host, kShape);
  const std::string_view port = value.substr(host_end + 1, port_end - host_end - 1);
  if (port != "*" && ReadPort(port).value_or(0) == 0) return InvalidArgument("'{}': '{}' is not a port; {}", value, port, kShape);
  const std::string_view address = value.substr(port_end + 1);
  if (!IpAddress::Parse(address).ok()) {
    return InvalidArgument("'{}': '{}' is not an IP address; {}", value, address, kShape);
  }
  return absl::OkStatus();
}

absl::Status CheckWarcPrefix(std::string_view value) {
  if (IsWarcPrefix(value)) return absl::OkStatus();
  return InvalidArgument("'{}' cannot begin a file name: expected a letter or digit, then letters, digits, '.', '_' and '-', "
                         "{} at most", value, kLongestWarcPrefix);
}

absl::Status CheckStore(std::string_view value) {
  if (value == "none") return absl::OkStatus();
  for (const std::string_view scheme : {"s3://", "file:///", "webhdfs://"}) {
    if (value.starts_with(scheme) && value.size() > scheme.size()) return absl::OkStatus();
  }
  return InvalidArgument("'{}' is no store: expected s3://BUCKET/PREFIX, file:///PATH or webhdfs://HOST:PORT/PATH", value);
}

absl::Status CheckStoreEndpoint(std::string_view value) {
  const auto url = Url::Parse(value);
  if (url.ok() && url->is_http() && !url->host().empty() && url->path() == "/" && !url->has_query() && url->userinfo().empty()) return absl::OkStatus();
  return InvalidArgument("'{}' is no server: expected http://HOST:PORT or https://HOST", value);
}

absl::Status CheckHeader(std::string_view value) {
  // What the fetcher writes itself; a second one would make the request ambiguous.
  constexpr std::array<std::string_view, 6> kOwn = {"host",       "user-agent",        "connection",
                                                    "content-length", "transfer-encoding", "accept-encoding"};
  const size_t colon = value.find(':');
  const std::string_view name = value.substr(0, colon);
  if (colon == std::string_view::npos || name.empty()) {
    return InvalidArgument("'{}' is not a header: expected 'Name: value'", MaskHeader(value));
  }
  if (!std::all_of(name.begin(), name.end(), IsTokenChar)) {
    return InvalidArgument("'{}' is not a header's name", name);
  }
  std::string text(value.substr(colon + 1));
  std::erase(text, '\t');  // allowed inside a value (RFC 9110 5.5)
  if (HasControl(text)) return InvalidArgument("header {}: its value holds control characters", name);
  const std::string lower = Lower(name);
  if (lower == "user-agent") return InvalidArgument("header {}: use --user-agent", name);
  if (std::find(kOwn.begin(), kOwn.end(), lower) != kOwn.end()) {
    return InvalidArgument("header {}: Weft writes this one itself", name);
  }
  return absl::OkStatus();
}

absl::Status CheckUserAgent(std::string_view value) {
  if (HasControl(value)) return InvalidArgument("it holds control characters");
  if (value.empty() || !IsTokenChar(value.front())) {
    return InvalidArgument("'{}' does not begin with a product's name, such as MyCrawler/1.0", value);
  }
  return absl::OkStatus();
}

absl::Status CheckContactText(std::string_view value) {
  const bool plain = !HasControl(value) && value.find_first_of(" ()\"\\<>") == std::string_view::npos;
  const size_t at = value.find('@');
  const bool mail = at != std::string_view::npos && at > 0 && value.find('@', at + 1) == std::string_view::npos &&
                    at + 1 < value.size() && value.find_first_of("/:") == std::string_view::npos;
  if (plain && mail) return absl::OkStatus();
  const auto url = Url::Parse(value);
  const bool link = url.ok() && ((url->is_http() && !url->host().empty()) || url->scheme() == "mailto");
  if (plain && link) return absl::OkStatus();
  return InvalidArgument("'{}' is neither a URL nor an e-mail address, such as https://example.org/bot or "
                         "you@example.org", value);
}

absl::Status CheckNodeEndpoint(std::string_view value) { return CheckEndpoint(value, false); }

// An address, "*" for all, or an interface: a host's name says nothing of which of its addresses is meant.
absl::Status CheckListenEndpoint(std::string_view value) {
  WEFT_RETURN_IF_ERROR(CheckEndpoint(value, true));
  const size_t begin = value.find("://") + 3;
  const std::string_view host = value.substr(begin, value.rfind(':') - begin);
  const bool name = host == "localhost" || (host.front() != '[' && host.find('.') != host.npos && !IpAddress::Parse(host).ok());
  if (!name) return absl::OkStatus();
  return InvalidArgument("'{}': '{}' is a host's name; to listen say the address, such as tcp://127.0.0.1:7700 (reached from this machine "
                         "alone) or tcp://0.0.0.0:7700", value, host);
}

bool IsLoopbackEndpoint(std::string_view value) {
  const size_t begin = value.find("://") == std::string_view::npos ? 0 : value.find("://") + 3;
  const std::string_view host = value.substr(begin, std::max(value.rfind(':'), begin) - begin);
  const auto address = IpAddress::Parse(host);
  return host == "localhost" || (address.ok() && address->IsLoopback());
}

absl::Status LeavesThisMachine(std::string_view value) {
  return InvalidArgument(
      "'{}' leaves this machine, and without keys the traffic between nodes is neither encrypted nor authenticated (on loopback: "
      "127.0.0.0/8, [::1], localhost, it needs none). Join with a token, --join FILE, which weft token new makes on the "
      "scheduler's machine; or say --insecure", value);
}

std::string MaskHeader(std::string_view value) {
  const size_t colon = value.find(':');
  if (colon == std::string_view::npos) return "…";
  return fmt::format("{}: …", value.substr(0, colon));
}

std::string MaskToken(std::string_view value) {
  return value.starts_with("weft1.") ? "weft1.…" : std::string(value);
}

}  // namespace weft
