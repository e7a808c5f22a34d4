#include "tests/support/synthetic_web.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <deque>

#include "tests/support/synthetic_web_builder.h"

namespace weft::test {
namespace {

using Temper = WebHost::Temper;
using Robots = WebHost::Robots;
using Kind = WebPage::Kind;

constexpr std::string_view kRobotsPath = "/robots.txt";

std::string Gzip(const std::string& text) {
  z_stream stream{};
  deflateInit2(&stream, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, text.size()) + 32, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string Chunk(const std::string& text) {
  std::string out;
  for (size_t at = 0; at < text.size(); at += 50'000) {
    std::string_view part = std::string_view(text).substr(at, 50'000);
    out += fmt::format("{:x}\r\n{}\r\n", part.size(), part);
  }
  return out + "0\r\n\r\n";
}

WebAnswer Respond(int status, std::string_view mime, std::string body, std::string extra = {}, bool chunked = false) {
  WebAnswer answer;
  answer.status = status;
  answer.head = fmt::format("HTTP/1.1 {} X\r\nContent-Type: {}\r\n{}", status, mime, extra);
  if (chunked) {
    answer.body = Chunk(body);
    answer.head += "Transfer-Encoding: chunked\r\n\r\n";
  } else {
    answer.head += fmt::format("Content-Length: {}\r\n\r\n", body.size());
    answer.body = std::move(body);
  }
  return answer;
}

// The spellings that WebBuilder uses, undone; the path of a request never has dot segments or a fragment.
std::string Canonical(std::string_view path_and_query) {
  std::string path(path_and_query);
  if (path.starts_with("/%7E")) path.replace(1, 3, "~");
  if (path.ends_with('?')) path.pop_back();
  return path;
}

}  // namespace

SyntheticWeb::SyntheticWeb(uint64_t seed, const WebOptions& options) : options_(options) {
  WebBuilder(*this, seed).Build();
}

std::string SyntheticWeb::KeyOf(const WebPage& page) const {
  return hosts_[static_cast<size_t>(page.host)].origins[static_cast<size_t>(page.origin)] + page.path;
}

std::vector<std::string> SyntheticWeb::SeedUrls() const {
  std::vector<std::string> urls;
  for (int seed : seeds_) urls.push_back(KeyOf(pages_[static_cast<size_t>(seed)]));
  return urls;
}

size_t SyntheticWeb::largest_host() const {
  size_t largest = 0;
  for (const WebHost& host : hosts_) largest = std::max(largest, host.pages.size());
  return largest;
}

const WebHost* SyntheticWeb::FindHost(std::string_view name) const {
  auto it = by_name_.find(name);
  return it == by_name_.end() ? nullptr : &hosts_[static_cast<size_t>(it->second)];
}

const WebPage* SyntheticWeb::FindPage(std::string_view origin, std::string_view path_and_query) const {
  auto it = by_key_.find(fmt::format("{}{}", origin, Canonical(path_and_query)));
  return it == by_key_.end() ? nullptr : &pages_[static_cast<size_t>(it->second)];
}

bool SyntheticWeb::InScope(int host) const {
  return options_.every_host_in_scope || std::any_of(seeds_.begin(), seeds_.end(), [&](int seed) {
           return pages_[static_cast<size_t>(seed)].host == host;
         });
}

bool SyntheticWeb::Disallowed(std::string_view origin, std::string_view path_and_query) const {
  const WebPage* page = FindPage(origin, path_and_query);
  if (page == nullptr || options_.ignore_robots) return false;
  Robots robots = hosts_[static_cast<size_t>(page->host)].robots;
  return robots == Robots::kError ||
         (page->disallowed && robots != Robots::kMissing && robots != Robots::kEmpty && robots != Robots::kHangs);
}

std::vector<Outcome> SyntheticWeb::EndOf(const WebPage& page) const {
  if (page.beyond_hops) return {Outcome::kRedirectHops};
  const WebHost& host = hosts_[static_cast<size_t>(page.host)];
  switch (host.temper) {
    case Temper::kNoName: return {Outcome::kDns, Outcome::kHostUnreachable};
    case Temper::kRefuses: return {Outcome::kConnect, Outcome::kHostUnreachable};
    case Temper::kHangs: return {Outcome::kTimeout, Outcome::kHostUnreachable};
    case Temper::kPrivate: return {Outcome::kAddress};
    case Temper::kThrottlesForEver: return {Outcome::kHostThrottled};
    default: break;
  }
  if (!options_.ignore_robots) {
    if (host.robots == Robots::kError) return {Outcome::kRobotsUnreachable};
    // The host answers, its robots.txt does not: both readings of rule 8 are sound.
    if (host.robots == Robots::kHangs) return {Outcome::kTimeout, Outcome::kRobotsUnreachable, Outcome::kHostUnreachable};
    if (Disallowed(host.origins[static_cast<size_t>(page.origin)], page.path)) return {Outcome::kRobots};
  }
  if (page.kind == Kind::kBounceForEver) return {Outcome::kRedirectLoop};
  if (page.kind == Kind::kPoison) return {Outcome::kParserCrash};
  return {Outcome::kResponse};
}

std::map<std::string, std::vector<Outcome>> SyntheticWeb::ExpectedEnds() const {
  std::map<std::string, std::vector<Outcome>> ends;
  std::deque<int> found(seeds_.begin(), seeds_.end());
  for (int seed : seeds_) ends[KeyOf(pages_[static_cast<size_t>(seed)])] = {};
  auto find = [&](int index) {
    if (ends.try_emplace(KeyOf(pages_[static_cast<size_t>(index)])).second) found.push_back(index);
  };
  while (!found.empty()) {
    const WebPage& page = pages_[static_cast<size_t>(found.front())];
    found.pop_front();
    if (!InScope(page.host)) {
      ends[KeyOf(page)] = {Outcome::kScope};
      continue;
    }
    std::vector<Outcome> end = EndOf(page);
    if (end.front() == Outcome::kResponse) {
      if (page.kind == Kind::kRedirect) find(page.target);
      if (page.kind == Kind::kHtml || page.kind == Kind::kLarge || page.kind == Kind::kBounce ||
          page.kind == Kind::kServerErrorRecovers) {
        for (const auto& [to, spelling] : page.links) find(to);
        for (const std::string& ghost : page.ghosts) {
          ends[ghost] = options_.every_host_in_scope ? std::vector{Outcome::kDns, Outcome::kHostUnreachable}
                                                     : std::vector{Outcome::kScope};
        }
      }
    }
    ends[KeyOf(page)] = std::move(end);
  }
  return ends;
}

bool SyntheticWeb::IsDown(WebHost& host, absl::Time now) {
  if (!host.first_contact) host.first_contact = now;
  return now < *host.first_contact + host.down_for;
}

std::optional<IpAddress> SyntheticWeb::Resolve(std::string_view name, absl::Time now) {
  auto it = by_name_.find(name);
  if (it == by_name_.end()) return std::nullopt;
  WebHost& host = hosts_[static_cast<size_t>(it->second)];
  if (host.temper == Temper::kNoName) return std::nullopt;
  if (host.temper == Temper::kNameRecovers && IsDown(host, now)) return std::nullopt;
  return host.address;
}

bool SyntheticWeb::Refuses(std::string_view name, absl::Time now) {
  auto it = by_name_.find(name);
  if (it == by_name_.end()) return true;
  WebHost& host = hosts_[static_cast<size_t>(it->second)];
  return host.temper == Temper::kRefuses || (host.temper == Temper::kRefusesRecovers && IsDown(host, now));
}

std::string SyntheticWeb::RobotsFile(const WebHost& host) const {
  std::string file = "User-agent: *\nDisallow: /private/\nAllow: /private/open\n";
  if (host.crawl_delay_s > 0) file += fmt::format("Crawl-delay: {}\n", host.crawl_delay_s);
  return file;
}

WebAnswer SyntheticWeb::AskRobots(WebHost& host, std::string_view origin, std::string_view path) {
  if (path == "/rules.txt" || path.starts_with("/robots-of-")) return Respond(200, "text/plain", RobotsFile(host));
  int served = host.robots_served[std::string(origin)]++;
  switch (host.robots) {
    case Robots::kMissing: return Respond(404, "text/html", "none");
    case Robots::kEmpty: return Respond(200, "text/plain", "");
    case Robots::kErrorRecovers:
      if (served < 2) return Respond(served == 0 ? 500 : 502, "text/html", "broken");
      break;
    case Robots::kError: return Respond(500, "text/html", "broken");
    case Robots::kHangs: {
      WebAnswer answer;
      answer.kind = WebAnswer::Kind::kHangs;
      return answer;
    }
    case Robots::kRedirectHere: return Respond(301, "text/html", "", "Location: /rules.txt\r\n");
    case Robots::kRedirectElsewhere: {
      const WebHost& other = hosts_[static_cast<size_t>(host.robots_host)];
      return Respond(302, "text/html", "", fmt::format("Location: {}/robots-of-{}\r\n", other.origins[0], host.name));
    }
    case Robots::kRules: break;
  }
  return Respond(200, "text/plain", RobotsFile(host));
}

bool SyntheticWeb::Throttle(WebHost& host, const WebPage& page, absl::Time now, WebAnswer& answer) {
  if (host.temper != Temper::kThrottles && host.temper != Temper::kThrottlesForEver) return false;
  // Bursts of at most three, at fixed requests of the host.
  int turn = host.requests % 17;
  if (host.temper == Temper::kThrottles && (turn < 4 || turn > 4 + page.host % 3 || host.requests > 60)) return false;
  static constexpr int kSeconds[] = {0, 2, 7, 30};
  // Where that is all the trouble, pauses are longer than anything that keeps a fetcher from telling of them.
  int seconds = options_.trouble_is_throttling ? 20 : kSeconds[(page.host + host.requests) % 4];
  std::string extra;
  if (seconds > 0 && turn % 2 == 0) {
    extra = fmt::format("Retry-After: {}\r\n", seconds);
  } else if (seconds > 0) {
    // A date is read against the response's own Date, however wrong the server's clock is (rule 24).
    static constexpr const char* kDate = "%a, %d %b %Y %H:%M:%S GMT";
    absl::Time server = now + absl::Hours(100);
    extra = fmt::format("Date: {}\r\nRetry-After: {}\r\n", absl::FormatTime(kDate, server, absl::UTCTimeZone()),
                        absl::FormatTime(kDate, server + absl::Seconds(seconds), absl::UTCTimeZone()));
  }
  answer = Respond(host.requests % 2 == 0 ? 429 : 503, "text/html", "later", extra);
  answer.throttled = true;
  answer.retry_after = absl::Seconds(seconds);
  return true;
}

std::string SyntheticWeb::Html(const WebPage& page) const {
  std::string html = fmt::format("<!doctype html><html><head><title>{}</title></head><body>\n", KeyOf(page));
  for (const auto& [to, spelling] : page.links) html += fmt::format("<p><a href=\"{}\">{}</a></p>\n", spelling, to);
  for (const std::string& ghost : page.ghosts) html += fmt::format("<a href='{}'>g</a>\n", ghost);
  html += "<a href=\"mailto:a@b.example\">m</a><a href=\"javascript:void(0)\">j</a>\n";
  if (page.kind == Kind::kPoison) html += kPoisonMark;
  if (options_.changing_pages && page.links.size() % 3 == 0) html += fmt::format("<p>version {}</p>\n", page.served);
  if (page.filler > 0) html += "<p>" + std::string(page.filler, 'x') + "</p>";
  return html + "</body></html>\n";
}

std::string SyntheticWeb::RedirectTo(const WebPage& page) const {
  const WebPage& target = pages_[static_cast<size_t>(page.target)];
  bool relative = target.host == page.host && target.origin == page.origin && page.path.size() % 2 == 0;
  return relative ? target.path : KeyOf(target);
}

WebAnswer SyntheticWeb::AskPage(WebHost& host, WebPage& page, absl::Time now) {
  WebAnswer answer;
  if (Throttle(host, page, now, answer)) return answer;
  int served = page.served++;
  static constexpr int kRedirects[] = {301, 302, 303, 307, 308};
  int redirect = kRedirects[page.path.size() % 5];
  std::string bounce = fmt::format("Location: {}{}\r\n", page.path, served % 2 == 1 ? "#again" : "");
  switch (page.kind) {
    case Kind::kText: return Respond(200, "text/plain", "see http://nowhere.example/");
    case Kind::kNotFound: return Respond(404, "text/html", "<html>none</html>");
    case Kind::kServerError: return Respond(500, "text/html", "<html>broken</html>");
    case Kind::kRedirect:
      return Respond(redirect, "text/html", "moved", fmt::format("Location: {}\r\n", RedirectTo(page)));
    case Kind::kBounceForEver: return Respond(redirect, "text/html", "", bounce);
    case Kind::kBounce:
      if (served < page.count) return Respond(redirect, "text/html", "", bounce);
      break;
    case Kind::kServerErrorRecovers:
      if (served < page.count) return Respond(502, "text/html", "<html>later</html>");
      break;
    case Kind::kHtml:
    case Kind::kPoison:
    case Kind::kLarge: break;
  }
  std::string html = Html(page);
  if (page.gzip) return Respond(200, "text/html", Gzip(html), "Content-Encoding: gzip\r\n", page.chunked);
  return Respond(200, "text/html; charset=utf-8", std::move(html), {}, page.chunked);
}

WebAnswer SyntheticWeb::Ask(std::string_view origin, std::string_view path, absl::Time now) {
  std::string_view name = origin.substr(origin.find("//") + 2);
  name = name.substr(0, name.find(':'));
  auto it = by_name_.find(name);
  WebAnswer answer;
  answer.kind = WebAnswer::Kind::kRefused;
  if (it == by_name_.end()) return answer;
  WebHost& host = hosts_[static_cast<size_t>(it->second)];
  if (Refuses(name, now)) return answer;
  int request = host.requests++;
  bool robots = path == kRobotsPath || path == "/rules.txt" || path.starts_with("/robots-of-");
  answer.robots = robots;
  if (host.temper == Temper::kHangs || (host.temper == Temper::kHangsTwice && request < 2)) {
    answer.kind = WebAnswer::Kind::kHangs;
    return answer;
  }
  if (robots) {
    answer = AskRobots(host, origin, path);
  } else {
    auto page = by_key_.find(fmt::format("{}{}", origin, Canonical(path)));
    answer = page == by_key_.end() ? Respond(404, "text/html", "<html>none</html>")
                                   : AskPage(host, pages_[static_cast<size_t>(page->second)], now);
  }
  answer.robots = robots;
  answer.think = host.think;
  return answer;
}

}  // namespace weft::test
