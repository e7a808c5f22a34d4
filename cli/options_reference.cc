// docs/options.md, written by `weft help options`.
#include <fmt/format.h>

#include <array>

#include "cli/options_help.h"
#include "cli/options_table.h"

namespace weft {
namespace {

// '|' would end a table's cell.
std::string Cell(std::string_view text) {
  std::string cell;
  for (const char c : text) cell += c == '|' ? std::string("\\|") : std::string(1, c);
  return cell;
}

std::string TakenBy(const Option& option) {
  constexpr std::array<Command, 27> kAll = {Command::kCrawl,  Command::kScheduler, Command::kWorker, Command::kFetcher,
                                           Command::kParser, Command::kSeedsAdd,  Command::kStatus, Command::kExport,
                                           Command::kPoliteness, Command::kTraps, Command::kNodeList,
                                           Command::kNodeDrain, Command::kNodeForget, Command::kCheckpoint, Command::kInspect,
                                           Command::kWarcCheck, Command::kWarcCat, Command::kWarcExtract, Command::kIndex,
                                           Command::kWacz, Command::kImport, Command::kTokenNew, Command::kTokenList,
                                           Command::kTokenRevoke, Command::kStorePush, Command::kStorePull,
                                           Command::kStoreList};
  std::string names;
  for (const Command command : kAll) {
    if (!option.taken_by(command)) continue;
    names += fmt::format("{}{}{}", names.empty() ? "" : ", ", CommandName(command),
                         option.needed_by(command) ? " (needed)" : "");
  }
  return names;
}

std::string Row(const Option& option) {
  std::string flag = fmt::format("`--{}{}{}`", option.name, option.unit.empty() ? "" : " ", Cell(option.unit));
  if (option.letter != 0) flag += fmt::format(", `-{}`", option.letter);
  std::string_view value = option.default_note.empty() ? option.default_text : option.default_note;
  if (option.kind == ValueKind::kFlag) value = "off";
  return fmt::format("| {} | {} | {}{} | {} |\n", flag, value.empty() ? "none" : value, Cell(option.help),
                     option.repeatable ? "; may be repeated" : "", TakenBy(option));
}

}  // namespace

std::string OptionsReference() {
  std::string out =
      "# Options\n\n"
      "Written by `weft help options`. The same names are keys of a config file (`--config FILE`, TOML): a flag beats\n"
      "the config file, which beats the default; one file serves all commands. Durations are written like `500ms`, `2s`, `10m`, `1h30m` or `0`,\n"
      "sizes like `64KiB`, `16MiB` or `1GiB`. On a crawl that is gone on with, a value replaces the stored one,\n"
      "`none` takes a limit away and an empty value (`''`) empties a list.\n";
  for (const OptionGroup group : {OptionGroup::kOutput, OptionGroup::kExport, OptionGroup::kNodes, OptionGroup::kSeeds, OptionGroup::kScope,
                                  OptionGroup::kLimits, OptionGroup::kPoliteness, OptionGroup::kNetwork,
                                  OptionGroup::kInspection, OptionGroup::kOthers}) {
    out += fmt::format("\n## {}\n\n| Option | Default | Meaning | Taken by |\n|---|---|---|---|\n", GroupTitle(group));
    for (const Option& option : OptionTable()) {
      if (option.group == group) out += Row(option);
    }
  }
  return out;
}

}  // namespace weft
