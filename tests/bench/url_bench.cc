// How fast URLs become crawl keys:
//   url_bench [--rounds N] DIR...
// prints one JSON object. The URLs are all that the pages under DIR name (repeats kept, in the order of the pages), made
// absolute before the clock starts. CPU time of one core, the best of N rounds (3).
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "common/crawl_key.h"
#include "common/fingerprint.h"
#include "common/url.h"
#include "parser/link_extractor.h"
#include "tests/bench/bench_pages.h"

namespace weft {
namespace {

std::vector<std::string> UrlsOf(const std::vector<test::BenchPage>& pages) {
  std::vector<std::string> urls;
  const std::unique_ptr<LinkExtractor> extractor = NewLinearExtractor();
  for (const test::BenchPage& page : pages) {
    const absl::StatusOr<Url> url = Url::Parse("https://docs.example.org/" + page.path);
    if (!url.ok()) continue;
    LinkExtractor::Input input;
    input.html = page.html;
    input.url = &*url;
    input.kinds = LinkKinds::All();
    for (const ExtractedLink& link : extractor->Extract(input).links) urls.push_back(link.url.href());
  }
  return urls;
}

// Where results go, so that no compiler leaves out the work.
volatile size_t sum = 0;

// The best of `rounds`.
template <typename Work>
double PerSecond(const std::vector<std::string>& items, int rounds, Work work) {
  double best = 0;
  for (int round = 0; round < rounds; ++round) {
    const double begun = test::CpuSeconds();
    for (const std::string& item : items) sum = sum + work(item);
    best = std::max(best, static_cast<double>(items.size()) / std::max(test::CpuSeconds() - begun, 1e-6));
  }
  return best;
}

nlohmann::json Measure(const std::vector<std::string>& urls, int rounds) {
  nlohmann::json out;
  out["urls"] = urls.size();
  size_t bytes = 0;
  for (const std::string& url : urls) bytes += url.size();
  out["mean_bytes"] = static_cast<double>(bytes) / static_cast<double>(std::max<size_t>(urls.size(), 1));
  out["parse_urls_per_s"] = PerSecond(urls, rounds, [](const std::string& url) { return Url::Parse(url)->href().size(); });
  out["urls_per_s"] = PerSecond(urls, rounds, [](const std::string& url) { return CrawlKey(*Url::Parse(url)).size(); });
  const Fingerprinter fingerprints(1);
  out["with_fingerprint_urls_per_s"] = PerSecond(urls, rounds, [&](const std::string& url) {
    return static_cast<size_t>(fingerprints.Of(CrawlKey(*Url::Parse(url))).lo);
  });
  std::vector<std::string> keys;
  for (const std::string& url : urls) keys.push_back(CrawlKey(*Url::Parse(url)));
  out["fingerprints_per_s"] = PerSecond(keys, rounds, [&](const std::string& key) {
    return static_cast<size_t>(fingerprints.Of(key).lo);
  });
  return out;
}

}  // namespace
}  // namespace weft

int main(int argc, char** argv) {
  int rounds = 3;
  std::vector<std::string> directories;
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) == "--rounds" && i + 1 < argc) {
      rounds = std::atoi(argv[++i]);
    } else {
      directories.emplace_back(argv[i]);
    }
  }
  const std::vector<std::string> urls = weft::UrlsOf(weft::test::ReadBenchPages(directories));
  std::printf("%s\n", weft::Measure(urls, rounds).dump().c_str());
  return 0;
}
