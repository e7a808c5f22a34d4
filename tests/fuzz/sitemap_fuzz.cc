// Any bytes as a sitemap. First line: the Content-Type; the rest: the body.
#include "parser/sitemap_reader.h"
#include "tests/fuzz/fuzz_input.h"

namespace weft {
namespace {

void CheckUrls(const std::vector<SitemapUrl>& entries, size_t* count) {
  for (const SitemapUrl& entry : entries) {
    WEFT_FUZZ_CHECK(entry.url.is_http() && entry.url.href().size() <= kMaxUrlBytes);
    WEFT_FUZZ_CHECK(!entry.priority || (*entry.priority >= 0 && *entry.priority <= 1));
    WEFT_FUZZ_CHECK(entry.lastmod.size() <= 64);
    for (const Url& alternate : entry.alternates) WEFT_FUZZ_CHECK(alternate.is_http());
    *count += 1 + entry.alternates.size();
  }
}

}  // namespace
}  // namespace weft

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weft;
  static const Url file_url = Url::Parse("http://e.test/maps/sitemap.xml").value();
  std::string_view body = test::AsText(data, size);
  SitemapInput input;
  input.content_type = test::TakeFirstLine(&body);
  input.body = body;
  input.url = &file_url;
  const SitemapFile file = ReadSitemap(input);
  size_t count = 0;
  CheckUrls(file.urls, &count);
  CheckUrls(file.sitemaps, &count);
  WEFT_FUZZ_CHECK(count <= kMaxSitemapUrls);
  WEFT_FUZZ_CHECK(file.errors.size() <= kMaxSitemapErrors && file.errors.size() <= file.error_count);
  WEFT_FUZZ_CHECK(file.kind != SitemapKind::kUnknown || count == 0);
  LooksLikeSitemap(body);  // a guess: what is broken may look like one and be none
  return 0;
}
