// WACZ 1.1.1: WARC files, their index (ZipNum: gzip members of 3,000 lines and a list of them), the list of pages and the hashes of
// all that in one ZIP file, as ReplayWeb.page opens it. The file appears whole or not at all; memory is bounded by what one
// block of the index takes. Thread rule: one thread.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/digest.h"
#include "storage/atomic_output.h"
#include "storage/line_source.h"
#include "storage/temporary_file.h"
#include "storage/zip_writer.h"

namespace weft {

// A page as the list of pages has it.
struct WaczPage {
  std::string url;
  std::string timestamp;           // "20260102030405"
  std::string title;               // empty: none
  std::string text;                // visible; readers search in it. Empty: none
};

struct WaczOptions {
  std::string title;
  std::string software;            // "Weft/0.1.0"
  absl::Time created = absl::UnixEpoch();
  size_t block_lines = 3000;       // of the index, in a gzip member
  bool pages_of_index = true;      // pages are the captures of HTML with status 200, and revisits that are; else AddPage names them
  bool with_text = false;          // pages have texts, which is said in their list's head
  // Of a page of the index: its title and text, read from `filename` at `offset`.
  std::function<void(const std::string& filename, uint64_t offset, WaczPage& page)> describe;
  // Whether the revisit there is a page that no other line is of: of another URL's. If so, its title and text likewise.
  std::function<bool(const std::string& filename, uint64_t offset, WaczPage& page)> describe_revisit;
  uint64_t zip64_from = 0xFFFFFFFF;  // as in ZipWriter
};

class WaczWriter {
 public:
  // InvalidArgument: `path` is no regular file.
  static absl::StatusOr<std::unique_ptr<WaczWriter>> Create(const std::string& path, WaczOptions options);

  // Copies the file. AlreadyExists: another one of its name is in already: an index could not tell them apart.
  absl::Status AddWarc(const std::string& path);
  // A file that is made while it is packed: begin, bytes, end.
  absl::Status BeginWarc(const std::string& name);
  absl::Status AppendWarc(std::string_view bytes) { return Add(bytes); }
  absl::Status EndWarc() { return End(); }
  absl::Status AddPage(const WaczPage& page);
  // The sorted captures of all files, once, behind the last of them.
  absl::Status AddIndex(LineSource& captures);
  absl::Status Finish();

  uint64_t files() const { return names_.size(); }
  uint64_t captures() const { return captures_; }
  uint64_t pages() const { return pages_; }
  uint64_t bytes() const { return output_->size(); }

 private:
  struct Resource {
    std::string path;
    std::string hash;  // "sha256:" and hexadecimal digits
    uint64_t bytes = 0;
  };
  // What is gathered while captures pass.
  struct Parts;

  WaczWriter(std::unique_ptr<AtomicOutput> output, std::string directory, WaczOptions options);
  absl::Status Begin(std::string path, uint64_t bytes = UINT64_MAX);
  absl::Status Add(std::string_view bytes);
  absl::Status End();
  absl::Status AddText(std::string path, std::string_view text);
  absl::Status AddFile(std::string path, TemporaryFile& file);
  absl::Status Copy(const ByteSource& source);
  absl::Status AddBlock(const std::string& block, Parts& parts);
  absl::Status AddPageOf(std::string_view line);
  absl::Status OpenPages();
  std::string DataPackage() const;

  std::unique_ptr<AtomicOutput> output_;
  std::string directory_;  // for temporary files
  WaczOptions options_;
  ZipWriter zip_;
  std::set<std::string> names_;
  std::vector<Resource> resources_;
  Sha256Stream hash_;
  std::optional<TemporaryFile> page_list_;
  uint64_t captures_ = 0;
  uint64_t pages_ = 0;
};

}  // namespace weft
