// Seeds: from the command line, from files and from standard input.
#pragma once

#include <absl/status/statusor.h>

#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "common/url.h"

namespace weft {

struct SeedList {
  uint64_t repeats = 0;               // seeds that name a URL once more
  std::vector<Url> urls;              // http and https, each href once, in the order given
  std::vector<std::string> problems;  // lines that are no seed: "seeds.txt:12: 'foo bar': ..."
};

// "2 lines are no seed and left out, 1 repeats a seed above"; empty if all lines were taken.
std::string LeftOutText(const SeedList& list);

// `arguments`: a word with :// is a URL; otherwise the name of an existing file ("-": `standard_input`) is a list, one
// seed a line, # starts a comment; otherwise example.com/path means https://example.com/path. `files` are lists.
// A bad argument, a file that is missing or empty, and lists without one good line are InvalidArgument, the error
// names the first bad lines. A bad line beside good ones is a problem, and the rest goes on.
absl::StatusOr<SeedList> ReadSeeds(const std::vector<std::string>& arguments, const std::vector<std::string>& files,
                                   std::istream& standard_input);

// One seed as text: a URL, or example.com/path. The error says why it is none.
absl::StatusOr<Url> ParseSeed(std::string_view text);

}  // namespace weft
