#include "storage/line_source.h"

#include <algorithm>
#include <utility>

#include "common/status.h"

namespace weft {
namespace {

constexpr size_t kReadBytes = 128 * 1024;
constexpr size_t kLongestLine = 16u << 20;

class LinesOfFile : public LineSource {
 public:
  LinesOfFile(std::unique_ptr<ByteSource> file, uint64_t begin) : file_(std::move(file)), read_(begin) {}

  absl::StatusOr<bool> Next(std::string_view& line) override {
    size_t scanned = next_;
    while (true) {
      const size_t end = buffer_.find('\n', scanned);
      if (end != std::string::npos) {
        line = std::string_view(buffer_).substr(next_, end - next_);
        next_ = end + 1;
        return true;
      }
      scanned = buffer_.size() - next_;
      if (scanned > kLongestLine) return DataLoss("a line longer than {} bytes before offset {}", kLongestLine, read_);
      buffer_.erase(0, next_);
      next_ = 0;
      buffer_.resize(scanned + kReadBytes);
      const size_t got = file_->ReadAt(read_, buffer_.data() + scanned, kReadBytes);
      buffer_.resize(scanned + got);
      read_ += got;
      if (got > 0) continue;
      if (scanned > 0) return DataLoss("a line without an end before offset {}", read_);
      return false;
    }
  }

 private:
  std::unique_ptr<ByteSource> file_;
  uint64_t read_;
  std::string buffer_;
  size_t next_ = 0;
};

class LinesMerged : public LineSource {
 public:
  explicit LinesMerged(std::vector<std::unique_ptr<LineSource>> sources) : sources_(std::move(sources)) {}

  absl::StatusOr<bool> Next(std::string_view& line) override {
    if (!begun_) WEFT_RETURN_IF_ERROR(Begin());
    while (!heap_.empty()) {
      std::pop_heap(heap_.begin(), heap_.end(), Later);
      const bool again = any_ && heap_.back().line == last_;
      if (!again) last_.swap(heap_.back().line);
      const size_t source = heap_.back().source;
      heap_.pop_back();
      WEFT_RETURN_IF_ERROR(Push(source));
      if (again) continue;
      any_ = true;
      line = last_;
      return true;
    }
    return false;
  }

 private:
  struct Front {
    std::string line;
    size_t source = 0;
  };
  static bool Later(const Front& a, const Front& b) { return a.line > b.line; }

  absl::Status Begin() {
    begun_ = true;
    for (size_t i = 0; i < sources_.size(); ++i) WEFT_RETURN_IF_ERROR(Push(i));
    return absl::OkStatus();
  }

  absl::Status Push(size_t source) {
    std::string_view line;
    WEFT_ASSIGN_OR_RETURN(const bool there, sources_[source]->Next(line));
    if (!there) {
      sources_[source].reset();
      return absl::OkStatus();
    }
    heap_.push_back({std::string(line), source});
    std::push_heap(heap_.begin(), heap_.end(), Later);
    return absl::OkStatus();
  }

  std::vector<std::unique_ptr<LineSource>> sources_;
  std::vector<Front> heap_;
  std::string last_;
  bool begun_ = false;
  bool any_ = false;
};

}  // namespace

std::unique_ptr<LineSource> FileLines(std::unique_ptr<ByteSource> file, uint64_t begin) {
  return std::make_unique<LinesOfFile>(std::move(file), begin);
}

std::unique_ptr<LineSource> MergedLines(std::vector<std::unique_ptr<LineSource>> sources) {
  return std::make_unique<LinesMerged>(std::move(sources));
}

}  // namespace weft
