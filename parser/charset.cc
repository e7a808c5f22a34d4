// Which encoding a page has.
#include "parser/charset.h"

#include <uchardet/uchardet.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "parser/ascii.h"
#include "parser/meta_charset.h"
#include "parser/utf8.h"

namespace weft {
namespace {

constexpr size_t kMetaBytes = 16 << 10;
constexpr size_t kStandardMetaBytes = 1024;
// Detection reads this much from shortly before the first byte that is not ASCII.
constexpr size_t kDetectedBytes = 16 << 10;
constexpr size_t kDetectedLead = 256;
// Below this many such bytes the detector guesses more than it detects.
constexpr size_t kFewestTelling = 8;

struct CloseDetector {
  void operator()(uchardet_t detector) const { uchardet_delete(detector); }
};

std::string_view EncodingFromBom(std::string_view bytes) {
  if (bytes.starts_with("\xEF\xBB\xBF")) return "UTF-8";
  if (bytes.starts_with("\xFE\xFF")) return "UTF-16BE";
  if (bytes.starts_with("\xFF\xFE")) return "UTF-16LE";
  return {};
}

std::string_view AskDetector(std::string_view sample) {
  const std::unique_ptr<uchardet, CloseDetector> detector(uchardet_new());
  if (detector == nullptr || uchardet_handle_data(detector.get(), sample.data(), sample.size()) != 0) return {};
  uchardet_data_end(detector.get());
  return EncodingFromLabel(uchardet_get_charset(detector.get()));
}

std::string_view Detect(std::string_view html) {
  const size_t ascii = AsciiPrefix(html);
  const bool iso_2022 = html.substr(0, kDetectedBytes).find('\x1B') != html.npos;
  if (ascii == html.size()) return iso_2022 ? AskDetector(html.substr(0, kDetectedBytes)) : std::string_view();
  // A page cut by a size limit may end inside a character.
  const size_t utf8 = ValidUtf8Prefix(html);
  if (utf8 + 3 >= html.size() && utf8 > ascii) return "UTF-8";
  const std::string_view sample = html.substr(ascii - std::min(ascii, kDetectedLead), kDetectedBytes);
  const auto telling = std::count_if(sample.begin(), sample.end(), [](char c) { return (c & 0x80) != 0; });
  return static_cast<size_t>(telling) < kFewestTelling ? std::string_view() : AskDetector(sample);
}

// One "; name=value" (MIME Sniffing 4.4). False when there is no more.
bool NextParameter(std::string_view* rest, std::string_view* name, std::string* value) {
  const size_t semicolon = rest->find(';');
  if (semicolon == rest->npos) return false;
  rest->remove_prefix(semicolon + 1);
  const size_t name_end = std::min(rest->find_first_of(";="), rest->size());
  *name = TrimHtmlSpace(rest->substr(0, name_end));
  rest->remove_prefix(name_end);
  value->clear();
  if (rest->empty() || rest->front() == ';') return true;
  rest->remove_prefix(1);
  if (rest->empty() || rest->front() != '"') {
    *value = TrimHtmlSpace(rest->substr(0, rest->find(';')));
    return true;
  }
  for (rest->remove_prefix(1); !rest->empty() && rest->front() != '"'; rest->remove_prefix(1)) {
    if (rest->front() == '\\' && rest->size() > 1) rest->remove_prefix(1);
    value->push_back(rest->front());
  }
  return true;
}

}  // namespace

std::string_view EncodingFromContentType(std::string_view content_type) {
  std::string_view name;
  std::string value;
  while (NextParameter(&content_type, &name, &value)) {
    if (EqualsIgnoringCase(name, "charset")) return EncodingFromLabel(value);
  }
  return {};
}

std::string_view CharsetSourceName(CharsetSource source) {
  switch (source) {
    case CharsetSource::kBom: return "bom";
    case CharsetSource::kHeader: return "header";
    case CharsetSource::kMeta: return "meta";
    case CharsetSource::kLateMeta: return "late-meta";
    case CharsetSource::kXmlDeclaration: return "xml-declaration";
    case CharsetSource::kDetected: return "detected";
    case CharsetSource::kDefault: return "default";
  }
  return "";
}

Charset SniffCharset(std::string_view html, std::string_view content_type) {
  if (const std::string_view name = EncodingFromBom(html); !name.empty()) return {name, CharsetSource::kBom};
  if (const std::string_view name = EncodingFromContentType(content_type); !name.empty()) {
    return {name, CharsetSource::kHeader};
  }
  if (const std::string_view name = PrescanMetaCharset(html.substr(0, kMetaBytes)); !name.empty()) {
    const bool early = html.size() <= kStandardMetaBytes || PrescanMetaCharset(html.substr(0, kStandardMetaBytes)) == name;
    return {name, early ? CharsetSource::kMeta : CharsetSource::kLateMeta};
  }
  if (const std::string_view name = XmlDeclarationCharset(html); !name.empty()) return {name, CharsetSource::kXmlDeclaration};
  if (const std::string_view name = Detect(html); !name.empty()) return {name, CharsetSource::kDetected};
  return {"windows-1252", CharsetSource::kDefault};
}

Charset SniffXmlCharset(std::string_view xml, std::string_view content_type) {
  const Charset as_html = SniffCharset(xml, content_type);
  if (as_html.source == CharsetSource::kBom || as_html.source == CharsetSource::kHeader) return as_html;
  if (const std::string_view name = XmlDeclarationCharset(xml); !name.empty()) return {name, CharsetSource::kXmlDeclaration};
  // A page cut by a size limit may end inside a character.
  return ValidUtf8Prefix(xml) + 3 >= xml.size() ? Charset{"UTF-8", CharsetSource::kDefault} : as_html;
}

}  // namespace weft
