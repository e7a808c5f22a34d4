#include "scheduler/commit_desk.h"

#include <algorithm>
#include <map>
#include <utility>

#include "common/politeness.h"
#include "common/status.h"
#include "common/validators.h"
#include "storage/wire_place.h"

namespace weft {
namespace {

// Nodes' clocks are not trusted further than this.
uint64_t TookMicros(int64_t took_us) {
  return static_cast<uint64_t>(std::clamp<int64_t>(took_us, 0, absl::ToInt64Microseconds(absl::Hours(24))));
}

AttemptEnd EndOf(const wire::UrlTicket& ticket, AttemptEnd::Kind kind) {
  AttemptEnd end;
  end.kind = kind;
  end.key = Fingerprint::FromBytes(ticket.key());
  end.shard = static_cast<uint16_t>(ticket.shard() % kShardCount);
  end.generation = ticket.generation();
  end.attempt = ticket.attempt();
  return end;
}

UrlEnd Told(const wire::UrlTicket& ticket, Outcome outcome, int64_t wall_us, int64_t took_us) {
  UrlEnd told;
  told.url = ticket.url();
  told.depth = ticket.depth();
  told.seed = ticket.seed();
  told.redirect = ticket.redirect_hops() > 0;
  told.outcome = outcome;
  told.fetched_at = absl::FromUnixMicros(wall_us);
  told.took = absl::Microseconds(took_us);
  return told;
}

// Redirects to its own key have raised the attempt too, and were answers.
int FailedTries(const wire::UrlTicket& ticket) {
  return static_cast<int>(ticket.attempt() - std::min(ticket.attempt(), ticket.own_key_redirects()));
}

}  // namespace

CommitDesk::CommitDesk(CrawlDb& db, Frontier& frontier, NodeTable& nodes, LeaseDesk& leases, LinkIntake& intake,
                       Scope& scope, SyncGate& gate, const CrawlClock& crawl_clock, const Clock& clock,
                       SchedulerObserver& observer)
    : db_(db), frontier_(frontier), nodes_(nodes), leases_(leases), intake_(intake), scope_(scope), gate_(gate),
      crawl_clock_(crawl_clock), clock_(clock), observer_(observer) {}

void CommitDesk::PlanNext(const std::string& url, AttemptEnd& end) const {
  if (recrawls_ != nullptr) end.recrawl = recrawls_->TermsFor(url);
}

void CommitDesk::TakeRedirect(const wire::PageResult& result, const Fingerprint& referrer, uint16_t referrer_shard,
                              AttemptEnd& end) {
  const wire::UrlTicket& ticket = result.ticket();
  std::optional<Candidate> target = intake_.FromRedirect(result.redirect(), ticket, referrer, referrer_shard);
  if (!target) return;
  if (target->key == end.key) {
    end.kind = AttemptEnd::Kind::kOwnKeyRedirect;
    end.new_url = target->url;
    return;
  }
  if (ticket.seed() && target->refused == Outcome::kScope) {
    // The seed moved: where it points now is what the user meant.
    auto url = Url::Parse(target->url);
    if (url.ok() && scope_.JudgeSeed(url->href()) == Outcome::kNone) {
      scope_.AddAnchor(*url);
      new_anchors_.push_back(url->href());
      target->refused = Outcome::kNone;
      observer_.OnNotice(fmt::format("{} redirects to {}: {} is in the scope now", ticket.url(), target->url,
                                     target->host()));
    }
  }
  candidates_.push_back(*std::move(target));
}

// What robots.txt names comes with an end, and is admitted before it: an end that is committed has brought it.
template <typename Ended>
void CommitDesk::TakeSitemaps(const Ended& ended) {
  const int count = std::min(ended.sitemaps_size(), kMaxSitemapsOfRobots);
  for (int i = 0; i < count; ++i) {
    if (auto candidate = intake_.FromRobots(ended.sitemaps(i), ended.ticket())) candidates_.push_back(*std::move(candidate));
  }
}

void CommitDesk::AddLink(const wire::Link& link, const wire::UrlTicket& source) {
  auto candidate = intake_.FromLink(link, source);
  if (!candidate) return;
  if (order_ != nullptr) candidate->nearer = order_->Nearer(link);
  candidates_.push_back(*std::move(candidate));
}

// Of what a page names: the candidates since it was begun, and what its parser suppressed. Links that came before it, as a page
// with thousands has them, share its worth and are not counted: there is nothing left to share.
LinkVotes CommitDesk::VotesOf(const wire::PageResult& result, size_t first_candidate) const {
  LinkVotes votes = PopularOrder::SuppressedIn(result);
  if (result.ticket().sitemap_level() > 0) return votes;
  for (size_t i = first_candidate; i < candidates_.size(); ++i) {
    const Candidate& one = candidates_[i];
    if (one.refused == Outcome::kNone) votes.named.push_back({one.key, one.shard});
  }
  return votes;
}

void CommitDesk::Take(const PeerId& from, const wire::LinkBatch& batch) {
  (void)from;
  for (const wire::Link& link : batch.links()) AddLink(link, batch.ticket());
}

void CommitDesk::Take(const PeerId& from, wire::PageResult result) {
  const OutUrl* out = frontier_.FindOut(Fingerprint::FromBytes(result.ticket().key()));
  const Fingerprint referrer = out == nullptr ? Fingerprint{} : out->referrer;
  const uint16_t referrer_shard = out == nullptr ? uint16_t{0} : out->referrer_shard;
  TakePage(from, std::move(result), referrer, referrer_shard);
}

CommitDesk::Arrived& CommitDesk::TakePage(const PeerId& from, wire::PageResult result, const Fingerprint& referrer,
                                          uint16_t referrer_shard) {
  const wire::UrlTicket& ticket = result.ticket();
  Outcome outcome = static_cast<Outcome>(result.outcome());
  TakeSitemaps(result);  // before the links: what is both is read as a sitemap
  Arrived arrived;
  arrived.from = from;
  if (outcome == Outcome::kParserCrash) {
    arrived.end = EndOf(ticket, AttemptEnd::Kind::kFailed);
    arrived.end.reason = outcome;
  } else {
    arrived.end = EndOf(ticket, AttemptEnd::Kind::kDone);
    arrived.sketch = result.sim_hash();
    AttemptEnd& end = arrived.end;
    end.status = result.status();
    end.place = PlaceOf(result.place());
    end.payload_digest = result.payload_digest();
    end.payload_bytes = result.payload_bytes();
    end.truncated = result.truncated();
    end.fetched_at = absl::FromUnixMicros(result.wall_us());
    end.mime = result.mime();
    if (UsableValidator(result.etag())) end.etag = result.etag();
    if (UsableValidator(result.last_modified())) end.last_modified = result.last_modified();
    const size_t first_candidate = candidates_.size();
    for (const wire::Link& link : result.links()) AddLink(link, ticket);
    if (order_ != nullptr) arrived.votes = VotesOf(result, first_candidate);
    if (result.has_redirect()) TakeRedirect(result, referrer, referrer_shard, end);
  }
  PlanNext(ticket.url(), arrived.end);
  arrived.end.took_us = TookMicros(result.took_us());
  arrived.told = Told(ticket, outcome, result.wall_us(), result.took_us());
  arrived.told.status = static_cast<int>(result.status());
  arrived.told.mime = result.mime();
  arrived.told.payload_bytes = result.payload_bytes();
  arrived.told.payload_digest = result.payload_digest();
  arrived.told.note = result.note();
  if (result.truncated()) arrived.told.note += arrived.told.note.empty() ? "truncated" : ",truncated";
  return arrived_.emplace_back(std::move(arrived));
}

AttemptEnd CommitDesk::EndOfFailure(const wire::UrlTicket& ticket, Outcome outcome) const {
  if (IsRefusal(outcome)) {
    AttemptEnd end = EndOf(ticket, AttemptEnd::Kind::kRefused);
    end.reason = outcome;
    return end;
  }
  // kNone: the answer came after its lease and could not be used; nobody's fault.
  if (outcome == Outcome::kThrottled || outcome == Outcome::kNone) return EndOf(ticket, AttemptEnd::Kind::kBackToQueue);
  RetryPolicy policy = RetryPolicyFor(outcome);
  int tried = FailedTries(ticket) + 1;
  if (tried < policy.tries) {
    AttemptEnd end = EndOf(ticket, AttemptEnd::Kind::kRetry);
    end.retry_after_us = CrawlMicros(RetryWait(outcome, tried));
    return end;
  }
  AttemptEnd end = EndOf(ticket, AttemptEnd::Kind::kFailed);
  end.reason = IsFailure(outcome) ? outcome : Outcome::kProtocol;
  return end;
}

void CommitDesk::Take(const PeerId& from, wire::UrlEnded ended) {
  Outcome outcome = static_cast<Outcome>(ended.outcome());
  TakeSitemaps(ended);
  Arrived arrived;
  arrived.from = from;
  arrived.end = EndOfFailure(ended.ticket(), outcome);
  PlanNext(ended.ticket().url(), arrived.end);
  arrived.end.took_us = TookMicros(ended.took_us());
  arrived.told = Told(ended.ticket(), outcome, ended.wall_us(), ended.took_us());
  arrived.told.note = ended.detail();
  arrived_.push_back(std::move(arrived));
}

void CommitDesk::DescribeReferrer(const Fingerprint& key, UrlEnd& told) {
  const OutUrl* out = frontier_.FindOut(key);
  if (out == nullptr || out->referrer.empty()) return;
  told.referrer = out->referrer_url;
  if (!told.referrer.empty()) return;
  auto record = db_.Find(out->referrer, out->referrer_shard);
  if (record.ok() && record->has_value()) told.referrer = (*record)->url;
}

void CommitDesk::ReadAgain(const std::string& text) {
  auto url = Url::Parse(text);
  if (url.ok()) frontier_.ReadAgain(db_.HostId(url->host()), url->origin());
}

void CommitDesk::Settle(Arrived& arrived, CommitVerdict verdict) {
  const AttemptEnd& end = arrived.end;
  const OutUrl* out = frontier_.FindOut(end.key);
  bool ours = out != nullptr && out->generation == end.generation && out->attempt == end.attempt;
  if (verdict == CommitVerdict::kSuperseded || verdict == CommitVerdict::kUnknownKey) {
    // A second copy. What is out for it now, if anything, is a later attempt and stays out.
    if (ours) frontier_.Forget(end.key);
    arrived.told.url.clear();
    return;
  }
  if (limits_ != nullptr) limits_->Ended(end, arrived.told.url, arrived.sketch);
  bool again = end.kind == AttemptEnd::Kind::kBackToQueue ||
               (end.kind == AttemptEnd::Kind::kOwnKeyRedirect && verdict == CommitVerdict::kCommitted);
  // It waited in its queue again, and may have been read ahead from there.
  if (!ours) ReadAgain(arrived.told.url);
  if (verdict == CommitVerdict::kRedirectLoop) arrived.told.outcome = Outcome::kRedirectLoop;
  if (end.kind == AttemptEnd::Kind::kDone && out != nullptr) leases_.OriginAnswered(out->host_id, out->origin);
  bool told = end.kind == AttemptEnd::Kind::kDone || end.kind == AttemptEnd::Kind::kFailed ||
              end.kind == AttemptEnd::Kind::kRefused || verdict == CommitVerdict::kRedirectLoop;
  if (!told) arrived.told.url.clear();
  if (!ours) {
    // A late result of an earlier lease won; whoever has the URL out now will be superseded.
    return;
  }
  if (told) DescribeReferrer(end.key, arrived.told);
  // Who could not use its answer gives back only what is its own: the URL may be out with another by now.
  if (end.kind == AttemptEnd::Kind::kBackToQueue && out->node != arrived.from) return;
  if (again) {
    frontier_.Return(end.key);
  } else {
    frontier_.Forget(end.key);
  }
}

void CommitDesk::Acknowledge(std::vector<Arrived> batch, const std::vector<CommitVerdict>& verdicts) {
  std::map<PeerId, wire::EndedAck> acks;
  std::map<PeerId, wire::StoredAck> stored;
  std::vector<UrlEnd> told;
  for (size_t i = 0; i < batch.size(); ++i) {
    Arrived& arrived = batch[i];
    bool over = verdicts[i] == CommitVerdict::kSuperseded || verdicts[i] == CommitVerdict::kUnknownKey;
    if (arrived.stored_number > 0) {
      wire::StoredAck& answer = stored[arrived.from];
      (over ? answer.mutable_passed() : answer.mutable_recorded())->Add(arrived.stored_number);
    } else if (arrived.acknowledge) {
      wire::EndedAck::One* one = acks[arrived.from].add_ended();
      one->set_key(arrived.end.key.ToBytes());
      one->set_generation(arrived.end.generation);
      one->set_attempt(arrived.end.attempt);
      one->set_superseded(over);
    }
    if (!arrived.told.url.empty()) told.push_back(std::move(arrived.told));
  }
  uint64_t commit = db_.commit();
  gate_.AfterSync([this, commit, acks = std::move(acks), stored = std::move(stored), told = std::move(told)]() mutable {
    for (auto& [peer, ack] : acks) {
      wire::Frame frame;
      ack.set_commit(commit);
      *frame.mutable_ended_ack() = std::move(ack);
      nodes_.Send(peer, std::move(frame));
    }
    for (auto& [peer, answer] : stored) {
      wire::Frame frame;
      answer.set_commit(commit);
      *frame.mutable_stored_ack() = std::move(answer);
      nodes_.Send(peer, std::move(frame));
    }
    for (const UrlEnd& end : told) observer_.OnUrlEnd(end);
  });
}

absl::Status CommitDesk::AdmitAll() {
  if (limits_ != nullptr) limits_->JudgeCandidates(candidates_);
  WEFT_ASSIGN_OR_RETURN(std::vector<Admission> answers, db_.Admit(candidates_, crawl_clock_.Now()));
  if (limits_ != nullptr) limits_->Admitted(candidates_, answers);
  candidates_.clear();  // and keeps its memory: thousands come with each turn
  return absl::OkStatus();
}

absl::Status CommitDesk::Flush() {
  if (empty()) return absl::OkStatus();
  for (auto& [peer, answer] : std::exchange(stored_answers_, {})) {
    wire::Frame frame;
    *frame.mutable_stored_ack() = answer;
    nodes_.Send(peer, std::move(frame));
  }
  CrawlTime now = crawl_clock_.Now();
  std::vector<Arrived> batch = std::move(arrived_);
  arrived_.clear();
  if (!candidates_.empty()) WEFT_RETURN_IF_ERROR(AdmitAll());
  if (!batch.empty()) {
    std::vector<AttemptEnd> ends;
    ends.reserve(batch.size());
    for (const Arrived& arrived : batch) ends.push_back(arrived.end);
    WEFT_ASSIGN_OR_RETURN(std::vector<CommitVerdict> verdicts, db_.Commit(ends, now));
    for (size_t i = 0; i < batch.size(); ++i) Settle(batch[i], verdicts[i]);
    if (order_ != nullptr) WEFT_RETURN_IF_ERROR(CountVotes(batch, verdicts));
    Acknowledge(std::move(batch), verdicts);
  }
  frontier_.TakeInserts();
  return absl::OkStatus();
}

// A second copy's links have been counted with the first (rule 2).
absl::Status CommitDesk::CountVotes(const std::vector<Arrived>& batch, const std::vector<CommitVerdict>& verdicts) {
  for (size_t i = 0; i < batch.size(); ++i) {
    const AttemptEnd& end = batch[i].end;
    const bool counts = verdicts[i] == CommitVerdict::kCommitted && end.kind == AttemptEnd::Kind::kDone;
    if (counts) order_->Committed(end.key, batch[i].votes);
  }
  return order_->MoveUp(crawl_clock_.Now());
}

absl::StatusOr<bool> CommitDesk::EndSome(OriginEnding& ending, size_t limit) {
  WEFT_ASSIGN_OR_RETURN(std::vector<QueuedUrl> urls,
                        db_.ReadQueue(ending.shard, ending.origin, ending.cursor, limit));
  std::vector<Arrived> batch;
  std::vector<AttemptEnd> ends;
  for (QueuedUrl& url : urls) {
    ending.cursor = url.position;
    if (frontier_.FindOut(url.key) != nullptr) continue;
    const Outcome outcome = ending.judge == nullptr ? ending.outcome : ending.judge(url.record);
    if (outcome == Outcome::kNone) continue;
    Arrived arrived;
    arrived.acknowledge = false;
    arrived.end.kind = IsRefusal(outcome) ? AttemptEnd::Kind::kRefused : AttemptEnd::Kind::kFailed;
    arrived.end.key = url.key;
    arrived.end.shard = ending.shard;
    arrived.end.generation = url.record.generation;
    arrived.end.attempt = url.record.attempt;
    arrived.end.reason = outcome;
    PlanNext(url.record.url, arrived.end);
    arrived.told.url = url.record.url;
    arrived.told.depth = url.record.depth;
    arrived.told.seed = url.record.seed;
    arrived.told.outcome = outcome;
    arrived.told.fetched_at = clock_.WallNow();
    arrived.told.note = ending.detail;
    ends.push_back(arrived.end);
    batch.push_back(std::move(arrived));
  }
  if (!ends.empty()) {
    WEFT_ASSIGN_OR_RETURN(std::vector<CommitVerdict> verdicts, db_.Commit(ends, crawl_clock_.Now()));
    frontier_.ReadAgain(ending.host_id, ending.origin);
    Acknowledge(std::move(batch), verdicts);
  }
  return urls.size() < limit;
}

}  // namespace weft
