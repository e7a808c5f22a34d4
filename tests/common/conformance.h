// Reading the third-party URL cases, and the tally that every conformance test prints.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace weft::test {

// Empty where the variable is unset.
inline std::string ConformanceFile(const std::string& name) {
  const char* directory = std::getenv("WEFT_CONFORMANCE_DATA");
  return directory == nullptr || *directory == '\0' ? "" : fmt::format("{}/{}", directory, name);
}

inline std::vector<nlohmann::json> ReadJsonLines(const std::string& file) {
  std::vector<nlohmann::json> rows;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    if (!line.empty()) rows.push_back(nlohmann::json::parse(line));
  }
  return rows;
}

// "\\ud900" without its other half is U+FFFD in UTF-8; the JSON parser would refuse it.
inline std::string ReplaceLoneSurrogates(std::string json) {
  const auto unit_at = [&](size_t at) {
    const bool escape = json.compare(at, 2, "\\u") == 0 && json.size() >= at + 6;
    return escape ? std::stoul(json.substr(at + 2, 4), nullptr, 16) : 0;
  };
  for (size_t at = 0; at + 1 < json.size(); at += 2) {
    at = json.find('\\', at);
    if (at == std::string::npos) break;
    const unsigned long unit = unit_at(at);
    if (unit < 0xd800 || unit > 0xdfff) continue;
    const unsigned long next = unit_at(std::min(at + 6, json.size()));
    if (unit < 0xdc00 && next >= 0xdc00 && next <= 0xdfff) {
      at += 6;
    } else {
      json.replace(at, 6, "\\ufffd");
    }
  }
  return json;
}

// A WPT file: an array of cases (objects) and comments (strings).
inline std::vector<nlohmann::json> ReadJsonCases(const std::string& file) {
  std::vector<nlohmann::json> rows;
  std::ifstream in(file);
  std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  for (const nlohmann::json& row : nlohmann::json::parse(ReplaceLoneSurrogates(std::move(text)))) {
    if (row.is_object()) rows.push_back(row);
  }
  return rows;
}

inline std::string TextOr(const nlohmann::json& row, const char* field, std::string_view otherwise) {
  const auto found = row.find(field);
  return found != row.end() && found->is_string() ? found->get<std::string>() : std::string(otherwise);
}

class Tally {
 public:
  explicit Tally(std::string name) : name_(std::move(name)) {}
  ~Tally() { std::cout << fmt::format("{}: {} cases, {} passed\n", name_, ran_, passed_); }

  void Expect(std::string_view what, std::string_view expected, std::string_view actual) {
    ++ran_;
    if (expected == actual) {
      ++passed_;
    } else {
      const std::string shown = nlohmann::json(what).dump();
      std::cout << fmt::format("{} differs: {} -> '{}', the case has '{}'\n", name_, shown, actual, expected);
    }
  }
  size_t ran() const { return ran_; }
  size_t passed() const { return passed_; }
  double rate() const { return ran_ == 0 ? 0 : static_cast<double>(passed_) / static_cast<double>(ran_); }

 private:
  std::string name_;
  size_t ran_ = 0;
  size_t passed_ = 0;
};

}  // namespace weft::test

#define WEFT_REQUIRE_CONFORMANCE_DATA()                                                        \
  if (weft::test::ConformanceFile("").empty())                                                 \
  GTEST_SKIP() << "WEFT_CONFORMANCE_DATA names no directory of third-party cases; none were run"
