#include "cli/token_list.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "cli/key_files.h"
#include "common/status.h"
#include "common/zmq_keys.h"
#include "storage/file_ops.h"

namespace weft {
namespace {

constexpr std::string_view kHead = "weft-tokens-1\n";
constexpr size_t kFields = 6;
constexpr size_t kLongestName = 64;

bool IsRole(std::string_view role) {
  return role == "worker" || role == "fetcher" || role == "parser" || role == "tool";
}

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

template <typename Number>
bool ReadNumber(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

bool ReadEntry(std::string_view line, TokenEntry& entry) {
  std::vector<std::string_view> fields;
  while (fields.size() < kFields) {
    const size_t tab = std::min(line.find('\t'), line.size());
    fields.push_back(line.substr(0, tab));
    if (tab == line.size()) break;
    line.remove_prefix(tab + 1);
  }
  if (fields.size() != kFields) return false;
  entry.role = fields[1];
  entry.public_key = fields[2];
  entry.name = fields[5];
  return ReadNumber(fields[0], entry.id) && ReadNumber(fields[3], entry.created_s) && ReadNumber(fields[4], entry.revoked_s) &&
         IsRole(entry.role) && IsKey(entry.public_key) && IsTokenName(entry.name);
}

}  // namespace

bool IsTokenName(std::string_view name) {
  if (name.empty() || name.size() > kLongestName || !IsLetter(name.front())) return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return IsLetter(c) || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
  });
}

std::string TokensPath(const std::string& keys_directory) { return keys_directory + "/tokens"; }

absl::StatusOr<TokenList> TokenList::Parse(std::string_view text) {
  TokenList list;
  if (!text.starts_with(kHead)) return DataLoss("it is no list of tokens");
  text.remove_prefix(kHead.size());
  for (size_t number = 2; !text.empty(); ++number) {
    const size_t end = text.find('\n');
    TokenEntry entry;
    if (end == std::string_view::npos || !ReadEntry(text.substr(0, end), entry)) return DataLoss("line {} is damaged", number);
    list.tokens.push_back(std::move(entry));
    text.remove_prefix(end + 1);
  }
  return list;
}

std::string TokenList::Text() const {
  std::string text(kHead);
  for (const TokenEntry& one : tokens) {
    text += fmt::format("{}\t{}\t{}\t{}\t{}\t{}\n", one.id, one.role, one.public_key, one.created_s, one.revoked_s, one.name);
  }
  return text;
}

absl::StatusOr<TokenList> TokenList::Read(const std::string& keys_directory) {
  const std::string path = TokensPath(keys_directory);
  auto text = ReadPrivateFile(path);
  if (absl::IsNotFound(text.status())) return TokenList();
  WEFT_RETURN_IF_ERROR(text.status());
  auto list = Parse(*text);
  if (!list.ok()) return DataLoss("{}: {}", path, ErrorText(list.status()));
  return list;
}

TokenEntry* TokenList::Find(std::string_view name_or_id) {
  uint64_t id = 0;
  const bool by_id = ReadNumber(name_or_id, id);
  TokenEntry* found = nullptr;
  for (TokenEntry& one : tokens) {
    const bool named = by_id ? one.id == id : one.name == name_or_id;
    if (named && (found == nullptr || one.revoked_s == 0)) found = &one;
  }
  return found;
}

NodeKeys TokenList::Keys() const {
  NodeKeys keys;
  for (const TokenEntry& one : tokens) {
    NodeKey& key = keys[one.public_key];
    key.name = one.name;
    key.fetches = one.role == "worker" || one.role == "fetcher";
    key.parses = one.role == "worker" || one.role == "parser";
    key.tool = one.role == "tool";
    key.revoked = one.revoked_s != 0;
  }
  return keys;
}

absl::Status ChangeTokens(const std::string& keys_directory, absl::FunctionRef<absl::Status(TokenList&)> change) {
  const int lock = open(keys_directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (lock < 0 || flock(lock, LOCK_EX) != 0) {
    absl::Status error = ErrnoStatus(errno, "lock", keys_directory);
    if (lock >= 0) close(lock);
    return error;
  }
  auto list = TokenList::Read(keys_directory);
  absl::Status status = list.status();
  if (status.ok()) status = change(*list);
  if (status.ok()) status = WritePrivateFile(TokensPath(keys_directory), list->Text());
  close(lock);
  return status;
}

}  // namespace weft
