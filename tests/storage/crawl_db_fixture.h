// A CrawlDb on a MemoryDisk, with short ways to say what a test wants. Keys are fingerprints of the URL.
#pragma once

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "common/url.h"
#include "storage/byte_coding.h"
#include "storage/crawl_db_state.h"
#include "tests/support/memory_kv.h"

namespace weft::test {

struct OriginAndHost {
  std::string origin;
  std::string host;
};
inline absl::StatusOr<OriginAndHost> SplitOrigin(const std::string& url) {
  auto parsed = Url::Parse(url);
  if (!parsed.ok()) return parsed.status();
  return OriginAndHost{parsed->origin(), std::string(parsed->host())};
}

struct UrlKeyParts {
  uint16_t shard = 0;
  Fingerprint key;
};
inline absl::StatusOr<UrlKeyParts> ParseUrlKey(std::string_view bytes) {
  ByteReader in(bytes);
  UrlKeyParts parts;
  parts.shard = in.Fixed16();
  parts.key = Fingerprint::FromBytes(in.Raw(16));
  if (!in.AtEnd()) return absl::DataLossError("not a key of a URL");
  return parts;
}

inline Candidate MakeCandidate(const std::string& url, uint32_t depth = 1, Outcome refused = Outcome::kNone) {
  Candidate c;
  c.key = Fingerprinter(1).Of(url);
  c.SetUrl(Url::Parse(url).value());
  EXPECT_EQ(c.url, url);
  c.shard = ShardOf(c.host());
  c.depth = depth;
  c.referrer = {7, 7};
  c.refused = refused;
  return c;
}

inline void ExpectSameCounts(const LedgerCounts& a, const LedgerCounts& b) {
  EXPECT_EQ(a.discovered, b.discovered);
  EXPECT_EQ(a.pending, b.pending);
  EXPECT_EQ(a.done, b.done);
  EXPECT_EQ(a.failed, b.failed);
  EXPECT_EQ(a.refused, b.refused);
  EXPECT_EQ(a.pages, b.pages);
  EXPECT_EQ(a.truncated, b.truncated);
  EXPECT_EQ(a.sightings, b.sightings);
  EXPECT_EQ(a.superseded, b.superseded);
  EXPECT_EQ(a.due_later, b.due_later);
  EXPECT_EQ(a.recrawl_changed, b.recrawl_changed);
  EXPECT_EQ(a.recrawl_unchanged, b.recrawl_unchanged);
  EXPECT_EQ(a.recrawl_missed, b.recrawl_missed);
}

class CrawlDbTest : public testing::Test {
 protected:
  void SetUp() override { Reopen(); }
  // Whatever a test did, the ledger adds up and is what the records say (rule 34).
  void TearDown() override {
    if (!db_ || !db_->health().ok()) return;
    EXPECT_TRUE(db_->ledger().AddsUp());
    auto recount = db_->Recount();
    ASSERT_TRUE(recount.ok()) << recount.status();
    ExpectSameCounts(db_->ledger(), *recount);
  }

  absl::Status TryOpen() {
    db_.reset();
    auto db = CrawlDb::Open(OpenMemoryKv(disk_), options_, *random_);
    if (db.ok()) db_ = std::move(*db);
    return db.status();
  }
  void Reopen() {
    absl::Status status = TryOpen();
    ASSERT_TRUE(status.ok()) << status;
  }

