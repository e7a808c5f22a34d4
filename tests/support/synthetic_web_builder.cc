#include "tests/support/synthetic_web_builder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace weft::test {
namespace {

using Temper = WebHost::Temper;
using Robots = WebHost::Robots;
using Kind = WebPage::Kind;

// Sizes fall with a power of the rank and add up to `pages`.
std::vector<int> HostSizes(int hosts, int pages) {
  std::vector<double> weight(static_cast<size_t>(hosts));
  double sum = 0;
  for (int i = 0; i < hosts; ++i) sum += weight[static_cast<size_t>(i)] = std::pow(i + 1, -0.8);
  std::vector<int> sizes;
  int left = pages;
  for (int i = 0; i < hosts; ++i) {
    int want = static_cast<int>(weight[static_cast<size_t>(i)] / sum * pages);
    int size = std::clamp(want, 1, std::max(1, left - (hosts - i - 1)));
    sizes.push_back(size);
    left -= size;
  }
  return sizes;
}

IpAddress PublicAddress(int index) {
  return IpAddress::V4({93, static_cast<uint8_t>(184 + index / 65536), static_cast<uint8_t>(index / 256 % 256),
                        static_cast<uint8_t>(index % 256)});
}

}  // namespace

WebBuilder::WebBuilder(SyntheticWeb& web, uint64_t seed) : web_(web), random_(SeededRandom(seed)) {}

void WebBuilder::Build() {
  MakeHosts();
  PickSeeds();
  MakeRedirects();
  MakeLarge();
  MakePoison();
  MakeLinks();
  if (web_.options_.long_redirects) MakeLongRedirects();
  for (size_t i = 0; i < web_.pages_.size(); ++i) web_.by_key_[web_.KeyOf(web_.pages_[i])] = static_cast<int>(i);
}

void WebBuilder::MakeHosts() {
  static constexpr const char* kNames[] = {"h{}.example", "www.site{}.test", "n{}.shop.co.uk", "h{}.pool.example"};
  std::vector<int> sizes = HostSizes(web_.options_.hosts, web_.options_.pages);
  web_.hosts_.resize(sizes.size());
  for (size_t i = 0; i < sizes.size(); ++i) {
    int index = static_cast<int>(i);
    WebHost& host = web_.hosts_[i];
    host.name = fmt::format(fmt::runtime(kNames[Pick(4)]), i);
    host.address = PublicAddress(index);
    host.origins.push_back((Chance(0.3) ? "https://" : "http://") + host.name);
    if (Chance(0.1)) host.origins.push_back(fmt::format("http://{}:8080", host.name));
    host.think = absl::Milliseconds(2 + Pick(60));
    if (index > 0 && Chance(web_.options_.troubled_hosts)) DrawTemper(host, sizes[i]);
    DrawRobots(host, index);
    web_.by_name_[host.name] = index;
    MakePages(index, sizes[i]);
  }
}

void WebBuilder::DrawTemper(WebHost& host, int size) {
  // What takes long for each page befalls small hosts only, so that a crawl ends in minutes of virtual time.
  static constexpr Temper kAny[] = {Temper::kNoName,         Temper::kNameRecovers, Temper::kRefuses,
                                    Temper::kRefusesRecovers, Temper::kHangsTwice,   Temper::kThrottles,
                                    Temper::kThrottles,       Temper::kPrivate};
  static constexpr Temper kSmall[] = {Temper::kSlow, Temper::kHangs};
  host.temper = size <= 12 && Chance(0.3) ? kSmall[Pick(2)] : kAny[Pick(8)];
  if (host.temper == Temper::kHangs && size > 4) host.temper = Temper::kSlow;
  if (size <= 2 && Chance(0.03)) host.temper = Temper::kThrottlesForEver;
  if (host.temper == Temper::kSlow) host.think = absl::Milliseconds(800 + Pick(4000));
  if (host.temper == Temper::kPrivate && !web_.options_.trouble_is_throttling) host.address = IpAddress::V4({10, 1, 2, static_cast<uint8_t>(Pick(256))});
  host.down_for = absl::Milliseconds(500 + Pick(8000));
  if (web_.options_.trouble_is_throttling) {
    host.temper = Temper::kThrottles;
    host.think = absl::Milliseconds(2 + Pick(60));
  }
}

