#include "parser/style_sheet.h"

#include "parser/charset.h"
#include "parser/css_urls.h"

namespace weft {
namespace {

// CSS Syntax 3, 3.2: exactly these bytes, within the first 1024. A sheet in UTF-16 could not hold them: it is UTF-8.
std::string_view CharsetRule(std::string_view css) {
  constexpr std::string_view kBegin = "@charset \"";
  css = css.substr(0, 1024);
  if (!css.starts_with(kBegin)) return {};
  css.remove_prefix(kBegin.size());
  const size_t end = css.find("\";");
  if (end == std::string_view::npos) return {};
  const std::string_view name = EncodingFromLabel(css.substr(0, end));
  return name.starts_with("UTF-16") ? "UTF-8" : name;
}

// Encoding standard, "BOM sniff".
std::string_view ByteOrderMark(std::string_view css) {
  if (css.starts_with("\xEF\xBB\xBF")) return "UTF-8";
  if (css.starts_with("\xFE\xFF")) return "UTF-16BE";
  if (css.starts_with("\xFF\xFE")) return "UTF-16LE";
  return {};
}

std::string_view EncodingOf(const LinkExtractor::Input& input) {
  for (const std::string_view name :
       {ByteOrderMark(input.html), EncodingFromContentType(input.content_type), CharsetRule(input.html)}) {
    if (!name.empty()) return name;
  }
  return "UTF-8";
}

}  // namespace

ExtractedPage ReadStyleSheet(const LinkExtractor::Input& input) {
  ExtractedPage page;
  page.charset = EncodingOf(input);
  std::string converted;
  const std::string_view css = Utf8View(input.html, page.charset, &converted);
  LinkCollector links(input.kinds, input.want_details, input.robots_name);
  AddCssUrls(css, &links);
  links.Resolve(*input.url, "UTF-8", &page);
  return page;
}

}  // namespace weft
