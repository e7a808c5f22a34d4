// What the tests of WARC files share: a directory of their own, a clock that stands, a disk that fails on demand.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/clock.h"
#include "storage/file_ops.h"
#include "storage/warc_reader.h"
#include "storage/warc_store.h"

namespace weft::test {

class TempDirectory {
 public:
  TempDirectory() {
    std::string pattern = ::testing::TempDir() + "weft-warc-XXXXXX";
    path_ = mkdtemp(pattern.data());
  }
  ~TempDirectory() {
    std::error_code error;
    std::filesystem::remove_all(path_, error);
  }
  const std::string& path() const { return path_; }
  std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }
  // Sorted, without the directory's id.
  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(path_)) {
      if (entry.path().filename() != "pages-directory-id") names.push_back(entry.path().filename().string());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

 private:
  std::string path_;
};

class StandingClock : public Clock {
 public:
  absl::Time WallNow() const override { return absl::FromUnixMicros(1'767'323'045'678'901); }  // 2026-01-02T03:04:05
  absl::Time SteadyNow() const override { return absl::UnixEpoch(); }
};

// The kernel's file operations, of which some fail.
class FailingFileOps : public FileOps {
 public:
  enum class Op { kCreate, kOpen, kWrite, kTruncate, kSync, kClose, kRename, kRemove, kSyncDirectory };
  // Asked before every operation, which is counted from 0; an error is returned in its place. A failing write has
  // written half of its bytes by then, a failing close has closed.
  std::function<absl::Status(int index, Op op)> fail = [](int, Op) { return absl::OkStatus(); };
  int count() const { return count_; }
  // Called once, before the next sync of data.
  std::function<void()> before_sync;

  absl::StatusOr<int> Create(const std::string& path) override {
    if (auto status = Ask(Op::kCreate); !status.ok()) return status;
    return real_.Create(path);
  }
  absl::StatusOr<int> OpenForWriting(const std::string& path) override {
    if (auto status = Ask(Op::kOpen); !status.ok()) return status;
    return real_.OpenForWriting(path);
  }
  absl::Status WriteAt(int fd, std::string_view bytes, uint64_t offset) override {
    auto status = Ask(Op::kWrite);
    if (status.ok()) return real_.WriteAt(fd, bytes, offset);
    real_.WriteAt(fd, bytes.substr(0, bytes.size() / 2), offset).IgnoreError();
    return status;
  }
  absl::Status Truncate(int fd, uint64_t size) override {
    auto status = Ask(Op::kTruncate);
    return status.ok() ? real_.Truncate(fd, size) : status;
  }
  absl::Status SyncData(int) override {
    auto status = Ask(Op::kSync);
    if (before_sync) std::exchange(before_sync, nullptr)();
    return status;  // nothing here survives a power failure anyway, and syncs are slow
  }
  absl::Status Close(int fd) override {
    auto status = Ask(Op::kClose);
    status.Update(real_.Close(fd));
    return status;
  }
  absl::Status RenameToNew(const std::string& from, const std::string& to) override {
    auto status = Ask(Op::kRename);
    return status.ok() ? real_.RenameToNew(from, to) : status;
  }
  absl::Status RenameOver(const std::string& from, const std::string& to) override {
    auto status = Ask(Op::kRename);
    return status.ok() ? real_.RenameOver(from, to) : status;
  }
  absl::Status Remove(const std::string& path) override {
    auto status = Ask(Op::kRemove);
    return status.ok() ? real_.Remove(path) : status;
  }
  absl::Status SyncDirectory(const std::string& path) override {
    EXPECT_TRUE(real_.Exists(path)) << path;
    return Ask(Op::kSyncDirectory);
  }
  bool Exists(const std::string& path) override { return real_.Exists(path); }

 private:
  absl::Status Ask(Op op) { return fail(count_++, op); }
  FileOps& real_ = PosixFileOps();
  std::atomic<int> count_{0};
};

inline std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.good()) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void WriteFile(const std::string& path, std::string_view bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  ASSERT_TRUE(file.good()) << path;
}

inline WarcStoreOptions StoreOptions(const std::string& directory) {
  WarcStoreOptions options;
  options.directory = directory;
  options.host_name = "node1";
  options.software = "Weft/0.1.0";
  options.user_agent = "weft-test/1 (+https://example.org/)";
  options.robots_policy = "obey";
  options.operator_contact = "crawl@example.org";
  return options;
}

inline const auto kAllCompressions = ::testing::Values(WarcCompression::kNone, WarcCompression::kGzip, WarcCompression::kZstd);
inline std::string CompressionName(const ::testing::TestParamInfo<WarcCompression>& form) {
  switch (form.param) {
    case WarcCompression::kNone: return "Plain";
    case WarcCompression::kGzip: return "Gzip";
    case WarcCompression::kZstd: return "Zstd";
  }
  return "";
}

// A page whose views live as long as the object.
class Page {
 public:
  explicit Page(std::string url, std::string body = "<html>hello</html>") : url_(std::move(url)), body_(std::move(body)) {
    response_head_ = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: " + std::to_string(body_.size()) + "\r\n\r\n";
  }
  Exchange exchange() const& {
    Exchange out;
    out.url = url_;
    out.request_head = "GET / HTTP/1.1\r\nHost: example.org\r\n\r\n";
    out.response_head = response_head_;
    out.wire_body = body_;
    out.payload = body_;
    out.ip = "192.0.2.7";
    out.began = absl::FromUnixMicros(1'767'323'001'000'042);
    return out;
  }
  std::string block() const { return response_head_ + body_; }

 private:
  std::string url_, body_, response_head_;
};

struct WarcContent {
  std::vector<WarcRecord> records;
  std::vector<std::string> problems;
};
// Everything that a reader finds.
inline WarcContent ReadAll(WarcReader& reader) {
  WarcContent content;
  while (true) {
    auto record = reader.Next();
    if (record.ok()) {
      content.records.push_back(std::move(*record));
    } else if (absl::IsNotFound(record.status())) {
      return content;
    } else {
      EXPECT_TRUE(absl::IsDataLoss(record.status())) << record.status();
      content.problems.emplace_back(record.status().message());
    }
  }
}
inline WarcContent ReadAllFrom(const std::string& path) {
  auto reader = WarcReader::Open(path);
  EXPECT_TRUE(reader.ok()) << reader.status();
  return reader.ok() ? ReadAll(**reader) : WarcContent{};
}
inline WarcContent ReadAllOf(std::string bytes, uint64_t max_record_bytes = 256u << 20) {
  return ReadAll(*WarcReader::OverSource(std::make_unique<MemorySource>(std::move(bytes)), 0, max_record_bytes));
}

}  // namespace weft::test
