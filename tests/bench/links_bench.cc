// How fast the extractors read real pages, and whether they answer alike:
//   links_bench [--broken N] [--rounds N] [--only-linear] DIR...
// prints one JSON object; --only-linear: the speeds of the linear extractor alone. Pages are in memory before the clock starts. Speeds are from bytes to references, where a tree
// builder's parse is compared: no URL is resolved, since that costs the same whoever found the reference. linear_urls_mb_s is
// the extractor as a whole, with charset and resolved URLs.
#include <libxml/HTMLparser.h>
#include <malloc.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "parser/bounded_gumbo.h"
#include "parser/linear_scan.h"
#include "parser/markup_index.h"
#include "tests/bench/bench_pages.h"
#include "tests/parser/extractor_answers.h"

namespace weft {
namespace {

using test::CpuSeconds;

std::vector<std::string> ReadPages(const std::vector<std::string>& directories) {
  std::vector<std::string> pages;
  for (test::BenchPage& page : test::ReadBenchPages(directories)) pages.push_back(std::move(page.html));
  return pages;
}

// The best of `rounds`.
template <typename Read>
double MegabytesPerSecond(const std::vector<std::string>& pages, int rounds, Read read) {
  double best = 0;
  for (int round = 0; round < rounds; ++round) {
    const double begun = CpuSeconds();
    size_t bytes = 0;
    for (const std::string& page : pages) {
      read(page);
      bytes += page.size();
    }
    best = std::max(best, static_cast<double>(bytes) / 1e6 / std::max(CpuSeconds() - begun, 1e-6));
  }
  return best;
}

double Linear(const std::vector<std::string>& pages, int rounds) {
  return MegabytesPerSecond(pages, rounds, [](const std::string& page) {
    LinkCollector links;
    LinearScan(page, false, &links);
  });
}

// With the sketch of the text that a crawl takes beside the links.
double LinearSketched(const std::vector<std::string>& pages, int rounds) {
  return MegabytesPerSecond(pages, rounds, [](const std::string& page) {
    LinkCollector links;
    SimHash sketch(page);
    LinearScan(page, false, &links, &sketch);
  });
}

double Gumbo(const std::vector<std::string>& pages) {
  BoundedGumbo gumbo;
  return MegabytesPerSecond(pages, 1, [&](const std::string& page) {
    gumbo.Parse(page);
    gumbo.Reset();
  });
}

double Libxml2(const std::vector<std::string>& pages) {
  return MegabytesPerSecond(pages, 1, [](const std::string& page) {
    const int options = HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING | HTML_PARSE_RECOVER | HTML_PARSE_NONET;
    xmlFreeDoc(htmlReadMemory(page.data(), static_cast<int>(page.size()), nullptr, "utf-8", options));
  });
}

double Whole(const std::vector<std::string>& pages) {
  auto extractor = NewLinearExtractor();
  return MegabytesPerSecond(pages, 1, [&](const std::string& page) { test::Ask(*extractor, page); });
}

std::string Repeated(std::string_view piece, size_t bytes) {
  std::string page;
  page.reserve(bytes + piece.size());
  while (page.size() < bytes) page += piece;
  return page;
}

// A figure of /proc/self/status, in KiB.
long StatusKib(std::string_view name) {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word) {
    long kib = 0;
    if (word == name && status >> kib) return kib;
  }
  return 0;
}

// Memory that reading a page takes beside the page itself.
long LinearKib(const std::string& page) {
  malloc_trim(0);
  std::ofstream("/proc/self/clear_refs") << "5";  // the peak begins at what is resident now
  const long before = StatusKib("VmRSS:");
  LinkCollector links;
  LinearScan(page, false, &links);
  return StatusKib("VmHWM:") - before;
}

struct HostileFigures {
  nlohmann::json mb_s;
  nlohmann::json kib;
};

HostileFigures Hostile(int rounds) {
  constexpr size_t kBytes = 10'000'000;
  HostileFigures figures;
  const auto measure = [&](const char* name, std::string page) {
    figures.kib[name] = LinearKib(page);
    figures.mb_s[name] = Linear({std::move(page)}, rounds);
  };
  measure("nested div", Repeated("<div>", kBytes));
  measure("nested span", Repeated("<span>", kBytes));
  // A template makes the extractor keep an account of open elements.
  const std::string accounted = "<template></template>";
  measure("nested span, accounted", accounted + Repeated("<span>", kBytes));
  measure("nested div, accounted", accounted + Repeated("<div>", kBytes));
  measure("nested svg", Repeated("<svg>", kBytes));
  measure("links", Repeated("<a href=x>", kBytes));
  measure("selects", Repeated("<select><option>a</select>", kBytes));
  measure("tables, accounted", accounted + Repeated("<table><tr><td>", kBytes));
  measure("a b i unclosed", Repeated("<a><b><i>", kBytes));
  measure("a b i unclosed, accounted", accounted + Repeated("<a><b><i>", kBytes));
  measure("a b i with attributes", Repeated("<a href=x><b class=y><i>", kBytes));
  measure("attributes", "<p" + Repeated(" a=1", kBytes) + ">");
  measure("less-than signs", Repeated("<", kBytes));
  measure("open comment", "<!--" + Repeated("-", kBytes));
  measure("quotes", "<a href=\"" + Repeated("'", kBytes));
  measure("script", "<script>" + Repeated("</scrip", kBytes));
  return figures;
}

void PutLinear(const std::vector<std::string>& pages, int rounds, nlohmann::json* out) {
  (*out)["vectors"] = VectorWidthName(UsedVectorWidth());
  (*out)["linear_mb_s"] = Linear(pages, rounds);
  (*out)["linear_sketched_mb_s"] = LinearSketched(pages, rounds);
  HostileFigures hostile = Hostile(rounds);
  (*out)["hostile_mb_s"] = std::move(hostile.mb_s);
  (*out)["hostile_kib"] = std::move(hostile.kib);
}

}  // namespace
}  // namespace weft

