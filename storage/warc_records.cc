#include "storage/warc_records.h"

#include <fmt/format.h>

#include <array>
#include <cstdint>

#include "storage/warc_place.h"

namespace weft {
namespace {

constexpr size_t kBytesKept = 8 * 1024 * 1024;

// WARC-Truncated knows these reasons (section 5.13).
std::string_view TruncatedReason(std::string_view reason) {
  for (const std::string_view known : {"", "length", "time", "disconnect"}) {
    if (reason == known) return reason;
  }
  return "unspecified";
}

// Of the page that is stored before. An empty payload is no less than a word about an earlier one. Where that page is itself a
// revisit, whoever looks for the body must be led to where it is: is that not known, the bytes are stored once more.
bool IsOfBefore(const Exchange& exchange, std::string_view payload_digest, WarcDedup dedup, const KnownPayload* known) {
  if (exchange.before == nullptr || !exchange.truncated.empty()) return false;
  if (exchange.before->not_modified) return true;
  if (dedup == WarcDedup::kNone || (exchange.before->place.refers && known == nullptr)) return false;
  return !exchange.payload.empty() && exchange.before->payload_digest == payload_digest;
}

// Of another URL's page. Exchanges without notes, such as robots.txt, stand for themselves.
bool IsOfKnown(const Exchange& exchange, const KnownPayload* known) {
  return known != nullptr && exchange.notes != nullptr && exchange.truncated.empty() &&
         exchange.payload.size() >= KnownPayloads::kLeastPayload &&
         CanBeMadeWhole(exchange.response_head, exchange.wire_body, exchange.payload);
}

}  // namespace

// What a revisit refers to.
struct WarcRecords::Original {
  std::string_view profile;
  std::string_view url;
  absl::Time began;
  std::string_view payload_digest;
  const KnownPayload* place = nullptr;  // named in the record; null: it is not
  std::string_view record_id = {};      // empty: not known
};

void WarcRecords::Clear() {
  if (bytes_.capacity() > kBytesKept) bytes_ = {};
  bytes_.clear();
}

// Appends a record with the block `first` + `second`.
void WarcRecords::AddRecord(WarcHead& head, std::string_view first, std::string_view second) {
  sha1_.Add(first);
  sha1_.Add(second);
  head.Add("WARC-Block-Digest", Sha1Label(sha1_.Finish()));
  const std::string text = head.Finish(first.size() + second.size());
  const std::array<std::string_view, 4> pieces = {text, first, second, kRecordEnd};
  switch (options_.compression) {
    case WarcCompression::kNone:
      for (const std::string_view piece : pieces) bytes_ += piece;
      return;
    case WarcCompression::kGzip:
      gzip_.Begin(&bytes_);
      for (const std::string_view piece : pieces) gzip_.Add(piece);
      gzip_.Finish();
      return;
    case WarcCompression::kZstd:
      zstd_.Begin(&bytes_, text.size() + first.size() + second.size() + kRecordEnd.size());
      for (const std::string_view piece : pieces) zstd_.Add(piece);
      zstd_.Finish();
      return;
  }
}

void WarcRecords::AddWarcinfo(const std::string& file_name, absl::Time now) {
  warcinfo_id_ = NewRecordId(random_);
  std::string block;
  AppendWarcField(block, "software", options_.software);
  AppendWarcField(block, "format", "WARC File Format 1.1");
  AppendWarcField(block, "conformsTo", "http://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/");
  AppendWarcField(block, "hostname", options_.host_name);
  AppendWarcField(block, "operator", options_.operator_contact);
  AppendWarcField(block, "robots", options_.robots_policy);
  AppendWarcField(block, "isPartOf", options_.part_of);
  AppendWarcField(block, "http-header-user-agent", options_.user_agent);
  AppendWarcField(block, "http-header-from", options_.from);
  WarcHead head("warcinfo");
  head.Add("WARC-Record-ID", warcinfo_id_)
      .Add("WARC-Date", WarcDate(now))
      .Add("WARC-Filename", file_name)
      .Add("Content-Type", "application/warc-fields");
  AddRecord(head, block, {});
}

// What the records of one capture share, its WARC-Date among it (section 5.4).
WarcHead WarcRecords::HeadFor(std::string_view type, const Exchange& exchange, const std::string& id,
                              const std::string& concurrent_to) const {
  WarcHead head(type);
  head.Add("WARC-Record-ID", id)
      .Add("WARC-Warcinfo-ID", warcinfo_id_)
      .Add("WARC-Concurrent-To", concurrent_to)
      .AddUrl("WARC-Target-URI", exchange.url)
      .Add("WARC-Date", WarcDate(exchange.began))
      .Add("WARC-IP-Address", exchange.ip);
  // Fields of proposals that other crawlers write too. One WARC-Protocol alone, for a field may stand once: that of HTTP is the
  // first line of the block.
  if (type != "metadata") head.Add("WARC-Protocol", exchange.tls_version).Add("WARC-Cipher-Suite", exchange.cipher_suite);
  return head;
}

void WarcRecords::AddResponse(const Exchange& exchange, const Ids& ids, std::string_view payload_digest) {
  WarcHead head = HeadFor("response", exchange, ids.capture, ids.request);
  head.Add("Content-Type", "application/http;msgtype=response")
      .Add("WARC-Payload-Digest", Sha1Label(payload_digest))
      .Add("WARC-Truncated", TruncatedReason(exchange.truncated));
  AddRecord(head, exchange.response_head, exchange.wire_body);
}

// The payload digest is that of the page that is referred to (section 6.7); a body that was left out is a truncation.
// The file and offset are of no standard, but Heritrix writes them: a reader need not search.
void WarcRecords::AddRevisit(const Exchange& exchange, const Ids& ids, const Original& original) {
  WarcHead head = HeadFor("revisit", exchange, ids.capture, ids.request);
  head.Add("WARC-Profile", original.profile)
      .Add("WARC-Refers-To", original.record_id)
      .AddUrl("WARC-Refers-To-Target-URI", original.url)
      .Add("WARC-Refers-To-Date", WarcDate(original.began))
      .Add("Content-Type", "application/http;msgtype=response")
      .Add("WARC-Payload-Digest", Sha1Label(original.payload_digest))
      .Add("WARC-Truncated", original.profile == kNotModifiedProfile ? "" : "length");
  if (original.place != nullptr) {
    head.Add(kRefersToFile, original.place->file).Add(kRefersToOffset, fmt::to_string(original.place->offset));
  }
  AddRecord(head, exchange.response_head, {});
}

// The hops' letters are not known, their number is.
void WarcRecords::AddMetadata(const Exchange& exchange, const Ids& ids) {
  const ExchangeNotes& notes = *exchange.notes;
  std::string block;
  AppendWarcField(block, "via", WarcUrl(notes.via));
  if (notes.depth) AppendWarcField(block, "depth", fmt::to_string(*notes.depth));
  AppendWarcField(block, "fetchTimeMs", fmt::to_string(absl::ToInt64Milliseconds(notes.took)));
  AppendWarcField(block, "charset", notes.charset);
  // Weft asks nobody whose certificate does not hold.
  if (!exchange.tls_version.empty()) AppendWarcField(block, "certificate", "verified");
  WarcHead head = HeadFor("metadata", exchange, NewRecordId(random_), ids.capture);
  head.Add("Content-Type", "application/warc-fields");
  AddRecord(head, block, {});
}

WarcRecords::Written WarcRecords::AddExchange(const Exchange& exchange, std::string_view payload_digest,
                                              const KnownPayload* known) {
  const Ids ids{NewRecordId(random_), NewRecordId(random_)};
  Written written;
  written.begin = bytes_.size();
  written.record_id = ids.capture;
  written.revisit = IsOfBefore(exchange, payload_digest, options_.dedup, known);
  written.refers = !written.revisit && IsOfKnown(exchange, known);
  if (written.revisit) {
    const StoredBefore& before = *exchange.before;
    const std::string_view profile = before.not_modified ? kNotModifiedProfile : kIdenticalDigestProfile;
    const bool elsewhere = before.place.refers && known != nullptr;
    AddRevisit(exchange, ids, elsewhere ? Original{profile, known->url, known->began, before.payload_digest, nullptr, known->record_id}
                                        : Original{profile, before.url, before.began, before.payload_digest});
  } else if (written.refers) {
    AddRevisit(exchange, ids, {kIdenticalDigestProfile, known->url, known->began, payload_digest, known, known->record_id});
  } else {
    AddResponse(exchange, ids, payload_digest);
  }
  written.size = bytes_.size() - written.begin;
  WarcHead request = HeadFor("request", exchange, ids.request, ids.capture);
  request.Add("Content-Type", "application/http;msgtype=request");
  AddRecord(request, exchange.request_head, {});
  if (exchange.notes != nullptr) AddMetadata(exchange, ids);
  return written;
}

}  // namespace weft
