#include "common/ip_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>

#include "common/ascii.h"
#include "common/status.h"

namespace weft {
namespace {

struct Range {
  std::array<uint8_t, 4> base;
  unsigned prefix;
};

// IANA IPv4 Special-Purpose Address Registry (RFC 6890 and successors), and multicast.
constexpr Range kSpecialV4[] = {
    {{0, 0, 0, 0}, 8},        // this network, RFC 791
    {{10, 0, 0, 0}, 8},       // private, RFC 1918
    {{100, 64, 0, 0}, 10},    // carrier-grade NAT, RFC 6598
    {{127, 0, 0, 0}, 8},      // loopback
    {{169, 254, 0, 0}, 16},   // link-local, RFC 3927: also the metadata services of clouds
    {{172, 16, 0, 0}, 12},    // private
    {{192, 0, 0, 0}, 24},     // protocol assignments, RFC 6890
    {{192, 0, 2, 0}, 24},     // documentation, RFC 5737
    {{192, 31, 196, 0}, 24},  // AS112, RFC 7535
    {{192, 52, 193, 0}, 24},  // AMT, RFC 7450
    {{192, 88, 99, 0}, 24},   // 6to4 relays, RFC 7526
    {{192, 168, 0, 0}, 16},   // private
    {{192, 175, 48, 0}, 24},  // AS112, RFC 7534
    {{198, 18, 0, 0}, 15},    // benchmarks, RFC 2544
    {{198, 51, 100, 0}, 24},  // documentation
    {{203, 0, 113, 0}, 24},   // documentation
    {{224, 0, 0, 0}, 4},      // multicast
    {{240, 0, 0, 0}, 4},      // reserved, RFC 1112, with the broadcast address
};

// Inside 2000::/3; the registry's other ranges lie outside it.
constexpr struct {
  std::array<uint8_t, 6> base;
  unsigned prefix;
} kSpecialV6[] = {
    {{0x20, 0x01, 0x00, 0x00, 0, 0}, 23},        // protocol assignments with Teredo, ORCHIDv2, RFC 2928
    {{0x20, 0x01, 0x0d, 0xb8, 0, 0}, 32},        // documentation, RFC 3849
    {{0x26, 0x20, 0x00, 0x4f, 0x80, 0x00}, 48},  // AS112, RFC 7534
    {{0x3f, 0xff, 0x00, 0x00, 0, 0}, 20},        // documentation, RFC 9637
};

constexpr std::array<uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr std::array<uint8_t, 12> kNat64 = {0, 0x64, 0xff, 0x9b};

bool SamePrefix(const uint8_t* a, const uint8_t* b, unsigned bits) {
  const unsigned bytes = bits / 8;
  if (std::memcmp(a, b, bytes) != 0) return false;
  const unsigned rest = bits % 8;
  return rest == 0 || (a[bytes] ^ b[bytes]) >> (8 - rest) == 0;
}

bool IsSpecialV4(const uint8_t* address) {
  return std::any_of(std::begin(kSpecialV4), std::end(kSpecialV4),
                     [&](const Range& range) { return SamePrefix(address, range.base.data(), range.prefix); });
}

bool IsSpecialV6(const uint8_t* address) {
  if (address[0] >> 5 != 1) return true;  // RFC 4291: only 2000::/3 is global unicast
  return std::any_of(std::begin(kSpecialV6), std::end(kSpecialV6),
                     [&](const auto& range) { return SamePrefix(address, range.base.data(), range.prefix); });
}

IpAddress V4At(const uint8_t* bytes) { return IpAddress::V4({bytes[0], bytes[1], bytes[2], bytes[3]}); }

bool IsMapped(const IpAddress& address) {
  return !address.is_v4() && std::equal(kMapped.begin(), kMapped.end(), address.bytes());
}

}  // namespace

absl::StatusOr<IpAddress> IpAddress::Parse(std::string_view text) {
  const std::string_view shown = text.substr(0, 60);
  const bool bracketed = text.size() >= 2 && text.front() == '[' && text.back() == ']';
  if (bracketed) text = text.substr(1, text.size() - 2);
  // inet_pton reads up to a NUL; the longest address has 45 characters.
  if (text.size() < INET6_ADDRSTRLEN && text.find('\0') == std::string_view::npos) {
    const std::string copy(text);
    std::array<uint8_t, 4> v4{};
    if (!bracketed && inet_pton(AF_INET, copy.c_str(), v4.data()) == 1) return V4(v4);
    std::array<uint8_t, 16> v6{};
    if (inet_pton(AF_INET6, copy.c_str(), v6.data()) == 1) return V6(v6);
  }
  return InvalidArgument("'{}': expected an IP address such as 192.0.2.1 or 2001:db8::1", shown);
}

absl::StatusOr<IpAddress> IpAddress::FromSockaddr(const sockaddr* address) {
  if (address != nullptr && address->sa_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, address, sizeof in);
    std::array<uint8_t, 4> bytes{};
    std::memcpy(bytes.data(), &in.sin_addr, bytes.size());
    return V4(bytes);
  }
  if (address != nullptr && address->sa_family == AF_INET6) {
    sockaddr_in6 in{};
    std::memcpy(&in, address, sizeof in);
    std::array<uint8_t, 16> bytes{};
    std::memcpy(bytes.data(), &in.sin6_addr, bytes.size());
    return V6(bytes);
  }
  return InvalidArgument("a socket address of neither IPv4 nor IPv6");
}

