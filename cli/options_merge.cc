#include "cli/options_merge.h"

#include <algorithm>

#include "cli/options_table.h"
#include "cli/options_value.h"
#include "cli/version.h"
#include "common/status.h"

namespace weft {

std::string DefaultUserAgent(std::string_view contact) {
  if (contact.empty()) return fmt::format("Weft/{}", WeftVersion());
  return fmt::format("Weft/{} (+{})", WeftVersion(), contact);
}

std::string RobotsToken(std::string_view user_agent) {
  return std::string(user_agent.substr(0, user_agent.find_first_of("/ \t(;,")));
}

void CompleteSettings(wire::CrawlSettings& settings) {
  if (settings.user_agent().empty()) settings.set_user_agent(DefaultUserAgent(settings.contact()));
  settings.set_robots_token(RobotsToken(settings.user_agent()));
}

void AddSeedHosts(const std::vector<Url>& seeds, wire::CrawlSettings& settings) {
  std::set<std::string, std::less<>> known(settings.seed_hosts().begin(), settings.seed_hosts().end());
  for (const Url& seed : seeds) {
    const auto [at, added] = known.insert(std::string(seed.host()));
    if (added) settings.add_seed_hosts(*at);
  }
}

absl::StatusOr<MergedSettings> MergeWithStored(const wire::CrawlSettings& stored, const CommandLine& now) {
  MergedSettings merged{.settings = stored, .differences = {}, .scope_changed = false};
  std::vector<std::string> scope_differences;
  for (const Option& option : OptionTable()) {
    if (!option.stored() || !now.given.contains(option.name)) continue;
    if (SameStored(option, stored, now.settings)) continue;
    std::string before = ShowStored(option, stored);
    std::string after = ShowStored(option, now.settings);
    std::string difference = before == after ? fmt::format("{}: {} (changed)", option.name, after)
                                             : fmt::format("{}: {} -> {}", option.name, before, after);
    if (option.changes_scope) scope_differences.push_back(difference);
    merged.differences.push_back(std::move(difference));
    CopyStored(option, now.settings, merged.settings);
  }
  if (!scope_differences.empty()) {
    if (!now.invocation.change_scope) {
      return InvalidArgument(
          "this crawl was begun with another scope: {}. Repeat the command with --change-scope to change it (pages "
          "that are stored already stay), or leave the option out", fmt::join(scope_differences, "; "));
    }
    merged.scope_changed = true;
    merged.settings.set_scope_version(stored.scope_version() + 1);
  }
  // A user agent that was made from the contact follows it.
  const bool was_default = stored.user_agent() == DefaultUserAgent(stored.contact());
  if (was_default && !now.given.contains("user-agent")) merged.settings.clear_user_agent();
  CompleteSettings(merged.settings);
  return merged;
}

}  // namespace weft
