// Hosts that share limits, as the user names them: --group 'name=cdn hosts=a.example,*.b.example connections=2 delay=1s'.
// "*.b.example" stands for every name below b.example, and not for b.example.
// Pure; any thread.
#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <string>
#include <string_view>
#include <vector>

namespace weft {

struct GroupRule {
  std::string name;
  std::vector<std::string> hosts;   // serialised hosts of a Url, "*." before it where all below it are meant
  uint32_t connections = 1;         // at a time, to all of them together
  absl::Duration delay;             // that each of these connections keeps, beside the host's own
};

// InvalidArgument, for people.
absl::StatusOr<GroupRule> ParseGroupRule(std::string_view text);

// Which groups a host belongs to, in O(labels of its name).
class GroupRules {
 public:
  // Rules that cannot be read are left out: options are checked where they are given.
  explicit GroupRules(const std::vector<std::string>& texts = {});
  // In the order of the rules, each once. Valid as long as this object.
  std::vector<const GroupRule*> Of(std::string_view host) const;
  const std::vector<GroupRule>& rules() const { return rules_; }

 private:
  std::vector<GroupRule> rules_;
  absl::flat_hash_map<std::string, std::vector<size_t>> exact_;
  absl::flat_hash_map<std::string, std::vector<size_t>> below_;
};

}  // namespace weft
