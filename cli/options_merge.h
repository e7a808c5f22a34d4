// A crawl that is gone on with: stored settings, and what this call says otherwise.
#pragma once

#include <absl/status/statusor.h>

#include <string>
#include <string_view>
#include <vector>

#include "cli/options.h"
#include "common/url.h"

namespace weft {

// "Weft/0.1.0 (+you@example.org)", without the comment where there is no contact.
std::string DefaultUserAgent(std::string_view contact);
// What robots.txt calls a crawler of this user agent: its first product token (RFC 9309 2.2.1), "Weft".
std::string RobotsToken(std::string_view user_agent);
// Fills in what follows from other options: the user agent where none was given, and the robots token. Call it once
// for the settings of a new crawl; MergeWithStored does it for an old one.
void CompleteSettings(wire::CrawlSettings& settings);
// Adds the seeds' hosts (serialised, without port) to settings.seed_hosts, each once, in order.
void AddSeedHosts(const std::vector<Url>& seeds, wire::CrawlSettings& settings);

struct MergedSettings {
  wire::CrawlSettings settings;
  std::vector<std::string> differences;  // for people: "delay: 1s -> 2s"
  bool scope_changed = false;            // scope_version was raised
};

// Takes over the options in `now.given`, leaves the others as stored. InvalidArgument if the scope would change and
// `now` has no --change-scope; the error tells the stored and the new value.
absl::StatusOr<MergedSettings> MergeWithStored(const wire::CrawlSettings& stored, const CommandLine& now);

}  // namespace weft
