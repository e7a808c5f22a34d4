#include "storage/line_sorter.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "common/status.h"
#include "storage/temporary_file.h"

namespace weft {
namespace {

// Lines that are in memory, in the order of `places`.
template <typename Place>
class LinesInMemory : public LineSource {
 public:
  LinesInMemory(std::string text, std::vector<Place> places) : text_(std::move(text)), places_(std::move(places)) {}
  absl::StatusOr<bool> Next(std::string_view& line) override {
    if (next_ == places_.size()) return false;
    line = std::string_view(text_).substr(places_[next_].begin, places_[next_].size);
    ++next_;
    return true;
  }

 private:
  std::string text_;
  std::vector<Place> places_;
  size_t next_ = 0;
};

std::vector<std::unique_ptr<LineSource>> Opened(std::vector<std::unique_ptr<ByteSource>> runs) {
  std::vector<std::unique_ptr<LineSource>> sources;
  for (auto& run : runs) sources.push_back(FileLines(std::move(run)));
  return sources;
}

}  // namespace

absl::Status LineSorter::Add(std::string_view line) {
  places_.push_back({text_.size(), line.size()});
  text_ += line;
  return text_.size() + places_.size() * sizeof(Place) >= options_.memory_bytes ? Spill() : absl::OkStatus();
}

void LineSorter::Sort() {
  const std::string_view text = text_;
  std::sort(places_.begin(), places_.end(), [&](const Place& a, const Place& b) {
    return text.substr(a.begin, a.size) < text.substr(b.begin, b.size);
  });
}

absl::StatusOr<std::unique_ptr<ByteSource>> LineSorter::WriteRun(LineSource& lines) const {
  WEFT_ASSIGN_OR_RETURN(TemporaryFile file, TemporaryFile::Create(options_.directory));
  std::string_view line;
  while (true) {
    WEFT_ASSIGN_OR_RETURN(const bool there, lines.Next(line));
    if (!there) return file.Finish();
    WEFT_RETURN_IF_ERROR(file.Write(line));
    WEFT_RETURN_IF_ERROR(file.Write("\n"));
  }
}

absl::Status LineSorter::Spill() {
  Sort();
  LinesInMemory<Place> lines(std::exchange(text_, {}), std::exchange(places_, {}));
  WEFT_ASSIGN_OR_RETURN(std::unique_ptr<ByteSource> run, WriteRun(lines));
  runs_.push_back(std::move(run));
  return runs_.size() < options_.most_runs ? absl::OkStatus() : MergeRuns();
}

absl::Status LineSorter::MergeRuns() {
  const auto merged = MergedLines(Opened(std::exchange(runs_, {})));
  WEFT_ASSIGN_OR_RETURN(std::unique_ptr<ByteSource> run, WriteRun(*merged));
  runs_.push_back(std::move(run));
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<LineSource>> LineSorter::Finish() {
  Sort();
  auto sources = Opened(std::exchange(runs_, {}));
  sources.push_back(std::make_unique<LinesInMemory<Place>>(std::exchange(text_, {}), std::exchange(places_, {})));
  return MergedLines(std::move(sources));
}

}  // namespace weft
