// A Kv that tells a tap what was written to it and when it became durable, in front of any other Kv.
// Thread rule: as Kv; the simulation uses one thread.
#pragma once

#include <memory>

#include "storage/kv.h"

namespace weft::test {

class KvTap {
 public:
  virtual ~KvTap() = default;
  virtual void OnWrite(const KvBatch& batch) = 0;
  // All writes told before are durable.
  virtual void OnSync() = 0;
};

class SimKv : public Kv {
 public:
  SimKv(std::unique_ptr<Kv> kv, KvTap& tap) : kv_(std::move(kv)), tap_(tap) {}

  absl::StatusOr<std::optional<std::string>> Get(Family family, std::string_view key) const override {
    return kv_->Get(family, key);
  }
  absl::StatusOr<std::vector<std::optional<std::string>>> MultiGet(Family family,
                                                                 std::span<const std::string> keys) const override {
    return kv_->MultiGet(family, keys);
  }
  absl::Status Write(const KvBatch& batch) override {
    absl::Status status = kv_->Write(batch);
    if (status.ok()) tap_.OnWrite(batch);
    return status;
  }
  absl::Status Sync() override {
    absl::Status status = kv_->Sync();
    if (status.ok()) tap_.OnSync();
    return status;
  }
  absl::Status Scan(Family family, std::string_view from, std::string_view to,
                    absl::FunctionRef<bool(std::string_view, std::string_view)> visit) const override {
    return kv_->Scan(family, from, to, visit);
  }

 private:
  std::unique_ptr<Kv> kv_;
  KvTap& tap_;
};

}  // namespace weft::test
