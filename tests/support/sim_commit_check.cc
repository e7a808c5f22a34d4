#include "tests/support/sim_commit_check.h"

#include <algorithm>
#include <utility>

#include "common/url.h"

namespace weft::test {
namespace {

// Keys of the family: two bytes of shard, sixteen of fingerprint.
Fingerprint KeyOf(std::string_view key) { return key.size() == 18 ? Fingerprint::FromBytes(key.substr(2)) : Fingerprint{}; }

// Others are refused when their turn comes, or fail.
bool RefusesWhenFound(Outcome reason) {
  return reason == Outcome::kScope || reason == Outcome::kDepth || reason == Outcome::kRedirectHops;
}

std::string HostOf(const std::string& text) {
  auto url = Url::Parse(text);
  return url.ok() ? std::string(url->host()) : std::string();
}

// What is done is planned to be fetched again, and not, without becoming another page by it.
bool OnlyPlanned(UrlRecord before, const UrlRecord& after) {
  if (before.state != UrlState::kDone) return false;
  before.due_us = after.due_us;
  before.recrawl_us = after.recrawl_us;
  before.lastmod_s = after.lastmod_s;
  before.commit = after.commit;
  if (before.first_commit == 0) before.first_commit = after.first_commit;
  return before == after;
}

bool MovedAhead(const UrlRecord& before, const UrlRecord& after) {
  return before.state == UrlState::kPending && after.state == UrlState::kPending && before.generation == after.generation &&
         before.attempt == after.attempt && after.queue_position != 0 && after.queue_position < before.queue_position;
}

std::string Name(const Fingerprint& key) { return key.ToHex().substr(0, 12); }

}  // namespace

void CommitCheck::Track(const std::string& key, const std::string& value) {
  auto record = DecodeUrlRecord(value);
  if (!record.ok() || KeyOf(key).empty()) {
    violations_.Add("records", "a record that cannot be read was written");
    return;
  }
  History& history = records_[KeyOf(key)];
  if (!history.steps.empty()) {
    const Step& last = history.steps.back();
    bool was_over = last.state == UrlState::kDone || last.state == UrlState::kFailed;
    if (was_over && record->generation == last.generation && !OnlyPlanned(history.last, *record)) {
      violations_.Add("committed-once", "{} was over in state {} and is written again in state {}", record->url,
                      static_cast<int>(last.state), static_cast<int>(record->state));
    }
    if (record->generation == last.generation && record->attempt < last.attempt) {
      violations_.Add("committed-once", "{} goes back from attempt {} to {}", record->url, last.attempt, record->attempt);
    }
    if (record->generation < last.generation) {
      violations_.Add("committed-once", "{} goes back from visit {} to {}", record->url, last.generation, record->generation);
    }
    // What has been fetched stays so, whatever a later visit brings.
    if (history.last.has_page() && !record->has_page()) {
      violations_.Add("committed-once", "{} was done and ends as {}", record->url, static_cast<int>(record->state));
    }
  }
  if (record->state != UrlState::kPending) ++commits_;
  if (!history.steps.empty() && MovedAhead(history.last, *record)) ++moves_;
  uint32_t& generation = generations_[record->url];
  generation = std::max(generation, record->generation);
  if (!history.steps.empty()) CountRefused(history.last, -1);
  CountRefused(*record, 1);
  history.steps.push_back({writes_, record->state, record->generation, record->attempt});
  history.last = *std::move(record);
}

void CommitCheck::CountRefused(const UrlRecord& record, int64_t by) {
  if (record.state == UrlState::kRefused && RefusesWhenFound(record.reason)) refused_when_found_[HostOf(record.url)] += by;
}

uint64_t CommitCheck::RefusedWhenFound(const std::string& host) const {
  auto it = refused_when_found_.find(host);
  return it == refused_when_found_.end() ? 0 : static_cast<uint64_t>(std::max<int64_t>(0, it->second));
}

void CommitCheck::OnWrite(const KvBatch& batch) {
  ++writes_;
  for (const KvBatch::Change& change : batch) {
    if (change.family != Family::kUrls) continue;
    if (change.kind != KvBatch::Kind::kPut) violations_.Add("committed-once", "the record of a URL was deleted");
    else Track(std::string(change.key), std::string(change.value));
  }
}

void CommitCheck::OnSync() {
  durable_ = writes_;
  ++syncs_;
}

void CommitCheck::OnReopened(const Kv& kv) {
  absl::flat_hash_map<Fingerprint, History> before = std::move(records_);
  records_.clear();
  refused_when_found_.clear();
  ++writes_;
  auto status = kv.Scan(Family::kUrls, "", "", [&](std::string_view key, std::string_view value) {
    Track(std::string(key), std::string(value));
    return true;
  });
  if (!status.ok()) violations_.Add("records", "the store cannot be read after it was opened again");
  // What was synced must still be there, and as far as it was.
  for (const auto& [key, history] : before) {
    auto last = std::find_if(history.steps.rbegin(), history.steps.rend(),
                             [&](const Step& step) { return step.write <= durable_; });
    if (last == history.steps.rend()) continue;
    auto now = records_.find(key);
    if (now == records_.end()) {
      violations_.Add("records", "{} was durable and is gone after a restart", history.last.url);
    } else if (std::pair(now->second.last.generation, now->second.last.attempt) < std::pair(last->generation, last->attempt)) {
      violations_.Add("records", "{} lost durable attempts in a restart", history.last.url);
    } else {
      now->second.steps.insert(now->second.steps.begin(), history.steps.begin(), last.base());
    }
  }
  reopened_ = writes_;  // what of it was not synced before is still not durable
}

void CommitCheck::OnLedger(const LedgerCounts& ledger) {
  if (!ledger.AddsUp()) {
    violations_.Add("ledger", "discovered {} is not pending {} + done {} + failed + refused", ledger.discovered,
                    ledger.pending, ledger.done);
  }
}

bool CommitCheck::DurablyOver(const Fingerprint& key, uint32_t generation, uint32_t attempt) const {
  if (unknown_.contains({key, generation, attempt})) return true;
  auto it = records_.find(key);
  if (it == records_.end()) return false;
  return std::any_of(it->second.steps.begin(), it->second.steps.end(), [&](const Step& step) {
    if (step.write > durable_) return false;
    if (step.generation != generation) return step.generation > generation;
    return step.state != UrlState::kPending || step.attempt > attempt;
  });
}

void CommitCheck::OnPageSent(const wire::Frame& frame) {
  const wire::Page& page = frame.page();
  SentPage& sent = pages_[{frame.session(), page.page_id()}];
  sent.url = page.ticket().url();
  sent.key = Fingerprint::FromBytes(page.ticket().key());
  sent.generation = page.ticket().generation();
  sent.attempt = page.ticket().attempt();
  sent.robots = page.robots();
}

void CommitCheck::OnPageAckSent(uint64_t fetcher_session, const wire::PageAck& ack) {
  for (uint64_t id : ack.page_ids()) {
    auto it = pages_.find({fetcher_session, id});
    if (it == pages_.end()) {
      violations_.Add("ack", "page {} is acknowledged and was never sent", id);
      continue;
    }
    const SentPage& page = it->second;
    if (!copy_synced_(page.url)) {
      violations_.Add("ack", "{} is acknowledged to its fetcher before any copy of it is synced", page.url);
    }
    if (!page.robots && !DurablyOver(page.key, page.generation, page.attempt)) {
      violations_.Add("ack", "{} is acknowledged to its fetcher before its end is durable", page.url);
    }
  }
}

void CommitCheck::OnResultSent(const std::string& from, const wire::PageResult& result) {
  ends_.insert({from, Fingerprint::FromBytes(result.ticket().key()), result.ticket().generation(), result.ticket().attempt()});
  WarcPlace place{result.place().pages_dir_id(), result.place().file(), result.place().offset(), result.place().length(),
                  result.place().record_digest()};
  if (!page_synced_(place, result.ticket().url())) {
    violations_.Add("page-sync", "the result of {} is reported before its page is synced", result.ticket().url());
  }
}

void CommitCheck::OnEndedSent(const std::string& from, const wire::UrlEnded& ended) {
  const bool over = IsRefusal(static_cast<Outcome>(ended.outcome()));  // others may leave the record as it is
  const wire::UrlTicket& ticket = ended.ticket();
  (over ? ends_ : given_back_).insert({from, Fingerprint::FromBytes(ticket.key()), ticket.generation(), ticket.attempt()});
}

bool CommitCheck::ForgottenByCrash(const Fingerprint& key, uint32_t generation, uint32_t attempt) const {
  auto it = records_.find(key);
  if (it == records_.end()) return true;
  auto at_reopening = std::find_if(it->second.steps.rbegin(), it->second.steps.rend(),
                                   [&](const Step& step) { return step.write <= reopened_; });
  return at_reopening == it->second.steps.rend() ||
         std::pair(at_reopening->generation, at_reopening->attempt) < std::pair(generation, attempt);
}

void CommitCheck::OnEndedAckSent(const std::string& to, const wire::EndedAck& ack) {
  for (const wire::EndedAck::One& one : ack.ended()) {
    Fingerprint key = Fingerprint::FromBytes(one.key());
    const Told told{to, key, one.generation(), one.attempt()};
    if (given_back_.erase(told) > 0 || !ends_.contains(told)) continue;
    // Handed out before it was durable, and lost by a crash: the page that names it is handed in again and finds it anew.
    if (one.superseded() && ForgottenByCrash(key, one.generation(), one.attempt())) unknown_.insert({key, one.generation(), one.attempt()});
    if (!DurablyOver(key, one.generation(), one.attempt())) {
      violations_.Add("ack", "the end of {} (attempt {}) is acknowledged before it is durable",
                      records_.contains(key) ? records_[key].last.url : Name(key), one.attempt());
    }
  }
}

void CommitCheck::OnUrlEnd(const std::string& url) {
  const auto known = generations_.find(url);
  const uint32_t visits = known == generations_.end() ? 1 : known->second + 1;
  if (++ended_[url] > visits) violations_.Add("committed-once", "the end of {} was told {} times in {} visits", url, ended_[url], visits);
}

uint64_t CommitCheck::visits() const {
  uint64_t sum = 0;
  for (const auto& [key, history] : records_) sum += history.last.generation;
  return sum;
}

// Nodes that are told to end do not come back should a crash take the last ends away.
void CommitCheck::OnFinishTold() {
  for (const auto& [key, history] : records_) {
    auto durable = std::find_if(history.steps.rbegin(), history.steps.rend(),
                                [&](const Step& step) { return step.write <= durable_; });
    if (durable != history.steps.rend() && durable->state != UrlState::kPending) continue;
    violations_.Add("end", "the crawl is said to be finished before the end of {} is durable", history.last.url);
  }
}

std::map<std::string, CommitCheck::Tracked> CommitCheck::Records() const {
  std::map<std::string, Tracked> records;
  for (const auto& [key, history] : records_) {
    const UrlRecord& last = history.last;
    records[Name(key) + " " + last.url] = {last.state, last.reason, last.status, last.url, last.place};
  }
  return records;
}

}  // namespace weft::test
