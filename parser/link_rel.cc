#include "parser/link_rel.h"

#include "parser/ascii.h"

namespace weft {
namespace {

using K = LinkKind;

// The next token of `*rel`, cut off; empty at its end.
std::string_view TakeToken(std::string_view* rel) {
  *rel = TrimHtmlSpace(*rel);
  size_t length = 0;
  while (length < rel->size() && !IsHtmlSpace((*rel)[length])) ++length;
  const std::string_view token = rel->substr(0, length);
  rel->remove_prefix(length);
  return token;
}

}  // namespace

LinkKind KindOfRel(std::string_view rel) {
  LinkKind kind = K::kCite;
  while (true) {
    const std::string_view token = TakeToken(&rel);
    if (token.empty()) return kind;
    const auto is = [token](std::string_view lower) { return EqualsIgnoringCase(token, lower); };
    if (is("stylesheet")) return K::kStyle;  // "alternate stylesheet" too
    if (is("canonical")) kind = K::kCanonical;
    if (is("alternate")) kind = K::kAlternate;
    if (is("next")) kind = K::kNext;
    if (is("prev") || is("previous")) kind = K::kPrev;
    if (is("icon") || is("apple-touch-icon") || is("apple-touch-icon-precomposed") || is("mask-icon")) kind = K::kImage;
    if (is("manifest") || is("preload") || is("modulepreload") || is("prefetch") || is("prerender")) kind = K::kResource;
    if (is("dns-prefetch") || is("preconnect")) kind = K::kNone;  // a host, not a resource
  }
}

bool HasNofollow(std::string_view rel) {
  while (true) {
    const std::string_view token = TakeToken(&rel);
    if (token.empty()) return false;
    if (EqualsIgnoringCase(token, "nofollow")) return true;
  }
}

}  // namespace weft
