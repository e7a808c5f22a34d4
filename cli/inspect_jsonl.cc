#include "cli/inspect_jsonl.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include <nlohmann/json.hpp>

#include "cli/json_input.h"
#include "cli/line_splitter.h"
#include "common/status.h"

namespace weft {
namespace {

using nlohmann::ordered_json;

constexpr size_t kBufferBytes = 256 * 1024;

std::string Dump(const ordered_json& json) {
  return json.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

absl::StatusOr<ordered_json> Answer(Inspector& inspector, std::optional<std::string_view> line) {
  if (!line) return InvalidArgument("the line is longer than {} MiB and was passed over", kMaxInspectedBytes >> 20);
  WEFT_ASSIGN_OR_RETURN(const InspectionInput input, ReadJsonInput(*line));
  return inspector.Answer(input);
}

// Answers that have not been written yet.
class Output {
 public:
  explicit Output(int fd) : fd_(fd) {}

  // After an error nothing more is taken.
  void Add(std::string_view line) {
    if (!error_.ok()) return;
    buffer_ += line;
    buffer_ += '\n';
    if (buffer_.size() >= kBufferBytes) Flush();
  }

  void Flush() {
    std::string_view rest = buffer_;
    while (!rest.empty() && error_.ok()) {
      const ssize_t written = write(fd_, rest.data(), rest.size());
      if (written >= 0) {
        rest.remove_prefix(static_cast<size_t>(written));
      } else if (errno != EINTR) {
        error_ = Unavailable("cannot write standard output: {}", std::strerror(errno));
      }
    }
    buffer_.clear();
    if (buffer_.capacity() > 4 * kBufferBytes) std::string().swap(buffer_);
  }

  const absl::Status& error() const { return error_; }

 private:
  int fd_;
  std::string buffer_;
  absl::Status error_;
};

// False: a read would wait.
bool HasInput(int fd) {
  pollfd wanted{.fd = fd, .events = POLLIN, .revents = 0};
  return poll(&wanted, 1, 0) != 0;
}

}  // namespace

std::string AnswerLine(const Inspection& inspection, Inspector& inspector, std::optional<std::string_view> line) {
  const absl::StatusOr<ordered_json> answer = Answer(inspector, line);
  if (answer.ok()) return Dump(*answer);
  return Dump({{"error", fmt::format("{}; expected an object such as {}", ErrorText(answer.status()), inspection.example)}});
}

absl::Status AnswerLines(const Inspection& inspection, Inspector& inspector, int in, int out) {
  Output output(out);
  LineSplitter lines(kMaxInspectedBytes);
  const auto on_line = [&](std::optional<std::string_view> line) {
    if (output.error().ok()) output.Add(AnswerLine(inspection, inspector, line));
  };
  std::string buffer(kBufferBytes, '\0');
  while (output.error().ok()) {
    if (!HasInput(in)) output.Flush();
    const ssize_t got = read(in, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      const int error = errno;
      output.Flush();
      return Unavailable("cannot read standard input: {}", std::strerror(error));
    }
    if (got == 0) break;
    lines.Feed(std::string_view(buffer).substr(0, static_cast<size_t>(got)), on_line);
  }
  lines.Finish(on_line);
  output.Flush();
  return output.error();
}

}  // namespace weft
