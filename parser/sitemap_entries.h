// What the elements of a sitemap or feed mean: fed with tags and text in document order, fills a SitemapFile.
// Element names are compared without their prefix, whatever the namespace; but a field counts only as a child of its entry
// and under the entry's own prefix, so that image:loc or atom:link are not taken for the page's.
// Holds for tags that do not match, too: it never asks what closes what beyond one entry. Belongs to one file.
#pragma once

#include <string>
#include <string_view>

#include "parser/sitemap_reader.h"

namespace weft {

class SitemapEntries {
 public:
  SitemapEntries(const Url& file_url, absl::Time now, SitemapFile* out) : file_url_(file_url), now_(now), out_(out) {}

  // True: this element's attributes are wanted.
  bool Start(std::string_view name);
  void Attribute(std::string_view name, std::string_view value);
  void AttributesEnd();
  void End(std::string_view name);
  void Text(std::string_view text);
  // An entity that nobody declared: the entry's text is not what was meant.
  void UnknownReference();
  // The end of the file: an entry that is complete but for its end tag counts.
  void Finish();

  bool in_entry() const { return in_entry_; }
  // Forgets the open entry, and what was taken from it already.
  void DropEntry();
  // A limit was reached: nothing more is taken.
  bool full() const { return out_->cut; }
  // The first element is not one of a sitemap or feed.
  bool foreign() const { return saw_root_ && out_->kind == SitemapKind::kUnknown; }

  // Also for text files: takes `text` as the URL of an entry that holds nothing else.
  void AddPlain(std::string_view text);

 private:
  enum class Field { kNone, kLoc, kLastmod, kPriority, kGuid, kLink };

  void TakeRoot(std::string_view local);
  bool IsEntry(std::string_view local) const;
  Field FieldOf(std::string_view local, bool same_prefix) const;
  void CloseField();
  void TakeLoc(std::string_view text);
  void BeginEntry(std::string_view name, std::string_view local);
  void Flush();
  void EndEntry();
  bool Resolve(std::string_view text, Url* url);

  const Url& file_url_;
  absl::Time now_;
  SitemapFile* out_;

  bool saw_root_ = false;
  bool in_entry_ = false;
  bool entry_is_sitemap_ = false;
  std::string entry_name_;        // qualified
  size_t prefix_size_ = 0;        // of entry_name_, colon included
  size_t urls_before_ = 0;        // the open entry
  size_t sitemaps_before_ = 0;
  int nested_ = 0;                // elements open in the entry that are none of its fields
  Field field_ = Field::kNone;
  std::string field_name_;
  std::string text_;              // of the open field
  bool text_is_bad_ = false;

  SitemapUrl entry_;
  bool has_loc_ = false;
  bool bad_ = false;              // the entry's loc cannot be used
  std::string bare_text_;         // directly in the entry: some write no loc
  std::string guid_;
  bool guid_is_link_ = true;
  std::string href_, rel_;        // of a link element
  size_t url_bytes_ = 0;
  size_t taken_ = 0;
};

}  // namespace weft
