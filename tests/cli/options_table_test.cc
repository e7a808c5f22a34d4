#include "cli/options_table.h"

#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>

#include <map>
#include <set>

#include "cli/options_help.h"
#include "cli/options_value.h"
#include "tests/cli/parse_line.h"

namespace weft {
namespace {

using google::protobuf::FieldDescriptor;
using ::testing::AnyOf;
using ::testing::HasSubstr;

const FieldDescriptor* FieldOf(const Option& option) {
  return wire::CrawlSettings::descriptor()->FindFieldByNumber(std::get<StoredField>(option.place).number);
}

// The help's entry of an option: from its flag to the next one.
std::string Entry(const std::string& help, const Option& option) {
  const std::string line = option.letter == 0 ? fmt::format("\n  --{} ", option.name)
                                              : fmt::format("\n  -{}, --{} ", option.letter, option.name);
  const size_t begin = help.find(line);
  if (begin == std::string::npos) return "";
  const size_t end = help.find("\n  -", begin + 1);
  std::string text = help.substr(begin, end == std::string::npos ? end : end - begin);
  for (size_t at = 0; (at = text.find('\n', at)) != std::string::npos;) {
    const size_t word = text.find_first_not_of(" \n", at);
    text.replace(at, (word == std::string::npos ? text.size() : word) - at, " ");
    ++at;
  }
  return text;
}

template <typename F>
void ForEachOptionOfEachCommand(F check) {
  for (uint32_t bit = 1; bit <= static_cast<uint32_t>(Command::kInspect); bit <<= 1) {
    for (const Option& option : OptionTable()) {
      if ((option.commands & bit) != 0) check(static_cast<Command>(bit), option);
    }
  }
}

TEST(OptionTable, NamesAreUnique) {
  std::set<std::string_view> names;
  for (const Option& option : OptionTable()) EXPECT_TRUE(names.insert(option.name).second) << option.name;
}

TEST(OptionTable, LettersAreUniqueWithinACommand) {
  std::map<std::pair<Command, char>, std::string_view> letters;
  ForEachOptionOfEachCommand([&](Command command, const Option& option) {
    if (option.letter == 0) return;
    EXPECT_TRUE(letters.emplace(std::pair(command, option.letter), option.name).second) << option.name;
  });
}

TEST(OptionTable, HoldsEveryOptionThatTheUserGuidePromises) {
  for (const char* name :
       {"scope", "include", "exclude", "max-pages", "max-depth", "max-time", "max-body", "body-memory", "timeout",
        "connect-timeout", "delay", "host-connections", "connections", "ignore-robots", "user-agent", "contact",
        "allow-private-net", "resolve", "proxy", "header", "parsers", "warc-compression", "warc-size", "warc-prefix", "retry-failed",
        "change-scope", "log-level", "config", "out", "input"}) {
    const Option* option = FindOption(name);
    ASSERT_NE(option, nullptr) << name;
    EXPECT_TRUE(option->taken_by(Command::kCrawl)) << name;
  }
}

TEST(OptionTable, EveryStoredRowHasAFieldOfItsKind) {
  std::set<int> numbers;
  for (const Option& option : OptionTable()) {
    if (!option.stored()) continue;
    const FieldDescriptor* field = FieldOf(option);
    ASSERT_NE(field, nullptr) << option.name;
    EXPECT_TRUE(numbers.insert(field->number()).second) << option.name << " shares its field";
    EXPECT_EQ(field->is_repeated(), option.repeatable) << option.name;
    const auto type = field->cpp_type();
    switch (option.kind) {
      case ValueKind::kFlag: EXPECT_EQ(type, FieldDescriptor::CPPTYPE_BOOL) << option.name; break;
      case ValueKind::kDuration: EXPECT_EQ(type, FieldDescriptor::CPPTYPE_INT64) << option.name; break;
      case ValueKind::kSize: EXPECT_EQ(type, FieldDescriptor::CPPTYPE_UINT64) << option.name; break;
      case ValueKind::kCount:
        EXPECT_THAT(type, AnyOf(FieldDescriptor::CPPTYPE_UINT64, FieldDescriptor::CPPTYPE_UINT32)) << option.name;
        EXPECT_LE(option.most, type == FieldDescriptor::CPPTYPE_UINT32 ? UINT32_MAX : UINT64_MAX) << option.name;
        break;
      default: EXPECT_EQ(type, FieldDescriptor::CPPTYPE_STRING) << option.name;
    }
  }
}

TEST(OptionTable, EveryInvocationRowHasAMemberOfItsKind) {
  for (const Option& option : OptionTable()) {
    if (option.stored()) continue;
    const auto& place = std::get<InvocationField>(option.place);
    EXPECT_EQ(std::holds_alternative<bool CrawlInvocation::*>(place), option.kind == ValueKind::kFlag) << option.name;
    const bool small = std::holds_alternative<uint32_t CrawlInvocation::*>(place);
    const bool large = std::holds_alternative<uint64_t CrawlInvocation::*>(place);
    const bool count = option.kind == ValueKind::kCount;
    EXPECT_TRUE(count ? small || large : !small) << option.name;
    EXPECT_EQ(std::holds_alternative<std::vector<std::string> CrawlInvocation::*>(place), option.repeatable) << option.name;
  }
}

TEST(OptionTable, EveryDefaultIsReadBackAsItIsShown) {
  for (const Option& option : OptionTable()) {
    if (!option.stored() || option.default_text.empty()) continue;
    CommandLine line;
    ASSERT_TRUE(SetOption(option, {std::string(option.default_text)}, line).ok()) << option.name;
    CommandLine again;
    const std::string shown = ShowStored(option, line.settings);
    ASSERT_TRUE(SetOption(option, {shown}, again).ok()) << option.name << " " << shown;
    EXPECT_TRUE(SameStored(option, line.settings, again.settings)) << option.name;
  }
}

TEST(Help, ShowsDefaultAndUnitOfEachOption) {
  ForEachOptionOfEachCommand([](Command command, const Option& option) {
    const std::string entry = Entry(CommandHelp(command), option);
    ASSERT_NE(entry, "") << CommandName(command) << " " << option.name;
    if (option.needed_by(command)) {
      EXPECT_THAT(entry, HasSubstr("[needed")) << option.name;
    } else {
      EXPECT_THAT(entry, HasSubstr("[default: ")) << option.name;
    }
    if (option.kind != ValueKind::kFlag) {
      ASSERT_NE(option.unit, "") << option.name;
      EXPECT_THAT(entry, HasSubstr(fmt::format("--{} {} ", option.name, option.unit)));
    }
    if (!option.default_text.empty() && option.kind != ValueKind::kFlag) {
      EXPECT_THAT(entry, HasSubstr(fmt::format("[default: {}", option.default_text)));
    }
    EXPECT_EQ(entry.find("500ms") != std::string::npos, option.kind == ValueKind::kDuration) << option.name;
    EXPECT_EQ(entry.find("64KiB") != std::string::npos, option.kind == ValueKind::kSize) << option.name;
    EXPECT_GT(option.help.size(), 10u) << option.name;
  });
}

TEST(Help, ExamplesAreCommandLinesThatParse) {
  size_t examples = 0;
  for (uint32_t bit = 1; bit <= static_cast<uint32_t>(Command::kInspect); bit <<= 1) {
    const std::string help = CommandHelp(static_cast<Command>(bit));
    for (size_t at = 0; (at = help.find("\n  weft ", at)) != std::string::npos; ++at) {
      std::string text = help.substr(at + 3, help.find('\n', at + 1) - at - 3);
      text = text.substr(0, text.find("   "));
      std::vector<std::string> words;
      std::istringstream split(text);
      for (std::string word; split >> word;) words.push_back(word);
      const auto line = ParseCommandLine(words);
      EXPECT_TRUE(line.ok()) << text << ": " << ErrorText(line.status());
      ++examples;
    }
  }
  EXPECT_GE(examples, 8u);
}

TEST(OptionsReference, IsWhatTheDocumentationHolds) {
  std::ifstream file(WEFT_SOURCE_DIR "/docs/options.md");
  const std::string text(std::istreambuf_iterator<char>(file), {});
  EXPECT_EQ(text, OptionsReference()) << "write it anew: build/dev/weft help options > docs/options.md";
}

TEST(Help, FitsATerminal) {
  for (uint32_t bit = 1; bit <= static_cast<uint32_t>(Command::kInspect); bit <<= 1) {
    std::istringstream lines(CommandHelp(static_cast<Command>(bit)));
    for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 120u) << line;
  }
}

}  // namespace
}  // namespace weft
