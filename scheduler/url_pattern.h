// What many URLs have in common: a URL with its numbers, dates and ids replaced, and the names of its query's parameters.
//   https://shop.example/item-4711/view?sid=8f3a1c22e9&page=2  ->  shop.example/item-{n}/view?page&sid
// Bounded whatever the URL is; linear. Thread rule: free functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace weft {

struct UrlPattern {
  std::string host;         // without port
  std::string path;         // "/item-{n}/view", at most kMaxPatternSegments segments
  std::string query;        // "page&sid": each name once, sorted; "" = no query
  std::string directory;    // the path up to its last "/"
  bool has_slots = false;   // something was replaced, or there is a query
  size_t segments = 0;
  size_t repeats = 0;       // how often the segment that stands most often in the path stands there; of replaced ones half
  std::string repeated;     // that segment
  size_t parameters = 0;
  size_t parameter_repeats = 0;  // how often the name that stands most often in the query stands there
  uint32_t month = 0;       // year * 12 + month - 1 of the date that it names; 0: none
  // What may be a session's id: "?sid" of a query, ";jsessionid" of a path, "/2" (the second segment).
  std::vector<std::string> sessions;
  bool known_session = false;    // the first of them is called as sessions are

  // "shop.example/item-{n}/view?page&sid"
  std::string Text() const { return query.empty() ? PathText() : host + path + "?" + query; }
  std::string PathText() const { return host + path; }
  std::string DirectoryText() const { return host + directory + "*"; }
};

inline constexpr size_t kMaxPatternSegments = 12;

UrlPattern PatternOf(std::string_view href);

}  // namespace weft
