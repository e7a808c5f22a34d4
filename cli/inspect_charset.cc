// weft inspect charset: which encoding a page has, and what told it.
#include <utility>

#include <nlohmann/json.hpp>

#include "cli/inspection.h"
#include "common/status.h"
#include "parser/charset.h"

namespace weft {
namespace {

using nlohmann::ordered_json;

std::string_view InWords(CharsetSource source) {
  switch (source) {
    case CharsetSource::kBom: return "its byte order mark";
    case CharsetSource::kHeader: return "the Content-Type header";
    case CharsetSource::kMeta: return "a <meta> in the first 1024 bytes";
    case CharsetSource::kLateMeta: return "a <meta> after the first 1024 bytes";
    case CharsetSource::kXmlDeclaration: return "its XML declaration";
    case CharsetSource::kDetected: return "detection from its bytes";
    case CharsetSource::kDefault: return "no sign at all: the last resort";
  }
  return "";
}

class CharsetInspector final : public Inspector {
 public:
  absl::StatusOr<ordered_json> Answer(const InspectionInput& input) override {
    WEFT_ASSIGN_OR_RETURN(const Charset charset, Read(input));
    ordered_json answer;
    answer["charset"] = charset.name;
    answer["source"] = CharsetSourceName(charset.source);
    return answer;
  }

  absl::StatusOr<std::string> Readable(const InspectionInput& input) override {
    WEFT_ASSIGN_OR_RETURN(const Charset charset, Read(input));
    return ReadableRow("charset", charset.name) +
           ReadableRow("told by", fmt::format("{} ({})", InWords(charset.source), CharsetSourceName(charset.source)));
  }

 private:
  static absl::StatusOr<Charset> Read(const InspectionInput& input) {
    std::string storage;
    WEFT_ASSIGN_OR_RETURN(const std::string_view body, input.Bytes("body", &storage));
    WEFT_ASSIGN_OR_RETURN(const std::string_view content_type, input.TextOr("content_type", ""));
    return SniffCharset(body, content_type);
  }
};

}  // namespace

Inspection CharsetInspection() {
  return {.name = "charset",
          .usage = "weft inspect charset FILE|- [--content-type TEXT]",
          .operand = "body",
          .operand_is_file = true,
          .flags = {{.option = "content-type", .member = "content_type", .place = &CrawlInvocation::content_type}},
          .example = R"({"body_b64":"PG1ldGEgY2hhcnNldD1iaWc1Pg==","content_type":"text/html"})",
          .make = []() -> absl::StatusOr<std::unique_ptr<Inspector>> { return std::make_unique<CharsetInspector>(); }};
}

}  // namespace weft
