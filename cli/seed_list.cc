#include "cli/seed_list.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <istream>
#include <set>

#include "common/status.h"
#include "common/units.h"

namespace weft {
namespace {

// A line is read no further than this; the rest of it is skipped. Memory stays bounded whatever the file is.
constexpr size_t kMaxLineBytes = kMaxUrlBytes + 1024;
constexpr size_t kProblemsInError = 5;

std::string_view Trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\v\f";
  const size_t begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

// "# ..." at the start, or after a blank: a # inside a URL begins its fragment.
std::string_view WithoutComment(std::string_view line) {
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '#' && (i == 0 || line[i - 1] == ' ' || line[i - 1] == '\t')) return line.substr(0, i);
  }
  return line;
}

bool IsControl(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

// For messages: no control characters, not longer than a screen line.
std::string Quoted(std::string_view text) {
  constexpr size_t kLongest = 80;
  std::string shown;
  for (const char c : text.substr(0, kLongest)) {
    shown += IsControl(c) ? '?' : c;
  }
  return fmt::format("'{}{}'", shown, text.size() > kLongest ? "…" : "");
}

bool IsHostChar(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '-' ||
         c == '_' || static_cast<unsigned char>(c) >= 0x80;
}

// The host of "host[:port][/path]", or "" if it has not this form.
std::string_view BareHost(std::string_view text) {
  const std::string_view authority = text.substr(0, text.find_first_of("/?#"));
  size_t host_end = 0;
  if (authority.starts_with('[')) {
    host_end = authority.find(']');
    if (host_end == std::string_view::npos) return {};
    ++host_end;
  } else {
    while (host_end < authority.size() && IsHostChar(authority[host_end])) ++host_end;
  }
  const std::string_view port = authority.substr(host_end);
  const bool port_ok = port.empty() || (port.size() > 1 && port[0] == ':' &&
                                        port.find_first_not_of("0123456789", 1) == std::string_view::npos);
  return port_ok ? authority.substr(0, host_end) : std::string_view();
}

// Names that people give to lists; none of these endings is a top-level domain.
bool LooksLikeFile(std::string_view text) {
  constexpr std::array<std::string_view, 16> kEndings = {".txt", ".list", ".lst",  ".csv",  ".tsv", ".urls",
                                                         ".json", ".jsonl", ".toml", ".yaml", ".yml", ".gz",
                                                         ".html", ".xml",  ".log",  ".seeds"};
  if (text.starts_with('/') || text.starts_with("./") || text.starts_with("../") || text.starts_with('~')) return true;
  if (BareHost(text).size() != text.size()) return false;
  return std::any_of(kEndings.begin(), kEndings.end(), [&](std::string_view ending) { return text.ends_with(ending); });
}

absl::StatusOr<Url> CheckedUrl(const std::string& text) {
  WEFT_ASSIGN_OR_RETURN(Url url, Url::Parse(text));
  if (!url.is_http()) return InvalidArgument("only http:// and https:// can be crawled");
  if (url.host().empty()) return InvalidArgument("it names no host");
  if (url.href().size() > kMaxUrlBytes) return InvalidArgument("it is longer than {} bytes", kMaxUrlBytes);
  return url;
}

class SeedReader {
 public:
  absl::Status AddArgument(const std::string& text, std::istream& standard_input);
  absl::Status AddFile(const std::string& path, std::istream& standard_input);
  absl::StatusOr<SeedList> Finish();

 private:
  void AddUrl(Url url);
  absl::Status AddList(const std::string& name, std::istream& lines);
  void AddLine(const std::string& where, std::string_view line);
  std::string FirstProblems() const;

  SeedList list_;
  std::set<std::string> known_;
  size_t good_ = 0;
};

void SeedReader::AddUrl(Url url) {
  ++good_;
  if (!known_.insert(url.href()).second) {
    ++list_.repeats;
    return;
  }
  list_.urls.push_back(std::move(url));
}

absl::Status SeedReader::AddArgument(const std::string& text, std::istream& standard_input) {
  if (text.find("://") == std::string::npos) {
    std::error_code error;
    // Not a folder: other crawlers leave some that are named like a host.
    const bool file = std::filesystem::exists(text, error) && !std::filesystem::is_directory(text, error);
    if (text == "-" || file) return AddFile(text, standard_input);
    if (LooksLikeFile(text)) {
      if (std::filesystem::exists(text, error)) return AddFile(text, standard_input);
      return InvalidArgument("seed file {} does not exist; name an existing file, or write a URL with https://", text);
    }
  }
  auto url = ParseSeed(text);
  if (!url.ok()) {
    return InvalidArgument("{} is not a seed: {}; a seed is a URL, example.com/path, or the name of an existing file",
                           Quoted(text), ErrorText(url.status()));
  }
  AddUrl(*std::move(url));
  return absl::OkStatus();
}

absl::Status SeedReader::AddFile(const std::string& path, std::istream& standard_input) {
  if (path == "-") return AddList("standard input", standard_input);
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    return InvalidArgument("seed file {} does not exist; name an existing file, or - for standard input", path);
  }
  if (std::filesystem::is_directory(path, error)) {
    return InvalidArgument("seed file {} is a directory; name a file with one URL a line", path);
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) return InvalidArgument("seed file {}: {}", path, std::strerror(errno));
  return AddList(path, file);
}

