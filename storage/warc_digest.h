// Checks the digests that a WARC record carries of itself.
#pragma once

#include "storage/warc_reader.h"

namespace weft {

enum class DigestVerdict {
  kAbsent,   // the record carries none
  kMatches,
  kDiffers,
  kUnknown,  // not readable: no label, or an algorithm that is not known
};

// WARC-Block-Digest, over the block.
DigestVerdict CheckBlockDigest(const WarcRecord& record);
// WARC-Payload-Digest. Of an HTTP message: over the body without its transfer coding, or (some writers) with it. A revisit
// record's digest is of another record's payload: kUnknown.
DigestVerdict CheckPayloadDigest(const WarcRecord& record);

}  // namespace weft
