// weft inspect robots: what a robots.txt says about one URL.
#include <utility>

#include <nlohmann/json.hpp>

#include "cli/inspection.h"
#include "common/status.h"
#include "common/url.h"
#include "fetcher/robots_rules.h"

namespace weft {
namespace {

using nlohmann::ordered_json;

// A sitemap as it would be fetched: lines may be relative to the site, though they should not (sitemaps.org).
std::string Resolved(const std::string& sitemap, const Url& site) {
  const absl::StatusOr<Url> url = site.empty() ? Url::Parse(sitemap) : Url::Parse(sitemap, site);
  return url.ok() ? url->href() : sitemap;
}

class RobotsInspector final : public Inspector {
 public:
  absl::StatusOr<ordered_json> Answer(const InspectionInput& input) override {
    WEFT_ASSIGN_OR_RETURN(const Result result, Read(input));
    ordered_json answer;
    answer["allowed"] = result.verdict.allowed;
    answer["rule"] = result.verdict.rule.empty() ? ordered_json(nullptr) : ordered_json(result.verdict.rule);
    answer["line"] = result.verdict.line == 0 ? ordered_json(nullptr) : ordered_json(result.verdict.line);
    const auto delay = result.rules.crawl_delay();
    answer["crawl_delay"] = delay ? ordered_json(absl::ToDoubleSeconds(*delay)) : ordered_json(nullptr);
    answer["sitemaps"] = result.sitemaps;
    return answer;
  }

  absl::StatusOr<std::string> Readable(const InspectionInput& input) override {
    WEFT_ASSIGN_OR_RETURN(const Result result, Read(input));
    const RobotsRules::Verdict& verdict = result.verdict;
    std::string out = ReadableRow(verdict.allowed ? "allowed" : "disallowed", result.path);
    out += ReadableRow("asked for as", result.token.empty() ? "(no product token: only * can be meant)" : result.token);
    out += ReadableRow("group", GroupText(result));
    if (verdict.line != 0) {
      out += ReadableRow("decided by", fmt::format("line {}: {}", verdict.line, verdict.rule));
    } else if (!verdict.rule.empty()) {
      out += ReadableRow("decided by", verdict.rule);
    } else {
      out += ReadableRow("decided by", result.path == "/robots.txt" ? "nothing: robots.txt may always be asked for"
                                                                    : "no line matches, so it is allowed");
    }
    const auto delay = result.rules.crawl_delay();
    out += ReadableRow("crawl delay", delay ? fmt::format("{} s", absl::ToDoubleSeconds(*delay)) : "none");
    for (const std::string& sitemap : result.sitemaps) out += ReadableRow("sitemap", sitemap);
    if (result.cut) out += ReadableRow("", fmt::format("only the first {} KiB were read", kMaxRobotsBytes / 1024));
    return out;
  }

 private:
  struct Result {
    std::string path;  // with query
    Url site;          // empty where only a path was given
    std::vector<std::string> sitemaps;
    std::string token;
    bool cut = false;
    RobotsRules rules;
    RobotsRules::Verdict verdict;
  };

  static absl::StatusOr<Result> Read(const InspectionInput& input) {
    Result result;
    std::string storage;
    WEFT_ASSIGN_OR_RETURN(const std::string_view body, input.Bytes("robots", &storage));
    WEFT_ASSIGN_OR_RETURN(const std::string_view agent, input.Text("agent"));
    WEFT_ASSIGN_OR_RETURN(const std::string_view url, input.Text("url"));
    WEFT_RETURN_IF_ERROR(ReadUrl(url, result));
    result.token = RobotsRules::TokenOf(agent);
    result.cut = body.size() > kMaxRobotsBytes;
    result.rules = RobotsRules::Parse(body, result.token);
    result.verdict = result.rules.Check(result.path);
    for (const std::string& sitemap : result.rules.sitemaps()) {
      result.sitemaps.push_back(Resolved(sitemap, result.site));
    }
    return result;
  }

  // A URL, or what a request line would say: "/x?y". An empty one asks for "/".
  static absl::Status ReadUrl(std::string_view text, Result& result) {
    if (text.empty() || text.starts_with('/')) {
      result.path = text.empty() ? "/" : text.substr(0, text.find('#'));
      return absl::OkStatus();
    }
    absl::StatusOr<Url> url = Url::Parse(text);
    if (!url.ok()) {
      return InvalidArgument("\"url\" is not a URL: {}; give one such as https://example.com/x, or a path such as /x",
                             ErrorText(url.status()));
    }
    result.path = url->path_and_query();
    result.site = *std::move(url);
    return absl::OkStatus();
  }

  static std::string GroupText(const Result& result) {
    switch (result.rules.group()) {
      case RobotsRules::Group::kNamed: return fmt::format("of {}", result.token);
      case RobotsRules::Group::kEveryone:
        return result.token.empty() ? "of *" : fmt::format("of *, as none names {}", result.token);
      case RobotsRules::Group::kNone:
        return result.token.empty() ? "none is of *" : fmt::format("none: neither {} nor * is named", result.token);
    }
    return "";
  }
};

}  // namespace

Inspection RobotsInspection() {
  return {.name = "robots",
          .usage = "weft inspect robots FILE|- --url URL [--agent NAME]",
          .operand = "robots",
          .operand_is_file = true,
          .flags = {{.option = "url", .member = "url", .place = &CrawlInvocation::of_url, .needed = true},
                    {.option = "agent", .member = "agent", .place = &CrawlInvocation::agent}},
          .example = R"({"robots":"User-agent: *\nDisallow: /x","agent":"Weft","url":"https://example.com/x"})",
          .make = []() -> absl::StatusOr<std::unique_ptr<Inspector>> { return std::make_unique<RobotsInspector>(); }};
}

}  // namespace weft
