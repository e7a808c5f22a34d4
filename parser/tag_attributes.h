// The attributes of one tag that name URLs or tell of the page. Views point into the document or the tree.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weft {

enum class HtmlAttribute : uint8_t {
  kNone, kAction, kBackground, kCite, kContent, kData, kFormaction, kHref, kHttpEquiv, kImagesrcset, kLang, kLongdesc,
  kManifest, kName, kPoster, kProperty, kRel, kSrc, kSrcset, kStyle, kType, kXlinkHref, kCount,
};

// kNone for a name that is none of them; any case.
HtmlAttribute FindHtmlAttribute(std::string_view name);

class TagAttributes {
 public:
  // Of a tag as written (HtmlToken::text). A tokenizer can give them with the tag, which costs less.
  static TagAttributes Read(std::string_view raw);

  // Values are as written: references in them are not resolved yet.
  void Clear() {
    present_ = 0;
    encoded_ = true;
  }

  // The first of a name counts (13.2.5.33).
  void Set(HtmlAttribute name, std::string_view value) {
    const auto i = static_cast<size_t>(name);
    if (name == HtmlAttribute::kNone || (present_ >> i & 1u) != 0) return;
    present_ |= 1u << i;
    values_[i] = value;
  }
  bool Has(HtmlAttribute name) const { return (present_ >> static_cast<size_t>(name) & 1u) != 0; }
  std::string_view Get(HtmlAttribute name) const {
    return Has(name) ? values_[static_cast<size_t>(name)] : std::string_view();
  }
  // Whether values may hold character references.
  bool encoded() const { return encoded_; }

 private:
  // Not cleared with each tag: `present_` tells which hold.
  std::array<std::string_view, static_cast<size_t>(HtmlAttribute::kCount)> values_;
  uint32_t present_ = 0;
  bool encoded_ = false;
};

}  // namespace weft
