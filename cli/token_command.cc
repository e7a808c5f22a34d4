// weft token new, list, revoke: who may join a cluster. They change the scheduler's files, whether or not it runs.
#include <nlohmann/json.hpp>

#include <filesystem>

#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/join_token.h"
#include "cli/key_files.h"
#include "cli/output.h"
#include "cli/scheduler_keys.h"
#include "cli/token_list.h"
#include "common/clock.h"
#include "common/status.h"

namespace weft {
namespace {

int Fail(ExitCode code, const absl::Status& status) {
  TellProblem(ErrorText(status));
  return code;
}

absl::Status AddToken(TokenList& list, const std::string& role, const std::string& wished, JoinToken& token) {
  uint64_t id = 1;
  for (const TokenEntry& one : list.tokens) id = std::max(id, one.id + 1);
  token.name = wished.empty() ? fmt::format("{}-{}", role, id) : wished;
  const TokenEntry* same = list.Find(token.name);
  if (same != nullptr && same->revoked_s == 0) {
    return FailedPrecondition("--name {}: a token of that name holds already; choose another, or revoke it first", token.name);
  }
  list.tokens.push_back({id, role, token.keys.public_key, absl::ToUnixSeconds(SystemClock().WallNow()), 0, token.name});
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> AddressesFor(const CrawlInvocation& call, const std::string& keys_directory) {
  if (!call.addresses.empty()) return call.addresses;
  WEFT_ASSIGN_OR_RETURN(std::vector<std::string> noted, NotedAddresses(keys_directory));
  if (!noted.empty()) return noted;
  return FailedPrecondition("where machines reach the scheduler is not known: start it first, with --listen tcp://ADDRESS:PORT (on "
                            "loopback with --keys too), or say it with --address tcp://HOST:PORT");
}

std::string When(int64_t seconds) {
  return seconds == 0 ? "" : absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", absl::FromUnixSeconds(seconds), absl::UTCTimeZone());
}

}  // namespace

int TokenNewCommand(const CommandLine& line) {
  const CrawlInvocation& call = line.invocation;
  if (!call.node_name.empty() && !IsTokenName(call.node_name)) {
    return Fail(kExitUsage, InvalidArgument("--name {}: a letter, then letters, digits, '.', '_' and '-', 64 at most",
                                            call.node_name));
  }
  const bool file = !call.output.empty() && call.output != "-";
  std::error_code error;
  if (file && std::filesystem::exists(call.output, error)) {
    return Fail(kExitFailed, FailedPrecondition("-o {}: it is there already; a token's secret is nowhere else: name another file, or "
                                                "remove that one", call.output));
  }
  std::filesystem::create_directories(call.data_dir, error);
  const std::string directory = KeysPath(call.data_dir);
  auto scheduler = OpenSchedulerPair(directory);
  if (!scheduler.ok()) return Fail(kExitFailed, scheduler.status());
  auto addresses = AddressesFor(call, directory);
  if (!addresses.ok()) return Fail(kExitUsage, addresses.status());
  auto pair = MakeKeyPair();
  if (!pair.ok()) return Fail(kExitFailed, pair.status());
  JoinToken token{"", call.role, scheduler->public_key, *pair, *addresses};
  absl::Status added = ChangeTokens(directory, [&](TokenList& list) {
    return AddToken(list, call.role, call.node_name, token);
  });
  if (!added.ok()) return Fail(kExitFailed, added);
  const std::string text = WriteToken(token) + "\n";
  if (file) {
    if (absl::Status written = WritePrivateFile(call.output, text); !written.ok()) {
      // A token that nobody has is none.
      const absl::Status taken_back = ChangeTokens(directory, [&](TokenList& list) {
        std::erase_if(list.tokens, [&](const TokenEntry& one) { return one.public_key == token.keys.public_key; });
        return absl::OkStatus();
      });
      return Fail(kExitFailed, taken_back.ok() ? written : taken_back);
    }
  } else {
    Print("{}", text);
  }
  PrintError("weft: token '{}' ({}): whoever has it may join as that, one process at a time; weft token revoke {} --data {} "
             "ends that\n", token.name, token.role, token.name, call.data_dir);
  return kExitOk;
}

int TokenListCommand(const CommandLine& line) {
  std::error_code error;
  if (!std::filesystem::is_directory(line.invocation.data_dir, error)) {
    return Fail(kExitFailed, NotFound("--data {}: no such directory; name the one given to weft scheduler as --data",
                                      line.invocation.data_dir));
  }
  auto list = TokenList::Read(KeysPath(line.invocation.data_dir));
  if (!list.ok()) return Fail(kExitFailed, list.status());
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  for (const TokenEntry& one : list->tokens) {
    json.push_back({{"id", one.id}, {"name", one.name}, {"role", one.role}, {"key", one.public_key},
                    {"created", When(one.created_s)}, {"revoked", When(one.revoked_s)}});
  }
  if (line.invocation.json) {
    Print("{}\n", json.dump());
    return kExitOk;
  }
  for (const TokenEntry& one : list->tokens) {
    Print("{:>4}  {:<8} {:<24} made {}{}\n", one.id, one.role, one.name, When(one.created_s),
          one.revoked_s == 0 ? "" : ", revoked " + When(one.revoked_s));
  }
  if (list->tokens.empty()) Print("no tokens; make one with: weft token new --role worker --data {}\n", line.invocation.data_dir);
  return kExitOk;
}

int TokenRevokeCommand(const CommandLine& line) {
  const std::string directory = KeysPath(line.invocation.data_dir);
  std::string name;
  int64_t before = 0;  // revoked then already
  absl::Status revoked = ChangeTokens(directory, [&](TokenList& list) -> absl::Status {
    TokenEntry* token = list.Find(line.invocation.token);
    if (token == nullptr) return NotFound("no token is named '{}'; weft token list --data {} shows them", line.invocation.token,
                                          line.invocation.data_dir);
    before = token->revoked_s;
    if (before == 0) token->revoked_s = absl::ToUnixSeconds(SystemClock().WallNow());
    name = token->name;
    return absl::OkStatus();
  });
  if (!revoked.ok()) return Fail(kExitFailed, revoked);
  if (before != 0) {
    Print("token '{}' was revoked already, {}\n", name, When(before));
    return kExitOk;
  }
  Print("token '{}' is revoked: a scheduler that runs drops its node within a second\n", name);
  return kExitOk;
}

}  // namespace weft
