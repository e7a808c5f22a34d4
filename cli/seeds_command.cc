// weft seeds add: more seeds for a running scheduler.
#include <iostream>

#include "cli/commands.h"
#include "cli/contact_rule.h"
#include "cli/exit_codes.h"
#include "cli/output.h"
#include "cli/seed_list.h"
#include "cli/tool_contact.h"
#include "common/status.h"
#include "common/units.h"

namespace weft {
namespace {

constexpr size_t kSeedsPerMessage = 1000;
constexpr absl::Duration kPatience = absl::Seconds(10);

}  // namespace

int SeedsAddCommand(const CommandLine& line) {
  auto seeds = ReadSeeds(line.invocation.seeds, line.invocation.seed_files, std::cin);
  if (!seeds.ok()) {
    TellProblem(ErrorText(seeds.status()));
    return kExitUsage;
  }
  for (const std::string& problem : seeds->problems) TellProblem(problem);
  auto contact = ConnectTool(line, kPatience);
  absl::Status status = contact.status();
  if (status.ok()) {
    if (const Url* seed = FirstWithoutContact(seeds->urls, contact->client->terms().settings()); seed != nullptr) {
      PrintError("weft: a contact is needed to crawl {}: the people who run it must be able to reach you. No seed was "
                 "added; start the scheduler again with --contact you@example.org (an address of yours), or for a "
                 "server of your own with --allow-private-net\n", seed->host());
      return kExitUsage;
    }
  }
  uint64_t added = 0;
  uint64_t known = 0;
  for (size_t at = 0; status.ok() && at < seeds->urls.size(); at += kSeedsPerMessage) {
    wire::Frame frame;
    size_t end = std::min(seeds->urls.size(), at + kSeedsPerMessage);
    for (size_t i = at; i < end; ++i) frame.mutable_seed_batch()->add_urls(seeds->urls[i].href());
    auto answer = contact->client->Ask(std::move(frame), kPatience);
    status = answer.status();
    if (!status.ok()) break;
    added += answer->seed_reply().added();
    known += answer->seed_reply().known();
    for (const auto& bad : answer->seed_reply().bad()) {
      PrintError("weft: seed {}: not crawled: {}\n", bad.url(), bad.reason());
    }
  }
  if (!status.ok()) {
    TellProblem(ErrorText(status));
    return kExitFailed;
  }
  if (const std::string left_out = LeftOutText(*seeds); !left_out.empty()) TellProblem(left_out);
  Print("{} added, {} known already\n", HumanCount(added, "seed"), HumanCount(known));
  return kExitOk;
}

}  // namespace weft
