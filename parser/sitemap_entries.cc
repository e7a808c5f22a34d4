#include "parser/sitemap_entries.h"

#include <fmt/format.h>

#include <cstdlib>
#include <utility>

#include "parser/ascii.h"
#include "parser/sitemap_dates.h"

namespace weft {
namespace {

constexpr size_t kMaxText = kMaxUrlBytes + 256;  // of a field, white space around it included
constexpr size_t kMaxLastmod = 64;

std::string_view LocalName(std::string_view name) { return name.substr(name.find(':') + 1); }
std::string_view Prefix(std::string_view name) { return name.substr(0, name.find(':') + 1); }

// Bytes of the space that `text` begins with: ASCII white space, or one of Unicode's spaces, which text editors leave
// around URLs; 0 if it begins with none.
size_t SpaceAt(std::string_view text) {
  if (text.empty()) return 0;
  if (IsHtmlSpace(text.front()) || text.front() == '\v') return 1;
  if (text.starts_with("\xC2\xA0") || text.starts_with("\xC2\x85")) return 2;
  if (text.size() < 3) return 0;
  if (text.starts_with("\xE2\x80")) {
    const auto last = static_cast<unsigned char>(text[2]);
    return last <= 0x8D || last == 0xA8 || last == 0xA9 || last == 0xAF ? 3 : 0;
  }
  return text.starts_with("\xE3\x80\x80") || text.starts_with("\xE2\x81\x9F") || text.starts_with("\xEF\xBB\xBF") ? 3 : 0;
}

std::string_view TrimSpaces(std::string_view text) {
  while (const size_t size = SpaceAt(text)) text.remove_prefix(size);
  while (!text.empty()) {
    size_t size = 0;
    for (const size_t tail : {size_t{1}, size_t{2}, size_t{3}}) {
      if (tail <= text.size() && SpaceAt(text.substr(text.size() - tail)) == tail) size = tail;
    }
    if (size == 0) break;
    text.remove_suffix(size);
  }
  return text;
}

bool IsAbsoluteHttp(std::string_view text) {
  return StartsWithIgnoringCase(text, "http://") || StartsWithIgnoringCase(text, "https://");
}

// Of untrusted text in a message for people.
std::string_view Shown(std::string_view text) { return text.substr(0, 120); }

void AppendCapped(std::string_view text, std::string* out) {
  // One byte beyond the cap tells that there was more.
  if (out->size() <= kMaxText) out->append(text.substr(0, kMaxText + 1 - out->size()));
}

}  // namespace

void SitemapEntries::TakeRoot(std::string_view local) {
  saw_root_ = true;
  SitemapKind& kind = out_->kind;
  if (local == "urlset" || local == "url") kind = SitemapKind::kUrlset;
  if (local == "sitemapindex" || local == "sitemap") kind = SitemapKind::kIndex;
  if (local == "rss" || local == "channel") kind = SitemapKind::kRss;
  if (local == "feed") kind = SitemapKind::kAtom;
  if (local == "RDF") kind = SitemapKind::kRdf;
}

bool SitemapEntries::IsEntry(std::string_view local) const {
  switch (out_->kind) {
    case SitemapKind::kUrlset:
    case SitemapKind::kIndex: return local == "url" || local == "sitemap";
    case SitemapKind::kRss:
    case SitemapKind::kRdf: return local == "item";
    case SitemapKind::kAtom: return local == "entry";
    default: return false;
  }
}

SitemapEntries::Field SitemapEntries::FieldOf(std::string_view local, bool same_prefix) const {
  switch (out_->kind) {
    case SitemapKind::kUrlset:
    case SitemapKind::kIndex:
      // xhtml:link, whatever the prefix.
      if (local == "link") return Field::kLink;
      if (!same_prefix) return Field::kNone;
      if (local == "loc") return Field::kLoc;
      if (local == "lastmod") return Field::kLastmod;
      return local == "priority" ? Field::kPriority : Field::kNone;
    case SitemapKind::kRss:
    case SitemapKind::kRdf:
      // dc:date
      if (local == "pubDate" || (local == "date" && !same_prefix)) return Field::kLastmod;
      if (!same_prefix) return Field::kNone;
      if (local == "link") return Field::kLoc;
      return local == "guid" ? Field::kGuid : Field::kNone;
    case SitemapKind::kAtom:
      if (!same_prefix) return Field::kNone;
      if (local == "link") return Field::kLink;
      return local == "updated" ? Field::kLastmod : Field::kNone;
    default: return Field::kNone;
  }
}

bool SitemapEntries::Start(std::string_view name) {
  const std::string_view local = LocalName(name);
  if (!saw_root_) TakeRoot(local);
  if (foreign()) return false;
  CloseField();  // fields hold text alone: its end tag is missing
  if (!in_entry_ || (name == entry_name_ && IsEntry(local))) {
    if (in_entry_) EndEntry();
    if (IsEntry(local)) BeginEntry(name, local);
    return false;
  }
  field_ = nested_ > 0 ? Field::kNone : FieldOf(local, Prefix(name) == entry_name_.substr(0, prefix_size_));
  if (field_ == Field::kNone) {
    ++nested_;
    return false;
  }
  field_name_ = name;
  return field_ == Field::kLink || field_ == Field::kGuid;
}

void SitemapEntries::Attribute(std::string_view name, std::string_view value) {
  if (value.size() > kMaxText) return;
  if (name == "href") href_ = value;
  if (name == "rel") rel_ = TrimHtmlSpace(value);
  if (name == "isPermaLink" && EqualsIgnoringCase(TrimHtmlSpace(value), "false")) guid_is_link_ = false;
}

void SitemapEntries::AttributesEnd() {
  if (field_ != Field::kLink) return;
  const bool alternate = EqualsIgnoringCase(rel_, "alternate");
  if (out_->kind == SitemapKind::kAtom) {
    // RFC 4287 4.2.7.2: without rel it is alternate. The first one is the page.
    if (!has_loc_ && !href_.empty() && (rel_.empty() || alternate)) TakeLoc(href_);
  } else if (alternate && !href_.empty()) {
    Url url;
    if (Resolve(href_, &url)) entry_.alternates.push_back(std::move(url));
  }
  href_.clear();
  rel_.clear();
}

void SitemapEntries::End(std::string_view name) {
  if (!in_entry_) return;
  if (name == entry_name_) return EndEntry();
  if (field_ != Field::kNone) return CloseField();
  if (nested_ > 0) --nested_;
}

void SitemapEntries::Text(std::string_view text) {
  if (!in_entry_ || nested_ > 0) return;
  AppendCapped(text, field_ == Field::kNone ? &bare_text_ : &text_);
}

void SitemapEntries::UnknownReference() {
  if (in_entry_ && nested_ == 0) text_is_bad_ = true;
}

void SitemapEntries::CloseField() {
  if (field_ == Field::kNone) return;
  const Field field = std::exchange(field_, Field::kNone);
  const std::string text = std::exchange(text_, {});
  const bool bad = std::exchange(text_is_bad_, false);
  const std::string_view trimmed = TrimSpaces(text);
  if (field == Field::kLoc) {
    if (has_loc_) Flush();  // a second loc in one entry; the fields so far are the first one's
    if (bad || text.size() > kMaxText) {
      out_->AddError(fmt::format("{}: {}", bad ? "undeclared entity in a URL" : "URL too long", Shown(trimmed)));
      bad_ = true;
    } else if (!trimmed.empty()) {
      TakeLoc(trimmed);
    }
  } else if (bad || trimmed.empty()) {
    return;
  } else if (field == Field::kGuid) {
    guid_ = trimmed;
  } else if (field == Field::kLastmod && entry_.lastmod.empty()) {
    entry_.lastmod = trimmed.substr(0, kMaxLastmod);
    entry_.lastmod_time = ParseSitemapDate(trimmed);
    if (entry_.lastmod_time && *entry_.lastmod_time > now_) entry_.lastmod_time.reset();
  } else if (field == Field::kPriority && trimmed.size() < 16) {
    char* end = nullptr;
    const std::string number(trimmed);
    const double value = std::strtod(number.c_str(), &end);
    if (*end == '\0' && value >= 0 && value <= 1) entry_.priority = value;
  }
}

void SitemapEntries::TakeLoc(std::string_view text) {
  has_loc_ = Resolve(text, &entry_.url);
  bad_ = !has_loc_;
}

bool SitemapEntries::Resolve(std::string_view text, Url* url) {
  if (out_->cut) return false;
  const bool absolute = IsAbsoluteHttp(text);
  auto parsed = absolute ? Url::Parse(text) : Url::Parse(text, file_url_);
  if (!parsed.ok() || !parsed->is_http() || parsed->href().size() > kMaxUrlBytes) {
    out_->AddError(fmt::format("not a URL that can be fetched: {}", Shown(text)));
    return false;
  }
  // Resolved, a short reference is as long as the file's own URL.
  url_bytes_ += parsed->href().size();
  if (++taken_ > kMaxSitemapUrls || url_bytes_ > kMaxSitemapUrlBytes) {
    out_->AddError("more URLs than are taken from one file");
    out_->cut = true;
    return false;
  }
  if (!absolute) ++out_->relative;
  *url = *std::move(parsed);
  return true;
}

void SitemapEntries::BeginEntry(std::string_view name, std::string_view local) {
  in_entry_ = true;
  entry_is_sitemap_ = local == "sitemap";
  entry_name_ = name;
  prefix_size_ = Prefix(name).size();
  urls_before_ = out_->urls.size();
  sitemaps_before_ = out_->sitemaps.size();
  nested_ = 0;
  field_ = Field::kNone;
  text_.clear();
  bare_text_.clear();
  guid_.clear();
  guid_is_link_ = true;
  text_is_bad_ = false;
  bad_ = false;
  has_loc_ = false;
  entry_ = SitemapUrl();
}

void SitemapEntries::Flush() {
  if (has_loc_) {
    if (entry_is_sitemap_) {
      entry_.priority.reset();
      entry_.alternates.clear();
    }
    (entry_is_sitemap_ ? out_->sitemaps : out_->urls).push_back(std::move(entry_));
  }
  has_loc_ = false;
  bad_ = false;
  entry_ = SitemapUrl();
}

void SitemapEntries::EndEntry() {
  CloseField();
  in_entry_ = false;
  const bool feed = out_->kind == SitemapKind::kRss || out_->kind == SitemapKind::kRdf;
  if (!has_loc_ && !bad_) {
    const std::string_view bare = TrimSpaces(feed ? (guid_is_link_ ? guid_ : std::string_view()) : bare_text_);
    if (IsAbsoluteHttp(bare) && bare.size() <= kMaxText && !text_is_bad_) TakeLoc(bare);
  }
  Flush();
}

void SitemapEntries::DropEntry() {
  in_entry_ = false;
  out_->urls.resize(urls_before_);
  out_->sitemaps.resize(sitemaps_before_);
}

void SitemapEntries::Finish() {
  if (!in_entry_) return;
  // A text that the file's end has cut off is not what was meant.
  field_ = Field::kNone;
  bare_text_.clear();
  guid_.clear();
  EndEntry();
}

void SitemapEntries::AddPlain(std::string_view text) {
  text = TrimSpaces(text);
  if (text.empty()) return;
  SitemapUrl plain;
  if (text.size() > kMaxText || !IsAbsoluteHttp(text)) {
    out_->AddError(fmt::format("not a URL: {}", Shown(text)));
  } else if (Resolve(text, &plain.url)) {
    out_->urls.push_back(std::move(plain));
  }
}

}  // namespace weft
