// How fast the extractors read real pages, and whether they answer alike: links_bench [--json] [--equal-only] DIR...
// A page's bytes are read before the clock starts. "Bytes to references" is what a tree builder's parse is compared with:
// no URL is resolved, since resolving costs the same whoever found the reference.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include <time.h>

#include "parser/bounded_gumbo.h"
#include "parser/linear_scan.h"

namespace weft {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> ReadPages(const std::vector<std::string>& directories) {
  std::vector<std::string> pages;
  for (const std::string& directory : directories) {
    for (const auto& entry : fs::recursive_directory_iterator(directory, fs::directory_options::none)) {
      const std::string name = entry.path().extension().string();
      if (!entry.is_regular_file() || (name != ".html" && name != ".htm")) continue;
      std::ifstream file(entry.path(), std::ios::binary);
      pages.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    }
  }
  return pages;
}

double CpuSeconds() {
  timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

template <typename Read>
double MegabytesPerSecond(const std::vector<std::string>& pages, Read read) {
  const double begun = CpuSeconds();
  size_t bytes = 0;
  for (const std::string& page : pages) {
    read(page);
    bytes += page.size();
  }
  return static_cast<double>(bytes) / 1e6 / (CpuSeconds() - begun);
}

}  // namespace
}  // namespace weft

int main(int argc, char** argv) {
  using namespace weft;
  const std::vector<std::string> pages = ReadPages({argv + 1, argv + argc});
  size_t found = 0;
  for (int round = 0; round < 3; ++round) {
    const double linear = MegabytesPerSecond(pages, [&](const std::string& page) {
      LinkCollector links;
      found += LinearScan(page, false, &links).title.size();
    });
    fmt::print("linear {:.0f} MB/s\n", linear);
  }
  fmt::print("{} pages {}\n", pages.size(), found);
  return 0;
}
