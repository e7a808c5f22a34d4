// weft inspect url: what is fetched, and what names it elsewhere.
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

#include "cli/inspection.h"
#include "common/crawl_key.h"
#include "common/registrable_domain.h"
#include "common/status.h"
#include "common/url.h"

namespace weft {
namespace {

using nlohmann::ordered_json;

class UrlInspector final : public Inspector {
 public:
  explicit UrlInspector(std::shared_ptr<const PublicSuffixes> suffixes) : suffixes_(std::move(suffixes)) {}

  absl::StatusOr<ordered_json> Answer(const InspectionInput& input) override {
    WEFT_ASSIGN_OR_RETURN(const absl::StatusOr<Url> url, Read(input));
    ordered_json::object_t answer;
    answer.reserve(6);
    if (!url.ok()) {
      for (const char* name : {"href", "key", "surt", "host", "registrable_domain"}) answer.emplace_back(name, nullptr);
      answer.emplace_back("error", ErrorText(url.status()));
      return ordered_json(std::move(answer));
    }
    answer.emplace_back("href", url->href());
    answer.emplace_back("key", CrawlKey(*url));
    answer.emplace_back("surt", Surt(*url));
    answer.emplace_back("host", url->host());
    std::optional<std::string> domain = suffixes_->FindRegistrableDomain(url->host());
    answer.emplace_back("registrable_domain", domain ? ordered_json(*std::move(domain)) : ordered_json(nullptr));
    return ordered_json(std::move(answer));
  }

  absl::StatusOr<std::string> Readable(const InspectionInput& input) override {
    WEFT_ASSIGN_OR_RETURN(const absl::StatusOr<Url> url, Read(input));
    WEFT_ASSIGN_OR_RETURN(const std::string_view text, input.Text("input"));
    if (!url.ok()) {
      return FailedPrecondition("'{}' is not a URL: {}{}", Printable(text), Printable(ErrorText(url.status())),
                                input.Has("base") ? "" : "; a relative one needs --base URL");
    }
    const std::optional<std::string> domain = suffixes_->FindRegistrableDomain(url->host());
    std::string out = ReadableRow("fetched as", url->href());
    out += ReadableRow("crawl key", CrawlKey(*url));
    out += ReadableRow("SURT", Surt(*url));
    out += ReadableRow("host", url->host().empty() ? "(none)" : url->host());
    out += ReadableRow("registrable domain", domain.value_or("(none: an address, a public suffix or a single label)"));
    if (!url->is_http()) out += ReadableRow("", "not http or https: a crawl leaves it out");
    if (url->href().size() > kMaxUrlBytes) {
      out += ReadableRow("", fmt::format("longer than {} bytes: a crawl leaves it out", kMaxUrlBytes));
    }
    return out;
  }

 private:
  // The outer status: the input is not complete. The inner one: it is not a URL.
  static absl::StatusOr<absl::StatusOr<Url>> Read(const InspectionInput& input) {
    WEFT_ASSIGN_OR_RETURN(const std::string_view text, input.Text("input"));
    if (!input.Has("base")) return absl::StatusOr<Url>(Url::Parse(text));
    WEFT_ASSIGN_OR_RETURN(const std::string_view base_text, input.Text("base"));
    const absl::StatusOr<Url> base = Url::Parse(base_text);
    if (!base.ok()) return absl::StatusOr<Url>(WithContext(base.status(), "base"));
    return absl::StatusOr<Url>(Url::Parse(text, *base));
  }

  std::shared_ptr<const PublicSuffixes> suffixes_;
};

}  // namespace

Inspection UrlInspection() {
  return {.name = "url",
          .usage = "weft inspect url URL [--base URL]",
          .operand = "input",
          .operand_is_file = false,
          .flags = {{.option = "base", .member = "base", .place = &CrawlInvocation::base_url}},
          .example = R"({"input":"../b?x#f","base":"https://example.com/a/"})",
          .make = []() -> absl::StatusOr<std::unique_ptr<Inspector>> {
            WEFT_ASSIGN_OR_RETURN(std::shared_ptr<const PublicSuffixes> suffixes, PublicSuffixes::Load());
            return std::make_unique<UrlInspector>(std::move(suffixes));
          }};
}

}  // namespace weft
