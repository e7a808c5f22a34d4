// Parses a command line written as words, and holds a scratch directory for the files it names.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "cli/options.h"
#include "common/status.h"

namespace weft::test {

inline absl::StatusOr<CommandLine> Parse(std::vector<std::string> words) {
  words.insert(words.begin(), "weft");
  return ParseCommandLine(words);
}

// The line of `weft crawl` with these options; the test fails if it has an error.
inline CommandLine Crawl(std::vector<std::string> options) {
  options.insert(options.begin(), {"crawl", "https://example.com/", "--out", "dir"});
  auto line = Parse(std::move(options));
  if (line.ok()) return *std::move(line);
  ADD_FAILURE() << ErrorText(line.status());
  return {};
}

// The message of the error of `weft crawl` with these options; "" if it has none.
inline std::string CrawlError(std::vector<std::string> options) {
  options.insert(options.begin(), {"crawl", "https://example.com/", "--out", "dir"});
  const auto line = Parse(std::move(options));
  return line.ok() ? "" : ErrorText(line.status());
}

class ScratchDir {
 public:
  ScratchDir() {
    std::string name = (std::filesystem::temp_directory_path() / "weft-cli-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }
  ~ScratchDir() { std::filesystem::remove_all(path_); }
  ScratchDir(const ScratchDir&) = delete;
  ScratchDir& operator=(const ScratchDir&) = delete;

  std::string Write(const std::string& name, const std::string& text) const {
    std::ofstream(path_ / name, std::ios::binary) << text;
    return (path_ / name).string();
  }
  std::string Path(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

}  // namespace weft::test
