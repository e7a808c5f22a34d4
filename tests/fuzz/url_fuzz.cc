// Any bytes as a URL, its crawl key and its archive key. First line: a base; its first byte chooses the key's options.
#include "common/crawl_key.h"
#include "tests/fuzz/fuzz_input.h"

namespace weft {
namespace {

KeyOptions OptionsOf(unsigned char bits) {
  KeyOptions options;
  options.sort_query = (bits & 1) != 0;
  options.drop_session_parameters = (bits & 2) != 0;
  options.drop_tracking_parameters = (bits & 4) != 0;
  options.drop_index = (bits & 8) != 0;
  options.drop_www = (bits & 16) != 0;
  options.http_is_https = (bits & 32) != 0;
  return options;
}

void CheckUrl(const Url& url, const KeyOptions& options) {
  const auto again = Url::Parse(url.href());
  WEFT_FUZZ_CHECK(again.ok() && *again == url);
  WEFT_FUZZ_CHECK(url.href().starts_with(url.scheme()));
  if (url.is_http()) {
    WEFT_FUZZ_CHECK(!url.host().empty() && url.path().starts_with('/'));
    WEFT_FUZZ_CHECK(Url::Parse(url.request_target_url()).ok() && Url::Parse(url.origin()).ok());
  }
  const std::string key = CrawlKey(url, options);
  const auto parsed_key = Url::Parse(key);
  WEFT_FUZZ_CHECK(parsed_key.ok() && CrawlKey(*parsed_key, options) == key);
  WEFT_FUZZ_CHECK(!Surt(url).empty());
}

}  // namespace
}  // namespace weft

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weft;
  std::string_view text = test::AsText(data, size);
  std::string_view base_text = test::TakeFirstLine(&text);
  const KeyOptions options = OptionsOf(base_text.empty() ? 0 : static_cast<unsigned char>(base_text.front()));
  if (!base_text.empty()) base_text.remove_prefix(1);
  const auto alone = Url::Parse(text);
  if (alone.ok()) CheckUrl(*alone, options);
  const auto base = Url::Parse(base_text);
  if (!base.ok()) return 0;
  CheckUrl(*base, options);
  const auto resolved = Url::Parse(text, *base);
  // What is a URL by itself is one beside any base.
  WEFT_FUZZ_CHECK(resolved.ok() || !alone.ok());
  if (resolved.ok()) CheckUrl(*resolved, options);
  return 0;
}