int main(int argc, char** argv) {
  using namespace weft;
  int rounds = 3;
  uint32_t broken = 0;
  bool only_linear = false;
  std::vector<std::string> directories;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--broken" && i + 1 < argc) {
      broken = static_cast<uint32_t>(std::strtoul(argv[++i], nullptr, 10));
    } else if (word == "--rounds" && i + 1 < argc) {
      rounds = std::atoi(argv[++i]);
    } else if (word == "--only-linear") {
      only_linear = true;
    } else {
      directories.emplace_back(word);
    }
  }
  const std::vector<std::string> pages = ReadPages(directories);
  nlohmann::json out;
  if (only_linear) {
    PutLinear(pages, rounds, &out);
    std::printf("%s\n", out.dump().c_str());
    return 0;
  }
  size_t equal = 0;
  auto linear = NewLinearExtractor();
  auto tree = NewGumboExtractor();
  for (const std::string& page : pages) {
    if (test::AnswerAlike(*linear, *tree, page)) ++equal;
  }
  out["pages"] = pages.size();
  out["equal"] = equal;
  PutLinear(pages, rounds, &out);
  out["linear_urls_mb_s"] = Whole(pages);
  out["gumbo_mb_s"] = Gumbo(pages);
  out["libxml2_mb_s"] = Libxml2(pages);
  if (broken > 0) {
    size_t alike = 0;
    nlohmann::json unlike = nlohmann::json::array();
    for (uint32_t seed = 1; seed <= broken; ++seed) {
      const std::string page = test::BrokenHtml(seed);
      if (test::AnswerAlike(*linear, *tree, page)) {
        ++alike;
      } else {
        unlike.push_back(seed);
      }
    }
    out["broken"] = {{"documents", broken}, {"equal", alike}, {"unlike_seeds", unlike}};
  }
  std::printf("%s\n", out.dump().c_str());
  return 0;
}
