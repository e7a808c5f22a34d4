#include "storage/url_record.h"

#include "common/status.h"
#include "storage/byte_coding.h"

namespace weft {
namespace {

// Layout: version, state, reason, flags (a byte each), depth (4 bytes), then what the flags and the state announce.
constexpr uint8_t kVersion = 1;

enum Flag : uint8_t {
  kSeed = 1,
  kTruncated = 2,
  kHasReferrer = 4,
  kHasOrigin = 8,
  kHasRefusedHost = 16,
  kWaitsForRetry = 32,
  kHasPlace = 64,
  kSitemap = 128,
};

uint8_t FlagsOf(const UrlRecord& r) {
  int flags = 0;
  if (r.seed) flags |= kSeed;
  if (r.state == UrlState::kDone && r.truncated) flags |= kTruncated;
  if (!r.referrer.empty()) flags |= kHasReferrer;
  if (r.origin_id != 0) flags |= kHasOrigin;
  if (r.refused_host_id != 0) flags |= kHasRefusedHost;
  if (r.state == UrlState::kPending && r.due_us != 0) flags |= kWaitsForRetry;
  if (r.state == UrlState::kDone && r.place != WarcPlace{}) flags |= kHasPlace;
  if (r.sitemap_level > 0) flags |= kSitemap;
  return static_cast<uint8_t>(flags);
}

void PutDone(std::string& out, const UrlRecord& r) {
  PutVarint(out, r.status);
  PutBytes(out, r.payload_digest);
  PutVarint(out, r.payload_bytes);
  PutFixed64(out, static_cast<uint64_t>(absl::ToUnixMicros(r.fetched_at)));
  PutBytes(out, r.mime);
  if (r.place == WarcPlace{}) return;
  PutFixed64(out, r.place.pages_dir_id);
  PutBytes(out, r.place.file);
  PutVarint(out, r.place.offset);
  PutVarint(out, r.place.length);
  PutBytes(out, r.place.record_digest);
}

void ReadDone(ByteReader& in, uint8_t flags, UrlRecord& r) {
  r.status = in.Varint32();
  r.payload_digest = in.Bytes();
  r.payload_bytes = in.Varint();
  r.fetched_at = absl::FromUnixMicros(static_cast<int64_t>(in.Fixed64()));
  r.mime = in.Bytes();
  r.truncated = (flags & kTruncated) != 0;
  if ((flags & kHasPlace) == 0) return;
  r.place.pages_dir_id = in.Fixed64();
  r.place.file = in.Bytes();
  r.place.offset = in.Varint();
  r.place.length = in.Varint();
  r.place.record_digest = in.Bytes();
}

absl::StatusOr<uint8_t> ReadHead(ByteReader& in, UrlRecordHead& head) {
  uint8_t version = in.Fixed8();
  uint8_t state = in.Fixed8();
  head.reason = static_cast<Outcome>(in.Fixed8());
  uint8_t flags = in.Fixed8();
  head.depth = in.Fixed32();
  if (!in.ok()) return DataLoss("URL record is cut short");
  if (version != kVersion) return DataLoss("URL record has the unknown version {}", version);
  if (state < 1 || state > 4) return DataLoss("URL record has the unknown state {}", state);
  head.state = static_cast<UrlState>(state);
  head.seed = (flags & kSeed) != 0;
  head.sitemap = (flags & kSitemap) != 0;
  return flags;
}

}  // namespace

std::string EncodeUrlRecord(const UrlRecord& r) {
  std::string out;
  out.reserve(96 + r.url.size() + r.place.file.size() + r.mime.size());
  uint8_t flags = FlagsOf(r);
  out.push_back(static_cast<char>(kVersion));
  out.push_back(static_cast<char>(r.state));
  out.push_back(static_cast<char>(r.reason));
  out.push_back(static_cast<char>(flags));
  PutFixed32(out, r.depth);
  PutVarint(out, r.generation);
  PutVarint(out, r.attempt);
  PutVarint(out, r.redirect_hops);
  PutVarint(out, r.own_key_redirects);
  PutVarint(out, r.commit);
  if (flags & kHasOrigin) PutFixed64(out, r.origin_id);
  if (flags & kHasRefusedHost) PutFixed64(out, r.refused_host_id);
  if (flags & kHasReferrer) {
    out += r.referrer.ToBytes();
    PutFixed16(out, r.referrer_shard);
  }
  if (flags & kSitemap) PutVarint(out, r.sitemap_level);
  PutBytes(out, r.url);
  if (r.state == UrlState::kPending) PutFixed64(out, (flags & kWaitsForRetry) ? r.due_us : r.queue_position);
  if (r.state == UrlState::kDone) PutDone(out, r);
  return out;
}

absl::StatusOr<UrlRecord> DecodeUrlRecord(std::string_view bytes) {
  ByteReader in(bytes);
  UrlRecordHead head;
  WEFT_ASSIGN_OR_RETURN(uint8_t flags, ReadHead(in, head));
  UrlRecord r;
  r.state = head.state;
  r.reason = head.reason;
  r.depth = head.depth;
  r.seed = head.seed;
  r.generation = in.Varint32();
  r.attempt = in.Varint32();
  r.redirect_hops = in.Varint32();
  r.own_key_redirects = in.Varint32();
  r.commit = in.Varint();
  if (flags & kHasOrigin) r.origin_id = in.Fixed64();
  if (flags & kHasRefusedHost) r.refused_host_id = in.Fixed64();
  if (flags & kHasReferrer) {
    r.referrer = Fingerprint::FromBytes(in.Raw(16));
    r.referrer_shard = in.Fixed16();
  }
  if (flags & kSitemap) r.sitemap_level = in.Varint32();
  r.url = in.Bytes();
  if (r.state == UrlState::kPending) ((flags & kWaitsForRetry) ? r.due_us : r.queue_position) = in.Fixed64();
  if (r.state == UrlState::kDone) ReadDone(in, flags, r);
  if (!in.AtEnd()) return DataLoss("URL record is damaged");
  return r;
}

absl::StatusOr<UrlRecordHead> DecodeUrlRecordHead(std::string_view bytes) {
  ByteReader in(bytes);
  UrlRecordHead head;
  WEFT_ASSIGN_OR_RETURN([[maybe_unused]] uint8_t flags, ReadHead(in, head));
  return head;
}

}  // namespace weft
