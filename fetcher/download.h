// One download in progress: gathers the body in payload chunks within the fetcher's body budget.
// Thread rule: the fetcher's loop.
#pragma once

#include <absl/functional/any_invocable.h>

#include <memory>
#include <string>
#include <vector>

#include "common/bus.h"
#include "fetcher/body_budget.h"
#include "fetcher/transport.h"

namespace weft {

class Download : public FetchSink {
 public:
  // `id` ascends with time. `on_end` may destroy this object.
  Download(uint64_t id, BodyBudget& budget, absl::AnyInvocable<void(Download&, FetchResult)> on_end)
      : id_(id), budget_(budget), on_end_(std::move(on_end)) {
    budget_.Begin(id_);
  }

  Next OnBody(std::string_view bytes) override {
    // Never more than one new chunk a call: curl hands out at most 16 KiB.
    if (open_.size() + bytes.size() > kMaxPayloadBytes) {
      if (!budget_.Grow(id_)) return Next::kPause;
      ++reserved_;
      CloseChunk();
    }
    for (; bytes.size() > kMaxPayloadBytes; bytes.remove_prefix(kMaxPayloadBytes)) {
      chunks_.push_back(std::make_shared<const std::string>(bytes.substr(0, kMaxPayloadBytes)));
      total_ += kMaxPayloadBytes;
    }
    open_.append(bytes);
    total_ += bytes.size();
    return Next::kContinue;
  }

  void OnEnd(FetchResult result) override {
    CloseChunk();
    on_end_(*this, std::move(result));
  }

  // Ends the reservation: `kept` bytes stay used until they are released.
  void Settle(uint64_t kept) { budget_.End(id_, reserved_, kept); }
  std::vector<Payload> TakeChunks() { return std::move(chunks_); }
  std::string Joined() const {
    std::string all;
    for (const Payload& chunk : chunks_) all += *chunk;
    return all;
  }
  uint64_t id() const { return id_; }
  uint64_t total() const { return total_; }

 private:
  void CloseChunk() {
    if (open_.empty()) return;
    chunks_.push_back(std::make_shared<const std::string>(std::move(open_)));
    open_.clear();
  }

  uint64_t id_;
  BodyBudget& budget_;
  absl::AnyInvocable<void(Download&, FetchResult)> on_end_;
  uint64_t reserved_ = 1;
  uint64_t total_ = 0;
  std::string open_;
  std::vector<Payload> chunks_;
};

}  // namespace weft
