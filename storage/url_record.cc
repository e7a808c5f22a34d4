#include "storage/url_record.h"

#include "common/status.h"
#include "storage/byte_coding.h"

namespace weft {
namespace {

// Layout: version, state, reason, flags (a byte each), depth (4 bytes), in version 2 more flags (a byte), then what the
// flags and the state announce.
constexpr uint8_t kVersion = 1;
constexpr uint8_t kVersionWithMore = 2;

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

// Of version 2.
enum More : uint8_t {
  kKeepsPage = 1,
  kHasValidators = 2,
  kHasLastmod = 4,
  kHasSchedule = 8,
  kHasHistory = 16,
  kRefers = 32,
};

struct Flags {
  uint8_t first = 0;
  uint8_t more = 0;
};

uint8_t MoreFlagsOf(const UrlRecord& r) {
  int flags = 0;
  if (r.lastmod_s != 0) flags |= kHasLastmod;
  if (!r.has_page()) return static_cast<uint8_t>(flags);
  if (r.state == UrlState::kPending) flags |= kKeepsPage;
  if (!r.etag.empty() || !r.last_modified.empty()) flags |= kHasValidators;
  if (r.recrawl_us != 0 || (r.state == UrlState::kDone && r.due_us != 0)) flags |= kHasSchedule;
  const bool history = r.changes != 0 || r.unchanged != 0 || r.missed != 0 || r.first_commit != 0 ||
                       r.first_fetched != absl::UnixEpoch() || r.checked_at != absl::UnixEpoch();
  if (history) flags |= kHasHistory;
  if (r.place.refers) flags |= kRefers;
  return static_cast<uint8_t>(flags);
}

uint8_t FlagsOf(const UrlRecord& r) {
  int flags = 0;
  if (r.seed) flags |= kSeed;
  if (r.has_page() && r.truncated) flags |= kTruncated;
  if (!r.referrer.empty()) flags |= kHasReferrer;
  if (r.origin_id != 0) flags |= kHasOrigin;
  if (r.refused_host_id != 0) flags |= kHasRefusedHost;
  if (r.state == UrlState::kPending && r.due_us != 0) flags |= kWaitsForRetry;
  if (r.has_page() && r.place != WarcPlace{}) flags |= kHasPlace;
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

void PutTime(std::string& out, absl::Time time) { PutFixed64(out, static_cast<uint64_t>(absl::ToUnixMicros(time))); }
absl::Time ReadTime(ByteReader& in) { return absl::FromUnixMicros(static_cast<int64_t>(in.Fixed64())); }

void PutMore(std::string& out, uint8_t flags, const UrlRecord& r) {
  if (flags & kHasLastmod) PutVarint(out, r.lastmod_s);
  if (flags & kHasValidators) {
    PutBytes(out, r.etag);
    PutBytes(out, r.last_modified);
  }
  if (flags & kHasSchedule) {
    PutVarint(out, r.recrawl_us);
    PutVarint(out, r.state == UrlState::kDone ? r.due_us : 0);
  }
  if (flags & kHasHistory) {
    PutVarint(out, r.changes);
    PutVarint(out, r.unchanged);
    PutVarint(out, r.missed);
    PutVarint(out, r.first_commit);
    PutTime(out, r.first_fetched);
    PutTime(out, r.checked_at);
  }
}

void ReadMore(ByteReader& in, uint8_t flags, UrlRecord& r) {
  if (flags & kHasLastmod) r.lastmod_s = in.Varint();
  if (flags & kHasValidators) {
    r.etag = in.Bytes();
    r.last_modified = in.Bytes();
  }
  if (flags & kHasSchedule) {
    r.recrawl_us = in.Varint();
    const uint64_t due = in.Varint();
    if (r.state == UrlState::kDone) r.due_us = due;
  }
  if (flags & kHasHistory) {
    r.changes = in.Varint32();
    r.unchanged = in.Varint32();
    r.missed = in.Varint32();
    r.first_commit = in.Varint();
    r.first_fetched = ReadTime(in);
    r.checked_at = ReadTime(in);
  }
}

absl::StatusOr<Flags> ReadHead(ByteReader& in, UrlRecordHead& head) {
  uint8_t version = in.Fixed8();
  uint8_t state = in.Fixed8();
  head.reason = static_cast<Outcome>(in.Fixed8());
  const uint8_t flags = in.Fixed8();
  head.depth = in.Fixed32();
  const uint8_t more = version == kVersionWithMore ? in.Fixed8() : uint8_t{0};
  if (!in.ok()) return DataLoss("URL record is cut short");
  if (version != kVersion && version != kVersionWithMore) return DataLoss("URL record has the unknown version {}", version);
  if (state < 1 || state > 4) return DataLoss("URL record has the unknown state {}", state);
  head.state = static_cast<UrlState>(state);
  head.seed = (flags & kSeed) != 0;
  head.sitemap = (flags & kSitemap) != 0;
  head.page = head.state == UrlState::kDone || (head.state == UrlState::kPending && (more & kKeepsPage) != 0);
  constexpr int kAll = kKeepsPage | kHasValidators | kHasLastmod | kHasSchedule | kHasHistory | kRefers;
  const bool of_page = (more & ~kHasLastmod) != 0;
  const bool refers = (more & kRefers) != 0;
  if ((more & ~kAll) != 0 || (of_page && !head.page) || (refers && (flags & kHasPlace) == 0)) return DataLoss("URL record has unknown flags");
  return Flags{flags, more};
}

// What follows the head, up to the URL.
void ReadUntilUrl(ByteReader& in, uint8_t flags, UrlRecord& r) {
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
}

}  // namespace

std::string EncodeUrlRecord(const UrlRecord& record) {
  std::string out;
  out.reserve(96 + record.url.size() + record.place.file.size() + record.mime.size());
  AppendUrlRecord(record, out);
  return out;
}

void AppendUrlRecord(const UrlRecord& r, std::string& out) {
  const uint8_t flags = FlagsOf(r);
  const uint8_t more = MoreFlagsOf(r);
  out.push_back(static_cast<char>(more == 0 ? kVersion : kVersionWithMore));
  out.push_back(static_cast<char>(r.state));
  out.push_back(static_cast<char>(r.reason));
  out.push_back(static_cast<char>(flags));
  PutFixed32(out, r.depth);
  if (more != 0) out.push_back(static_cast<char>(more));
  PutVarint(out, r.generation);
  PutVarint(out, r.attempt);
  PutVarint(out, r.redirect_hops);
  PutVarint(out, r.own_key_redirects);
  PutVarint(out, r.commit);
  if (flags & kHasOrigin) PutFixed64(out, r.origin_id);
  if (flags & kHasRefusedHost) PutFixed64(out, r.refused_host_id);
  if (flags & kHasReferrer) {
    PutFixed64(out, r.referrer.hi);
    PutFixed64(out, r.referrer.lo);
    PutFixed16(out, r.referrer_shard);
  }
  if (flags & kSitemap) PutVarint(out, r.sitemap_level);
  PutBytes(out, r.url);
  if (r.state == UrlState::kPending) PutFixed64(out, (flags & kWaitsForRetry) ? r.due_us : r.queue_position);
  if (r.has_page()) PutDone(out, r);
  PutMore(out, more, r);
}

absl::StatusOr<UrlRecord> DecodeUrlRecord(std::string_view bytes) {
  ByteReader in(bytes);
  UrlRecordHead head;
  WEFT_ASSIGN_OR_RETURN(const Flags both, ReadHead(in, head));
  const uint8_t flags = both.first;
  UrlRecord r;
  r.state = head.state;
  r.reason = head.reason;
  r.depth = head.depth;
  r.seed = head.seed;
  ReadUntilUrl(in, flags, r);
  if (r.state == UrlState::kPending) ((flags & kWaitsForRetry) ? r.due_us : r.queue_position) = in.Fixed64();
  r.keeps_page = r.state == UrlState::kPending && head.page;
  if (head.page) ReadDone(in, flags, r);
  r.place.refers = (both.more & kRefers) != 0;
  ReadMore(in, both.more, r);
  if (!in.AtEnd()) return DataLoss("URL record is damaged");
  return r;
}

absl::StatusOr<UrlRecordHead> DecodeUrlRecordHead(std::string_view bytes) {
  ByteReader in(bytes);
  UrlRecordHead head;
  WEFT_ASSIGN_OR_RETURN([[maybe_unused]] const Flags flags, ReadHead(in, head));
  return head;
}

absl::StatusOr<std::string> DecodeUrlOfRecord(std::string_view bytes) {
  ByteReader in(bytes);
  UrlRecordHead head;
  WEFT_ASSIGN_OR_RETURN(const Flags flags, ReadHead(in, head));
  UrlRecord record;
  ReadUntilUrl(in, flags.first, record);
  if (!in.ok()) return DataLoss("URL record is damaged");
  return std::move(record.url);
}

}  // namespace weft
