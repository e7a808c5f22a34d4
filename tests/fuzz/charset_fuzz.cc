// Any bytes as a page in some encoding. First line: the Content-Type; the rest: the page.
#include "common/utf8.h"
#include "parser/charset.h"
#include "tests/fuzz/fuzz_input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weft;
  std::string_view body = test::AsText(data, size);
  const std::string_view content_type = test::TakeFirstLine(&body);
  const Charset charset = SniffCharset(body, content_type);
  WEFT_FUZZ_CHECK(!charset.name.empty());
  // A name is a label of itself.
  WEFT_FUZZ_CHECK(EncodingFromLabel(charset.name) == charset.name || charset.name == "replacement");
  const std::string text = DecodeToUtf8(body, charset.name);
  WEFT_FUZZ_CHECK(IsValidUtf8(text));
  std::string storage;
  WEFT_FUZZ_CHECK(Utf8View(body, charset.name, &storage) == text);
  EncodeQuery(text, charset.name);
  return 0;
}
