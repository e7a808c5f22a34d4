// weft inspect links: what the parser finds in a page.
#include <algorithm>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "cli/inspection.h"
#include "cli/options_merge.h"
#include "common/ascii.h"
#include "common/clock.h"
#include "common/status.h"
#include "common/url.h"
#include "parser/link_extractor.h"
#include "parser/link_header.h"
#include "parser/robots_directives.h"

namespace weft {
namespace {

using nlohmann::ordered_json;

// A page, and what it asks of the robot that reads it.
struct ReadPage {
  ExtractedPage page;
  RobotsDirectives directives;
};

// Fields of a header that may stand several times: one a line.
std::vector<std::string_view> Lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

class LinksInspector final : public Inspector {
 public:
  absl::StatusOr<ordered_json> Answer(const InspectionInput& input) override {
    WEFT_ASSIGN_OR_RETURN(const ReadPage read, Read(input));
    const ExtractedPage& page = read.page;
    ordered_json answer;
    answer["charset"] = page.charset;
    answer["title"] = page.title;
    answer["base"] = page.base;
    answer["meta_robots"] = page.meta_robots;
    answer["directives"] = read.directives.names();
    if (read.page.links_cut) answer["links_cut"] = true;
    answer["description"] = page.description;
    answer["language"] = page.language;
    answer["canonical"] = page.canonical.empty() ? ordered_json() : ordered_json(page.canonical);
    ordered_json::array_t links;
    links.reserve(page.links.size());
    for (const ExtractedLink& link : page.links) {
      links.push_back({{"url", link.url.href()}, {"kind", LinkKindName(link.kind)}, {"nofollow", link.nofollow},
                       {"rel", link.rel}, {"text", link.text}});
    }
    answer["links"] = std::move(links);
    return answer;
  }

  absl::StatusOr<std::string> Readable(const InspectionInput& input) override {
    WEFT_ASSIGN_OR_RETURN(const ReadPage read, Read(input));
    const ExtractedPage& page = read.page;
    std::string out = ReadableRow("charset", page.charset);
    out += ReadableRow("title", page.title.empty() ? "(none)" : page.title);
    out += ReadableRow("base", page.base);
    if (!page.description.empty()) out += ReadableRow("description", page.description);
    if (!page.language.empty()) out += ReadableRow("language", page.language);
    if (!page.canonical.empty()) out += ReadableRow("canonical", page.canonical);
    for (const std::string& robots : page.meta_robots) out += ReadableRow("meta robots", robots);
    for (const std::string& directive : read.directives.names()) out += ReadableRow("directive", directive);
    out += ReadableRow("links", std::to_string(page.links.size()));
    for (const ExtractedLink& link : page.links) {
      const std::string kind = fmt::format("  {}{}", LinkKindName(link.kind), link.nofollow ? " nofollow" : "");
      out += fmt::format("{:<23} {}\n", kind, Printable(link.url.href()));
    }
    if (page.linear_scan) out += ReadableRow("", "its tree would cost too much: read by the linear extractor instead");
    if (page.links_cut) out += ReadableRow("", "there are more links than are taken from one page");
    return out;
  }

 private:
  absl::StatusOr<ReadPage> Read(const InspectionInput& input) {
    std::string storage;
    WEFT_ASSIGN_OR_RETURN(const std::string_view html, input.Bytes("html", &storage));
    WEFT_ASSIGN_OR_RETURN(const std::string_view url_text, input.Text("url"));
    WEFT_ASSIGN_OR_RETURN(const std::string_view content_type, input.TextOr("content_type", ""));
    const absl::StatusOr<Url> url = Url::Parse(url_text);
    if (!url.ok()) {
      return InvalidArgument("\"url\" is not a URL: {}; give the page's own, such as https://example.com/",
                             ErrorText(url.status()));
    }
    LinkExtractor::Input page;
    page.html = html;
    page.url = &*url;
    page.content_type = content_type;
    page.want_details = true;
    page.kinds = LinkKinds::All();
    WEFT_ASSIGN_OR_RETURN(const std::string_view agent, input.TextOr("agent", "Weft"));
    const std::string robots_name = LowerAscii(RobotsToken(agent));
    page.robots_name = robots_name;
    WEFT_ASSIGN_OR_RETURN(LinkExtractor* const extractor, ExtractorOf(input));
    WEFT_ASSIGN_OR_RETURN(const std::string_view tags, input.TextOr("x_robots_tag", ""));
    ReadPage read{.page = extractor->Extract(page), .directives = {}};
    WEFT_ASSIGN_OR_RETURN(const std::string_view header, input.TextOr("link", ""));
    AddHeaderLinks(ReadLinkHeaders(Lines(header), *url, page.kinds), &read.page);
    const absl::Time now = SystemClock().WallNow();
    for (const std::string_view tag : Lines(tags)) read.directives |= ReadRobotsTag(tag, robots_name, now);
    for (const std::string& content : read.page.meta_robots) read.directives |= ReadMetaRobots(content, now);
    return read;
  }

  absl::StatusOr<LinkExtractor*> ExtractorOf(const InspectionInput& input) {
    WEFT_ASSIGN_OR_RETURN(const std::string_view name, input.TextOr("extractor", "linear"));
    if (name == "linear") return linear_.get();
    if (name == "gumbo") return gumbo_.get();
    return InvalidArgument("\"extractor\" is '{}'; it is linear or gumbo", Printable(name));
  }

  std::unique_ptr<LinkExtractor> linear_ = NewLinearExtractor();
  std::unique_ptr<LinkExtractor> gumbo_ = NewGumboExtractor();
};

}  // namespace

Inspection LinksInspection() {
  return {.name = "links",
          .usage = "weft inspect links FILE|- --url URL [--content-type TEXT] [--x-robots-tag TEXT] "
                   "[--link-header TEXT] [--agent NAME] [--extractor linear|gumbo]",
          .operand = "html",
          .operand_is_file = true,
          .flags = {{.option = "url", .member = "url", .place = &CrawlInvocation::of_url, .needed = true},
                    {.option = "content-type", .member = "content_type", .place = &CrawlInvocation::content_type},
                    {.option = "x-robots-tag", .member = "x_robots_tag", .place = &CrawlInvocation::x_robots_tag},
                    {.option = "link-header", .member = "link", .place = &CrawlInvocation::link_header},
                    {.option = "agent", .member = "agent", .place = &CrawlInvocation::agent},
                    {.option = "extractor", .member = "extractor", .stored = &wire::CrawlSettings::extractor}},
          .example = R"({"html_b64":"PGEgaHJlZj14PmE8L2E+","url":"https://example.com/"})",
          .make = []() -> absl::StatusOr<std::unique_ptr<Inspector>> { return std::make_unique<LinksInspector>(); }};
}

}  // namespace weft
