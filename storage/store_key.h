// Keys of the CrawlDb's families: the shard, then numbers in network byte order, so that keys stand in the order of shards
// and numbers. They are made for every URL, often several times: on the stack, of a fixed room. Pure functions; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/big_endian.h"
#include "common/fingerprint.h"

namespace weft {

class StoreKey {
 public:
  template <typename... Numbers>
  explicit StoreKey(Numbers... numbers) {
    static_assert((sizeof(numbers) + ... + 0) <= kLongest);
    (Add(numbers), ...);
  }
  // NOLINTNEXTLINE(google-explicit-constructor): it is the bytes
  operator std::string_view() const { return {bytes_.data(), size_}; }
  std::string Text() const { return std::string(bytes_.data(), size_); }

 private:
  static constexpr size_t kLongest = 26;
  template <std::unsigned_integral T>
  void Add(T number) {
    StoreBigEndian(number, bytes_.data() + size_);
    size_ += sizeof number;
  }
  std::array<char, kLongest> bytes_;
  size_t size_ = 0;
};

inline StoreKey UrlKey(uint16_t shard, const Fingerprint& key) { return StoreKey(shard, key.hi, key.lo); }
inline StoreKey QueueKey(uint16_t shard, uint64_t origin_id, uint64_t position) { return StoreKey(shard, origin_id, position); }
// What a queue's entry holds: the URL's key.
inline StoreKey QueueValue(const Fingerprint& key) { return StoreKey(key.hi, key.lo); }
inline StoreKey HostKey(uint16_t shard, uint64_t host_id) { return StoreKey(shard, host_id); }
// Microseconds on the crawl clock.
inline StoreKey DueKey(uint16_t shard, uint64_t due, const Fingerprint& key) { return StoreKey(shard, due, key.hi, key.lo); }
inline StoreKey FiledKey(uint16_t shard, uint64_t filed_at, uint64_t host_id) { return StoreKey(shard, filed_at, host_id); }
inline StoreKey SeenName(uint64_t commit) { return StoreKey(commit); }
// Before every key of a shard.
inline StoreKey ShardPrefix(uint16_t shard) { return StoreKey(shard); }

}  // namespace weft
