#include "cli/contact_rule.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "common/ip_address.h"
#include "common/sitemap_choice.h"
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

// A private address is refused at connect, with a contact too: the flag is what the user needs first.
absl::Status PrivateAddresses(const std::vector<std::string>& addresses, std::vector<std::string> argv) {
  for (const std::string& address : addresses) argv.insert(argv.end(), {"--allow-private-net", address});
  std::vector<std::string> with_contact = argv;
  with_contact.insert(with_contact.end(), {"--contact", "you@example.org"});
  if (addresses.size() == 1) {
    return InvalidArgument("{} is a private address, and those are not crawled unless allowed. If the server is yours, allow "
                           "it; no contact is needed then:\n  {}\nIf it is another's, say who you are too:\n  {}", addresses.front(),
                           ShellCommand(argv), ShellCommand(with_contact));
  }
  return InvalidArgument("{} and {} more are private addresses, and those are not crawled unless allowed. If the servers are yours, "
                         "allow them (a network such as 127.0.0.0/8 in their place, too); no contact is needed then:\n  {}\nIf they are another's, "
                         "say who you are too:\n  {}", addresses.front(), addresses.size() - 1, ShellCommand(argv), ShellCommand(with_contact));
}

// As they are written in URLs, each once, but for those that are allowed.
std::vector<std::string> PrivateOf(const std::vector<Url>& urls, const std::vector<Cidr>& allowed) {
  std::vector<std::string> found;
  for (const Url& url : urls) {
    const std::optional<IpAddress> address = AddressOf(url);
    if (!address || !address->IsSpecial() || IsOwn(url, allowed)) continue;
    const std::string text = address->ToString();
    if (std::find(found.begin(), found.end(), text) == found.end()) found.push_back(text);
  }
  return found;
}

// Seeds, and sitemaps that the user named: both are fetched wherever they lie.
std::vector<Url> Named(std::vector<Url> seeds, const wire::CrawlSettings& settings) {
  for (const std::string& sitemap : GivenSitemaps(settings)) {
    auto url = Url::Parse(sitemap);
    if (url.ok()) seeds.push_back(*std::move(url));
  }
  return seeds;
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
  const std::vector<Url> named = Named(seeds, settings);
  const Url* seed = FirstWithoutContact(named, settings);
  if (seed == nullptr) return absl::OkStatus();
  if (const std::optional<IpAddress> address = AddressOf(*seed); address && address->IsSpecial()) {
    return PrivateAddresses(PrivateOf(named, AllowedNetworks(settings)), argv);
  }
  std::vector<std::string> corrected = argv;
  corrected.insert(corrected.end(), {"--contact", "you@example.org"});
  return InvalidArgument(
      "a contact is needed to crawl {}: the people who run it must be able to reach you. Add a URL or an e-mail "
      "address of yours with --contact:\n  {}",
      std::string(seed->host()), ShellCommand(corrected));
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
