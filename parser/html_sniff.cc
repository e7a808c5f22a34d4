#include "parser/html_sniff.h"

#include <algorithm>
#include <iterator>

#include "parser/ascii.h"

namespace weft {
namespace {

constexpr size_t kSniffedBytes = 1445;
constexpr std::string_view kSignatures[] = {
    "<!doctype html", "<html", "<head", "<script", "<iframe", "<h1", "<div", "<font", "<table",
    "<a", "<style", "<title", "<b", "<body", "<br", "<p", "<!--"};

bool LooksLikeHtml(std::string_view bytes) {
  // The standard calls what begins with a byte order mark text; a crawler would lose such pages.
  if (bytes.starts_with("\xEF\xBB\xBF")) bytes.remove_prefix(3);
  bytes = bytes.substr(0, kSniffedBytes);
  while (!bytes.empty() && IsHtmlSpace(bytes.front())) bytes.remove_prefix(1);
  return std::any_of(std::begin(kSignatures), std::end(kSignatures), [bytes](std::string_view signature) {
    return StartsWithIgnoringCase(bytes, signature) && bytes.size() > signature.size() &&
           (bytes[signature.size()] == ' ' || bytes[signature.size()] == '>');
  });
}

}  // namespace

bool IsHtml(std::string_view mime_essence, std::string_view first_bytes) {
  if (EqualsIgnoringCase(mime_essence, "text/html") || EqualsIgnoringCase(mime_essence, "application/xhtml+xml")) {
    return true;
  }
  // The names that the standard treats as no type at all.
  const bool unknown = mime_essence.empty() || EqualsIgnoringCase(mime_essence, "unknown/unknown") ||
                       EqualsIgnoringCase(mime_essence, "application/unknown") || mime_essence == "*/*";
  return unknown && LooksLikeHtml(first_bytes);
}

}  // namespace weft
