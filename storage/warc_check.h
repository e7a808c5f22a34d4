// Reads a WARC file from one end to the other and says of each record what it is, whether its digests hold, and what is wrong
// with it: damage is a verdict of its own, and what lies behind is read on. One record is held at a time.
#pragma once

#include <absl/functional/function_ref.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "storage/warc_digest.h"
#include "storage/warc_reader.h"

namespace weft {

struct WarcVerdict {
  bool damage = false;               // no record: `problems` says what lies at `offset`
  uint64_t offset = 0;
  uint64_t length = 0;               // as WarcRecord::length
  std::string version;
  std::string type;
  std::string uri;                   // without angle brackets
  std::string date;
  uint64_t content_length = 0;
  DigestVerdict block_digest = DigestVerdict::kAbsent;
  DigestVerdict payload_digest = DigestVerdict::kAbsent;
  std::vector<std::string> problems; // something is wrong
  std::vector<std::string> notes;    // allowed, and worth knowing
};

struct WarcTally {
  uint64_t records = 0;
  uint64_t damages = 0;
  uint64_t with_problems = 0;        // records that have any
  uint64_t digests_checked = 0;
  uint64_t unpaired = 0;             // records that name one that is not in this file
  bool good() const { return damages == 0 && with_problems == 0; }
};

WarcTally CheckWarc(WarcReader& reader, absl::FunctionRef<void(const WarcVerdict&)> each);

// "ok", "differs", "absent" or "unsupported".
std::string_view DigestVerdictName(DigestVerdict verdict);
// One JSON object without a line end; `file` is left out where it is empty. Fields that a damage does not have are null.
std::string JsonLine(const WarcVerdict& verdict, std::string_view file);

}  // namespace weft
