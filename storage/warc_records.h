// The records of a WARC file (ISO 28500:2017), as bytes: a warcinfo at its beginning, and of each exchange response (or
// revisit), request and metadata, which name each other by WARC-Concurrent-To and share one WARC-Date.
// Thread rule: objects belong to one thread.
#pragma once

#include <string>
#include <string_view>

#include "common/digest.h"
#include "common/random.h"
#include "storage/gzip_member.h"
#include "storage/known_payloads.h"
#include "storage/page_store.h"
#include "storage/warc_format.h"
#include "storage/warc_store.h"
#include "storage/zstd_frame.h"

namespace weft {

inline constexpr std::string_view kIdenticalDigestProfile =
    "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest";
inline constexpr std::string_view kNotModifiedProfile = "http://netpreserve.org/warc/1.1/revisit/server-not-modified";

class WarcRecords {
 public:
  // Both outlive this object.
  WarcRecords(const WarcStoreOptions& options, Random& random) : options_(options), random_(random) {}

  // What the records of the file say from here on in WARC-Warcinfo-ID.
  void AddWarcinfo(const std::string& file_name, absl::Time now);

  // Where the first record of an exchange lies, which is what is read later.
  struct Written {
    size_t begin = 0;
    size_t size = 0;
    bool revisit = false;  // of what is stored before: `exchange.before`
    bool refers = false;   // of what is known
    std::string record_id;
  };
  // `payload_digest`: 20 bytes.
  // `known`: a committed record of this directory with that payload; null: none.
  Written AddExchange(const Exchange& exchange, std::string_view payload_digest, const KnownPayload* known = nullptr);

  const std::string& bytes() const { return bytes_; }
  // Begins anew; the memory of a rare huge page is let go.
  void Clear();

 private:
  struct Ids {
    std::string capture;
    std::string request;
  };
  WarcHead HeadFor(std::string_view type, const Exchange& exchange, const std::string& id,
                   const std::string& concurrent_to) const;
  void AddResponse(const Exchange& exchange, const Ids& ids, std::string_view payload_digest);
  struct Original;
  void AddRevisit(const Exchange& exchange, const Ids& ids, const Original& original);
  void AddMetadata(const Exchange& exchange, const Ids& ids);
  void AddRecord(WarcHead& head, std::string_view first, std::string_view second);

  const WarcStoreOptions& options_;
  Random& random_;
  std::string warcinfo_id_;
  std::string bytes_;
  GzipMemberWriter gzip_;
  ZstdFrameWriter zstd_;
  Sha1Stream sha1_;
};

}  // namespace weft
