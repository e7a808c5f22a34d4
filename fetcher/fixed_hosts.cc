#include "fetcher/fixed_hosts.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "common/status.h"

namespace weft {
namespace {

absl::StatusOr<uint16_t> ParsePort(std::string_view text) {
  if (text == "*") return uint16_t{0};
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || port == 0) {
    return InvalidArgument("port \"{}\" is neither 1 to 65535 nor *", text);
  }
  return port;
}

// Where the host ends: at the first colon, behind the bracket of an IPv6 address.
size_t HostEnd(std::string_view text) {
  if (!text.starts_with('[')) return text.find(':');
  const size_t bracket = text.find(']');
  if (bracket == std::string_view::npos) return bracket;
  return text.find(':', bracket);
}

}  // namespace

absl::StatusOr<FixedHosts::Entry> FixedHosts::ParseEntry(std::string_view text) {
  const size_t host_end = HostEnd(text);
  const size_t port_end = host_end == std::string_view::npos ? host_end : text.find(':', host_end + 1);
  if (port_end == std::string_view::npos) return InvalidArgument("expected HOST:PORT:ADDRESS");
  Entry entry;
  entry.host = text.substr(0, host_end);
  if (entry.host.empty()) return InvalidArgument("the host is empty (* stands for any)");
  std::transform(entry.host.begin(), entry.host.end(), entry.host.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  WEFT_ASSIGN_OR_RETURN(entry.port, ParsePort(text.substr(host_end + 1, port_end - host_end - 1)));
  for (std::string_view rest = text.substr(port_end + 1);;) {
    const size_t comma = rest.find(',');
    const std::string_view address = rest.substr(0, comma);
    const absl::StatusOr<IpAddress> parsed = IpAddress::Parse(address);
    if (!parsed.ok()) return InvalidArgument("\"{}\" is not an IP address", address);
    entry.addresses.push_back(*parsed);
    if (comma == std::string_view::npos) return entry;
    rest.remove_prefix(comma + 1);
  }
}

absl::StatusOr<FixedHosts> FixedHosts::Parse(const std::vector<std::string>& entries) {
  FixedHosts hosts;
  for (const std::string& text : entries) {
    absl::StatusOr<Entry> entry = ParseEntry(text);
    if (!entry.ok()) return WithContext(entry.status(), fmt::format("--resolve {}", text));
    hosts.entries_.push_back(std::move(*entry));
  }
  return hosts;
}

const std::vector<IpAddress>* FixedHosts::Find(std::string_view host, uint16_t port, bool host_is_literal) const {
  for (const Entry& entry : entries_) {
    const bool host_matches = entry.host == host || (entry.host == "*" && !host_is_literal);
    if (host_matches && (entry.port == 0 || entry.port == port)) return &entry.addresses;
  }
  return nullptr;
}

}  // namespace weft