IpAddress IpAddress::V4(const std::array<uint8_t, 4>& bytes) {
  IpAddress address;
  std::copy(bytes.begin(), bytes.end(), address.bytes_.begin());
  return address;
}

IpAddress IpAddress::V6(const std::array<uint8_t, 16>& bytes) {
  IpAddress address;
  address.v4_ = false;
  address.bytes_ = bytes;
  return address;
}

std::string IpAddress::ToString() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (inet_ntop(v4_ ? AF_INET : AF_INET6, bytes_.data(), text.data(), text.size()) == nullptr) return "";
  return text.data();
}

IpAddress IpAddress::Embedded() const {
  if (v4_) return *this;
  if (IsMapped(*this) || std::equal(kNat64.begin(), kNat64.end(), bytes_.begin())) return V4At(bytes_.data() + 12);
  if (bytes_[0] == 0x20 && bytes_[1] == 0x02) return V4At(bytes_.data() + 2);
  return *this;
}

bool IpAddress::IsSpecial() const {
  const IpAddress judged = Embedded();
  return judged.v4_ ? IsSpecialV4(judged.bytes()) : IsSpecialV6(judged.bytes());
}

bool IpAddress::IsLoopback() const {
  const IpAddress judged = Embedded();
  if (judged.v4_) return judged.bytes_[0] == 127;
  constexpr std::array<uint8_t, 16> kLoopback = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  return bytes_ == kLoopback;
}

absl::StatusOr<Cidr> Cidr::Parse(std::string_view text) {
  const auto malformed = [&] {
    return InvalidArgument("'{}': expected a network such as 10.0.0.0/8, fd00::/8 or 127.0.0.1", text.substr(0, 60));
  };
  const size_t slash = text.find('/');
  absl::StatusOr<IpAddress> base = IpAddress::Parse(text.substr(0, slash));
  if (!base.ok()) return malformed();
  const unsigned bits = base->is_v4() ? 32 : 128;
  unsigned prefix = bits;
  if (slash != std::string_view::npos) {
    const std::string_view digits = text.substr(slash + 1);
    if (digits.empty() || digits.size() > 3) return malformed();
    if (digits.find_first_not_of("0123456789") != std::string_view::npos) return malformed();
    prefix = static_cast<unsigned>(std::stoul(std::string(digits)));
    if (prefix > bits) return malformed();
  }
  std::array<uint8_t, 16> masked{};
  for (unsigned i = 0; i < bits / 8; ++i) {
    const unsigned kept = prefix <= i * 8 ? 0 : std::min(prefix - i * 8, 8u);
    masked[i] = static_cast<uint8_t>(base->bytes()[i] & (0xff00u >> kept));
  }
  Cidr network;
  network.base_ = base->is_v4() ? V4At(masked.data()) : IpAddress::V6(masked);
  network.prefix_ = prefix;
  return network;
}

bool Cidr::Contains(const IpAddress& address) const {
  return address.is_v4() == base_.is_v4() && SamePrefix(address.bytes(), base_.bytes(), prefix_);
}

std::string Cidr::ToString() const { return fmt::format("{}/{}", base_.ToString(), prefix_); }

bool AddressAllowed(const IpAddress& address, const std::vector<Cidr>& allowed_networks) {
  if (!address.IsSpecial()) return true;
  const IpAddress host = IsMapped(address) ? address.Embedded() : address;
  return std::any_of(allowed_networks.begin(), allowed_networks.end(), [&](const Cidr& network) {
    return network.Contains(host) || network.Contains(address);
  });
}

absl::StatusOr<std::vector<IpAddress>> ParseAddressList(std::string_view text) {
  std::vector<IpAddress> addresses;
  while (true) {
    const size_t comma = text.find(',');
    const std::string_view one = TrimAsciiSpace(text.substr(0, comma));
    const auto address = IpAddress::Parse(one);
    if (!address.ok()) return InvalidArgument("'{}' is not an address; expected addresses of this machine such as 192.0.2.1,192.0.2.2", one);
    if (std::find(addresses.begin(), addresses.end(), *address) != addresses.end()) {
      return InvalidArgument("{} is there twice", address->ToString());
    }
    addresses.push_back(*address);
    if (comma == std::string_view::npos) return addresses;
    text.remove_prefix(comma + 1);
  }
}

}  // namespace weft
