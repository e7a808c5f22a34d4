// What a record is about, as a user wants it: the body of an HTTP message without its codings, or the block itself.
#pragma once

#include <absl/status/statusor.h>

#include <string>
#include <string_view>

#include "storage/warc_reader.h"

namespace weft {

struct WarcPayload {
  std::string bytes;
  std::string mime;     // without parameters; "" where nobody said
  std::string problem;  // not empty: a coding could not be undone to its end, `bytes` are what came before
};

// FailedPrecondition, for people: the record holds no payload, as a revisit does, or no HTTP message where one is promised.
absl::StatusOr<WarcPayload> PayloadOf(const WarcRecord& record);
// The HTTP head in the block, with its empty line; empty where there is none.
std::string_view HttpHeadOf(const WarcRecord& record);

// Names of files for payloads: of letters, digits and "._-" alone, at most 128 bytes, never hidden, made of host and path. The
// number behind a name that comes again also tells names apart that differ in case only. Thread rule: one thread.
std::string PayloadFileName(std::string_view uri, std::string_view mime, unsigned copy);

}  // namespace weft
