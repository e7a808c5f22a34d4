#include "cli/crash_blame.h"

#include <absl/strings/escaping.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <utility>

#include "common/digest.h"

namespace weft {
namespace {

constexpr size_t kSlotBytes = 64;

char* MapSlot(const std::string& path) {
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) return nullptr;
  void* mapped = MAP_FAILED;
  if (ftruncate(fd, kSlotBytes) == 0) mapped = mmap(nullptr, kSlotBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  return mapped == MAP_FAILED ? nullptr : static_cast<char*>(mapped);
}

}  // namespace

CrashBlame::CrashBlame(const std::string& slot_file, std::string counts_file)
    : counts_file_(std::move(counts_file)), memory_(MapSlot(slot_file)) {
  if (memory_ == nullptr || memory_[0] == 0) return;
  const std::string key(memory_ + 1, strnlen(memory_ + 1, kSlotBytes - 2));
  memory_[0] = 0;
  Read();
  ++crashes_[key];
  Write();
}

CrashBlame::~CrashBlame() {
  if (memory_ != nullptr) munmap(memory_, kSlotBytes);
}

void CrashBlame::Read() {
  crashes_.clear();
  std::FILE* file = std::fopen(counts_file_.c_str(), "re");
  if (file == nullptr) return;
  char key[kSlotBytes];
  unsigned count = 0;
  while (std::fscanf(file, "%63s %u", key, &count) == 2) crashes_[key] = count;
  std::fclose(file);
}

void CrashBlame::Write() const {
  const std::string fresh = counts_file_ + ".new";
  std::FILE* file = std::fopen(fresh.c_str(), "we");
  if (file == nullptr) return;
  for (const auto& [key, count] : crashes_) fmt::print(file, "{} {}\n", key, count);
  if (std::fclose(file) == 0) std::rename(fresh.c_str(), counts_file_.c_str());
}

uint32_t CrashBlame::CrashesOn(const std::string& key) {
  if (!std::exchange(read_, true)) Read();
  if (crashes_.empty()) return 0;
  const auto found = crashes_.find(HexLower(key));
  return found == crashes_.end() ? 0 : found->second;
}

std::map<std::string, uint32_t> CrashBlame::Blamed() {
  if (!std::exchange(read_, true)) Read();
  std::map<std::string, uint32_t> blamed;
  for (const auto& [hex, count] : crashes_) {
    const bool well = hex.size() % 2 == 0 && hex.find_first_not_of("0123456789abcdef") == std::string::npos;
    if (well) blamed[absl::HexStringToBytes(hex)] = count;
  }
  return blamed;
}

void CrashBlame::Name(const std::string& key) {
  if (memory_ == nullptr) return;
  if (key.empty()) {
    memory_[0] = 0;
    return;
  }
  const std::string hex = HexLower(key);
  std::memcpy(memory_ + 1, hex.c_str(), std::min(hex.size() + 1, kSlotBytes - 2));
  memory_[0] = 1;
}

}  // namespace weft
