// Records read by their place, and revisits made whole again: a revisit whose record names the file and offset of the record that
// holds its payload (WARC-Refers-To-Filename and -File-Offset, as Heritrix writes them too) is given as the response that was received.
// Thread rule: free functions.
#pragma once

#include <absl/status/statusor.h>

#include <string>
#include <string_view>

#include "storage/pages_files.h"
#include "storage/url_record.h"
#include "storage/warc_reader.h"

namespace weft {

inline constexpr std::string_view kRefersToFile = "WARC-Refers-To-Filename";
inline constexpr std::string_view kRefersToOffset = "WARC-Refers-To-File-Offset";

// A revisit, by its type, and one that says where its payload lies.
bool IsRevisit(const WarcRecord& record);
bool NamesPayload(const WarcRecord& record);

// Whether a payload together with this head makes up the message again: its framing is none, or chunks.
bool CanBeMadeWhole(std::string_view response_head, std::string_view wire_body, std::string_view payload);

// The response that `revisit`, read in `directory`, stands for: its own head and fields, and the payload of the record that it
// names, checked against its WARC-Payload-Digest. `length` is 0: these bytes lie nowhere. NotFound: no such file; DataLoss: that
// payload is not there.
absl::StatusOr<WarcRecord> MadeWhole(const std::string& directory, const WarcRecord& revisit);

// The response record at `place` below `directory` (also while its file is still written), checked against its record digest; a
// revisit that names its payload is made whole. NotFound: no such file. DataLoss: other bytes lie there than were stored.
absl::StatusOr<WarcRecord> ReadWarcPlace(const std::string& directory, const WarcPlace& place);
// The same wherever it lies; Unavailable as of `files`.
absl::StatusOr<WarcRecord> ReadWarcPlace(PagesFiles& files, const WarcPlace& place);

}  // namespace weft