void WebBuilder::DrawRobots(WebHost& host, int index) {
  // A host that fails must fail in one way only, or its end depends on the order of requests.
  if (host.temper == Temper::kThrottlesForEver || host.temper == Temper::kHangsTwice) return;
  static constexpr Robots kAny[] = {Robots::kMissing,       Robots::kMissing, Robots::kRules, Robots::kRules,
                                    Robots::kRules,         Robots::kEmpty,   Robots::kErrorRecovers,
                                    Robots::kRedirectHere};
  host.robots = kAny[Pick(8)];
  if (index > 0 && host.temper == Temper::kNormal && Chance(0.04)) host.robots = Robots::kError;
  if (index > 0 && host.temper == Temper::kNormal && Chance(0.02)) host.robots = Robots::kHangs;
  if (index > 0 && host.temper == Temper::kNormal && Chance(0.05) &&
      web_.hosts_[0].temper == Temper::kNormal) {
    host.robots = Robots::kRedirectElsewhere;
    host.robots_host = 0;
    for (int tries = 0; tries < 5; ++tries) {
      int other = Pick(index);
      if (web_.hosts_[static_cast<size_t>(other)].temper == Temper::kNormal) host.robots_host = other;
    }
  }
  if (host.robots == Robots::kRules && Chance(0.2)) host.crawl_delay_s = 1 + Pick(2);
}

void WebBuilder::MakePages(int host, int count) {
  for (int i = 0; i < count; ++i) {
    WebPage page;
    page.host = host;
    page.origin = i == 0 ? 0 : Pick(static_cast<int>(web_.hosts_[static_cast<size_t>(host)].origins.size()));
    int index = static_cast<int>(web_.pages_.size());
    DrawPage(page, i == 0 ? 0 : index);
    web_.hosts_[static_cast<size_t>(host)].pages.push_back(index);
    web_.pages_.push_back(std::move(page));
  }
}

void WebBuilder::DrawPage(WebPage& page, int index) {
  static constexpr const char* kPaths[] = {"/p{}",          "/~u{}/",       "/dir/p{}.html?id={}&v=2",
                                           "/d/e/f/p{}",    "/%C3%A9-{}",   "/p{}?a=1&b=%2F",
                                           "/private/p{}",  "/private/open{}"};
  page.path = index == 0 ? "/" : fmt::format(fmt::runtime(kPaths[Pick(Chance(0.15) ? 8 : 6)]), index, index);
  page.disallowed = page.path.starts_with("/private/p");
  page.chunked = Chance(0.2);
  page.gzip = Chance(0.2);
  if (index == 0 || !Chance(web_.options_.odd_pages)) return;
  static constexpr Kind kOdd[] = {Kind::kText,     Kind::kNotFound, Kind::kServerErrorRecovers, Kind::kServerError,
                                  Kind::kRedirect, Kind::kRedirect, Kind::kRedirect,            Kind::kBounce};
  page.kind = kOdd[Pick(8)];
  if (page.kind == Kind::kServerErrorRecovers) page.count = 1 + Pick(2);
  if (page.kind == Kind::kBounce) page.count = 1 + Pick(5);
  if (page.kind == Kind::kBounce && Chance(0.2)) page.kind = Kind::kBounceForEver;
}

void WebBuilder::PickSeeds() {
  int count = std::min<int>(web_.options_.seeds, static_cast<int>(web_.hosts_.size()));
  web_.seeds_.push_back(web_.hosts_[0].pages[0]);
  while (static_cast<int>(web_.seeds_.size()) < count) {
    int page = web_.hosts_[static_cast<size_t>(Pick(static_cast<int>(web_.hosts_.size())))].pages[0];
    if (std::find(web_.seeds_.begin(), web_.seeds_.end(), page) == web_.seeds_.end()) web_.seeds_.push_back(page);
    else --count;
  }
}

void WebBuilder::MakeRedirects() {
  int count = static_cast<int>(web_.pages_.size());
  std::vector<int> chain(web_.pages_.size(), 0);  // redirects from here to a page
  for (int i = 0; i < count; ++i) {
    WebPage& page = web_.pages_[static_cast<size_t>(i)];
    if (page.kind != Kind::kRedirect || page.target >= 0) continue;
    int other = Chance(0.6) ? Nearby(page.host, count) : Pick(count);
    WebPage& target = web_.pages_[static_cast<size_t>(other)];
    if (other != i && target.kind == Kind::kRedirect && target.target < 0) {
      page.target = other;  // two that point at each other
      target.target = i;
      chain[static_cast<size_t>(i)] = chain[static_cast<size_t>(other)] = 100;
    } else if (other == i || (target.kind == Kind::kRedirect && chain[static_cast<size_t>(other)] > 3)) {
      page.kind = Kind::kHtml;
    } else {
      page.target = other;
      chain[static_cast<size_t>(i)] = target.kind == Kind::kRedirect ? chain[static_cast<size_t>(other)] + 1 : 1;
    }
  }
}

