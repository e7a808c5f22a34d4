// The ledger's moves: Admit, Commit, retries.
#include <absl/container/flat_hash_set.h>

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <numeric>
#include <utility>

#include "common/status.h"
#include "common/url.h"
#include "storage/crawl_db.h"
#include "storage/crawl_db_state.h"

namespace weft {
namespace {

// What is known of the keys of one call, with this call's own changes laid over it.
class Known {
 public:
  absl::Status Load(const Kv& kv, uint16_t shard, const std::vector<Fingerprint>& keys) {
    std::vector<std::string> names;
    std::vector<Fingerprint> distinct;
    for (const Fingerprint& key : keys) {
      if (!bytes_.try_emplace(key).second) continue;
      distinct.push_back(key);
      names.push_back(UrlKey(shard, key).Text());
    }
    WEFT_ASSIGN_OR_RETURN(auto found, kv.MultiGet(Family::kUrls, names));
    for (size_t i = 0; i < distinct.size(); ++i) {
      if (found[i]) bytes_[distinct[i]] = *std::move(found[i]);
    }
    return absl::OkStatus();
  }
  // Read by the caller; nullopt: no record. The first of a key counts.
  void Add(const Fingerprint& key, std::optional<std::string> bytes) {
    bytes_.try_emplace(key, bytes ? *std::move(bytes) : std::string());
  }
  bool Contains(const Fingerprint& key) const {
    if (!changed_.empty() && changed_.contains(key)) return true;
    auto it = bytes_.find(key);
    return it != bytes_.end() && !it->second.empty();
  }
  absl::StatusOr<UrlRecordHead> Head(const Fingerprint& key) const {
    auto it = changed_.find(key);
    if (it != changed_.end()) return HeadOf(it->second);
    return DecodeUrlRecordHead(bytes_.at(key));
  }
  absl::StatusOr<UrlRecord> Record(const Fingerprint& key) const {
    auto it = changed_.find(key);
    if (it != changed_.end()) return it->second;
    return DecodeUrlRecord(bytes_.at(key));
  }
  void Change(const Fingerprint& key, UrlRecord record) { changed_[key] = std::move(record); }
  // Of a key that did not have one; kept only where a key of this call comes again.
  void Made(const Fingerprint& key, UrlRecord record) {
    if (again_.contains(key)) Change(key, std::move(record));
  }
  // Before anything is made: the keys of this call.
  void Expect(std::span<const Candidate> candidates, std::span<const size_t> indexes) {
    absl::flat_hash_set<Fingerprint> once;
    once.reserve(indexes.size());
    for (size_t i : indexes) {
      if (!once.insert(candidates[i].key).second) again_.insert(candidates[i].key);
    }
  }

