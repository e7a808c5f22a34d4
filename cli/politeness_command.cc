// weft politeness: which rules hold for a host, what it waits for, and how fast it was ever asked.
#include <nlohmann/json.hpp>

#include <optional>

#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/output.h"
#include "cli/record_source.h"
#include "common/status.h"
#include "common/units.h"
#include "common/url.h"

namespace weft {
namespace {

std::string Text(int64_t us) { return weft::FormatDuration(absl::Microseconds(us)); }
std::string Rough(int64_t us) {
  return weft::FormatDuration(absl::Trunc(absl::Microseconds(us), us > 10'000'000 ? absl::Seconds(1) : absl::Milliseconds(1)));
}
double Seconds(int64_t us) { return static_cast<double>(us) / 1e6; }

// As the crawl knows it: of a URL its host.
absl::StatusOr<std::string> HostNamed(const std::string& typed) {
  auto url = Url::Parse(typed.find("://") == std::string::npos ? fmt::format("http://{}/", typed) : typed);
  if (!url.ok() || url->host().empty()) return InvalidArgument("'{}' is not a host, such as www.example.com", typed);
  return std::string(url->host());
}

nlohmann::ordered_json GroupsJson(const wire::PolitenessReply& reply) {
  nlohmann::ordered_json groups = nlohmann::ordered_json::array();
  for (const wire::PolitenessGroup& group : reply.groups()) {
    groups.push_back({{"kind", group.kind()}, {"name", group.name()}, {"connections", group.connections()},
                      {"in_use", group.in_use()}, {"resting", group.resting()}, {"delay_s", Seconds(group.delay_us())},
                      {"wait_s", Seconds(group.wait_us())}, {"hosts_waiting", group.waiting()}});
  }
  return groups;
}

std::string Json(const wire::PolitenessReply& reply) {
  nlohmann::ordered_json json;
  json["host"] = reply.host();
  json["known"] = reply.known();
  json["delay_s"] = Seconds(reply.delay_us());
  json["rules"] = {{"delay_s", Seconds(reply.configured_us())}, {"delay_min_s", Seconds(reply.least_us())},
                   {"delay_max_s", Seconds(reply.most_us())}, {"adaptive_s", Seconds(reply.adaptive_us())},
                   {"crawl_delay_s", Seconds(reply.crawl_delay_us())}, {"connections", reply.connections()}};
  json["groups"] = GroupsJson(reply);
  json["proxy"] = reply.proxy();
  json["tag"] = reply.tag();
  json["wait_s"] = Seconds(reply.wait_us());
  json["in_the_way"] = reply.in_the_way();
  json["held_by"] = reply.holder();
  json["pending"] = reply.pending();
  json["throttles"] = reply.throttles();
  json["unanswered"] = reply.unanswered();
  const std::optional<int64_t> age =
      reply.last_request_age_us() < 0 ? std::nullopt : std::optional(reply.last_request_age_us());
  json["last_request_s_ago"] = age ? nlohmann::ordered_json(Seconds(*age)) : nlohmann::ordered_json(nullptr);
  json["latency_s"] = Seconds(reply.latency_us());
  json["busiest_second"] = reply.busiest_second();
  json["shortest_gap_s"] = Seconds(reply.shortest_gap_us());
  nlohmann::ordered_json origins = nlohmann::ordered_json::array();
  for (const wire::PolitenessOrigin& origin : reply.origins()) {
    origins.push_back({{"origin", origin.origin()}, {"pending", origin.pending()}, {"wait_s", Seconds(origin.wait_us())},
                       {"failures", origin.failures()}, {"robots_tries", origin.robots_tries()}});
  }
  json["origins"] = origins;
  return json.dump();
}

void PrintRules(const wire::PolitenessReply& reply) {
  Print("  delay        {} in force: --delay {}, adaptive {} ({} to {})", Text(reply.delay_us()),
        Text(reply.configured_us()), Text(reply.adaptive_us()), Text(reply.least_us()), Text(reply.most_us()));
  if (reply.crawl_delay_us() > 0) {
    const bool cut = reply.crawl_delay_us() > reply.longest_crawl_delay_us();
    Print(", Crawl-delay {}{}", Text(reply.crawl_delay_us()),
          cut ? fmt::format(" (honoured up to {})", Text(reply.longest_crawl_delay_us())) : "");
  }
  Print("\n  connections  {} at a time\n", reply.connections());
  if (!reply.proxy().empty()) Print("  proxy        {}, by a rule\n", reply.proxy());
  if (!reply.tag().empty()) Print("  tag          '{}': asked by nodes that have it\n", reply.tag());
  for (const wire::PolitenessGroup& group : reply.groups()) {
    Print("  {:<12} {}: {} of {} connections in use", group.kind(), group.name(), group.in_use(), group.connections());
    if (group.delay_us() > 0) Print(", delay {}, {} resting", Text(group.delay_us()), group.resting());
    if (group.waiting() > 0) Print(", {} hosts wait", group.waiting());
    Print("\n");
  }
}

void PrintState(const wire::PolitenessReply& reply) {
  if (!reply.holder().empty()) {
    Print("  now          leased to {}\n", reply.holder());
  } else if (reply.wait_us() > 0) {
    Print("  now          no request for another {}\n", Rough(reply.wait_us()));
  } else if (!reply.in_the_way().empty()) {
    Print("  now          waits for {}\n", reply.in_the_way());
  } else {
    Print("  now          may be asked\n");
  }
  if (reply.throttles() > 0) Print("  throttled    {} times in a row (429, 503)\n", reply.throttles());
  if (reply.unanswered() > 0) Print("  no answer    to {} requests in a row\n", reply.unanswered());
  for (const wire::PolitenessOrigin& origin : reply.origins()) {
    Print("  {}: {} pending", origin.origin(), HumanCount(origin.pending()));
    if (origin.failures() > 0) Print(", failed {} times in a row", origin.failures());
    if (origin.robots_tries() > 0) Print(", robots.txt tried {} times", origin.robots_tries());
    if (origin.wait_us() > 0) Print(", waits {}", Rough(origin.wait_us()));
    Print("\n");
  }
}

void PrintRates(const wire::PolitenessReply& reply, bool rests) {
  if (reply.last_request_age_us() < 0) {
    Print("  never asked\n");
    return;
  }
  Print("  last asked   {} {}", Rough(reply.last_request_age_us()), rests ? "before the crawl stopped" : "ago");
  if (reply.latency_us() > 0) Print("; an answer takes about {}", Rough(reply.latency_us()));
  Print("\n  fastest ever {} request{} in one second", reply.busiest_second(), reply.busiest_second() == 1 ? "" : "s");
  if (reply.shortest_gap_us() > 0) Print(", shortest pause {}", Rough(reply.shortest_gap_us()));
  Print("\n");
}

}  // namespace

int PolitenessCommand(const CommandLine& line) {
  auto host = HostNamed(line.invocation.host);
  if (!host.ok()) {
    TellProblem(ErrorText(host.status()));
    return kExitUsage;
  }
  auto source = OpenRecordSource(line);
  absl::StatusOr<wire::PolitenessReply> reply = source.ok() ? (*source)->Politeness(*host) : source.status();
  if (!reply.ok()) {
    TellProblem(ErrorText(reply.status()));
    return kExitFailed;
  }
  if (line.invocation.json) {
    Print("{}\n", Json(*reply));
    return kExitOk;
  }
  Print("{}{}\n", reply->host(), reply->known() ? "" : ": this crawl knows nothing of it; for any host holds");
  PrintRules(*reply);
  if (reply->known()) {
    PrintState(*reply);
    PrintRates(*reply, (*source)->rests());
  }
  return kExitOk;
}

}  // namespace weft
