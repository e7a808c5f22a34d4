// Runs a fuzz target over the files of a corpus without a fuzzer: each file, and each of its prefixes.
//   fuzz_NAME DIRECTORY|FILE...
// Ends with 1 if there was nothing to run; a check that does not hold aborts.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/fuzz/fuzz_input.h"

namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxPrefixes = 2048;

std::vector<fs::path> FilesOf(const fs::path& place) {
  std::vector<fs::path> files;
  if (!fs::is_directory(place)) {
    if (fs::exists(place)) files.push_back(place);
    return files;
  }
  for (const auto& entry : fs::directory_iterator(place)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

void Run(const std::string& input) {
  // A copy of its own size: a read beyond its end is one for the sanitizer.
  const std::vector<uint8_t> bytes(input.begin(), input.end());
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

size_t Replay(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  const std::string whole{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  std::printf("%s\n", path.c_str());
  std::fflush(stdout);
  Run(whole);
  const size_t prefixes = std::min(whole.size(), kMaxPrefixes);
  for (size_t size = 0; size < prefixes; ++size) Run(whole.substr(0, size));
  return prefixes + 1;
}

}  // namespace

int main(int argc, char** argv) {
  size_t runs = 0;
  size_t files = 0;
  for (int i = 1; i < argc; ++i) {
    for (const fs::path& path : FilesOf(argv[i])) {
      runs += Replay(path);
      ++files;
    }
  }
  std::printf("%zu files, %zu runs\n", files, runs);
  return files == 0 ? 1 : 0;
}
