#include "parser/html_sniff.h"

#include <algorithm>
#include <iterator>
#include <string>

#include "parser/ascii.h"

namespace weft {
namespace {

constexpr size_t kSniffedBytes = 1445;
constexpr std::string_view kSignatures[] = {
    "<!doctype html", "<html", "<head", "<script", "<iframe", "<h1", "<div", "<font", "<table",
    "<a", "<style", "<title", "<b", "<body", "<br", "<p", "<!--"};
constexpr std::string_view kXhtmlNamespace = "http://www.w3.org/1999/xhtml";

// The bytes that are looked at. The standard calls what begins with a byte order mark text; a crawler would lose such pages. Of
// UTF-16 the ASCII is left.
std::string Sniffed(std::string_view bytes) {
  const bool little = bytes.starts_with("\xFF\xFE");
  if (!little && !bytes.starts_with("\xFE\xFF")) {
    if (bytes.starts_with("\xEF\xBB\xBF")) bytes.remove_prefix(3);
    return std::string(bytes.substr(0, kSniffedBytes));
  }
  std::string ascii;
  for (size_t i = 2; i + 1 < bytes.size() && ascii.size() < kSniffedBytes; i += 2) {
    const bool is_ascii = bytes[little ? i + 1 : i] == '\0';
    ascii.push_back(is_ascii ? bytes[little ? i : i + 1] : '?');
  }
  return ascii;
}

std::string_view SkipSpace(std::string_view text) {
  while (!text.empty() && IsHtmlSpace(text.front())) text.remove_prefix(1);
  return text;
}

bool LooksLikeHtml(std::string_view bytes) {
  bytes = SkipSpace(bytes);
  return std::any_of(std::begin(kSignatures), std::end(kSignatures), [bytes](std::string_view signature) {
    return StartsWithIgnoringCase(bytes, signature) && bytes.size() > signature.size() &&
           (bytes[signature.size()] == ' ' || bytes[signature.size()] == '>');
  });
}

// A root element html, with or without a prefix, that names the namespace; comments and the like may stand before it.
bool HasXhtmlRoot(std::string_view text) {
  while (true) {
    text = SkipSpace(text);
    if (!text.starts_with("<!") && !text.starts_with("<?")) break;
    const std::string_view end = text.starts_with("<!--") ? "-->" : text.starts_with("<?") ? "?>" : ">";
    const size_t found = text.find(end, 2);
    if (found == text.npos) return false;
    text.remove_prefix(found + end.size());
  }
  const std::string_view tag = text.substr(0, text.find('>'));
  if (!tag.starts_with('<')) return false;
  std::string_view name = tag.substr(1, std::min(tag.find_first_of(" \t\n\r\f/"), tag.size()) - 1);
  if (const size_t colon = name.find(':'); colon != name.npos) name.remove_prefix(colon + 1);
  return name == "html" && tag.find(kXhtmlNamespace) != tag.npos;
}

// The names that the standard treats as no type at all.
bool IsUnknownType(std::string_view mime_essence) {
  return mime_essence.empty() || EqualsIgnoringCase(mime_essence, "unknown/unknown") ||
         EqualsIgnoringCase(mime_essence, "application/unknown") || mime_essence == "*/*";
}

// 4.6, "XML MIME type".
bool IsXmlType(std::string_view mime_essence) {
  return EqualsIgnoringCase(mime_essence, "text/xml") || EqualsIgnoringCase(mime_essence, "application/xml") ||
         (mime_essence.size() > 4 && EqualsIgnoringCase(mime_essence.substr(mime_essence.size() - 4), "+xml"));
}

}  // namespace

bool IsXhtml(std::string_view mime_essence, std::string_view first_bytes) {
  if (EqualsIgnoringCase(mime_essence, "application/xhtml+xml")) return true;
  if (IsXmlType(mime_essence)) return HasXhtmlRoot(Sniffed(first_bytes));
  if (!IsUnknownType(mime_essence)) return false;
  const std::string sniffed = Sniffed(first_bytes);
  return SkipSpace(sniffed).starts_with("<?xml") && HasXhtmlRoot(sniffed);
}

bool IsHtml(std::string_view mime_essence, std::string_view first_bytes) {
  if (EqualsIgnoringCase(mime_essence, "text/html") || IsXhtml(mime_essence, first_bytes)) return true;
  return IsUnknownType(mime_essence) && LooksLikeHtml(Sniffed(first_bytes));
}

}  // namespace weft
