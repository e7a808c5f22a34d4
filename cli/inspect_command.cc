// weft inspect: what the command line asks for, and the form that shows one case.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <utility>

#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/inspect_jsonl.h"
#include "cli/inspection.h"
#include "cli/options_help.h"
#include "cli/options_names.h"
#include "cli/output.h"
#include "common/status.h"

namespace weft {
namespace {

std::string Names() {
  std::string names;
  for (const Inspection& inspection : Inspections()) {
    names += fmt::format("{}{}", names.empty() ? "" : ", ", inspection.name);
  }
  return names;
}

absl::StatusOr<const Inspection*> Wanted(const CrawlInvocation& call) {
  if (call.inspected.empty()) {
    return InvalidArgument("say what is to be inspected: {}; usage: {}", Names(), CommandUsage(Command::kInspect));
  }
  const std::string& name = call.inspected.front();
  if (const Inspection* inspection = FindInspection(name)) return inspection;
  std::vector<std::string> known;
  for (const Inspection& inspection : Inspections()) known.emplace_back(inspection.name);
  const std::string nearest = NearestName(name, known);
  return InvalidArgument("'{}' cannot be inspected{}; what can: {}. Usage: {}", Printable(name),
                         nearest.empty() ? "" : fmt::format(" (did you mean {}?)", nearest), Names(),
                         CommandUsage(Command::kInspect));
}

bool Takes(const Inspection& inspection, std::string_view option) {
  for (const Inspection::Flag& flag : inspection.flags) {
    if (flag.option == option) return true;
  }
  return option == "jsonl";
}

absl::Status CheckFlags(const Inspection& inspection, const CommandLine& line) {
  const CrawlInvocation& call = line.invocation;
  for (const std::string& name : line.given) {
    if (!Takes(inspection, name)) {
      return InvalidArgument("'weft inspect {}' does not take --{}; usage: {}", inspection.name, name, inspection.usage);
    }
    if (call.jsonl && name != "jsonl") {
      return InvalidArgument("--{} does not go with --jsonl, where it is a member of each line, such as {}", name,
                             inspection.example);
    }
  }
  if (call.jsonl) {
    if (call.inspected.size() == 1) return absl::OkStatus();
    return InvalidArgument("'{}' does not go with --jsonl, which reads standard input: weft inspect {} --jsonl < FILE",
                           Printable(call.inspected[1]), inspection.name);
  }
  if (call.inspected.size() != 2) {
    return InvalidArgument("{} {} is named; usage: {}, or --jsonl", call.inspected.size() < 2 ? "no" : "more than one",
                           inspection.operand_is_file ? "file" : "URL", inspection.usage);
  }
  for (const Inspection::Flag& flag : inspection.flags) {
    if (flag.needed && !line.given.contains(flag.option)) {
      return InvalidArgument("--{} is missing; usage: {}", flag.option, inspection.usage);
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> ReadAll(int fd, std::string_view name) {
  std::string bytes;
  std::string buffer(64 * 1024, '\0');
  while (bytes.size() <= kMaxInspectedBytes) {
    const ssize_t got = read(fd, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return InvalidArgument("cannot read {}: {}", name, std::strerror(errno));
    if (got == 0) return bytes;
    bytes.append(buffer, 0, static_cast<size_t>(got));
  }
  return InvalidArgument("{} is longer than {} MiB; cut it, since a crawl reads no more either (--max-body)", name,
                         kMaxInspectedBytes >> 20);
}

absl::StatusOr<std::string> ReadOperand(const std::string& path) {
  if (path == "-") return ReadAll(STDIN_FILENO, "standard input");
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return InvalidArgument("cannot read {}: {}; name a file, or - for standard input", Printable(path),
                           std::strerror(errno));
  }
  absl::StatusOr<std::string> bytes = ReadAll(fd, Printable(path));
  close(fd);
  return bytes;
}

absl::StatusOr<InspectionInput> OneCase(const Inspection& inspection, const CommandLine& line) {
  InspectionInput input;
  std::string operand = line.invocation.inspected[1];
  if (inspection.operand_is_file) {
    WEFT_ASSIGN_OR_RETURN(operand, ReadOperand(operand));
  }
  input.Set(std::string(inspection.operand), std::move(operand));
  for (const Inspection::Flag& flag : inspection.flags) {
    const std::string& value = flag.stored != nullptr ? (line.settings.*flag.stored)() : line.invocation.*flag.place;
    if (!value.empty() || line.given.contains(flag.option)) input.Set(std::string(flag.member), value);
  }
  return input;
}

absl::StatusOr<std::string> ShowCase(const Inspection& inspection, Inspector& inspector, const CommandLine& line) {
  WEFT_ASSIGN_OR_RETURN(const InspectionInput input, OneCase(inspection, line));
  return inspector.Readable(input);
}

int Tell(const absl::Status& error) {
  TellProblem(ErrorText(error));
  return error.code() == absl::StatusCode::kInvalidArgument ? kExitUsage : kExitFailed;
}

absl::Status Print(std::string_view text) {
  const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  return written ? absl::OkStatus() : Unavailable("cannot write standard output: {}", std::strerror(errno));
}

}  // namespace

int InspectCommand(const CommandLine& line) {
  const absl::StatusOr<const Inspection*> wanted = Wanted(line.invocation);
  if (!wanted.ok()) return Tell(wanted.status());
  const Inspection& inspection = **wanted;
  if (const absl::Status checked = CheckFlags(inspection, line); !checked.ok()) return Tell(checked);
  // A reader that has gone is an error like any other.
  std::signal(SIGPIPE, SIG_IGN);
  const absl::StatusOr<std::unique_ptr<Inspector>> inspector = inspection.make();
  if (!inspector.ok()) return Tell(inspector.status());
  absl::Status ended;
  if (line.invocation.jsonl) {
    ended = AnswerLines(inspection, **inspector, STDIN_FILENO, STDOUT_FILENO);
  } else {
    const absl::StatusOr<std::string> text = ShowCase(inspection, **inspector, line);
    ended = text.ok() ? Print(*text) : text.status();
  }
  return ended.ok() ? int{kExitOk} : Tell(ended);
}

}  // namespace weft
