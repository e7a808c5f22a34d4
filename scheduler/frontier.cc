#include "scheduler/frontier.h"

#include <algorithm>

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
  db_.ForEachHost([&](const HostState& state) {
    if (state.pending() == 0) return;
    FrontierHost& host = FindOrAdd(state);
    host.not_before = std::max(host.not_before, no_request_before);
    for (const OriginState& origin : state.origins) {
      if (origin.pending > 0) OriginOf(host, origin.origin).dry = false;
    }
    Refile(host);
  });
  db_.TakeLowestInserts();
}

void Frontier::TakeInserts() {
  for (const auto& [origin, insert] : db_.TakeLowestInserts()) {
    const HostState* state = db_.FindHost(insert.shard, insert.host_id);
    if (state == nullptr) continue;
    FindOrAdd(*state);
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
  host.shard = state.shard;  // a host that was only lent for one request had none yet
  if (added) {
    host.id = state.id;
    host.host = state.host;
    host.not_before = state.not_before;
    for (const OriginState& known : state.origins) {
      if (known.not_before == 0) continue;
      FrontierOrigin& origin = OriginOf(host, known.origin);
      origin.not_before = known.not_before;
      origin.dry = known.pending == 0;
    }
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

void Frontier::Return(const Fingerprint& key) {
  auto it = out_.find(key);
  if (it == out_.end()) return;
  OutUrl out = std::move(it->second);
  out_.erase(it);
  Lower(out.host_id, out.origin, out.position);
}

void Frontier::ReadAgain(uint64_t host_id, std::string_view origin_name) {
  FrontierHost* host = Find(host_id);
  if (host == nullptr) return;
  for (FrontierOrigin& origin : host->origins) {
    if (origin.origin == origin_name) origin.window.clear();
  }
}

void Frontier::Lower(uint64_t host_id, std::string_view origin_name, uint64_t position) {
  FrontierHost* host = Find(host_id);
  if (host == nullptr) return;
  FrontierOrigin& origin = OriginOf(*host, origin_name);
  uint64_t before = position == 0 ? 0 : position - 1;
  if (before < origin.cursor) {
    // What the window holds lies behind the new cursor and is read again from there.
    origin.cursor = before;
    origin.window.clear();
  } else if (!origin.window.empty() && position <= origin.window.back().position) {
    origin.window.clear();
  }
  bool was_dry = origin.dry;
  origin.dry = false;
  if (was_dry || !host->in_ready) Refile(*host);
}

void Frontier::Refile(FrontierHost& host) {
  if (host.in_ready) {
    ready_.erase({host.ready_key, host.id});
    host.in_ready = false;
  }
  if (host.busy) return;
  std::optional<CrawlTime> earliest;
  for (const FrontierOrigin& origin : host.origins) {
    if (!origin.dry) earliest = std::min(earliest.value_or(origin.not_before), origin.not_before);
  }
  if (!earliest) return;
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

FrontierHost* Frontier::NextReady(CrawlTime now) {
  if (ready_.empty() || ready_.begin()->first > now) return nullptr;
  return Find(ready_.begin()->second);
}

std::optional<CrawlTime> Frontier::NextReadyTime() const {
  if (ready_.empty()) return std::nullopt;
  return ready_.begin()->first;
}

size_t Frontier::ready_count(CrawlTime now) const {
  size_t count = 0;
  for (auto it = ready_.begin(); it != ready_.end() && it->first <= now; ++it) ++count;
  return count;
}

absl::Status Frontier::Refill(FrontierHost& host, FrontierOrigin& origin, size_t limit) {
  uint64_t after = origin.window.empty() ? origin.cursor : origin.window.back().position;
  while (origin.window.size() < limit && !origin.dry) {
    size_t want = std::max<size_t>(64, 2 * (limit - origin.window.size()));
    WEFT_ASSIGN_OR_RETURN(std::vector<QueuedUrl> read, db_.ReadQueue(host.shard, origin.origin, after, want));
    if (read.size() < want) origin.dry = true;
    // Onwards even where all of it is out, or the same is read for ever.
    if (!read.empty()) after = read.back().position;
    for (QueuedUrl& url : read) {
      if (!out_.contains(url.key)) {
        origin.window.push_back(std::move(url));
      } else if (origin.window.empty()) {
        origin.cursor = url.position;
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
    origin.cursor = origin.window.front().position;
    // It may have become known as out since it was read: a fetcher has registered that holds it.
    if (!out_.contains(origin.window.front().key)) taken.push_back(std::move(origin.window.front()));
    origin.window.pop_front();
  }
  if (!origin.window.empty()) origin.dry = false;
  return taken;
}

}  // namespace weft
