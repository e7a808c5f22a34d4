#include "cli/export_pages.h"

#include <utility>

#include "common/digest.h"
#include "common/status.h"
#include "common/units.h"
#include "parser/html_sniff.h"
#include "parser/robots_directives.h"
#include "parser/text_language.h"
#include "storage/warc_payload.h"
#include "storage/warc_place.h"
#include "storage/warc_reader.h"

namespace weft {
namespace {

constexpr uint64_t kToldPages = 10;

struct Magic {
  std::string_view bytes;
  std::string_view type;
};
constexpr Magic kMagics[] = {{"%PDF-", "application/pdf"},
                             {"\x89PNG\r\n\x1a\n", "image/png"},
                             {"GIF87a", "image/gif"},
                             {"GIF89a", "image/gif"},
                             {"\xff\xd8\xff", "image/jpeg"},
                             {"PK\x03\x04", "application/zip"},
                             {"\x1f\x8b\x08", "application/gzip"},
                             {"<?xml", "application/xml"}};

// By the first bytes; what they do not show is what the server said.
std::string DetectedType(const std::string& declared, std::string_view body) {
  if (IsXhtml(declared, body)) return "application/xhtml+xml";
  if (IsHtml("", body)) return "text/html";
  for (const Magic& magic : kMagics) {
    if (body.starts_with(magic.bytes)) return std::string(magic.type);
  }
  return declared;
}

}  // namespace

absl::StatusOr<std::unique_ptr<ExportPages>> ExportPages::Make(RecordSource& source, PageNeeds needs, Console& console) {
  std::unique_ptr<ExportPages> pages(new ExportPages(source, needs, console));
  WEFT_ASSIGN_OR_RETURN(pages->suffixes_, PublicSuffixes::Load());
  return pages;
}

absl::StatusOr<PageRow> ExportPages::FromRecord(const wire::RecordsReply::Row& row) {
  WEFT_ASSIGN_OR_RETURN(record_, DecodeUrlRecord(row.record()));
  PageRow out;
  out.url = record_.url;
  out.status = static_cast<int>(record_.status);
  out.depth = record_.depth;
  out.referrer = row.referrer_url();
  out.fetched_at = record_.fetched_at;
  out.content_type = record_.mime;
  out.length = record_.payload_bytes;
  out.digest = Sha1Label(record_.payload_digest);
  out.truncated = record_.truncated;
  out.warc_file = record_.place.file;
  out.warc_offset = record_.place.offset;
  out.warc_length = record_.place.length;
  out.warc_refers = record_.place.refers;
  out.record_digest = record_.place.record_digest;
  out.pages_dir_id = record_.place.pages_dir_id;
  if (record_.first_fetched != absl::UnixEpoch()) out.first_fetched = record_.first_fetched;
  out.last_checked = record_.last_checked();
  out.changes = record_.changes;
  if (Needs(needs_, PageNeeds::kVisibleText)) out.text = "";
  auto url = Url::Parse(record_.url);
  if (url.ok()) out.parsed_url = *std::move(url);
  if (auto domain = suffixes_->FindRegistrableDomain(out.parsed_url.host())) out.registered_domain = *std::move(domain);
  return out;
}

bool ExportPages::Read(PageRow& row) {
  const absl::Status read = ReadStored(row);
  if (read.ok()) return true;
  if (absl::IsUnavailable(read)) {
    Missed& missed = missed_[record_.place.pages_dir_id];
    ++missed.pages;
    missed.why = ErrorText(read);
    if (source_.gathers()) return false;
    ++unreadable_;
  } else if (++unreadable_ <= kToldPages) {
    console_.Line(fmt::format("weft: {}: its page cannot be read: {}", row.url, ErrorText(read)));
  }
  return true;
}

void ExportPages::CheckThere() {
  const uint64_t id = record_.place.pages_dir_id;
  const auto [known, first] = is_lost_.try_emplace(id, false);
  if (first) known->second = source_.PagesLost(id);
  if (known->second) ++lost_in_[id];
}

uint64_t ExportPages::ReadSketch(const PageRow& row) {
  if (row.parsed_url.empty()) return 0;
  const auto stored = ReadWarcPlace(source_, record_.place);
  const auto payload = stored.ok() ? PayloadOf(*stored) : stored.status();
  if (!payload.ok() || !IsHtml(payload->mime, payload->bytes)) return 0;
  const auto head = HttpHead::ParseResponse(stored->block);
  const std::string content_type(head.ok() ? head->Get("Content-Type") : "");
  LinkExtractor::Input input;
  input.html = payload->bytes;
  input.url = &row.parsed_url;
  input.content_type = content_type;
  input.kinds = LinkKinds();
  input.want_sim_hash = true;
  return sketcher_->Extract(input).sim_hash;
}

absl::Status ExportPages::ReadStored(PageRow& row) {
  WEFT_ASSIGN_OR_RETURN(const WarcRecord stored, ReadWarcPlace(source_, record_.place));
  const size_t head_end = stored.block.find("\r\n\r\n");
  const size_t head_bytes = head_end == std::string::npos ? stored.block.size() : head_end + 4;
  const std::string_view block = stored.block;
  WEFT_ASSIGN_OR_RETURN(const HttpHead head, HttpHead::ParseResponse(block.substr(0, head_bytes)));
  PayloadView payload;
  ExtractPayload(head, block.substr(head_bytes), payload);
  row.read = true;
  row.files = &source_;
  row.charset = CharsetParameter(head.Get("Content-Type"));
  // Of an error page, or by a crawl that ignores robots, nothing is asked.
  const bool heard = !robots_name_.empty() && head.status() >= 200 && head.status() < 300;
  if (heard) row.robots = ReadRobotsTags(head, robots_name_, record_.fetched_at).names();
  const Decoded decoded = DecodeContent(head, payload.payload);
  const std::string declared = MimeEssence(head.Get("Content-Type"));
  row.mime_detected = DetectedType(declared, decoded.body);
  if (!IsHtml(declared, decoded.body)) return absl::OkStatus();
  return Extract(head, decoded.body, heard, row);
}

absl::Status ExportPages::Extract(const HttpHead& head, const std::string& body, bool heard, PageRow& row) {
  if (row.parsed_url.empty()) return InvalidArgument("its URL cannot be read");
  PageFacts facts;
  LinkExtractor::Input input;
  input.html = body;
  input.url = &row.parsed_url;
  input.content_type = head.Get("Content-Type");
  input.want_text = Needs(needs_, PageNeeds::kVisibleText);
  input.main_text = main_text_;
  input.want_details = Needs(needs_, PageNeeds::kDetails);
  input.want_sim_hash = Needs(needs_, PageNeeds::kSimHash);
  input.facts = Needs(needs_, PageNeeds::kFacts) ? &facts : nullptr;
  input.robots_name = robots_name_;
  ExtractedPage page = extractor_->Extract(input);
  RobotsDirectives asked;
  if (heard) asked = ReadRobotsTags(head, robots_name_, record_.fetched_at);
  for (const std::string& content : page.meta_robots) {
    if (heard) asked |= ReadMetaRobots(content, record_.fetched_at);
  }
  row.robots = asked.names();
  Describe(page, facts, row);
  return absl::OkStatus();
}

void ExportPages::Describe(ExtractedPage& page, const PageFacts& facts, PageRow& row) {
  row.charset = std::move(page.charset);
  row.title = std::move(page.title);
  row.links.reserve(page.links.size());
  for (const ExtractedLink& link : page.links) row.links.push_back(link.url.href());
  if (Needs(needs_, PageNeeds::kDetails)) {
    for (ExtractedLink& link : page.links) {
      row.page_links.push_back({link.url.href(), link.kind, link.nofollow, std::move(link.rel), std::move(link.text)});
    }
  }
  row.sim_hash = page.sim_hash;
  row.self.description = std::move(page.description);
  row.self.canonical = std::move(page.canonical);
  row.self.language_tag = std::move(page.language);
  if (Needs(needs_, PageNeeds::kLanguage)) row.self.languages = DetectLanguages(page.text, row.self.language_tag);
  if (Needs(needs_, PageNeeds::kFacts)) {
    row.self.headings_json = facts.HeadingsJson();
    row.self.open_graph_json = facts.OpenGraphJson();
    row.self.json_ld_json = facts.JsonLdJson();
    row.self.published = facts.published;
    row.self.modified = facts.modified;
  }
  if (Needs(needs_, PageNeeds::kVisibleText)) row.text = std::move(page.text);
}

void ExportPages::TellMissing() {
  if (source_.gathers()) return;
  for (const auto& [id, missed] : missed_) {
    console_.Line(fmt::format("weft: {} page{} in {}", HumanCount(missed.pages), missed.pages == 1 ? " lies" : "s lie",
                              missed.why));
  }
}

uint64_t ExportPages::lost() const {
  uint64_t pages = 0;
  for (const auto& [id, lost] : lost_in_) pages += lost;
  return pages;
}

void ExportPages::TellLost() {
  for (const auto& [id, lost] : lost_in_) {
    console_.Line(fmt::format("weft: {} lay in {}", HumanCount(lost, "page"), source_.NodeOf(id)));
  }
}

uint64_t ExportPages::left_out() const {
  uint64_t pages = 0;
  for (const auto& [id, missed] : missed_) pages += missed.pages;
  return source_.gathers() ? pages : 0;
}

std::string ExportPages::LeftOutText() const {
  std::string nodes;
  for (const auto& [id, missed] : missed_) {
    nodes += fmt::format("{}{}: {}", nodes.empty() ? "" : "; ", source_.NodeOf(id), missed.why);
  }
  return fmt::format("{} missing: {}. {} of theirs {} not in the export", HumanCount(missed_.size(), "node is", "nodes are"), nodes,
                     HumanCount(left_out(), "page"), left_out() == 1 ? "is" : "are");
}

}  // namespace weft
