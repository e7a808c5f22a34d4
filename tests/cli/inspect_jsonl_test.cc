// The stream of lines, over real pipes within this thread: what is written must fit into a pipe.
#include "cli/inspect_jsonl.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <csignal>
#include <nlohmann/json.hpp>

#include "common/status.h"

namespace weft {
namespace {

using ::testing::HasSubstr;

class Pipe {
 public:
  Pipe() {
    if (pipe(ends_) != 0) std::abort();
  }
  ~Pipe() {
    CloseRead();
    CloseWrite();
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  int read_end() const { return ends_[0]; }
  int write_end() const { return ends_[1]; }
  void CloseRead() { Close(ends_[0]); }
  void CloseWrite() { Close(ends_[1]); }
  void Write(std::string_view text) {
    ASSERT_EQ(write(write_end(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  std::string ReadAll() {
    CloseWrite();
    std::string text;
    char buffer[4096];
    for (ssize_t got; (got = read(read_end(), buffer, sizeof buffer)) > 0;) text.append(buffer, static_cast<size_t>(got));
    return text;
  }

 private:
  static void Close(int& end) {
    if (end >= 0) close(end);
    end = -1;
  }
  int ends_[2];
};

class AnswerLinesTest : public testing::Test {
 protected:
  absl::Status Run(std::string_view text) {
    in_.Write(text);
    in_.CloseWrite();
    return AnswerLines(inspection_, *inspector_, in_.read_end(), out_.write_end());
  }

  Pipe in_;
  Pipe out_;
  const Inspection& inspection_ = *FindInspection("charset");
  std::unique_ptr<Inspector> inspector_ = *inspection_.make();
};

TEST_F(AnswerLinesTest, EachLineHasItsAnswerInOrderTheLastWithoutNewlineToo) {
  ASSERT_TRUE(Run("{\"body\":\"x\"}\n\n{\"body\":\"<meta charset=big5>\"}\nnonsense\n{\"body\":\"\"}").ok());
  std::istringstream lines(out_.ReadAll());
  std::vector<std::string> answers;
  for (std::string line; std::getline(lines, line);) {
    const auto answer = nlohmann::json::parse(line);
    answers.push_back(answer.contains("error") ? "error" : answer["charset"].get<std::string>());
  }
  EXPECT_THAT(answers, testing::ElementsAre("windows-1252", "error", "Big5", "error", "windows-1252"));
}

TEST_F(AnswerLinesTest, NothingInIsNothingOut) {
  EXPECT_TRUE(Run("").ok());
  EXPECT_EQ(out_.ReadAll(), "");
}

TEST_F(AnswerLinesTest, AReaderThatHasGoneEndsIt) {
  const auto before = std::signal(SIGPIPE, SIG_IGN);
  out_.CloseRead();
  EXPECT_THAT(ErrorText(Run("{\"body\":\"\"}\n")), HasSubstr("cannot write standard output: Broken pipe"));
  std::signal(SIGPIPE, before);
}

TEST_F(AnswerLinesTest, AnInputThatCannotBeReadIsAnError) {
  EXPECT_THAT(ErrorText(AnswerLines(inspection_, *inspector_, out_.write_end(), out_.write_end())),
              HasSubstr("cannot read standard input"));
}

TEST(AnswerLine, ALineThatWasTooLongIsAnsweredWithTheLimit) {
  const Inspection& inspection = *FindInspection("charset");
  const auto inspector = inspection.make();
  EXPECT_THAT(AnswerLine(inspection, **inspector, std::nullopt), HasSubstr("longer than 64 MiB"));
}

}  // namespace
}  // namespace weft