 private:
  absl::flat_hash_map<Fingerprint, std::string> bytes_;     // empty: no record
  absl::node_hash_map<Fingerprint, UrlRecord> changed_;   // a record is large: it stays where it is
  absl::flat_hash_set<Fingerprint> again_;                 // that come more than once
};

void DropReason(std::map<Outcome, uint64_t>& counts, Outcome reason) {
  auto it = counts.find(reason);
  if (it == counts.end()) return;
  if (it->second <= 1) {
    counts.erase(it);
  } else {
    --it->second;
  }
}

Admission AdmitNew(const Candidate& c, uint64_t refused_cap, ShardChange& change, Known& known) {
  UrlRecord record;
  record.url = c.url;
  record.depth = c.depth;
  record.redirect_hops = c.redirect_hops;
  record.seed = c.seed;
  record.sitemap_level = c.sitemap_level;
  record.lastmod_s = c.lastmod_s;
  record.referrer = c.referrer;
  record.referrer_shard = c.referrer_shard;
  LedgerCounts& ledger = change.counts().ledger;
  if (c.refused != Outcome::kNone) {
    HostState& host = change.Host(c.host());
    if (host.refused_recorded >= refused_cap) {
      ++ledger.sightings;
      change.Touch();
      return Admission::kSighting;
    }
    ++host.refused_recorded;
    record.state = UrlState::kRefused;
    record.reason = c.refused;
    ++ledger.refused[c.refused];
  } else {
    change.Enqueue(c.key, record, c.origin(), c.host(), c.nearer);
    ++ledger.pending;
  }
  ++ledger.discovered;
  change.PutRecord(c.key, record, ShardChange::Was::kNew);
  known.Made(c.key, std::move(record));
  return c.refused == Outcome::kNone ? Admission::kQueued : Admission::kRefused;
}

// What a sitemap says of a page that is done.
absl::StatusOr<Admission> AdmitHint(const Candidate& c, ShardChange& change, Known& known) {
  WEFT_ASSIGN_OR_RETURN(UrlRecord record, known.Record(c.key));
  if (!change.HintPulls(c, record)) return Admission::kKnown;
  record.lastmod_s = c.lastmod_s;
  if (record.due_us > change.now()) change.Schedule(c.key, record, std::max<CrawlTime>(1, change.now()));
  change.PutRecord(c.key, record, ShardChange::Was::kKnown);
  known.Change(c.key, std::move(record));
  return Admission::kKnown;
}

absl::StatusOr<Admission> AdmitKnown(const Candidate& c, ShardChange& change, Known& known) {
  WEFT_ASSIGN_OR_RETURN(UrlRecordHead head, known.Head(c.key));
  bool nearer = head.state == UrlState::kPending && c.refused == Outcome::kNone &&
                (c.depth < head.depth || (c.seed && !head.seed) || (c.sitemap_level > 0 && !head.sitemap));
  if (head.state == UrlState::kDone && c.lastmod_s != 0) return AdmitHint(c, change, known);
  bool take_up = head.state == UrlState::kRefused && c.refused == Outcome::kNone && RefusedByScope(head.reason);
  if (!nearer && !take_up) return Admission::kKnown;
  WEFT_ASSIGN_OR_RETURN(UrlRecord record, known.Record(c.key));
  record.depth = std::min(record.depth, c.depth);
  record.seed = record.seed || c.seed;
  if (record.sitemap_level == 0) record.sitemap_level = c.sitemap_level;
  if (take_up) {
    LedgerCounts& ledger = change.counts().ledger;
    DropReason(ledger.refused, record.reason);
    ++ledger.pending;
    record.state = UrlState::kPending;
    record.reason = Outcome::kNone;
    record.url = c.url;
    record.redirect_hops = c.redirect_hops;
    record.referrer = c.referrer;
    record.referrer_shard = c.referrer_shard;
    HostState& host = change.Host(c.host());
    if (host.refused_recorded > 0) --host.refused_recorded;
    change.Enqueue(c.key, record, c.origin(), c.host(), c.nearer);
  }
  change.PutRecord(c.key, record, ShardChange::Was::kKnown);
  known.Change(c.key, std::move(record));
  return take_up ? Admission::kTakenUp : Admission::kKnown;
}

// A link to a record that it cannot change.
bool Settled(const Candidate& c, const SeenAnswer& answer, bool recrawl) {
  if (recrawl && c.lastmod_s != 0) return false;
  if (answer.kind != SeenAnswer::Kind::kKnown) return false;
  if (c.refused != Outcome::kNone || answer.note.settled()) return true;
  return !c.seed && c.sitemap_level == 0 && answer.note.LinkChangesNothing(c.depth);
}

// These candidates, shard after shard, each shard's in their order.
std::vector<size_t> InShardOrder(std::span<const Candidate> candidates, std::span<const size_t> indexes) {
  std::array<size_t, kShardCount + 1> begins{};
  for (size_t i : indexes) ++begins[candidates[i].shard + 1];
  std::partial_sum(begins.begin(), begins.end(), begins.begin());
  std::vector<size_t> ordered(indexes.size());
  for (size_t i : indexes) ordered[begins[candidates[i].shard]++] = i;
  return ordered;
}

template <typename T>
std::map<uint16_t, std::vector<size_t>> ByShard(std::span<const T> items) {
  std::map<uint16_t, std::vector<size_t>> groups;
  for (size_t i = 0; i < items.size(); ++i) groups[static_cast<uint16_t>(items[i].shard % kShardCount)].push_back(i);
  return groups;
}

void Finish(const AttemptEnd& end, UrlState state, Outcome reason, CrawlTime now, UrlRecord& record, ShardChange& change) {
  LedgerCounts& ledger = change.counts().ledger;
  change.Dequeue(end.key, record);
  if (state == UrlState::kDone || record.keeps_page) return change.PageDone(end, now, record);
  record.state = state;
  record.reason = reason;
  --ledger.pending;
  if (state == UrlState::kFailed) ++ledger.failed[reason];
  if (state == UrlState::kRefused) ++ledger.refused[reason];
}

CommitVerdict RedirectToItself(const AttemptEnd& end, CrawlTime now, UrlRecord& record, ShardChange& change) {
  auto url = Url::Parse(end.new_url);
  bool usable = url.ok() && url->is_http() && !url->host().empty();
  if (++record.own_key_redirects > static_cast<uint32_t>(kMaxOwnKeyRedirects) || !usable) {
    Finish(end, UrlState::kFailed, Outcome::kRedirectLoop, now, record, change);
    return CommitVerdict::kRedirectLoop;
  }
  change.Dequeue(end.key, record);
  record.url = end.new_url;
  // They were another URL's.
  record.etag.clear();
  record.last_modified.clear();
  ++record.attempt;
  change.Enqueue(end.key, record, url->origin(), url->host());
  return CommitVerdict::kCommitted;
}

// Before the record moves: it still says where it was asked.
void CountForHost(const AttemptEnd& end, const UrlRecord& record, ShardChange& change) {
  const bool answered = end.kind == AttemptEnd::Kind::kDone;
  if (!answered && end.took_us == 0) return;
  HostState* host = change.HostOf(record);
  if (host == nullptr) return;
  host->asked_us += end.took_us;
  if (!answered) return;
  ++host->answers;
  host->pages += end.status >= 200 && end.status < 300 ? 1 : 0;
  host->bytes += end.payload_bytes;
}

CommitVerdict CommitOne(const AttemptEnd& end, CrawlTime now, UrlRecord& record, ShardChange& change) {
  CountForHost(end, record, change);
  switch (end.kind) {
    case AttemptEnd::Kind::kDone:
      Finish(end, UrlState::kDone, Outcome::kNone, now, record, change);
      break;
    case AttemptEnd::Kind::kFailed:
      Finish(end, UrlState::kFailed, end.reason, now, record, change);
      break;
    case AttemptEnd::Kind::kRefused:
      Finish(end, UrlState::kRefused, end.reason, now, record, change);
      break;
    case AttemptEnd::Kind::kRetry:
      ++record.attempt;
      change.Postpone(end.key, record, now + std::min(end.retry_after_us, kLongestWait));
      break;
    case AttemptEnd::Kind::kBackToQueue:
      if (record.due_us != 0) change.Promote(end.key, record);
      break;
    case AttemptEnd::Kind::kOwnKeyRedirect:
      return RedirectToItself(end, now, record, change);
  }
  return CommitVerdict::kCommitted;
}

absl::Status CommitToShard(std::span<const AttemptEnd> ends, std::span<const size_t> indexes, CrawlTime now, Known& known,
                           ShardChange& change, std::vector<CommitVerdict>& verdicts) {
  for (size_t i : indexes) {
    const AttemptEnd& end = ends[i];
    if (!known.Contains(end.key)) {
      verdicts[i] = CommitVerdict::kUnknownKey;
      ++change.counts().ledger.superseded;
      change.Touch();
      continue;
    }
    WEFT_ASSIGN_OR_RETURN(UrlRecord record, known.Record(end.key));
    // First wins (rule 1).
    if (record.state != UrlState::kPending || record.generation != end.generation || record.attempt != end.attempt) {
      ++change.counts().ledger.superseded;
      change.Touch();
      continue;
    }
    if (end.kind == AttemptEnd::Kind::kBackToQueue && record.due_us == 0) {
      verdicts[i] = CommitVerdict::kCommitted;  // it never left its place
      continue;
    }
    verdicts[i] = CommitOne(end, now, record, change);
    change.PutRecord(end.key, record, ShardChange::Was::kKnown);
    known.Change(end.key, std::move(record));
  }
  return absl::OkStatus();
}

}  // namespace

bool RefusedByScope(Outcome reason) {
  return reason == Outcome::kDepth || reason == Outcome::kScope || reason == Outcome::kPrefix ||
         reason == Outcome::kExcluded || reason == Outcome::kUrlTooLong || reason == Outcome::kHostBudget ||
         reason == Outcome::kTrap;
}

void Candidate::SetUrl(Url parsed) {
  constexpr size_t kBetween = std::string_view("://").size();
  host_begin = static_cast<uint32_t>(parsed.scheme().size() + kBetween);
  host_end = host_begin + static_cast<uint32_t>(parsed.host().size());
  origin_end = host_begin + static_cast<uint32_t>(parsed.path().data() - parsed.host().data());
  url = std::move(parsed).TakeRequestTargetUrl();
}

absl::StatusOr<std::vector<Admission>> CrawlDb::Admit(std::span<const Candidate> candidates, CrawlTime now) {
  WEFT_RETURN_IF_ERROR(impl_->Usable());
  impl_->AskSeen(candidates);
  std::vector<size_t> unsettled;   // what the set cannot answer
  for (size_t i = 0; i < candidates.size(); ++i) {
    const Candidate& candidate = candidates[i];
    if (Settled(candidate, impl_->check_answers[i], impl_->recrawl)) continue;
    bool placed = candidate.refused != Outcome::kNone || !candidate.origin().empty();
    bool elsewhere = impl_->hosts->Elsewhere(candidate.shard, HostId(candidate.host()));
    if (candidate.shard >= kShardCount || !placed || elsewhere) {
      return InvalidArgument("a candidate has no origin, or a shard that is not its host's: {}", candidate.url);
    }
    unsettled.push_back(i);
  }
  std::vector<Admission> answers(candidates.size(), Admission::kKnown);
  const std::vector<size_t> open = InShardOrder(candidates, unsettled);
  KvBatch batch;
  std::deque<ShardChange> changes;
  impl_->looked_up.clear();
  for (size_t begin = 0; begin < open.size();) {
    const uint16_t shard = candidates[open[begin]].shard;
    size_t end = begin + 1;
    while (end < open.size() && candidates[open[end]].shard == shard) ++end;
    ShardChange& change = changes.emplace_back(*impl_, shard, now, batch, changes.size());
    WEFT_RETURN_IF_ERROR(impl_->AdmitToShard(candidates, std::span(open).subspan(begin, end - begin), change, answers));
    if (change.touched()) {
      change.Seal();
    } else {
      changes.pop_back();
    }
    begin = end;
  }
  if (!changes.empty()) WEFT_RETURN_IF_ERROR(impl_->Write(batch));
  for (ShardChange& change : changes) change.TakeOver();
  if (impl_->seen == nullptr) return answers;
  for (const auto& [key, note] : impl_->looked_up) impl_->seen->Put(key, note);
  return answers;
}

void CrawlDb::Impl::AskSeen(std::span<const Candidate> candidates) {
  check_answers.assign(candidates.size(), SeenAnswer());
  if (seen == nullptr) return;
  check_keys.clear();
  for (const Candidate& candidate : candidates) check_keys.push_back(candidate.key);
  seen->Check(check_keys, check_answers);
}

absl::Status CrawlDb::Impl::AdmitToShard(std::span<const Candidate> candidates, std::span<const size_t> indexes,
                                         ShardChange& change, std::vector<Admission>& answers) {
  // What is certainly new is written blindly.
  std::vector<Fingerprint> keys;
  for (size_t i : indexes) {
    if (check_answers[i].kind != SeenAnswer::Kind::kNew) keys.push_back(candidates[i].key);
  }
  seen_reads += keys.size();
  std::vector<uint64_t> host_ids;
  for (size_t i : indexes) host_ids.push_back(fingerprinter.Short(candidates[i].host()));
  WEFT_RETURN_IF_ERROR(hosts->Load(candidates[indexes.front()].shard, host_ids));
  Known known;
  known.Expect(candidates, indexes);
  if (!keys.empty()) WEFT_RETURN_IF_ERROR(known.Load(*kv, candidates[indexes.front()].shard, keys));
  for (size_t i : indexes) {
    const Candidate& candidate = candidates[i];
    if (!known.Contains(candidate.key)) {
      answers[i] = AdmitNew(candidate, options.refused_cap_per_host, change, known);
      continue;
    }
    WEFT_ASSIGN_OR_RETURN(answers[i], AdmitKnown(candidate, change, known));
  }
  for (const Fingerprint& key : keys) {
    if (!known.Contains(key)) continue;
    WEFT_ASSIGN_OR_RETURN(UrlRecordHead head, known.Head(key));
    looked_up.emplace_back(key, SeenNoteOf(head.state, head.reason, head.depth));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<CommitVerdict>> CrawlDb::Commit(std::span<const AttemptEnd> ends, CrawlTime now) {
  WEFT_RETURN_IF_ERROR(impl_->Usable());
  std::vector<CommitVerdict> verdicts(ends.size(), CommitVerdict::kSuperseded);
  const auto groups = ByShard(ends);
  std::vector<std::string> names;
  names.reserve(ends.size());
  for (const auto& [shard, indexes] : groups) {
    for (size_t i : indexes) names.push_back(UrlKey(shard, ends[i].key).Text());
  }
  WEFT_ASSIGN_OR_RETURN(auto found, impl_->kv->MultiGet(Family::kUrls, names));
  KvBatch batch;
  std::deque<ShardChange> changes;
  size_t at = 0;
  for (const auto& [shard, indexes] : groups) {
    Known known;
    for (size_t i : indexes) known.Add(ends[i].key, std::move(found[at++]));
    ShardChange& change = changes.emplace_back(*impl_, shard, now, batch, changes.size());
    WEFT_RETURN_IF_ERROR(CommitToShard(ends, indexes, now, known, change, verdicts));
    if (change.touched()) {
      change.Seal();
    } else {
      changes.pop_back();
    }
  }
  if (!changes.empty()) WEFT_RETURN_IF_ERROR(impl_->Write(batch));
  for (ShardChange& change : changes) change.TakeOver();
  return verdicts;
}

absl::StatusOr<std::vector<uint64_t>> CrawlDb::PromoteDue(CrawlTime now, size_t limit) {
  WEFT_RETURN_IF_ERROR(impl_->Usable());
  std::vector<uint64_t> hosts;
  size_t taken = 0;
  for (uint16_t shard = 0; shard < kShardCount && taken < limit; ++shard) {
    WEFT_ASSIGN_OR_RETURN(std::vector<DueEntry> due,
                          impl_->due.Through(shard, now, limit - taken,
                                             [this](auto&&... where) { return impl_->ReadDue(where...); }));
    if (due.empty()) continue;
    taken += due.size();
    WEFT_ASSIGN_OR_RETURN(std::vector<uint64_t> promoted, impl_->PromoteInShard(shard, due, now));
    hosts.insert(hosts.end(), promoted.begin(), promoted.end());
  }
  return hosts;
}

absl::StatusOr<std::vector<uint64_t>> CrawlDb::Impl::PromoteInShard(uint16_t shard, std::span<const DueEntry> entries,
                                                                    CrawlTime now) {
  std::vector<Fingerprint> keys;
  for (const DueEntry& entry : entries) keys.push_back(entry.item);
  Known known;
  WEFT_RETURN_IF_ERROR(known.Load(*kv, shard, keys));
  KvBatch batch;
  ShardChange change(*this, shard, now, batch);
  std::vector<uint64_t> promoted;
  for (const Fingerprint& key : keys) {
    if (!known.Contains(key)) return DataLoss("crawl.db: a retry has no record");
    WEFT_ASSIGN_OR_RETURN(UrlRecord record, known.Record(key));
    const bool done = record.state == UrlState::kDone;
    if (!done) change.Promote(key, record);
    if (done && recrawl) change.VisitAgain(key, record);
    if (done && !recrawl) change.Schedule(key, record, 0);
    change.PutRecord(key, record, done ? ShardChange::Was::kReopened : ShardChange::Was::kKnown);
    const HostState* host = change.HostOf(record);
    if (host != nullptr) promoted.push_back(host->id);
  }
  WEFT_RETURN_IF_ERROR(change.Apply());
  return promoted;
}

absl::StatusOr<uint64_t> CrawlDb::RequeueFailed(CrawlTime now) {
  WEFT_RETURN_IF_ERROR(impl_->Usable());
  std::map<uint16_t, std::vector<Fingerprint>> by_shard;
  WEFT_RETURN_IF_ERROR(impl_->kv->Scan(Family::kUrls, "", "", [&](std::string_view name, std::string_view value) {
    auto head = DecodeUrlRecordHead(value);
    if (head.ok() && head->state == UrlState::kFailed && name.size() == 18) {
      uint16_t shard = static_cast<uint16_t>(static_cast<uint8_t>(name[0]) << 8 | static_cast<uint8_t>(name[1]));
      by_shard[shard].push_back(Fingerprint::FromBytes(name.substr(2)));
    }
    return true;
  }));
  uint64_t count = 0;
  for (const auto& [shard, keys] : by_shard) {
    Known known;
    WEFT_RETURN_IF_ERROR(known.Load(*impl_->kv, shard, keys));
    KvBatch batch;
    ShardChange change(*impl_, shard, now, batch);
    for (const Fingerprint& key : keys) {
      WEFT_ASSIGN_OR_RETURN(UrlRecord record, known.Record(key));
      auto url = Url::Parse(record.url);
      if (!url.ok()) continue;
      LedgerCounts& ledger = change.counts().ledger;
      DropReason(ledger.failed, record.reason);
      ++ledger.pending;
      record.state = UrlState::kPending;
      record.reason = Outcome::kNone;
      record.attempt = 0;
      ++record.generation;
      record.own_key_redirects = 0;
      change.Enqueue(key, record, url->origin(), url->host());
      change.PutRecord(key, record, ShardChange::Was::kReopened);
      ++count;
    }
    WEFT_RETURN_IF_ERROR(change.Apply());
  }
  return count;
}

}  // namespace weft
