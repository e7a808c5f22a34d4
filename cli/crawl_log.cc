#include "cli/crawl_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "common/digest.h"
#include "common/status.h"

namespace weft {
namespace {

constexpr size_t kMostWaiting = 8 << 20;

std::string OrDash(const std::string& text) { return text.empty() ? "-" : text; }

// Fields are parted by blanks: a field holds none.
std::string OneField(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) <= ' ') c = '_';
  }
  return OrDash(text);
}

// As Heritrix writes it: of more than fifty hops the last, behind the number of the others.
std::string HopsPath(uint32_t depth, bool redirect) {
  constexpr uint64_t kMostShown = 50;
  uint64_t hops = uint64_t{depth} + (redirect ? 1 : 0);
  std::string path(std::min(hops, kMostShown), 'L');
  if (redirect) path.back() = 'R';
  return hops > kMostShown ? fmt::format("{}+{}", hops - kMostShown, path) : path;
}

std::string Stamp17(absl::Time time) { return absl::FormatTime("%Y%m%d%H%M%E3S", time, absl::UTCTimeZone()); }

}  // namespace

std::string CrawlLogLine(const UrlEnd& end, absl::Time now) {
  std::string path = HopsPath(end.depth, end.redirect);
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
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (fd < 0) return FailedPrecondition("{}: cannot be written: {}", path, std::strerror(errno));
  return std::unique_ptr<CrawlLog>(new CrawlLog(fd, clock));
}

CrawlLog::~CrawlLog() {
  Flush();
  close(fd_);
}

void CrawlLog::Write(const UrlEnd& end) {
  std::string line = CrawlLogLine(end, clock_.WallNow());
  if (waiting_.size() + line.size() >= kMostWaiting) {
    ++dropped_;
    return;
  }
  waiting_ += line;
  waiting_ += '\n';
}

void CrawlLog::Flush() {
  problem_.clear();
  WriteWaiting();
  if (waiting_.empty() && dropped_ > 0) {
    waiting_ = fmt::format("# {} lines are missing here: they could not be written\n", dropped_);
    dropped_ = 0;
    WriteWaiting();
  }
}

void CrawlLog::WriteWaiting() {
  size_t written = 0;
  while (written < waiting_.size()) {
    const ssize_t got = write(fd_, waiting_.data() + written, waiting_.size() - written);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      problem_ = fmt::format("crawl.log cannot be written: {}; its lines wait in memory", std::strerror(errno));
      break;
    }
    written += static_cast<size_t>(got);
  }
  waiting_.erase(0, written);
}

}  // namespace weft
