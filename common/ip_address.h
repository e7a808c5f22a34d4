// IP addresses, networks, and which addresses are special (RFC 6890 and successors): loopback, private, link-local,
// multicast, documentation ... A crawler asked by a web page must not go there unless its user said so.
#pragma once

#include <absl/status/statusor.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace weft {

class IpAddress {
 public:
  IpAddress() = default;
  // Dotted quad, or IPv6 text with or without brackets, without a zone.
  static absl::StatusOr<IpAddress> Parse(std::string_view text);
  // From a socket address of AF_INET or AF_INET6.
  static absl::StatusOr<IpAddress> FromSockaddr(const sockaddr* address);
  static IpAddress V4(const std::array<uint8_t, 4>& bytes);
  static IpAddress V6(const std::array<uint8_t, 16>& bytes);

  bool is_v4() const { return v4_; }
  // 4 or 16 bytes, network order.
  const uint8_t* bytes() const { return bytes_.data(); }
  std::string ToString() const;
  // IPv4 in IPv6 (mapped, 6to4, NAT64 well-known prefix) unwrapped, for range checks.
  IpAddress Embedded() const;
  // True for every address that a public crawler has no business with: all special-purpose registries of IANA (RFC
  // 6890), multicast, and in IPv6 whatever lies outside 2000::/3. Where an IPv4 address is embedded, that one is
  // judged.
  bool IsSpecial() const;
  bool IsLoopback() const;

  bool operator==(const IpAddress&) const = default;

 private:
  bool v4_ = true;
  std::array<uint8_t, 16> bytes_{};
};

// "192.0.2.1, 192.0.2.2,2001:db8::1", none twice. InvalidArgument, for people.
absl::StatusOr<std::vector<IpAddress>> ParseAddressList(std::string_view text);

class Cidr {
 public:
  // The one address 0.0.0.0.
  Cidr() = default;
  // "10.0.0.0/8", "127.0.0.1" (a /32), "fd00::/8", "[::1]". Bits beyond the prefix are cleared.
  static absl::StatusOr<Cidr> Parse(std::string_view text);
  bool Contains(const IpAddress& address) const;
  std::string ToString() const;

 private:
  IpAddress base_;
  unsigned prefix_ = 32;
};

// An address may be connected to if it is not special or lies in one of the allowed networks. An IPv4-mapped address
// reaches the IPv4 host itself and is looked up as that; 6to4 and NAT64 ones must be allowed by their own network.
bool AddressAllowed(const IpAddress& address, const std::vector<Cidr>& allowed_networks);

}  // namespace weft
