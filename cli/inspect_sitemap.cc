// weft inspect sitemap: what the parser finds in a sitemap or feed.
#include <utility>

#include <nlohmann/json.hpp>

#include "cli/inspection.h"
#include "common/status.h"
#include "common/url.h"
#include "parser/sitemap_reader.h"

namespace weft {
namespace {

using nlohmann::ordered_json;

ordered_json Entries(const std::vector<SitemapUrl>& urls) {
  ordered_json::array_t entries;
  entries.reserve(urls.size());
  for (const SitemapUrl& url : urls) {
    ordered_json& entry = entries.emplace_back();
    entry["loc"] = url.url.href();
    if (!url.lastmod.empty()) entry["lastmod"] = url.lastmod;
    if (url.priority) entry["priority"] = *url.priority;
  }
  return entries;
}

class SitemapInspector final : public Inspector {
 public:
  absl::StatusOr<ordered_json> Answer(const InspectionInput& input) override {
    WEFT_ASSIGN_OR_RETURN(const SitemapFile file, Read(input));
    ordered_json answer;
    answer["kind"] = SitemapKindName(file.kind);
    answer["urls"] = Entries(file.urls);
    answer["sitemaps"] = Entries(file.sitemaps);
    answer["errors"] = file.errors;
    return answer;
  }

  absl::StatusOr<std::string> Readable(const InspectionInput& input) override {
    WEFT_ASSIGN_OR_RETURN(const SitemapFile file, Read(input));
    std::string out = ReadableRow("kind", SitemapKindName(file.kind));
    out += ReadableRow("URLs", std::to_string(file.urls.size()));
    for (const SitemapUrl& url : file.urls) out += Line(url);
    out += ReadableRow("sitemaps", std::to_string(file.sitemaps.size()));
    for (const SitemapUrl& url : file.sitemaps) out += Line(url);
    for (const std::string& error : file.errors) out += ReadableRow("fault", error);
    if (file.error_count > file.errors.size()) {
      out += ReadableRow("", fmt::format("and {} more faults", file.error_count - file.errors.size()));
    }
    if (file.cut) out += ReadableRow("", "there is more than is read of one file");
    return out;
  }

 private:
  static std::string Line(const SitemapUrl& url) {
    return fmt::format("{:<23} {}\n", fmt::format("  {}", Printable(url.lastmod)), Printable(url.url.href()));
  }

  static absl::StatusOr<SitemapFile> Read(const InspectionInput& input) {
    std::string storage;
    WEFT_ASSIGN_OR_RETURN(const std::string_view body, input.Bytes("body", &storage));
    WEFT_ASSIGN_OR_RETURN(const std::string_view url_text, input.Text("url"));
    WEFT_ASSIGN_OR_RETURN(const std::string_view content_type, input.TextOr("content_type", ""));
    const absl::StatusOr<Url> url = Url::Parse(url_text);
    if (!url.ok()) {
      return InvalidArgument("\"url\" is not a URL: {}; give the file's own, such as https://example.com/sitemap.xml",
                             ErrorText(url.status()));
    }
    SitemapInput file;
    file.body = body;
    file.content_type = content_type;
    file.url = &*url;
    return ReadSitemap(file);
  }
};

}  // namespace

Inspection SitemapInspection() {
  return {.name = "sitemap",
          .usage = "weft inspect sitemap FILE|- --url URL [--content-type TEXT]",
          .operand = "body",
          .operand_is_file = true,
          .flags = {{.option = "url", .member = "url", .place = &CrawlInvocation::of_url, .needed = true},
                    {.option = "content-type", .member = "content_type", .place = &CrawlInvocation::content_type}},
          .example = R"({"body":"https://example.com/a\n","url":"https://example.com/sitemap.txt"})",
          .make = []() -> absl::StatusOr<std::unique_ptr<Inspector>> { return std::make_unique<SitemapInspector>(); }};
}

}  // namespace weft
