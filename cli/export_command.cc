// weft export: committed pages as JSON Lines. Rows come from the CrawlDb as of one commit; title, charset, links and text
// are read again from the page's WARC record.
#include <unistd.h>

#include <algorithm>
#include <map>

#include "cli/commands.h"
#include "cli/console.h"
#include "cli/exit_codes.h"
#include "cli/record_source.h"
#include "common/ascii.h"
#include "common/clock.h"
#include "common/digest.h"
#include "common/http_message.h"
#include "common/status.h"
#include "common/units.h"
#include "parser/html_sniff.h"
#include "parser/link_extractor.h"
#include "parser/robots_directives.h"
#include "storage/page_exporter.h"
#include "storage/warc_reader.h"

namespace weft {
namespace {

constexpr uint32_t kRowsAPage = 500;
constexpr uint64_t kToldPages = 10;
constexpr absl::Duration kTellEvery = absl::Seconds(2);

class Exporter {
 public:
  Exporter(RecordSource& source, JsonlWriter& writer, bool with_text, Console& console)
      : source_(source), writer_(writer), with_text_(with_text), console_(console),
        last_told_(SystemClock().SteadyNow()), extractor_(NewGumboExtractor()) {}

  absl::Status Run() {
    wire::RecordsRequest request;
    request.set_limit(kRowsAPage);
    do {
      WEFT_ASSIGN_OR_RETURN(wire::RecordsReply reply, source_.Records(request));
      robots_name_ = LowerAscii(reply.robots_token());
      for (const wire::RecordsReply::Row& row : reply.rows()) WEFT_RETURN_IF_ERROR(Write(row));
      request.set_cursor(reply.next_cursor());
      request.set_pinned_commit(reply.pinned_commit());
      Tell();
    } while (!request.cursor().empty());
    return writer_.Finish();
  }
  uint64_t rows() const { return rows_; }
  uint64_t unreadable() const { return unreadable_; }
  // One line for each pages directory that is out of reach, and one for the output as a whole.
  void TellUnreadable(const std::string& output) {
    for (const auto& [id, missed] : missed_) {
      console_.Line(fmt::format("weft: {} page{} in {}", HumanCount(missed.pages), missed.pages == 1 ? " lies" : "s lie",
                                missed.why));
    }
    console_.Line(fmt::format("weft: {} is incomplete: {} of {} pages could not be read; their rows have no title, "
                              "charset and links{}", output.empty() || output == "-" ? "the output" : output,
                              HumanCount(unreadable_), HumanCount(rows_), with_text_ ? ", and no text" : ""));
  }

 private:
  absl::Status Write(const wire::RecordsReply::Row& row) {
    WEFT_ASSIGN_OR_RETURN(UrlRecord record, DecodeUrlRecord(row.record()));
    PageRow out;
    out.url = record.url;
    out.status = static_cast<int>(record.status);
    out.depth = record.depth;
    out.referrer = row.referrer_url();
    out.fetched_at = record.fetched_at;
    out.content_type = record.mime;
    out.length = record.payload_bytes;
    out.digest = Sha1Label(record.payload_digest);
    out.truncated = record.truncated;
    out.warc_file = record.place.file;
    out.warc_offset = record.place.offset;
    if (record.first_fetched != absl::UnixEpoch()) out.first_fetched = record.first_fetched;
    out.last_checked = record.last_checked();
    out.changes = record.changes;
    if (with_text_) out.text = "";
    auto directory = source_.PagesPath(record.place.pages_dir_id);
    if (!directory.ok()) {
      Miss(record.place.pages_dir_id, ErrorText(directory.status()));
      ++rows_;
      return writer_.Append(out);
    }
    absl::Status read = ReadPage(*directory, record, out);
    if (!read.ok() && ++unreadable_ <= kToldPages) {
      console_.Line(fmt::format("weft: {}: its page cannot be read: {}", record.url, ErrorText(read)));
    }
    ++rows_;
    return writer_.Append(out);
  }

  void Miss(uint64_t pages_dir_id, const std::string& why) {
    ++unreadable_;
    Missed& missed = missed_[pages_dir_id];
    ++missed.pages;
    missed.why = why;
  }