// Reads one line, at most kMaxLineBytes of it. False at the end.
bool ReadLine(std::istream& lines, std::string& line, bool& cut) {
  line.clear();
  cut = false;
  char c = 0;
  bool any = false;
  while (lines.get(c)) {
    any = true;
    if (c == '\n') return true;
    if (line.size() < kMaxLineBytes) {
      line += c;
    } else {
      cut = true;
    }
  }
  return any;
}

absl::Status SeedReader::AddList(const std::string& name, std::istream& lines) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  const size_t good_before = good_;
  const size_t problems_before = list_.problems.size();
  std::string line;
  bool cut = false;
  for (int number = 1; ReadLine(lines, line, cut); ++number) {
    std::string_view text = line;
    if (number == 1 && text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
    const std::string where = fmt::format("{}:{}", name, number);
    if (cut) {
      list_.problems.push_back(
          fmt::format("{}: {}: the line is longer than {} bytes", where, Quoted(text), kMaxLineBytes));
    } else {
      AddLine(where, Trimmed(WithoutComment(text)));
    }
  }
  if (lines.bad()) return InvalidArgument("seed file {}: it cannot be read", name);
  if (good_ == good_before && list_.problems.size() == problems_before) {
    return InvalidArgument("{} holds no seed; write one URL a line into it", name);
  }
  return absl::OkStatus();
}

void SeedReader::AddLine(const std::string& where, std::string_view line) {
  if (line.empty()) return;
  auto url = ParseSeed(line);
  if (url.ok()) return AddUrl(*std::move(url));
  list_.problems.push_back(fmt::format("{}: {}: {}", where, Quoted(line), ErrorText(url.status())));
}

std::string SeedReader::FirstProblems() const {
  std::string text;
  for (size_t i = 0; i < list_.problems.size() && i < kProblemsInError; ++i) text += "\n  " + list_.problems[i];
  if (list_.problems.size() > kProblemsInError) {
    text += fmt::format("\n  and {} more", list_.problems.size() - kProblemsInError);
  }
  return text;
}

absl::StatusOr<SeedList> SeedReader::Finish() {
  if (list_.urls.empty()) {
    return InvalidArgument("no seed is left: none of the lines is a URL such as https://example.com/{}",
                           FirstProblems());
  }
  return std::move(list_);
}

}  // namespace

absl::StatusOr<Url> ParseSeed(std::string_view text) {
  // The URL standard would drop or encode these; in a list they are a sign of something else on the line.
  if (text.find_first_of(" \t") != std::string_view::npos) return InvalidArgument("it holds a blank");
  if (std::any_of(text.begin(), text.end(), IsControl)) return InvalidArgument("it holds control characters");
  if (text.find("://") != std::string_view::npos) return CheckedUrl(std::string(text));
  const std::string_view host = BareHost(text);
  const bool name = host.find('.') != std::string_view::npos || host.starts_with('[') || host == "localhost";
  if (std::error_code error; !name && std::filesystem::is_directory(std::string(text), error)) {
    return InvalidArgument("it is a directory; a seed is a URL, a host name, or a file that lists them");
  }
  if (!name || host.starts_with('.')) return InvalidArgument("it is neither a URL nor a host name such as example.com");
  return CheckedUrl(fmt::format("https://{}", text));
}

std::string LeftOutText(const SeedList& list) {
  std::string text;
  if (!list.problems.empty()) text = fmt::format("{} no seed and left out", HumanCount(list.problems.size(), "line is", "lines are"));
  if (list.repeats == 0) return text;
  if (!text.empty()) text += ", ";
  return text + fmt::format("{} a seed above", HumanCount(list.repeats, "repeats", "repeat"));
}

absl::StatusOr<SeedList> ReadSeeds(const std::vector<std::string>& arguments, const std::vector<std::string>& files,
                                   std::istream& standard_input) {
  SeedReader reader;
  for (const std::string& argument : arguments) {
    WEFT_RETURN_IF_ERROR(reader.AddArgument(argument, standard_input));
  }
  for (const std::string& file : files) WEFT_RETURN_IF_ERROR(reader.AddFile(file, standard_input));
  return reader.Finish();
}

}  // namespace weft
