// weft traps: the patterns of URLs that a crawl has found to be traps, and their release.
#include <absl/time/time.h>

#include <charconv>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/output.h"
#include "cli/record_source.h"
#include "common/status.h"
#include "common/units.h"

namespace weft {
namespace {

// "release 3 T5": ids after a word that says what becomes of them.
absl::StatusOr<wire::TrapsRequest> ReadRequest(const std::vector<std::string>& words) {
  wire::TrapsRequest request;
  if (words.empty()) return request;
  auto* ids = words[0] == "release" ? request.mutable_release() : request.mutable_hold();
  for (size_t i = 1; i < words.size(); ++i) {
    uint64_t id = 0;
    const auto [end, error] = std::from_chars(words[i].data(), words[i].data() + words[i].size(), id);
    if (error != std::errc() || end != words[i].data() + words[i].size()) {
      return InvalidArgument("'{}' is not the number of a trap; 'weft traps' lists them", words[i]);
    }
    ids->Add(id);
  }
  return request;
}

nlohmann::ordered_json Json(const wire::Trap& trap) {
  return {{"id", trap.id()},          {"pattern", trap.match()},   {"reason", trap.reason()},
          {"detail", trap.detail()},  {"urls", trap.urls()},       {"pages", trap.pages()},
          {"near_duplicates", trap.near_duplicates()},             {"refused", trap.refused()},
          {"example", trap.example()}, {"released", trap.released()},
          {"found", absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", absl::FromUnixMicros(trap.found_wall_us()), absl::UTCTimeZone())}};
}

void PrintTrap(const wire::Trap& trap) {
  Print("{:>4}  {}{}\n", trap.id(), trap.match(), trap.released() ? "  [released]" : "");
  Print("      {}: {}\n", trap.reason(), trap.detail());
  Print("      {} refused since, such as {}\n", HumanCount(trap.refused(), "link"), trap.example());
}

void PrintDecided(const wire::TrapsRequest& request, const wire::TrapsReply& reply) {
  const auto decided = static_cast<uint64_t>(request.release_size() + request.hold_size() - reply.unknown_size());
  if (decided == 0) return;
  const std::string_view what = request.release_size() > 0 ? "released" : "in force again";
  if (request.hold_size() > 0) {
    Print("{} {}\n", HumanCount(decided, "trap"), what);
  } else if (reply.later()) {
    Print("{} {}; what they refused is taken up when the crawl goes on\n", HumanCount(decided, "trap"), what);
  } else {
    Print("{} {}; {} taken up\n", HumanCount(decided, "trap"), what, HumanCount(reply.taken_up(), "URL"));
  }
}

}  // namespace

int TrapsCommand(const CommandLine& line) {
  const auto request = ReadRequest(line.invocation.trap_words);
  if (!request.ok()) {
    TellProblem(ErrorText(request.status()));
    return kExitUsage;
  }
  auto source = OpenRecordSource(line);
  absl::StatusOr<wire::TrapsReply> reply = source.ok() ? (*source)->Traps(*request) : source.status();
  if (!reply.ok()) {
    TellProblem(ErrorText(reply.status()));
    return kExitFailed;
  }
  for (uint64_t id : reply->unknown()) PrintError("weft: no trap has the number {}\n", id);
  if (line.invocation.json) {
    nlohmann::ordered_json traps = nlohmann::ordered_json::array();
    for (const wire::Trap& trap : reply->list().traps()) traps.push_back(Json(trap));
    Print("{}\n", nlohmann::ordered_json{{"traps", traps}, {"taken_up", reply->taken_up()}}.dump());
  } else if (line.invocation.trap_words.empty()) {
    if (reply->list().traps().empty()) Print("no traps were found\n");
    for (const wire::Trap& trap : reply->list().traps()) PrintTrap(trap);
  } else {
    PrintDecided(*request, *reply);
  }
  return reply->unknown().empty() ? kExitOk : kExitFailed;
}

}  // namespace weft
