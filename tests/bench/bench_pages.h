// What the micro benchmarks share: the pages of unpacked documentation packages, in memory, and the CPU's clock.
#pragma once

#include <sys/resource.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

namespace weft::test {

struct BenchPage {
  std::string path;  // below its directory
  std::string html;
};

inline std::vector<BenchPage> ReadBenchPages(const std::vector<std::string>& directories) {
  namespace fs = std::filesystem;
  std::vector<BenchPage> pages;
  for (const std::string& directory : directories) {
    for (const auto& entry : fs::recursive_directory_iterator(directory, fs::directory_options::follow_directory_symlink)) {
      const std::string ending = entry.path().extension().string();
      if (!entry.is_regular_file() || (ending != ".html" && ending != ".htm")) continue;
      std::ifstream file(entry.path(), std::ios::binary);
      std::string html(fs::file_size(entry.path()), '\0');
      file.read(html.data(), static_cast<std::streamsize>(html.size()));
      pages.push_back({entry.path().lexically_relative(directory).string(), std::move(html)});
    }
  }
  return pages;
}

// Of this process.
inline double CpuSeconds() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6; };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

}  // namespace weft::test
