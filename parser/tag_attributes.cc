#include "parser/tag_attributes.h"

#include "parser/ascii.h"
#include "parser/html_tokenizer.h"

namespace weft {
namespace {

using A = HtmlAttribute;

A Either(std::string_view name, std::string_view one, A if_one, std::string_view two, A if_two) {
  if (EqualsIgnoringCase(name, one)) return if_one;
  return EqualsIgnoringCase(name, two) ? if_two : A::kNone;
}

A OfFour(std::string_view name) {
  switch (AsciiLower(name[0])) {
    case 'h': return Either(name, "href", A::kHref, "", A::kNone);
    case 'n': return Either(name, "name", A::kName, "", A::kNone);
    case 'c': return Either(name, "cite", A::kCite, "", A::kNone);
    case 'd': return Either(name, "data", A::kData, "", A::kNone);
    case 'l': return Either(name, "lang", A::kLang, "", A::kNone);
    case 't': return Either(name, "type", A::kType, "", A::kNone);
    default: return A::kNone;
  }
}

}  // namespace

HtmlAttribute FindHtmlAttribute(std::string_view name) {
  switch (name.size()) {
    case 3: return Either(name, "src", A::kSrc, "rel", A::kRel);
    case 4: return OfFour(name);
    case 5: return Either(name, "style", A::kStyle, "", A::kNone);
    case 6: {
      const A found = Either(name, "srcset", A::kSrcset, "action", A::kAction);
      return found != A::kNone ? found : Either(name, "poster", A::kPoster, "", A::kNone);
    }
    case 7: return Either(name, "content", A::kContent, "", A::kNone);
    case 8: {
      const A found = Either(name, "property", A::kProperty, "longdesc", A::kLongdesc);
      return found != A::kNone ? found : Either(name, "manifest", A::kManifest, "", A::kNone);
    }
    case 10: {
      const A found = Either(name, "http-equiv", A::kHttpEquiv, "background", A::kBackground);
      return found != A::kNone ? found : Either(name, "formaction", A::kFormaction, "xlink:href", A::kXlinkHref);
    }
    case 11: return Either(name, "imagesrcset", A::kImagesrcset, "", A::kNone);
    default: return A::kNone;
  }
}

TagAttributes TagAttributes::Read(std::string_view raw) {
  TagAttributes attributes;
  attributes.Clear();
  AttributeReader reader(raw);
  std::string_view name;
  std::string_view value;
  while (reader.Next(&name, &value)) attributes.Set(FindHtmlAttribute(name), value);
  return attributes;
}

}  // namespace weft