  Admission AdmitOne(const Candidate& c, CrawlTime now = 0) {
    auto answers = db_->Admit({&c, 1}, now);
    EXPECT_TRUE(answers.ok()) << answers.status();
    return answers.ok() ? answers->front() : Admission::kKnown;
  }
  Admission Admit(const std::string& url, uint32_t depth = 1, Outcome refused = Outcome::kNone) {
    return AdmitOne(MakeCandidate(url, depth, refused));
  }
  std::optional<UrlRecord> Find(const std::string& url) {
    Candidate c = MakeCandidate(url);
    auto record = db_->Find(c.key, c.shard);
    EXPECT_TRUE(record.ok()) << record.status();
    return record.ok() ? *record : std::nullopt;
  }
  // The end of the URL's current attempt.
  AttemptEnd End(const std::string& url, AttemptEnd::Kind kind, Outcome reason = Outcome::kNone) {
    Candidate c = MakeCandidate(url);
    AttemptEnd end;
    end.kind = kind;
    end.key = c.key;
    end.shard = c.shard;
    end.reason = reason;
    end.status = 200;
    end.fetched_at = absl::FromUnixSeconds(1);
    if (auto record = Find(url)) {
      end.generation = record->generation;
      end.attempt = record->attempt;
    }
    return end;
  }
  AttemptEnd Retry(const std::string& url, uint64_t after_us) {
    AttemptEnd end = End(url, AttemptEnd::Kind::kRetry);
    end.retry_after_us = after_us;
    return end;
  }
  AttemptEnd OwnKeyRedirect(const std::string& url, const std::string& new_url) {
    AttemptEnd end = End(url, AttemptEnd::Kind::kOwnKeyRedirect);
    end.new_url = new_url;
    return end;
  }
  CommitVerdict Commit(const AttemptEnd& end, CrawlTime now = 0) {
    auto verdicts = db_->Commit({&end, 1}, now);
    EXPECT_TRUE(verdicts.ok()) << verdicts.status();
    return verdicts.ok() ? verdicts->front() : CommitVerdict::kUnknownKey;
  }
  std::vector<QueuedUrl> Queue(const std::string& origin, uint64_t after = 0, size_t limit = 1000) {
    OriginAndHost parts = SplitOrigin(origin).value();
    auto queue = db_->ReadQueue(ShardOf(parts.host), origin, after, limit);
    EXPECT_TRUE(queue.ok()) << queue.status();
    return queue.ok() ? *queue : std::vector<QueuedUrl>();
  }
  std::vector<std::string> QueueUrls(const std::string& origin, uint64_t after = 0, size_t limit = 1000) {
    std::vector<std::string> urls;
    for (const QueuedUrl& queued : Queue(origin, after, limit)) urls.push_back(queued.record.url);
    return urls;
  }
  std::vector<uint64_t> Promote(CrawlTime now, size_t limit = 1000) {
    auto hosts = db_->PromoteDue(now, limit);
    EXPECT_TRUE(hosts.ok()) << hosts.status();
    return hosts.ok() ? *hosts : std::vector<uint64_t>();
  }
  // Reads the store behind the CrawlDb: every pending record has exactly one place, nothing else has one, and what
  // memory says of origins is what the records say.
  void CheckPlaces() {
    auto kv = OpenMemoryKv(disk_);
    std::map<std::string, uint64_t> pending;   // by origin
    size_t places = 0;
    ASSERT_TRUE(kv->Scan(Family::kUrls, "", "", [&](std::string_view key, std::string_view value) {
      absl::StatusOr<UrlRecord> record = DecodeUrlRecord(value);
      EXPECT_TRUE(record.ok());
      if (!record.ok()) return false;
      UrlKeyParts parts = ParseUrlKey(key).value();
      if (record->state == UrlState::kDone && record->due_us != 0) {
        places_of_records_.insert(DueKey(parts.shard, record->due_us, parts.key).Text());
        ++places;
      }
      if (record->state != UrlState::kPending) return true;
      EXPECT_NE(record->queue_position == 0, record->due_us == 0) << record->url;
      bool waits = record->due_us != 0;
      const StoreKey place = waits ? DueKey(parts.shard, record->due_us, parts.key)
                                   : QueueKey(parts.shard, record->origin_id, record->queue_position);
      places_of_records_.insert(place.Text());
      ++places;
      ++pending[SplitOrigin(record->url)->origin];
      return true;
    }).ok());
    EXPECT_EQ(places, places_of_records_.size());
    for (Family family : {Family::kQueue, Family::kDue}) {
      ASSERT_TRUE(kv->Scan(family, "", "", [&](std::string_view key, std::string_view) {
        EXPECT_EQ(places_of_records_.erase(std::string(key)), 1u) << "an entry that no record names";
        return true;
      }).ok());
    }
    EXPECT_TRUE(places_of_records_.empty()) << "a pending record that is in no queue";
    places_of_records_.clear();
    uint64_t in_hosts = 0;
    db_->ForEachHost([&](const HostState& host) {
      for (const OriginState& origin : host.origins) EXPECT_EQ(origin.pending, pending[origin.origin]) << origin.origin;
      in_hosts += host.pending();
    });
    EXPECT_EQ(in_hosts, db_->ledger().pending);
    auto recount = db_->Recount();
    ASSERT_TRUE(recount.ok()) << recount.status();
    ExpectSameCounts(db_->ledger(), *recount);
    EXPECT_TRUE(db_->ledger().AddsUp());
  }

  const HostState* Host(const std::string& host) { return db_->FindHost(host); }

  std::unique_ptr<Random> random_ = SeededRandom(5);
  MemoryDisk disk_;
  CrawlDbOptions options_;
  std::unique_ptr<CrawlDb> db_;

 private:
  std::set<std::string> places_of_records_;
};

}  // namespace weft::test
