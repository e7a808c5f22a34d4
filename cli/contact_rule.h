// Who crawls other people's sites says how to be reached. Decided from the seeds' text alone, before anything is
// looked up: what a name resolves to is the site's affair, not evidence of whose it is.
#pragma once

#include <absl/status/status.h>

#include <string>
#include <vector>

#include "common/url.h"
#include "common/wire.pb.h"

namespace weft {

// OK if settings.contact is set, or if every seed's host is localhost or an address inside settings.allow_private_net.
// Otherwise InvalidArgument whose message holds the whole command, corrected: `argv` and --contact.
absl::Status CheckContact(const std::vector<Url>& seeds, const wire::CrawlSettings& settings,
                          const std::vector<std::string>& argv);

// The first seed for which a contact is missing; null if there is none.
const Url* FirstWithoutContact(const std::vector<Url>& seeds, const wire::CrawlSettings& settings);

// A command line that a POSIX shell splits back into `argv`.
std::string ShellCommand(const std::vector<std::string>& argv);

}  // namespace weft
