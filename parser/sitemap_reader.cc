#include "parser/sitemap_reader.h"

#include <fmt/format.h>

#include <utility>

#include "common/http_message.h"
#include "parser/ascii.h"
#include "parser/charset.h"
#include "parser/sitemap_entries.h"
#include "parser/sitemap_xml.h"
#include "parser/utf8.h"

namespace weft {
namespace {

constexpr size_t kSniffedBytes = 4096;
constexpr size_t kSniffedLines = 20;

bool IsGzip(std::string_view body) { return body.starts_with("\x1f\x8b"); }

// Undoes layers of gzip; the content decides, never a name or a header. Without a layer `body` stays what it is.
std::string_view Inflate(std::string_view body, size_t max_bytes, std::string* storage, SitemapFile* out) {
  for (int layer = 0; layer < kMaxSitemapLayers && IsGzip(body); ++layer) {
    DecodeLimits limits;
    limits.max_bytes = max_bytes;
    limits.max_ratio = kMaxSitemapInflateRatio;
    Decoded decoded = DecodeCoding("gzip", body, limits);
    if (!decoded.complete && out != nullptr) {
      out->AddError("gzip: " + (decoded.problem.empty() ? "cut short" : decoded.problem));
      out->cut = out->cut || decoded.problem.starts_with("limit");
    }
    *storage = std::move(decoded.body);
    body = *storage;
  }
  return body;
}

// encoding="..." of an XML declaration.
std::string_view DeclaredEncoding(std::string_view body) {
  if (!body.starts_with("<?xml")) return {};
  body = body.substr(0, std::min(body.find("?>"), kSniffedBytes));
  size_t at = body.find("encoding");
  if (at == std::string_view::npos) return {};
  at = body.find_first_of("\"'", at);
  if (at == std::string_view::npos) return {};
  const size_t end = body.find(body[at], at + 1);
  return end == std::string_view::npos ? std::string_view() : EncodingFromLabel(body.substr(at + 1, end - at - 1));
}

// Well-formed UTF-8 is UTF-8 whatever a server or a declaration says; both are wrong more often than it is by chance.
std::string_view ToUtf8(std::string_view body, std::string_view content_type, std::string* storage) {
  if (body.starts_with("\xEF\xBB\xBF")) body.remove_prefix(3);
  std::string_view encoding;
  if (body.starts_with("\xFF\xFE") || body.starts_with(std::string_view("<\0", 2))) encoding = "UTF-16LE";
  if (body.starts_with("\xFE\xFF") || body.starts_with(std::string_view("\0<", 2))) encoding = "UTF-16BE";
  if (encoding.empty()) {
    if (ValidUtf8Prefix(body) == body.size()) return body;
    encoding = EncodingFromContentType(content_type);
    if (encoding.empty() || encoding == "UTF-8") encoding = DeclaredEncoding(body);
    if (encoding.empty() || encoding.starts_with("UTF-16")) encoding = "UTF-8";
  }
  return Utf8View(body, encoding, storage);
}

// Where markup begins: some servers write blanks, or a warning, before it.
size_t MarkupBegin(std::string_view text) {
  const std::string_view head = text.substr(0, kSniffedBytes);
  const size_t first = std::min(head.find_first_not_of(" \t\r\n\f\v"), head.size());
  if (first < head.size() && head[first] == '<') return first;
  for (const std::string_view mark : {"<?xml", "<urlset", "<sitemapindex", "<rss", "<feed"}) {
    const size_t at = head.find(mark);
    if (at != std::string_view::npos) return at;
  }
  return std::string_view::npos;
}

std::string_view TakeLine(std::string_view* text) {
  const size_t end = std::min(text->find_first_of("\r\n"), text->size());
  const std::string_view line = text->substr(0, end);
  text->remove_prefix(std::min(end + 1, text->size()));
  return TrimHtmlSpace(line);
}

bool IsUrlLine(std::string_view line) {
  return (StartsWithIgnoringCase(line, "http://") || StartsWithIgnoringCase(line, "https://")) &&
         line.find_first_of(" \t<>\"") == std::string_view::npos;
}

bool LooksLikeUrlList(std::string_view text) {
  for (size_t lines = 0; lines < kSniffedLines && !text.empty();) {
    const std::string_view line = TakeLine(&text);
    if (IsUrlLine(line)) return true;
    if (!line.empty()) ++lines;
  }
  return false;
}

void ReadText(std::string_view text, SitemapEntries* entries, SitemapFile* out) {
  out->kind = SitemapKind::kText;
  while (!text.empty() && !entries->full()) entries->AddPlain(TakeLine(&text));
}

// Behind one declaration, comment or document type at the beginning of `text`; npos: there is none, or no end of it.
size_t PrologPiece(std::string_view text) {
  std::string_view mark;
  if (text.starts_with("<?")) mark = "?>";
  else if (text.starts_with("<!--")) mark = "-->";
  else if (text.starts_with("<!")) mark = ">";
  if (mark.empty()) return std::string_view::npos;
  const size_t end = text.find(mark);
  return end == std::string_view::npos ? end : end + mark.size();
}

}  // namespace

std::string_view SitemapKindName(SitemapKind kind) {
  switch (kind) {
    case SitemapKind::kUrlset: return "urlset";
    case SitemapKind::kIndex: return "index";
    case SitemapKind::kText: return "text";
    case SitemapKind::kRss: return "rss";
    case SitemapKind::kAtom: return "atom";
    case SitemapKind::kRdf: return "rdf";
    case SitemapKind::kUnknown: break;
  }
  return "unknown";
}

void SitemapFile::AddError(std::string text) {
  ++error_count;
  if (errors.size() < kMaxSitemapErrors) errors.push_back(std::move(text));
}

SitemapFile ReadSitemap(const SitemapInput& input) {
  SitemapFile out;
  std::string inflated;
  std::string converted;
  std::string_view text = Inflate(input.body, kMaxSitemapBytes, &inflated, &out);
  const bool inflate_cut = std::exchange(out.cut, false);
  if (text.size() > kMaxSitemapBytes) {
    text = text.substr(0, kMaxSitemapBytes);
    out.AddError(fmt::format("longer than {} bytes", kMaxSitemapBytes));
    out.cut = true;
  }
  const bool size_cut = std::exchange(out.cut, false) || inflate_cut;
  text = ToUtf8(text, input.content_type, &converted);
  SitemapEntries entries(*input.url, input.now, &out);
  const size_t markup = MarkupBegin(text);
  if (markup != std::string_view::npos) {
    ReadSitemapXml(text.substr(markup), &entries, &out);
  } else if (LooksLikeUrlList(text)) {
    ReadText(text, &entries, &out);
  }
  if (out.kind == SitemapKind::kUnknown) out.AddError("neither a sitemap nor a feed");
  out.cut = out.cut || size_cut;
  return out;
}

bool LooksLikeSitemap(std::string_view body) {
  std::string inflated;
  std::string_view text = Inflate(body, kSniffedBytes, &inflated, nullptr).substr(0, kSniffedBytes);
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  const size_t markup = MarkupBegin(text);
  if (markup == std::string_view::npos) return false;
  text.remove_prefix(markup);
  for (size_t end = PrologPiece(text); end != std::string_view::npos; end = PrologPiece(text)) {
    text = TrimHtmlSpace(text.substr(end));
  }
  if (!text.starts_with('<')) return false;
  std::string_view name = text.substr(1, text.find_first_of(" \t\r\n/>") - 1);
  name = name.substr(name.find(':') + 1);
  return name == "urlset" || name == "sitemapindex";
}

}  // namespace weft
