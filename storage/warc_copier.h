// Takes single exchanges out of WARC files: each as gzip members of a WARC file that holds chosen pages alone. The bytes of
// gzipped records are taken as they are; those of plain and zstd files are packed anew, as readers of archives know gzip.
// Thread rule: one thread.
#pragma once

#include <absl/status/statusor.h>

#include <cstddef>
#include <set>
#include <string>
#include <utility>

#include "storage/gzip_member.h"
#include "storage/pages_files.h"
#include "storage/url_record.h"
#include "storage/warc_reader.h"

namespace weft {

class WarcCopier {
 public:
  // Of the response's member in what was appended.
  struct Copied {
    size_t begin = 0;
    size_t size = 0;
  };
  // Appends to `out` the response at `place` in `files` (a revisit that names its payload as the response that it stands for), checked
  // against its digest, and the request and metadata behind
  // it that belong to it; before them, once a file, its warcinfo. Errors as of ReadWarcPlace; nothing is appended then.
  absl::StatusOr<Copied> Copy(PagesFiles& files, const WarcPlace& place, std::string& out);

 private:
  void Append(const ByteSource& source, const WarcRecord& record, std::string& out);

  std::set<std::pair<uint64_t, std::string>> begun_;  // files whose warcinfo is copied
  GzipMemberWriter gzip_;
};

}  // namespace weft
