// Tags and text of HTML without a tree (HTML standard 13.2.5). Comments, doctypes and processing instructions are
// passed over. Raw text is the caller's choice, as it is the tree builder's in the standard: after a <script> start tag the
// caller takes it with TakeRawText. Any bytes are valid; linear time, no allocation. Views point into the document.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "parser/html_names.h"

namespace weft {

struct HtmlToken {
  enum class Type : uint8_t { kText, kStartTag, kEndTag };
  Type type = Type::kText;
  bool self_closing = false;
  uint32_t attribute_count = 0;
  const HtmlElement* element = nullptr;  // of a tag; never null there
  std::string_view name;                 // of a tag, in the document's case
  std::string_view text;                 // raw text, or a tag's raw attributes
};

class HtmlTokenizer {
 public:
  explicit HtmlTokenizer(std::string_view html) : html_(html) {}

  // False at the end. A tag that the end of the document cuts is no tag.
  bool Next(HtmlToken* token);

  // Whether end tags are given their element; a reader who passes them over can spare it.
  void set_names_end_tags(bool names) { names_end_tags_ = names; }
  // In foreign content <![CDATA[ ... ]]> is text.
  void set_foreign(bool foreign) { foreign_ = foreign; }

  // Content up to the end tag of `name`, or the rest of the document.
  std::string_view TakeRawText(std::string_view name);
  // The same for script, with its escaped and double-escaped states (13.2.5.18 ...).
  std::string_view TakeScript();
  std::string_view TakeRest();

 private:
  bool NextMarkup(HtmlToken* token);
  bool NextTag(HtmlToken* token);
  const HtmlElement* FindElement(const HtmlToken& token) const;
  void SkipComment();
  void SkipPast(std::string_view end);
  bool IsEndTagAt(size_t less_than, std::string_view name) const;
  std::string_view TakeUntil(size_t end);

  std::string_view html_;
  size_t position_ = 0;
  bool foreign_ = false;
  bool names_end_tags_ = true;
};

// One attribute after another of a tag's raw attributes.
class AttributeReader {
 public:
  explicit AttributeReader(std::string_view raw) : raw_(raw) {}
  // Raw name and raw value (references not resolved). Repeats of a name are given; the standard drops them.
  bool Next(std::string_view* name, std::string_view* value);

 private:
  std::string_view raw_;
  size_t position_ = 0;
};

}  // namespace weft
