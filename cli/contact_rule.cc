#include "cli/contact_rule.h"

#include <optional>
#include <string_view>

#include "common/ip_address.h"
#include "common/status.h"

namespace weft {
namespace {

std::vector<Cidr> AllowedNetworks(const wire::CrawlSettings& settings) {
  std::vector<Cidr> networks;
  for (const std::string& text : settings.allow_private_net()) {
    auto cidr = Cidr::Parse(text);
    if (cidr.ok()) networks.push_back(*cidr);  // checked when the option was read
  }
  return networks;
}

// The address that the seed's host is written as; none for a name.
std::optional<IpAddress> AddressOf(const Url& seed) {
  auto address = IpAddress::Parse(seed.host());
  if (!address.ok()) return std::nullopt;
  return *address;
}

bool IsOwn(const Url& seed, const std::vector<Cidr>& allowed) {
  if (seed.host() == "localhost" || seed.host() == "localhost.") return true;
  const std::optional<IpAddress> address = AddressOf(seed);
  if (!address) return false;
  for (const Cidr& network : allowed) {
    if (network.Contains(*address)) return true;
  }
  return false;
}

// For a private address the contact may not be what is missing.
std::string PrivateHint(const Url& seed, std::vector<std::string> argv) {
  const std::optional<IpAddress> address = AddressOf(seed);
  if (!address || !address->IsSpecial()) return "";
  argv.insert(argv.end(), {"--allow-private-net", address->ToString()});
  return fmt::format("\n{} is a private address; if the server is yours, allow it instead:\n  {}", address->ToString(),
                     ShellCommand(argv));
}

}  // namespace

const Url* FirstWithoutContact(const std::vector<Url>& seeds, const wire::CrawlSettings& settings) {
  if (!settings.contact().empty()) return nullptr;
  const std::vector<Cidr> allowed = AllowedNetworks(settings);
  for (const Url& seed : seeds) {
    if (!IsOwn(seed, allowed)) return &seed;
  }
  return nullptr;
}

absl::Status CheckContact(const std::vector<Url>& seeds, const wire::CrawlSettings& settings,
                          const std::vector<std::string>& argv) {
  const Url* seed = FirstWithoutContact(seeds, settings);
  if (seed == nullptr) return absl::OkStatus();
  std::vector<std::string> corrected = argv;
  corrected.insert(corrected.end(), {"--contact", "you@example.org"});
  return InvalidArgument(
      "a contact is needed to crawl {}: the people who run it must be able to reach you. Add a URL or an e-mail "
      "address of yours with --contact:\n  {}{}",
      std::string(seed->host()), ShellCommand(corrected), PrivateHint(*seed, argv));
}

std::string ShellCommand(const std::vector<std::string>& argv) {
  constexpr std::string_view kSafe =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";
  std::string command;
  for (const std::string& word : argv) {
    if (!command.empty()) command += ' ';
    if (!word.empty() && word.find_first_not_of(kSafe) == std::string::npos) {
      command += word;
      continue;
    }
    command += '\'';
    for (const char c : word) command += c == '\'' ? std::string("'\\''") : std::string(1, c);
    command += '\'';
  }
  return command;
}

}  // namespace weft
