#include "cli/options.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>
#include <optional>
#include <utility>

#include "cli/config_file.h"
#include "cli/options_check.h"
#include "cli/options_help.h"
#include "cli/options_names.h"
#include "cli/options_table.h"
#include "cli/options_value.h"
#include "cli/version.h"
#include "common/sitemap_choice.h"
#include "common/status.h"

namespace weft {
namespace {

constexpr std::array<Command, 27> kAllCommands = {Command::kCrawl,  Command::kScheduler, Command::kWorker,
                                                 Command::kFetcher, Command::kParser,    Command::kSeedsAdd,
                                                 Command::kStatus, Command::kExport,    Command::kPoliteness,
                                                 Command::kTraps, Command::kNodeList, Command::kNodeDrain,
                                                 Command::kNodeForget, Command::kCheckpoint,
                                                 Command::kInspect, Command::kWarcCheck, Command::kWarcCat,
                                                 Command::kWarcExtract, Command::kIndex, Command::kWacz, Command::kImport,
                                                 Command::kTokenNew, Command::kTokenList, Command::kTokenRevoke,
                                                 Command::kStorePush, Command::kStorePull, Command::kStoreList};

bool IsHelp(std::string_view word) { return word == "--help" || word == "-h"; }

// The command that `words` begin with and the number of words that name it; kNone and 0 if there is none.
std::pair<Command, size_t> LeadingCommand(const std::vector<std::string>& words) {
  for (const Command command : kAllCommands) {
    const std::string_view name = CommandName(command);
    if (!words.empty() && words[0] == name) return {command, 1};
    if (words.size() >= 2 && fmt::format("{} {}", words[0], words[1]) == name) return {command, 2};
  }
  return {Command::kNone, 0};
}

absl::Status UnknownCommand(const std::string& word) {
  if (word.find("://") != std::string::npos) {
    return InvalidArgument("'{}' is not a command; to crawl it: weft crawl {} --out DIR", word, word);
  }
  if (word == "seeds") return InvalidArgument("seeds: the command is: {}", CommandUsage(Command::kSeedsAdd));
  if (word == "token") return InvalidArgument("token: the commands are weft token new, list and revoke; 'weft token --help' tells more");
  if (word == "node") return InvalidArgument("node: the commands are node list, node drain and node forget; 'weft node --help' tells more");
  if (word == "store") return InvalidArgument("store: the commands are store push, store pull and store list; 'weft store --help' tells more");
  if (word == "warc") return InvalidArgument("warc: the commands are warc check, warc cat and warc extract; 'weft warc --help' tells more");
  std::vector<std::string> names;
  for (const Command command : kAllCommands) names.emplace_back(CommandName(command));
  const std::string nearest = NearestName(word, names);
  const std::string hint = nearest.empty() ? "" : fmt::format("; did you mean '{}'?", nearest);
  return InvalidArgument("'{}' is not a command{} 'weft --help' lists them", word, hint.empty() ? ";" : hint);
}

std::vector<std::string> NamesTakenBy(Command command, std::string_view prefix) {
  std::vector<std::string> names;
  for (const Option& option : OptionTable()) {
    if (option.taken_by(command)) names.push_back(fmt::format("{}{}", prefix, option.name));
  }
  if (!prefix.empty()) names.push_back(fmt::format("{}help", prefix));
  return names;
}

std::string DidYouMean(const std::string& nearest, std::string_view otherwise) {
  return nearest.empty() ? std::string(otherwise) : fmt::format("did you mean {}?", nearest);
}

absl::Status UnknownFlag(Command command, const std::string& typed) {
  const std::string flag = typed.substr(0, typed.find('='));
  const std::string otherwise = fmt::format("'weft {} --help' lists the options", CommandName(command));
  const bool elsewhere = flag.starts_with("--") && FindOption(flag.substr(2)) != nullptr;
  if (elsewhere) return InvalidArgument("'weft {}' does not take {}; {}", CommandName(command), flag, otherwise);
  const std::string nearest = NearestName(flag, NamesTakenBy(command, "--"));
  return InvalidArgument("unknown option {}; {}", flag, DidYouMean(nearest, otherwise));
}

struct Typed {
  std::map<std::string, std::vector<std::string>, std::less<>> values;  // by option name, in the order typed
  std::vector<std::string> operands;
  bool help = false;
};

// CLI11 splits the words into options and operands; values are read by SetOption. Its exceptions end here.
absl::StatusOr<Typed> SplitWords(Command command, std::vector<std::string> words) {
  Typed typed;
  try {
    CLI::App app;
    app.set_help_flag("");
    app.allow_extras();
    bool help = false;
    app.add_flag("-h,--help", help);
    std::vector<std::pair<std::string_view, CLI::Option*>> made;
    for (const Option& option : OptionTable()) {
      if (!option.taken_by(command)) continue;
      std::string names = fmt::format("--{}", option.name);
      if (option.letter != 0) names = fmt::format("-{},{}", option.letter, names);
      CLI::Option* added = option.kind == ValueKind::kFlag ? app.add_flag(names) : app.add_option(names);
      // One value a flag: without this CLI11 would also read "[abc]" as a list.
      added->allow_extra_args(false)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
      made.emplace_back(option.name, added);
    }
    std::reverse(words.begin(), words.end());  // the order in which CLI11 takes them
    app.parse(std::move(words));
    for (const auto& [name, option] : made) {
      if (option->count() > 0) typed.values[std::string(name)] = option->results();
    }
    typed.operands = app.remaining();
    typed.help = help;
  } catch (const CLI::ArgumentMismatch& error) {
    // "--follow: 1 required  missing"
    const std::string_view what = error.what();
    const bool missing = what.find("required") != what.npos;
    return InvalidArgument("{}; 'weft {} --help' lists the options",
                           missing ? fmt::format("{}: a value is missing", what.substr(0, what.find(':'))) : std::string(what),
                           CommandName(command));
  } catch (const CLI::Error& error) {
    return InvalidArgument("{}", error.what());
  }
  for (const std::string& operand : typed.operands) {
    if (operand.size() > 1 && operand[0] == '-') return UnknownFlag(command, operand);
  }
  return typed;
}

absl::Status ApplyDefaults(CommandLine& line) {
  for (const Option& option : OptionTable()) {
    if (option.default_text.empty()) continue;
    WEFT_RETURN_IF_ERROR(WithContext(SetOption(option, {std::string(option.default_text)}, line), option.name));
  }
  line.settings.set_scope_version(1);
  return absl::OkStatus();
}

absl::Status ApplyConfigEntry(const std::string& path, const ConfigEntry& entry, CommandLine& line) {
  const std::string where = fmt::format("{}:{}", path, entry.line);
  const Option* option = FindOption(entry.key);
  // One file serves all commands: what belongs to another one is passed over.
  if (option != nullptr && !option->taken_by(line.command) && option->name != "config") return absl::OkStatus();
  if (option == nullptr || option->name == "config") {
    const std::string nearest = option == nullptr ? NearestName(entry.key, NamesTakenBy(line.command, "")) : "";
    const std::string quoted = nearest.empty() ? "" : fmt::format("'{}'", nearest);
    return InvalidArgument("{}: unknown key '{}' for 'weft {}'; {}", where, entry.key, CommandName(line.command),
                           DidYouMean(quoted, "keys are the names of its options"));
  }
  if (entry.is_list && !option->repeatable) {
    return InvalidArgument("{}: {}: one value is expected, not a list", where, entry.key);
  }
  const std::vector<std::string> values = entry.values.empty() ? std::vector<std::string>{""} : entry.values;
  WEFT_RETURN_IF_ERROR(WithContext(SetOption(*option, values, line), fmt::format("{}: {}", where, entry.key)));
  line.given.insert(entry.key);
  return absl::OkStatus();
}

absl::Status ApplyConfigFile(const std::string& path, CommandLine& line) {
  WEFT_ASSIGN_OR_RETURN(const std::vector<ConfigEntry> entries, ReadConfigFile(path));
  for (const ConfigEntry& entry : entries) WEFT_RETURN_IF_ERROR(ApplyConfigEntry(path, entry, line));
  return absl::OkStatus();
}

absl::Status ApplyFlags(const Typed& typed, CommandLine& line) {
  for (const auto& [name, values] : typed.values) {
    WEFT_RETURN_IF_ERROR(WithContext(SetOption(*FindOption(name), values, line), fmt::format("--{}", name)));
    line.given.insert(name);
  }
  return absl::OkStatus();
}

// "release 3 4", before or behind the directory.
absl::Status TakeTrapWords(std::vector<std::string>& operands, CrawlInvocation& call) {
  const auto is_action = [](const std::string& word) { return word == "release" || word == "hold"; };
  const auto is_number = [](const std::string& word) { return word.find_first_not_of("0123456789") == word.npos; };
  const auto action = std::find_if(operands.begin(), operands.end(), is_action);
  if (action == operands.end()) return absl::OkStatus();
  const auto end = std::find_if_not(action + 1, operands.end(), is_number);
  if (end == action + 1) return InvalidArgument("{}: the number of a trap is missing; 'weft traps' lists them", *action);
  call.trap_words.assign(action, end);
  operands.erase(action, end);
  return absl::OkStatus();
}

// Only where nothing else says where the scheduler is.
void TakeJoinFromEnvironment(CrawlInvocation& call) {
  const char* join = std::getenv("WEFT_JOIN");
  if (join == nullptr || !call.join.empty() || !call.scheduler.empty() || !call.data_dir.empty()) return;
  call.join = join;
  call.join_from_environment = true;
}

bool ReadsArchives(Command command) {
  return command == Command::kWarcCheck || command == Command::kWarcCat || command == Command::kWarcExtract ||
         command == Command::kIndex || command == Command::kWacz || command == Command::kImport ||
         command == Command::kStorePush || command == Command::kStorePull;
}

absl::Status ApplyOperands(std::vector<std::string> operands, CommandLine& line) {
  CrawlInvocation& call = line.invocation;
  const std::string usage = fmt::format("usage: {}", CommandUsage(line.command));
  if (line.command == Command::kCrawl || line.command == Command::kSeedsAdd) {
    call.seeds = std::move(operands);
    const bool none = call.seeds.empty() && call.seed_files.empty();
    if (none && line.command == Command::kSeedsAdd) return InvalidArgument("no seed is named; {}", usage);
    return absl::OkStatus();
  }
  if (line.command == Command::kTokenRevoke) {
    if (operands.size() != 1) return InvalidArgument("name one token; {}", usage);
    call.token = operands.front();
    return absl::OkStatus();
  }
  if (line.command == Command::kInspect) {
    call.inspected = std::move(operands);
    return absl::OkStatus();
  }
  if (ReadsArchives(line.command)) {
    if (operands.empty()) return InvalidArgument("no file is named; {}", usage);
    call.files = std::move(operands);
    return absl::OkStatus();
  }
  const bool of_node = line.command == Command::kNodeDrain || line.command == Command::kNodeForget;
  if (of_node) {
    if (operands.size() != 1) return InvalidArgument("one node is to be named, as 'weft node list' does; {}", usage);
    call.node_name = operands.front();
    return absl::OkStatus();
  }
  if (line.command == Command::kPoliteness) {
    if (operands.empty()) return InvalidArgument("no host is named; {}", usage);
    call.host = operands.front();
    operands.erase(operands.begin());
  }
  if (line.command == Command::kTraps) WEFT_RETURN_IF_ERROR(TakeTrapWords(operands, call));
  const bool reads = line.command == Command::kStatus || line.command == Command::kExport ||
                     line.command == Command::kPoliteness || line.command == Command::kTraps;
  if (!reads) {
    if (operands.empty()) return absl::OkStatus();
    return InvalidArgument("unexpected argument '{}'; {}", operands.front(), usage);
  }
  if (operands.size() > 1 && line.command == Command::kTraps) {
    return InvalidArgument("'{}' and '{}': one directory, then release or hold and the numbers of traps; {}", operands[0],
                           operands[1], usage);
  }
  if (operands.size() > 1) return InvalidArgument("more than one directory is named; {}", usage);
  if (operands.empty()) TakeJoinFromEnvironment(call);
  if (operands.empty() == (call.scheduler.empty() && call.join.empty())) {
    return InvalidArgument("name either a crawl's directory or --scheduler or --join; {}", usage);
  }
  if (!operands.empty()) call.directory = std::move(operands.front());
  return absl::OkStatus();
}

bool IsSet(const InvocationField& place, const CrawlInvocation& call) {
  if (const auto* text = std::get_if<std::string CrawlInvocation::*>(&place)) return !(call.**text).empty();
  const auto& list = call.*std::get<std::vector<std::string> CrawlInvocation::*>(place);
  return !list.empty() && !list.front().empty();
}

bool TakesJoin(Command command) { return FindOption("join")->taken_by(command); }

// Beyond loopback there are keys, or the user has said that there need be none.
absl::Status CheckSecure(const CommandLine& line) {
  const CrawlInvocation& call = line.invocation;
  if (call.insecure && !call.join.empty()) return InvalidArgument("--insecure: a token has keys, so that it says nothing; leave one out");
  if (call.insecure && call.keys) return InvalidArgument("--insecure and --keys: leave one out");
  if (call.insecure || !call.join.empty() || line.command == Command::kScheduler) return absl::OkStatus();
  if (!call.scheduler.empty() && !IsLoopbackEndpoint(call.scheduler)) {
    return WithContext(LeavesThisMachine(call.scheduler), "--scheduler");
  }
  if (!call.listen.empty() && !IsLoopbackEndpoint(call.listen)) return WithContext(LeavesThisMachine(call.listen), "--listen");
  return absl::OkStatus();
}

// Nodes and weft seeds add are told where the scheduler is; what reads may be told a directory instead.
absl::Status CheckReach(CommandLine& line) {
  CrawlInvocation& call = line.invocation;
  const bool reads = line.command == Command::kStatus || line.command == Command::kExport ||
                     line.command == Command::kPoliteness || line.command == Command::kTraps;
  if (!TakesJoin(line.command) || reads) return absl::OkStatus();
  TakeJoinFromEnvironment(call);
  const bool near = FindOption("data")->taken_by(line.command) && !call.data_dir.empty();
  const bool far = !call.scheduler.empty() || !call.join.empty();
  if (near && far) return InvalidArgument("--data names a scheduler on this machine: leave --scheduler and --join out");
  if (near || far) return absl::OkStatus();
  return InvalidArgument("--scheduler tcp://HOST:PORT is missing (where the scheduler listens), or --join FILE; usage: {}",
                         CommandUsage(line.command));
}

// What an option's help says of the command alone, as in "General. (a, b) Of these; (c) of that one".
std::string_view HelpFor(const Option& option, Command command) {
  std::string_view general = option.help;
  const auto first = general.find(". (");
  if (first == general.npos) return general;
  for (std::string_view rest = general.substr(first + 2); rest.starts_with('(');) {
    const size_t close = rest.find(") ");
    if (close == rest.npos) break;
    const size_t end = rest.find("; (", close);
    const std::string names = fmt::format(", {}, ", rest.substr(1, close - 1));
    if (names.find(fmt::format(", {}, ", CommandName(command))) != names.npos) {
      return rest.substr(close + 2, end == rest.npos ? end : end - close - 2);
    }
    if (end == rest.npos) break;
    rest.remove_prefix(end + 2);
  }
  return general.substr(0, first);
}

absl::Status CheckRequired(CommandLine& line) {
  WEFT_RETURN_IF_ERROR(CheckReach(line));
  for (const Option& option : OptionTable()) {
    if (!option.needed_by(line.command)) continue;
    if (IsSet(std::get<InvocationField>(option.place), line.invocation)) continue;
    return InvalidArgument("--{} is missing ({}); usage: {}", option.name, HelpFor(option, line.command),
                           CommandUsage(line.command));
  }
  if (line.command != Command::kExport && line.invocation.pages_dirs.size() > 1) {
    return InvalidArgument("--pages is given twice; a worker has one pages directory: start one worker for each");
  }
  const wire::CrawlSettings& settings = line.settings;
  const bool delays = line.given.contains("delay-min") && line.given.contains("delay-max");
  if (delays && settings.delay_min_us() > settings.delay_max_us()) {
    return InvalidArgument("--delay-min is longer than --delay-max: exchange them, or give one of them alone");
  }
  const bool both = line.given.contains("recrawl-min") && line.given.contains("recrawl-max");
  if (both && settings.recrawl_min_us() > settings.recrawl_max_us()) {
    return InvalidArgument("--recrawl-min is longer than --recrawl-max: exchange them, or give one of them alone");
  }
  if (line.invocation.listen.empty()) {
    line.invocation.listen = line.command == Command::kScheduler ? "tcp://127.0.0.1:7700" : "tcp://127.0.0.1:*";
  }
  return absl::OkStatus();
}

std::string TokenHelp() {
  return CommandHelp(Command::kTokenNew) + "\n" + CommandHelp(Command::kTokenList) + "\n" + CommandHelp(Command::kTokenRevoke);
}

std::string NodeHelp() {
  return CommandHelp(Command::kNodeList) + "\n" + CommandHelp(Command::kNodeDrain) + "\n" + CommandHelp(Command::kNodeForget);
}

std::string WarcHelp() {
  return CommandHelp(Command::kWarcCheck) + "\n" + CommandHelp(Command::kWarcCat) + "\n" + CommandHelp(Command::kWarcExtract);
}

std::string StoreHelp() {
  return CommandHelp(Command::kStorePush) + "\n" + CommandHelp(Command::kStorePull) + "\n" + CommandHelp(Command::kStoreList);
}

// "weft", "weft --help", "weft help crawl", "weft --version": what needs no command. nullopt: go on.
std::optional<absl::StatusOr<std::string>> OverallText(std::vector<std::string> words) {
  if (words.empty() || IsHelp(words[0])) return OverallHelp();
  if (words[0] == "--version" || words[0] == "-V" || words[0] == "version") {
    return fmt::format("Weft {}\n", WeftVersion());
  }
  if (words[0] == "seeds" && words.size() > 1 && IsHelp(words[1])) return CommandHelp(Command::kSeedsAdd);
  if (words[0] == "token" && words.size() > 1 && IsHelp(words[1])) return TokenHelp();
  if (words[0] == "warc" && words.size() > 1 && IsHelp(words[1])) return WarcHelp();
  if (words[0] == "node" && words.size() > 1 && IsHelp(words[1])) return NodeHelp();
  if (words[0] == "store" && words.size() > 1 && IsHelp(words[1])) return StoreHelp();
  if (words[0] != "help") return std::nullopt;
  words.erase(words.begin());
  if (words.empty()) return OverallHelp();
  if (words[0] == "options") return OptionsReference();
  if (words[0] == "seeds") return CommandHelp(Command::kSeedsAdd);
  if (words == std::vector<std::string>{"warc"}) return WarcHelp();
  if (words == std::vector<std::string>{"token"}) return TokenHelp();
  if (words == std::vector<std::string>{"node"}) return NodeHelp();
  if (words == std::vector<std::string>{"store"}) return StoreHelp();
  const auto [command, used] = LeadingCommand(words);
  if (used == 0) return UnknownCommand(words[0]);
  return CommandHelp(command);
}

// What is shown of a command line: "--proxy VALUE" and "--proxy=VALUE" as their options mask them.
std::vector<std::string> WithoutSecrets(std::vector<std::string> argv) {
  for (size_t i = 0; i < argv.size(); ++i) {
    if (!argv[i].starts_with("--")) continue;
    const size_t equals = argv[i].find('=');
    const bool inside = equals != std::string::npos;
    const Option* option = FindOption(std::string_view(argv[i]).substr(2, inside ? equals - 2 : std::string::npos));
    if (option == nullptr || option->mask == nullptr) continue;
    if (inside) {
      argv[i] = argv[i].substr(0, equals + 1) + option->mask(argv[i].substr(equals + 1));
    } else if (i + 1 < argv.size()) {
      argv[i + 1] = option->mask(argv[i + 1]);
    }
  }
  return argv;
}

}  // namespace

absl::StatusOr<CommandLine> ParseCommandLine(const std::vector<std::string>& argv) {
  CommandLine line;
  line.argv = WithoutSecrets(argv);
  std::vector<std::string> words(argv.begin() + (argv.empty() ? 0 : 1), argv.end());
  if (auto text = OverallText(words)) {
    WEFT_ASSIGN_OR_RETURN(line.help, *std::move(text));
    return line;
  }
  const auto [command, used] = LeadingCommand(words);
  if (used == 0) return UnknownCommand(words[0]);
  line.command = command;
  words.erase(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(used));
  WEFT_ASSIGN_OR_RETURN(Typed typed, SplitWords(command, std::move(words)));
  if (typed.help) {
    line.help = CommandHelp(command);
    return line;
  }
  WEFT_RETURN_IF_ERROR(ApplyDefaults(line));
  if (const auto config = typed.values.find("config"); config != typed.values.end()) {
    WEFT_RETURN_IF_ERROR(ApplyConfigFile(config->second.back(), line));
  }
  WEFT_RETURN_IF_ERROR(ApplyFlags(typed, line));
  if (line.settings.sitemaps_size() > 1 && !SitemapsAreRead(line.settings)) {
    return InvalidArgument("sitemaps: 'off' stands alone; leave it out to read the sitemaps that are named");
  }
  WEFT_RETURN_IF_ERROR(CheckRequired(line));
  WEFT_RETURN_IF_ERROR(ApplyOperands(std::move(typed.operands), line));
  WEFT_RETURN_IF_ERROR(CheckSecure(line));
  return line;
}

}  // namespace weft
