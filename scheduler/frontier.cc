#include "scheduler/frontier.h"

#include <algorithm>
#include <utility>

#include "common/status.h"

namespace weft {

std::string_view HostOfOrigin(std::string_view origin) {
  size_t scheme = origin.find("://");
  if (scheme == std::string_view::npos) return {};
  std::string_view rest = origin.substr(scheme + 3);
  if (!rest.empty() && rest.front() == '[') return rest.substr(0, std::min(rest.size(), rest.find(']') + 1));
  return rest.substr(0, rest.find(':'));
}

void Frontier::Load(CrawlTime no_request_before) {
  no_request_before_ = no_request_before;
  filed_ = TimeWindow<uint64_t>(memory_.window);
  db_.TakeLowestInserts();
}

void Frontier::TakeInserts() {
  for (const auto& [origin, insert] : db_.TakeLowestInserts()) {
    const HostState* state = db_.FindHost(insert.shard, insert.host_id);
    if (state == nullptr) continue;
    FrontierHost* host = Find(insert.host_id);
    if (host == nullptr) {
      if (state->filed_at) filed_.Insert(insert.shard, {*state->filed_at, insert.host_id});
      continue;
    }
    host->shard = insert.shard;  // a host that was only lent for one request had none yet
    Lower(insert.host_id, origin, insert.position);
  }
}

FrontierHost* Frontier::Find(uint64_t host_id) {
  auto it = hosts_.find(host_id);
  return it == hosts_.end() ? nullptr : &it->second;
}

FrontierHost& Frontier::FindOrAdd(const HostState& state) {
  auto [it, added] = hosts_.try_emplace(state.id);
  FrontierHost& host = it->second;
  host.shard = state.shard;
  if (!added) return host;
  host.id = state.id;
  host.parked = parked_.contains(state.id);
  host.host = state.host;
  host.not_before = std::max({state.not_before, state.filed_at.value_or(0), no_request_before_});
  for (const OriginState& known : state.origins) {
    FrontierOrigin& origin = OriginOf(host, known.origin);
    origin.cursor = known.head == 0 ? 0 : known.head - 1;
    origin.not_before = known.not_before;
    origin.dry = known.pending == 0;
  }
  return host;
}

FrontierOrigin& Frontier::OriginOf(FrontierHost& host, std::string_view origin) {
  for (FrontierOrigin& known : host.origins) {
    if (known.origin == origin) return known;
  }
  FrontierOrigin& added = host.origins.emplace_back();
  added.origin = std::string(origin);
  return added;
}

const OutUrl* Frontier::FindOut(const Fingerprint& key) const {
  auto it = out_.find(key);
  return it == out_.end() ? nullptr : &it->second;
}

void Frontier::MarkOut(const Fingerprint& key, OutUrl out) {
  auto it = out_.find(key);
  if (it != out_.end()) TakeBack(it->second);
  FrontierHost* host = Find(out.host_id);
  const HostState* state = host == nullptr ? db_.FindHost(out.shard, out.host_id) : nullptr;
  if (state != nullptr) {
    host = &FindOrAdd(*state);
    Refile(*host);
  }
  if (host != nullptr) OriginOf(*host, out.origin).out.insert(out.position);
  out_[key] = std::move(out);
}

void Frontier::TakeBack(const OutUrl& out) {
  FrontierHost* host = Find(out.host_id);
  if (host != nullptr) OriginOf(*host, out.origin).out.erase(out.position);
}

void Frontier::Forget(const Fingerprint& key) {
  auto it = out_.find(key);
  if (it == out_.end()) return;
  TakeBack(it->second);
  out_.erase(it);
}

void Frontier::Return(const Fingerprint& key) {
  auto it = out_.find(key);
  if (it == out_.end()) return;
  OutUrl out = std::move(it->second);
  out_.erase(it);
  TakeBack(out);
  Lower(out.host_id, out.origin, out.position);
}

void Frontier::FillHeads(HostState& state) {
  FrontierHost* host = Find(state.id);
  if (host == nullptr) return;
  for (OriginState& told : state.origins) {
    auto origin = std::find_if(host->origins.begin(), host->origins.end(),
                               [&](const FrontierOrigin& one) { return one.origin == told.origin; });
    if (origin == host->origins.end()) continue;
    told.head = origin->cursor + 1;
    if (!origin->window.empty()) told.head = std::min(told.head, origin->window.front().position);
    if (!origin->out.empty()) told.head = std::min(told.head, *origin->out.begin());
  }
}

void Frontier::ReadAgain(uint64_t host_id, std::string_view origin_name) {
  FrontierHost* host = Find(host_id);
  if (host == nullptr) return;
  for (FrontierOrigin& origin : host->origins) {
    if (origin.origin == origin_name) DropWindow(origin);
  }
}

void Frontier::DropWindow(FrontierOrigin& origin) {
  if (!origin.window.empty()) origin.cursor = std::min(origin.cursor, origin.window.front().position - 1);
  origin.window.clear();
}

void Frontier::MoveUp(uint64_t host_id, std::string_view origin_name, QueuedUrl url) {
  constexpr size_t kMostMoved = 1024;   // in memory for one queue
  FrontierHost* host = Find(host_id);
  if (host == nullptr) return;   // the CrawlDb knows its head
  FrontierOrigin& origin = OriginOf(*host, origin_name);
  std::deque<QueuedUrl>& window = origin.window;
  std::erase_if(window, [&](const QueuedUrl& known) { return known.key == url.key; });
  if (window.size() >= kMostMoved) return Lower(host_id, origin_name, url.position);
  // Where nothing has been read that far it is read in its turn.
  const bool read_later = url.position > origin.cursor && (window.empty() || url.position > window.back().position);
  if (!read_later) {
    const auto behind = [](const QueuedUrl& known, uint64_t position) { return known.position < position; };
    window.insert(std::lower_bound(window.begin(), window.end(), url.position, behind), std::move(url));
  }
  const bool was_dry = std::exchange(origin.dry, false);
  if (was_dry || !host->in_ready) Refile(*host);
}

void Frontier::Lower(uint64_t host_id, std::string_view origin_name, uint64_t position) {
  FrontierHost* host = Find(host_id);
  if (host == nullptr) return;
  FrontierOrigin& origin = OriginOf(*host, origin_name);
  uint64_t before = position == 0 ? 0 : position - 1;
  if (before < origin.cursor) {
    // What the window holds lies behind the new cursor and is read again from there.
    DropWindow(origin);
    origin.cursor = std::min(origin.cursor, before);
  } else if (!origin.window.empty() && position <= origin.window.back().position) {
    DropWindow(origin);
  }
  bool was_dry = origin.dry;
  origin.dry = false;
  if (was_dry || !host->in_ready) Refile(*host);
}

void Frontier::Refile(FrontierHost& host) {
  if (host.in_ready) {
    ready_.erase({host.ready_key, host.id});
    LeaveTurn(host);
    host.in_ready = false;
  }
  if (host.busy || host.parked) return;
  std::optional<CrawlTime> earliest;
  for (const FrontierOrigin& origin : host.origins) {
    if (!origin.dry) earliest = std::min(earliest.value_or(origin.not_before), origin.not_before);
  }
  if (!earliest) {
    spent_.push_back(host.id);
    return;
  }
  host.ready_key = std::max(*earliest, host.not_before);
  host.in_ready = true;
  ready_.insert({host.ready_key, host.id});
}

void Frontier::MarkBusy(FrontierHost& host) {
  host.busy = true;
  Refile(host);
}

void Frontier::MarkFree(FrontierHost& host) {
  host.busy = false;
  Refile(host);
}

void Frontier::Park(FrontierHost& host, CrawlTime now) {
  const bool nothing_out = std::all_of(host.origins.begin(), host.origins.end(),
                                       [](const FrontierOrigin& origin) { return origin.out.empty(); });
  // What it had to wait for is over, and the CrawlDb knows the rest.
  const bool may_go = !host.busy && nothing_out && host.not_before <= now;
  parked_.insert(host.id);
  host.parked = true;
  Refile(host);
  if (may_go) hosts_.erase(host.id);
}

void Frontier::Unpark(uint16_t shard, uint64_t host_id) {
  if (parked_.erase(host_id) == 0) return;
  FrontierHost* host = Find(host_id);
  if (host == nullptr) {
    const HostState* state = db_.FindHost(shard, host_id);
    if (state == nullptr) return;
    host = &FindOrAdd(*state);
  }
  host->parked = false;
  Refile(*host);
}

std::optional<TimeWindow<uint64_t>::Found> Frontier::NextOnDisk() {
  const auto read = [this](uint16_t shard, const CrawlDb::FiledHost& from, size_t limit) {
    return db_.ReadFiled(shard, from, limit);
  };
  while (true) {
    auto first = filed_.First(read);
    if (!first.ok() || !*first) return std::nullopt;  // an error shows in the CrawlDb's health
    // It files itself where it is in memory, and when it is parked no more.
    if (!hosts_.contains((*first)->entry.item) && !parked_.contains((*first)->entry.item)) return **first;
    filed_.Erase((*first)->shard, (*first)->entry);
  }
}

// By what comes next in its queues; waiting is measured in the same unit.
int64_t Frontier::TurnKey(const FrontierHost& host) {
  constexpr int64_t kMicrosOfPoint = 1'000'000;
  int best = 255;
  for (const FrontierOrigin& origin : host.origins) {
    if (origin.dry && origin.window.empty()) continue;
    const uint64_t next = origin.window.empty() ? origin.cursor + 1 : origin.window.front().position;
    best = std::min(best, origin.window.empty() && origin.cursor == 0 ? kDefaultRank : RankOf(next));
  }
  return static_cast<int64_t>(host.ready_key) + (best - kDefaultRank) * kMicrosOfPoint;
}

void Frontier::LeaveTurn(FrontierHost& host) {
  if (host.turn_key) turns_.erase({*host.turn_key, host.id});
  host.turn_key.reset();
}

void Frontier::GatherReady(CrawlTime now) {
  while (turns_.size() < memory_.choice) {
    auto stored = NextOnDisk();
    const CrawlTime stored_time = stored ? std::max(stored->entry.time, no_request_before_) : 0;
    const bool here_first = !ready_.empty() && (!stored || ready_.begin()->first <= stored_time);
    if (here_first) {
      if (ready_.begin()->first > now) return;
      FrontierHost& host = hosts_.at(ready_.begin()->second);
      ready_.erase(ready_.begin());
      host.turn_key = TurnKey(host);
      turns_.insert({*host.turn_key, host.id});
      continue;
    }
    if (!stored || stored_time > now) return;
    filed_.Erase(stored->shard, stored->entry);
    const HostState* state = db_.FindHost(stored->shard, stored->entry.item);
    // Filed anew since it was read, or ended.
    if (state == nullptr || state->filed_at != stored->entry.time) continue;
    Refile(FindOrAdd(*state));
  }
}

FrontierHost* Frontier::NextReady(CrawlTime now) {
  DropIdle(now);
  GatherReady(now);
  return turns_.empty() ? nullptr : Find(turns_.begin()->second);
}

std::optional<CrawlTime> Frontier::NextReadyTime() {
  auto stored = NextOnDisk();
  std::optional<CrawlTime> next;
  if (stored) next = std::max(stored->entry.time, no_request_before_);
  if (!ready_.empty()) next = std::min(next.value_or(ready_.begin()->first), ready_.begin()->first);
  if (turns_.empty()) return next;
  // The time of all of these has come: whichever.
  const CrawlTime ready = hosts_.at(turns_.begin()->second).ready_key;
  return std::min(next.value_or(ready), ready);
}

// What is known of it here alone must not be lost: what is out, the wait of a host that the CrawlDb does not know.
bool Frontier::MayGo(const FrontierHost& host, CrawlTime now) const {
  if (host.busy) return false;
  for (const FrontierOrigin& origin : host.origins) {
    if (!origin.out.empty()) return false;
  }
  const HostState* state = db_.FindHost(host.shard, host.id);
  if (state == nullptr) return host.not_before <= now;
  if (host.in_ready) return !state->filed_at || host.ready_key <= *state->filed_at;
  return host.not_before <= std::max(now, state->not_before);
}

void Frontier::DropIdle(CrawlTime now) {
  constexpr int kAtOnce = 16;
  for (int tries = 0; tries < kAtOnce && !spent_.empty(); ++tries) {
    const uint64_t id = spent_.front();
    spent_.pop_front();
    FrontierHost* host = Find(id);
    if (host == nullptr || host->in_ready || host->busy) continue;
    if (MayGo(*host, now)) {
      hosts_.erase(id);
    } else {
      spent_.push_back(id);
    }
  }
  // Of those that are ready the last ones go; their turn finds them again in the CrawlDb's order.
  if (ready_.size() <= memory_.idle_hosts) return;
  std::vector<uint64_t> last;
  for (auto it = ready_.rbegin(); it != ready_.rend() && last.size() < kAtOnce; ++it) last.push_back(it->second);
  for (uint64_t id : last) {
    FrontierHost& host = hosts_.at(id);
    if (!MayGo(host, now)) continue;
    const HostState* state = db_.FindHost(host.shard, id);
    if (state != nullptr && state->filed_at) filed_.Insert(host.shard, {*state->filed_at, id});
    ready_.erase({host.ready_key, id});
    hosts_.erase(id);
  }
}

absl::Status Frontier::Refill(FrontierHost& host, FrontierOrigin& origin, size_t limit) {
  uint64_t after = origin.window.empty() ? origin.cursor : std::max(origin.cursor, origin.window.back().position);
  while (origin.window.size() < limit && !origin.dry) {
    // Each costs a read of its record, and whoever asks for work waits for them.
    size_t want = std::max<size_t>(16, 2 * (limit - origin.window.size()));
    WEFT_ASSIGN_OR_RETURN(std::vector<QueuedUrl> read, db_.ReadQueue(host.shard, origin.origin, after, want));
    if (read.size() < want) origin.dry = true;
    // Onwards even where all of it is out, or the same is read for ever.
    if (!read.empty()) after = read.back().position;
    for (QueuedUrl& url : read) {
      if (!out_.contains(url.key)) {
        origin.window.push_back(std::move(url));
      } else if (origin.window.empty()) {
        origin.cursor = std::max(origin.cursor, url.position);
      }
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<FrontierOrigin*> Frontier::PickOrigin(FrontierHost& host, CrawlTime now) {
  for (size_t i = 0; i < host.origins.size(); ++i) {
    FrontierOrigin& origin = host.origins[(host.turn + i) % host.origins.size()];
    if (origin.not_before > now) continue;
    WEFT_RETURN_IF_ERROR(Refill(host, origin, 1));
    if (origin.window.empty()) continue;
    // "Dry" speaks of the database; while the window holds something the origin still counts.
    origin.dry = false;
    host.turn = (host.turn + i + 1) % host.origins.size();
    return &origin;
  }
  Refile(host);
  return nullptr;
}

absl::StatusOr<std::vector<QueuedUrl>> Frontier::Take(FrontierHost& host, FrontierOrigin& origin, size_t limit) {
  origin.dry = false;
  WEFT_RETURN_IF_ERROR(Refill(host, origin, limit));
  std::vector<QueuedUrl> taken;
  while (taken.size() < limit && !origin.window.empty()) {
    origin.cursor = std::max(origin.cursor, origin.window.front().position);
    // It may have become known as out since it was read: a fetcher has registered that holds it.
    if (!out_.contains(origin.window.front().key)) taken.push_back(std::move(origin.window.front()));
    origin.window.pop_front();
  }
  if (!origin.window.empty()) origin.dry = false;
  return taken;
}

}  // namespace weft
