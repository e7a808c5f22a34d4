#include "cli/scheduler_keys.h"

#include <sys/stat.h>

#include <utility>

#include "cli/key_files.h"
#include "common/status.h"

namespace weft {
namespace {

std::string AddressesPath(const std::string& keys_directory) { return keys_directory + "/addresses"; }

}  // namespace

absl::StatusOr<SchedulerKeys> SchedulerKeys::Open(const std::string& keys_directory,
                                                  std::function<void(const std::string&)> warn) {
  SchedulerKeys keys;
  keys.directory_ = keys_directory;
  keys.warn_ = std::move(warn);
  WEFT_ASSIGN_OR_RETURN(keys.own_, OpenSchedulerPair(keys_directory));
  // A list that is there and cannot be read is not taken for an empty one at the start: every node would be refused.
  WEFT_RETURN_IF_ERROR(TokenList::Read(keys_directory).status());
  return keys;
}

std::optional<NodeKeys> SchedulerKeys::Changed() {
  Stamp now;
  struct stat info {};
  if (stat(TokensPath(directory_).c_str(), &info) == 0) {
    now = {static_cast<uint64_t>(info.st_ino), info.st_mtim.tv_sec, info.st_mtim.tv_nsec};
  }
  if (seen_ == now) return std::nullopt;
  seen_ = now;
  auto list = TokenList::Read(directory_);
  if (!list.ok()) {
    warn_(fmt::format("the list of tokens cannot be read, and stays as it was: {}", ErrorText(list.status())));
    return std::nullopt;
  }
  return list->Keys();
}

absl::Status SchedulerKeys::NoteAddresses(const std::vector<std::string>& endpoints) const {
  std::string text;
  for (const std::string& endpoint : endpoints) text += endpoint + "\n";
  return WritePrivateFile(AddressesPath(directory_), text);
}

absl::StatusOr<std::vector<std::string>> NotedAddresses(const std::string& keys_directory) {
  std::vector<std::string> addresses;
  auto text = ReadPrivateFile(AddressesPath(keys_directory));
  if (absl::IsNotFound(text.status())) return addresses;
  WEFT_RETURN_IF_ERROR(text.status());
  for (size_t begin = 0; begin < text->size();) {
    const size_t end = std::min(text->find('\n', begin), text->size());
    addresses.push_back(text->substr(begin, end - begin));
    begin = end + 1;
  }
  return addresses;
}

}  // namespace weft
