#include "cli/crawl_log.h"

#include <cerrno>
#include <cstring>

#include "common/digest.h"
#include "common/status.h"

namespace weft {
namespace {

std::string OrDash(const std::string& text) { return text.empty() ? "-" : text; }

// Fields are parted by blanks: a field holds none.
std::string OneField(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) <= ' ') c = '_';
  }
  return OrDash(text);
}

std::string Stamp17(absl::Time time) { return absl::FormatTime("%Y%m%d%H%M%E3S", time, absl::UTCTimeZone()); }

}  // namespace

std::string CrawlLogLine(const UrlEnd& end, absl::Time now) {
  std::string path(end.depth, 'L');
  if (end.redirect) path += 'R';
  std::string started = Stamp17(end.fetched_at);
  std::erase(started, '.');
  std::string annotations = end.outcome == Outcome::kResponse ? "" : std::string(OutcomeName(end.outcome));
  if (!end.note.empty()) annotations += (annotations.empty() ? "" : ":") + end.note;
  return fmt::format("{} {:5} {:10} {} {} {} {} - {}+{} {} - {}",
                     absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", now, absl::UTCTimeZone()), end.status, end.payload_bytes,
                     OneField(end.url), OrDash(path), OneField(end.referrer), OneField(end.mime), started,
                     absl::ToInt64Milliseconds(end.took),
                     end.payload_digest.empty() ? "-" : Sha1Label(end.payload_digest), OneField(annotations));
}

absl::StatusOr<std::unique_ptr<CrawlLog>> CrawlLog::Open(const std::string& path, const Clock& clock) {
  std::FILE* file = std::fopen(path.c_str(), "ae");
  if (file == nullptr) return FailedPrecondition("{}: cannot be written: {}", path, std::strerror(errno));
  return std::unique_ptr<CrawlLog>(new CrawlLog(file, clock));
}

CrawlLog::~CrawlLog() { std::fclose(file_); }

void CrawlLog::Write(const UrlEnd& end) {
  std::string line = CrawlLogLine(end, clock_.WallNow()) + "\n";
  if (std::fwrite(line.data(), 1, line.size(), file_) != line.size() && problem_.empty()) {
    problem_ = fmt::format("crawl.log cannot be written: {}", std::strerror(errno));
  }
}

void CrawlLog::Flush() {
  if (std::fflush(file_) != 0 && problem_.empty()) {
    problem_ = fmt::format("crawl.log cannot be written: {}", std::strerror(errno));
  }
}

}  // namespace weft