  absl::Status ReadPage(const std::string& directory, const UrlRecord& record, PageRow& out) {
    WEFT_ASSIGN_OR_RETURN(WarcRecord stored, ReadWarcPlace(directory, record.place));
    size_t head_end = stored.block.find("\r\n\r\n");
    size_t head_bytes = head_end == std::string::npos ? stored.block.size() : head_end + 4;
    std::string_view block = stored.block;
    WEFT_ASSIGN_OR_RETURN(HttpHead head, HttpHead::ParseResponse(block.substr(0, head_bytes)));
    PayloadView payload;
    ExtractPayload(head, block.substr(head_bytes), payload);
    std::string_view content_type = head.Get("Content-Type");
    out.charset = CharsetParameter(content_type);
    // Of an error page, or by a crawl that ignores robots, nothing is asked.
    const bool heard = !robots_name_.empty() && head.status() >= 200 && head.status() < 300;
    RobotsDirectives asked;
    if (heard) asked = ReadRobotsTags(head, robots_name_, record.fetched_at);
    out.robots = asked.names();
    Decoded decoded = DecodeContent(head, payload.payload);
    if (!IsHtml(MimeEssence(content_type), decoded.body)) return absl::OkStatus();
    WEFT_ASSIGN_OR_RETURN(Url url, Url::Parse(record.url));
    LinkExtractor::Input input;
    input.html = decoded.body;
    input.url = &url;
    input.content_type = content_type;
    input.want_text = with_text_;
    input.robots_name = robots_name_;
    ExtractedPage page = extractor_->Extract(input);
    for (const std::string& content : page.meta_robots) {
      if (heard) asked |= ReadMetaRobots(content, record.fetched_at);
    }
    out.robots = asked.names();
    out.charset = page.charset;
    out.title = std::move(page.title);
    out.links.reserve(page.links.size());
    for (const ExtractedLink& link : page.links) out.links.push_back(link.url.href());
    if (with_text_) out.text = std::move(page.text);
    return absl::OkStatus();
  }

  void Tell() {
    absl::Time now = SystemClock().SteadyNow();
    if (now - last_told_ < kTellEvery) return;
    last_told_ = now;
    std::string text = fmt::format("weft: {} pages exported", HumanCount(rows_));
    if (console_.is_terminal()) {
      console_.Live(text);
    } else {
      console_.Line(text);
    }
  }

  RecordSource& source_;
  JsonlWriter& writer_;
  bool with_text_;
  Console& console_;
  absl::Time last_told_;
  std::unique_ptr<LinkExtractor> extractor_;
  std::string robots_name_;  // in lower case; empty: the crawl ignores robots
  uint64_t rows_ = 0;
  uint64_t unreadable_ = 0;
  struct Missed {
    uint64_t pages = 0;
    std::string why;
  };
  std::map<uint64_t, Missed> missed_;  // by pages-directory id
};

}  // namespace

int ExportCommand(const CommandLine& line) {
  Console console;
  auto fail = [&](const absl::Status& status) {
    console.EndLive();
    console.Line("weft: " + ErrorText(status));
    return kExitFailed;
  };
  auto source = OpenRecordSource(line);
  if (!source.ok()) return fail(source.status());
  const std::string& output = line.invocation.output;
  std::unique_ptr<JsonlWriter> writer;
  if (output.empty() || output == "-") {
    writer = JsonlWriter::ToDescriptor(STDOUT_FILENO);
  } else {
    auto file = JsonlWriter::ToFile(output);
    if (!file.ok()) return fail(file.status());
    writer = *std::move(file);
  }
  Exporter exporter(**source, *writer, line.invocation.text, console);
  absl::Status status = exporter.Run();
  if (!status.ok()) return fail(status);
  console.EndLive();
  if (exporter.unreadable() > 0) {
    exporter.TellUnreadable(output);
    return kExitFailed;
  }
  if (!output.empty() && output != "-") {
    console.Line(fmt::format("weft: {} pages exported to {}", HumanCount(exporter.rows()), output));
  }
  return kExitOk;
}

}  // namespace weft
