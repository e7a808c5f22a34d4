// Any bytes as Link and X-Robots-Tag header fields: each line is a field.
#include <vector>

#include "parser/link_header.h"
#include "parser/robots_directives.h"
#include "tests/fuzz/fuzz_input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weft;
  static const Url page_url = Url::Parse("http://e.test/dir/page.html?q=1").value();
  std::string_view text = test::AsText(data, size);
  std::vector<std::string_view> fields;
  while (!text.empty()) fields.push_back(test::TakeFirstLine(&text));
  const HeaderLinks found = ReadLinkHeaders(fields, page_url, LinkKinds::All());
  WEFT_FUZZ_CHECK(found.links.size() <= kMaxHeaderLinks);
  bool canonical = false;
  for (const ExtractedLink& link : found.links) {
    WEFT_FUZZ_CHECK(link.url.is_http() && link.kind != LinkKind::kNone);
    canonical = canonical || link.url.href() == found.canonical;
  }
  WEFT_FUZZ_CHECK(found.canonical.empty() || canonical);
  // Fields may be joined with commas where none of them is left open (RFC 9110, 5.3); apart they say no less than one does.
  size_t apart = 0;
  for (const std::string_view field : fields) apart += ReadLinkHeaders({field}, page_url, LinkKinds::All()).links.size();
  WEFT_FUZZ_CHECK(found.cut || apart == found.links.size());
  for (const std::string_view field : fields) {
    const RobotsDirectives all = ReadRobotsTag(field, "weft", absl::UnixEpoch());
    const RobotsDirectives later = ReadRobotsTag(field, "weft", absl::InfiniteFuture());
    // Time takes nothing back.
    WEFT_FUZZ_CHECK(later.nofollow == all.nofollow && (later.noindex || !all.noindex));
    ReadMetaRobots(field, absl::UnixEpoch());
  }
  return 0;
}