void WebBuilder::MakeLarge() {
  int made = 0;
  for (int tries = 0; tries < 50 && made < web_.options_.large_pages; ++tries) {
    WebPage& page = web_.pages_[static_cast<size_t>(Pick(static_cast<int>(web_.pages_.size())))];
    if (page.kind != Kind::kHtml) continue;
    page.kind = Kind::kLarge;
    page.gzip = false;
    page.filler = 200'000 + random_->Below(web_.options_.max_body * 5 / 4);
    ++made;
  }
}

void WebBuilder::MakePoison() {
  int made = 0;
  for (int tries = 0; tries < 50 && made < web_.options_.poison_pages; ++tries) {
    WebPage& page = web_.pages_[static_cast<size_t>(Pick(static_cast<int>(web_.pages_.size())))];
    if (page.kind != Kind::kHtml || page.path == "/") continue;
    page.kind = Kind::kPoison;
    ++made;
  }
}

// Pages that only their predecessor leads to, so that each is found in one way whatever the order.
void WebBuilder::MakeLongRedirects() {
  int first = static_cast<int>(web_.pages_.size());
  for (int i = 0; i <= kMaxRedirectHops + 2; ++i) {
    WebPage page;
    page.kind = Kind::kRedirect;
    page.path = fmt::format("/long/{}", i);
    page.target = first + i + 1;
    page.beyond_hops = i > kMaxRedirectHops;
    web_.hosts_[0].pages.push_back(first + i);
    web_.pages_.push_back(std::move(page));
  }
  web_.pages_.back().kind = Kind::kHtml;
  AddLink(web_.pages_[static_cast<size_t>(web_.hosts_[0].pages[0])], first);
}

int WebBuilder::Nearby(int host, int below) {
  const std::vector<int>& pages = web_.hosts_[static_cast<size_t>(host)].pages;
  int page = pages[static_cast<size_t>(Pick(static_cast<int>(pages.size())))];
  return page < below ? page : pages[0];
}

void WebBuilder::MakeLinks() {
  int count = static_cast<int>(web_.pages_.size());
  for (int i = 1; i < count; ++i) {
    // A tree first, so that most pages can be reached ...
    int host = web_.pages_[static_cast<size_t>(i)].host;
    bool first = web_.hosts_[static_cast<size_t>(host)].pages[0] == i;
    int parent = first || Chance(0.2) ? Pick(i) : Nearby(host, i);
    for (int tries = 0; tries < 4 && web_.pages_[static_cast<size_t>(parent)].kind != Kind::kHtml; ++tries) parent = Pick(i);
    AddLink(web_.pages_[static_cast<size_t>(parent)], i);
  }
  for (int i = 0; i < count; ++i) {
    // ... then links to what is mostly known already.
    WebPage& page = web_.pages_[static_cast<size_t>(i)];
    for (int more = 1 + Pick(6); more > 0; --more) AddLink(page, Chance(0.7) ? Nearby(page.host, count) : Pick(count));
    if (Chance(0.01)) page.ghosts.push_back(fmt::format("http://ghost{}.example/g{}", Pick(5), Pick(3)));
  }
}

void WebBuilder::AddLink(WebPage& from, int to) {
  from.links.emplace_back(to, Spell(from, web_.pages_[static_cast<size_t>(to)]));
}

// One of the spellings that all have the same crawl key.
std::string WebBuilder::Spell(const WebPage& from, const WebPage& to) {
  const WebHost& host = web_.hosts_[static_cast<size_t>(to.host)];
  std::string origin = host.origins[static_cast<size_t>(to.origin)];
  std::string path = to.path;
  if (path.starts_with("/~") && Chance(0.3)) path.replace(1, 1, "%7E");
  if (path.find('?') == std::string::npos && Chance(0.05)) path += "?";
  if (Chance(0.05)) path = "/x/.." + path;
  if (Chance(0.05)) path += "#part";
  for (size_t at = path.find('&'); at != std::string::npos; at = path.find('&', at + 5)) path.replace(at, 1, "&amp;");
  if (from.host == to.host && from.origin == to.origin && Chance(0.6)) return path;
  if (origin == "http://" + host.name && Chance(0.1)) origin += ":80";
  if (origin == "https://" + host.name && Chance(0.1)) origin += ":443";
  if (Chance(0.05)) origin[0] = 'H';
  return origin + path;
}

}  // namespace weft::test
