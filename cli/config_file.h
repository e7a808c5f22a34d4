// A TOML file of options: `name = value` at the top level, lists for options that may be repeated.
//   max-pages = 1000
//   delay = "2s"
//   exclude = ['\.pdf$', '/private/']
//   [[rule]]                # as --rule 'match=/news/ priority=10' (common/named_values.h)
//   match = '/news/'
//   priority = 10
#pragma once

#include <absl/status/statusor.h>

#include <string>
#include <vector>

namespace weft {

struct ConfigEntry {
  std::string key;
  std::vector<std::string> values;  // as text; a list's elements
  bool is_list = false;
  int line = 0;
};

// In the order of the file. Errors name file and line. What a key means is the caller's business.
absl::StatusOr<std::vector<ConfigEntry>> ReadConfigFile(const std::string& path);

}  // namespace weft
