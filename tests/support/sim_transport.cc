#include "tests/support/sim_transport.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace weft::test {

SimTransport::SimTransport(SimClock& clock, const SimNodeClock& node_clock, Life life, std::string machine,
                           SyntheticWeb& web, RequestTap* tap, uint64_t seed, const SimTransportOptions& options,
                           EnterNode enter)
    : clock_(clock),
      node_clock_(node_clock),
      life_(life),
      machine_(std::move(machine)),
      web_(web),
      tap_(tap),
      random_(SeededRandom(seed)),
      options_(options),
      enter_(std::move(enter)),
      next_(1 + random_->Below(900'000)) {}

SimTransport::~SimTransport() {
  *alive_ = false;
  for (auto& [handle, transfer] : transfers_) TellOver(transfer);
}

void SimTransport::TellOver(Transfer& transfer) {
  if (!transfer.sent || transfer.over) return;
  transfer.over = true;
  if (tap_) tap_->OnResponseOver(transfer.seen);
}

void SimTransport::Later(Handle handle, absl::Duration wait, void (SimTransport::*step)(Handle)) {
  clock_.After(wait, life_, [this, handle, step, alive = alive_] {
    if (!*alive || !transfers_.contains(handle)) return;
    enter_([this, handle, step] {
      if (transfers_.contains(handle)) (this->*step)(handle);
    });
  });
}

Transport::Handle SimTransport::Start(const FetchRequest& request, FetchSink* sink) {
  Handle handle = next_++;
  Transfer& transfer = transfers_[handle];
  transfer.request = request;
  transfer.sink = sink;
  transfer.began = clock_.Now();
  transfer.result.began_wall = node_clock_.WallNow();
  transfer.result.ip = request.address.ToString();
  transfer.seen.id = life_ * 1'000'000 + handle;
  transfer.seen.fetcher = machine_;
  transfer.seen.life = life_;
  transfer.seen.origin = request.url.origin();
  transfer.seen.asked = clock_.Now();
  transfer.seen.host = std::string(request.url.host());
  transfer.seen.path = std::string(request.url.path_and_query());
  transfer.seen.start_by = node_clock_.ToWorld(request.start_by);
  Later(handle, options_.rtt * (0.5 + random_->Unit()), &SimTransport::Connect);
  Later(handle, options_.timeout, &SimTransport::TimeOut);
  return handle;
}

void SimTransport::Connect(Handle handle) {
  Transfer& transfer = transfers_[handle];
  if (node_clock_.SteadyNow() > transfer.request.start_by) {
    transfer.result.not_sent = true;
    return Fail(handle, Outcome::kTimeout, "start_by has passed");
  }
  if (web_.Refuses(transfer.seen.host, clock_.Now())) {
    return Fail(handle, Outcome::kConnect, fmt::format("connection refused by {}", transfer.result.ip));
  }
  transfer.sent = true;
  transfer.result.request_head =
      fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\n\r\n", transfer.seen.path, transfer.seen.host);
  transfer.answer = web_.Ask(transfer.seen.origin, transfer.seen.path, clock_.Now());
  transfer.seen.robots = transfer.answer.robots;
  if (tap_) tap_->OnRequest(transfer.seen);
  if (transfer.answer.kind == WebAnswer::Kind::kHangs) return;  // until the timeout
  absl::Duration think = transfer.answer.think + options_.rtt;
  if (transfer.answer.body.size() <= options_.piece) {
    // Fits into the client's receive buffer: the host has finished, whatever the client does meanwhile.
    clock_.After(think, kWorld, [this, handle, alive = alive_] {
      if (!*alive) return;
      if (auto it = transfers_.find(handle); it != transfers_.end()) TellOver(it->second);
    });
  }
  Later(handle, think, &SimTransport::Answer);
}

void SimTransport::Answer(Handle handle) {
  Transfer& transfer = transfers_[handle];
  transfer.answered = true;
  transfer.result.outcome = Outcome::kResponse;
  transfer.result.status = transfer.answer.status;
  transfer.result.response_head = transfer.answer.head;
  Body(handle);
}

void SimTransport::ScheduleBody(Handle handle) {
  const Transfer& transfer = transfers_[handle];
  size_t bytes = std::min(options_.piece, transfer.answer.body.size() - transfer.given);
  absl::Duration wait = absl::Seconds(static_cast<double>(bytes) / static_cast<double>(transfer.answer.bytes_per_second));
  Later(handle, wait, &SimTransport::Body);
}

void SimTransport::Body(Handle handle) {
  Transfer& transfer = transfers_[handle];
  if (transfer.paused) return;
  uint64_t room = transfer.request.max_body > 0 ? transfer.request.max_body - transfer.taken : UINT64_MAX;
  size_t left = transfer.answer.body.size() - transfer.given;
  size_t bytes = std::min({options_.piece, left, static_cast<size_t>(std::min<uint64_t>(room, SIZE_MAX))});
  if (bytes > 0) {
    FetchSink::Next next = transfer.sink->OnBody(std::string_view(transfer.answer.body).substr(transfer.given, bytes));
    auto it = transfers_.find(handle);
    if (it == transfers_.end()) return;  // cancelled from within
    if (next == FetchSink::Next::kPause) {
      it->second.paused = true;
      return;
    }
    it->second.given += bytes;
    it->second.taken += bytes;
    if (tap_) tap_->OnTaken(it->second.seen, bytes);
    if (next == FetchSink::Next::kStop) {
      it->second.result.truncated = "length";
      return Finish(handle);
    }
  }
  Transfer& after = transfers_[handle];
  if (after.given == after.answer.body.size()) return Finish(handle);
  if (after.request.max_body > 0 && after.taken >= after.request.max_body) {
    after.result.truncated = "length";
    return Finish(handle);
  }
  ScheduleBody(handle);
}

void SimTransport::Resume(Handle handle) {
  auto it = transfers_.find(handle);
  if (it == transfers_.end() || !it->second.paused) return;
  it->second.paused = false;
  Later(handle, absl::ZeroDuration(), &SimTransport::Body);
}

void SimTransport::TimeOut(Handle handle) {
  Transfer& transfer = transfers_[handle];
  if (!transfer.answered) return Fail(handle, Outcome::kTimeout, "no answer in time");
  transfer.result.truncated = "time";
  Finish(handle);
}

void SimTransport::Cancel(Handle handle) {
  auto it = transfers_.find(handle);
  if (it == transfers_.end()) return;
  TellOver(it->second);
  it->second.result.not_sent = !it->second.sent;
  if (it->second.answered) it->second.result.truncated = "time";
  it->second.result.outcome = Outcome::kTimeout;
  it->second.result.detail = "cancelled";
  Finish(handle);
}

void SimTransport::Fail(Handle handle, Outcome outcome, std::string detail) {
  Transfer& transfer = transfers_[handle];
  transfer.result.outcome = outcome;
  transfer.result.detail = std::move(detail);
  Finish(handle);
}

void SimTransport::Finish(Handle handle) {
  auto node = transfers_.extract(handle);
  Transfer& transfer = node.mapped();
  TellOver(transfer);
  transfer.result.ended_steady = node_clock_.SteadyNow();
  transfer.result.took = clock_.Now() - transfer.began;
  if (transfer.sent && tap_) tap_->OnAnswered(transfer.seen, transfer.answer, transfer.result);
  transfer.sink->OnEnd(std::move(transfer.result));
}

SimResolver::SimResolver(SimClock& clock, Life life, SyntheticWeb& web, uint64_t seed, EnterNode enter)
    : clock_(clock), life_(life), web_(web), random_(SeededRandom(seed)), enter_(std::move(enter)) {}

void SimResolver::Resolve(const std::string& host, uint16_t, Callback callback) {
  auto answer = [this, host, callback = std::move(callback)]() mutable {
    std::optional<IpAddress> address = web_.Resolve(host, clock_.Now());
    if (address) return callback(std::vector<IpAddress>{*address});
    callback(absl::NotFoundError(fmt::format("{} does not resolve", host)));
  };
  // A cached name is answered at once, from within this call.
  if (random_->Unit() < 0.2) return answer();
  absl::Duration wait = absl::Milliseconds(1 + static_cast<int64_t>(random_->Below(40)));
  clock_.After(wait, life_, [this, answer = std::move(answer), alive = alive_]() mutable {
    if (*alive) enter_(std::move(answer));
  });
}

}  // namespace weft::test
