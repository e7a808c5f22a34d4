// Tags and text of HTML without a tree (HTML standard 13.2.5). Comments, doctypes and processing instructions are
// passed over. Raw text is the caller's choice, as it is the tree builder's in the standard: after a <script> start tag the
// caller takes it with TakeRawText. Any bytes are valid; linear time, no allocation. Views point into the document.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "parser/html_names.h"
#include "parser/markup_index.h"
#include "parser/sim_hash.h"
#include "parser/tag_attributes.h"

namespace weft {

struct HtmlToken {
  enum class Type : uint8_t { kText, kStartTag, kEndTag };
  Type type = Type::kText;
  bool self_closing = false;
  uint32_t attribute_count = 0;
  const HtmlElement* element = nullptr;  // of a tag; never null there
  std::string_view name;                 // of a tag, in the document's case
  std::string_view text;                 // raw text, or a tag's raw attributes
  TagAttributes attributes;              // of a start tag of which the reader wants them; references are not resolved
};

// What a reader wants to be given. All that is not wanted is passed over at little cost.
struct HtmlInterest {
  // Bits. A start tag that is wanted for its attributes alone is passed over if it has none.
  static constexpr uint8_t kStartTag = 1;
  static constexpr uint8_t kAttributes = 2;

  std::array<uint8_t, kHtmlNames> elements = {};
  bool end_tags = true;
  bool text = true;

  // All tokens, attributes of none.
  static HtmlInterest All() {
    HtmlInterest all;
    all.elements.fill(kStartTag);
    return all;
  }
};

class HtmlTokenizer {
 public:
  // `interest` must outlive the tokenizer or the next set_interest; null: all.
  explicit HtmlTokenizer(std::string_view html, const HtmlInterest* interest = nullptr);

  // False at the end. A tag that the end of the document cuts is no tag.
  bool Next(HtmlToken* token);

  void set_interest(const HtmlInterest* interest) { interest_ = interest; }
  // In foreign content <![CDATA[ ... ]]> is text.
  void set_foreign(bool foreign) { foreign_ = foreign; }
  // Is given the text between tags, wanted or not; null: nothing is.
  void set_sketch(SimHash* sketch) { sketch_ = sketch; }

  // Content up to the end tag of `name`, or the rest of the document.
  std::string_view TakeRawText(std::string_view name);
  // The same for script, with its escaped and double-escaped states (13.2.5.18 ...).
  std::string_view TakeScript();
  std::string_view TakeRest();

 private:
  bool NextTag(bool is_end_tag, HtmlToken* token);
  // A name ends at white space, "/" and ">" (13.2.5.8).
  size_t NameEnd(size_t from) {
    size_t end = index_.NextDelimiter(from);
    while (end < html_.size() && html_[end] == '=') end = index_.NextDelimiter(end + 1);
    return end;
  }
  template <bool kWanted>
  bool ReadAttributes(size_t from, HtmlToken* token);
  bool NextOther(HtmlToken* token);
  void SkipComment();
  void SkipPast(std::string_view end);
  bool IsEndTagAt(size_t less_than, std::string_view name) const;
  std::string_view TakeUntil(size_t end);

  std::string_view html_;
  MarkupIndex index_;
  const HtmlInterest* interest_;
  SimHash* sketch_ = nullptr;
  size_t position_ = 0;
  bool foreign_ = false;
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
