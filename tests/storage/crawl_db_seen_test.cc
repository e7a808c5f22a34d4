// The set of known URLs in front of the store: what it spares, and that it never knows what the store does not.
#include <stdlib.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <functional>
#include <utility>

#include "storage/rocks_kv.h"
#include "tests/storage/crawl_db_fixture.h"

namespace weft::test {
namespace {

namespace fs = std::filesystem;
using testing::Each;
using testing::ElementsAre;
using Kind = AttemptEnd::Kind;
constexpr char kA[] = "https://a.example/1";
constexpr char kB[] = "https://b.example/1";

// What a set keeps of a fingerprint.
using Kept = std::pair<uint64_t, uint32_t>;
Kept KeptOf(const Fingerprint& key) { return {key.lo, static_cast<uint32_t>(key.hi)}; }

std::map<Kept, SeenNote> EntriesOf(const SeenUrls& set) {
  std::map<Kept, SeenNote> entries;
  for (size_t i = 0; i < set.segments(); ++i) {
    std::string bytes;
    set.SaveSegment(i, bytes);
    ByteReader in(bytes);
    const uint32_t count = in.Fixed32();
    for (uint32_t entry = 0; entry < count; ++entry) {
      const char* at = bytes.data() + 16 + entry * 13;
      Kept kept;
      std::memcpy(&kept.first, at, 8);
      std::memcpy(&kept.second, at + 8, 4);
      entries.insert_or_assign(kept, SeenNote::FromBits(static_cast<uint8_t>(at[12])));
    }
  }
  return entries;
}

// Whether a link that `note` would not look up changes nothing of what `truth` says.
bool AsksOftenEnough(SeenNote note, SeenNote truth) {
  for (uint32_t depth = 0; depth < 64; ++depth) {
    if (note.LinkChangesNothing(depth) && !truth.LinkChangesNothing(depth)) return false;
  }
  return !note.settled() || truth.settled();
}

class CrawlDbSeen : public CrawlDbTest {
 protected:
  void SetUp() override {
    char name[] = "/tmp/weft-seen-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    directory_ = name;
    options_.seen_path = directory_ + "/crawl.seen";
    Reopen();
  }
  void TearDown() override {
    CrawlDbTest::TearDown();
    fs::remove_all(directory_);
  }

  // Every record is known, and nothing else is; no note is bolder than the record.
  void ExpectSetIsTheStores() {
    auto kv = OpenMemoryKv(disk_);
    std::map<Kept, SeenNote> entries = EntriesOf(*db_->seen());
    uint64_t records = 0;
    ASSERT_TRUE(kv->Scan(Family::kUrls, "", "", [&](std::string_view name, std::string_view value) {
      ++records;
      const UrlRecordHead head = DecodeUrlRecordHead(value).value();
      auto entry = entries.find(KeptOf(ParseUrlKey(name)->key));
      if (entry == entries.end()) {
        EXPECT_FALSE(db_->seen()->complete()) << "a record that the set does not know";
        return true;
      }
      EXPECT_TRUE(AsksOftenEnough(entry->second, SeenNoteOf(head.state, head.reason, head.depth)));
      entries.erase(entry);
      return true;
    }).ok());
    EXPECT_TRUE(entries.empty()) << entries.size() << " known URLs that have no record, of " << records;
  }
  // One whole snapshot, unless something goes wrong. True: the store names it.
  bool Save() {
    while (db_->SeenSaveDue()) {
      const absl::Status worked = db_->NextSeenPiece()();
      auto written = db_->SeenPieceWritten(worked);
      if (!worked.ok() || !written.ok()) return false;
      if (*written) return true;
    }
    return false;
  }
  void SaveAlways() {
    options_.seen_save_bytes = 0;
    Reopen();
  }
  std::vector<std::string> Files() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(directory_)) names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    return names;
  }
  uint64_t ReadsOf(const std::function<void()>& what) {
    const uint64_t before = disk_.reads();
    what();
    return disk_.reads() - before;
  }

  std::string directory_;
};

TEST_F(CrawlDbSeen, NewLinkIsWrittenWithoutARead) {
  Admit("https://a.example/of-the-same-host");
  EXPECT_EQ(ReadsOf([&] { EXPECT_EQ(Admit(kA), Admission::kQueued); }), 0u);
}

TEST_F(CrawlDbSeen, KnownLinkThatChangesNothingIsAnsweredWithoutARead) {
  Admit(kA, 2);
  EXPECT_EQ(ReadsOf([&] {
    for (uint32_t depth : {2u, 3u, 200u}) EXPECT_EQ(Admit(kA, depth), Admission::kKnown);
    EXPECT_EQ(Admit(kA, 0, Outcome::kScope), Admission::kKnown);
  }), 0u);
  Commit(End(kA, Kind::kDone));
  EXPECT_EQ(ReadsOf([&] { EXPECT_EQ(Admit(kA, 0), Admission::kKnown); }), 0u);
}

TEST_F(CrawlDbSeen, LinkThatIsNearerIsLookedUp) {
  Admit(kA, 5);
  EXPECT_EQ(ReadsOf([&] { Admit(kA, 3); }), 1u);
  EXPECT_EQ(Find(kA)->depth, 3u);
  EXPECT_EQ(ReadsOf([&] { Admit(kA, 3); }), 0u);
}

TEST_F(CrawlDbSeen, SeedAndSitemapOfAPendingUrlAreLookedUp) {
  Admit(kA, 0);
  Candidate c = MakeCandidate(kA, 4);
  c.seed = true;
  EXPECT_EQ(AdmitOne(c), Admission::kKnown);
  EXPECT_TRUE(Find(kA)->seed);
  c.seed = false;
  c.sitemap_level = 1;
  EXPECT_EQ(AdmitOne(c), Admission::kKnown);
  EXPECT_EQ(Find(kA)->sitemap_level, 1u);
}

TEST_F(CrawlDbSeen, RefusedByScopeIsTakenUpAlsoAfterARestart_Rule36) {
  Admit(kA, 1, Outcome::kScope);
  Admit(kB, 1, Outcome::kScope);
  EXPECT_EQ(Admit(kA, 1), Admission::kTakenUp);
  Reopen();
  EXPECT_EQ(Admit(kB, 1), Admission::kTakenUp);
  EXPECT_EQ(Admit(kA, 1), Admission::kKnown);
}

TEST_F(CrawlDbSeen, SightingBeyondTheCapIsNoKnownUrl_Rule35) {
  options_.refused_cap_per_host = 0;
  Reopen();
  EXPECT_EQ(Admit(kA, 1, Outcome::kScope), Admission::kSighting);
  EXPECT_EQ(Admit(kA, 1), Admission::kQueued);
}

TEST_F(CrawlDbSeen, WhatIsDecidedAnewIsLookedUpAgain) {
  Admit(kA, 4);
  Commit(End(kA, Kind::kFailed, Outcome::kDns));
  Admit(kB, 4);
  SaveAlways();
  ASSERT_TRUE(Save());
  ASSERT_EQ(*db_->RequeueFailed(0), 1u);
  ASSERT_EQ(*db_->Rejudge([](const UrlRecord& r) { return r.url == kB ? Outcome::kScope : Outcome::kNone; }, 0), 1u);
  for (bool reopened : {false, true}) {
    if (reopened) Reopen();
    ExpectSetIsTheStores();
  }
  EXPECT_EQ(Admit(kA, 2), Admission::kKnown);
  EXPECT_EQ(Find(kA)->depth, 2u);
  EXPECT_EQ(Admit(kB, 4), Admission::kTakenUp);
}

TEST_F(CrawlDbSeen, FailedWriteLeavesNothingKnown_Rule4) {
  for (auto batch : {MemoryDisk::FailedBatch::kLost, MemoryDisk::FailedBatch::kKept}) {
    const std::string url = batch == MemoryDisk::FailedBatch::kLost ? kA : kB;
    disk_.FailWrite(1, batch);
    Candidate c = MakeCandidate(url);
    ASSERT_FALSE(db_->Admit({&c, 1}, 0).ok());
    EXPECT_TRUE(EntriesOf(*db_->seen()).empty() || batch == MemoryDisk::FailedBatch::kKept);
    Reopen();
    ExpectSetIsTheStores();
    EXPECT_EQ(Admit(url), batch == MemoryDisk::FailedBatch::kLost ? Admission::kQueued : Admission::kKnown);
  }
}

TEST_F(CrawlDbSeen, CommitsThatACrashLostAreNotKnown_Rule13) {
  Admit(kA);
  ASSERT_TRUE(db_->Sync().ok());
  Admit(kB);
  disk_.CrashToSynced();
  Reopen();
  EXPECT_EQ(Admit(kA), Admission::kKnown);
  EXPECT_EQ(Admit(kB), Admission::kQueued);
}

TEST_F(CrawlDbSeen, SnapshotThatIsAheadOfTheStoreIsNotBelieved_Rule13) {
  Admit(kA);
  SaveAlways();
  ASSERT_TRUE(Save());
  ASSERT_TRUE(db_->Sync().ok());
  Admit(kB);
  ASSERT_TRUE(Save());   // complete on disk; that the store names it is lost
  EXPECT_THAT(Files(), ElementsAre("crawl.seen.a", "crawl.seen.b"));
  disk_.CrashToSynced();
  Reopen();
  ExpectSetIsTheStores();
  EXPECT_EQ(Admit(kB), Admission::kQueued);
}

TEST_F(CrawlDbSeen, SnapshotOfAnotherStateInTheNamedPlaceIsNotBelieved_Rule13) {
  Admit(kA);
  SaveAlways();
  ASSERT_TRUE(Save());
  ASSERT_TRUE(db_->Sync().ok());
  Admit(kB);
  ASSERT_TRUE(Save());
  disk_.CrashToSynced();   // as a copy of the store that is put back beside newer files
  fs::rename(directory_ + "/crawl.seen.b", directory_ + "/crawl.seen.a");
  Reopen();
  ExpectSetIsTheStores();
  EXPECT_EQ(Admit(kA), Admission::kKnown);
  EXPECT_EQ(Admit(kB), Admission::kQueued);
}

TEST_F(CrawlDbSeen, SnapshotThatIsMissingOrDamagedIsReplacedByTheRecords) {
  Admit(kA);
  Admit(kB, 1, Outcome::kScope);
  SaveAlways();
  for (bool missing : {true, false}) {
    ASSERT_TRUE(Save());
    const std::string file = directory_ + "/" + Files().back();
    if (missing) {
      for (const std::string& name : Files()) fs::remove(directory_ + "/" + name);
    } else {
      for (const std::string& name : Files()) fs::resize_file(directory_ + "/" + name, 60);
    }
    Reopen();
    ExpectSetIsTheStores();
    EXPECT_EQ(Admit(kA), Admission::kKnown);
    EXPECT_TRUE(db_->SeenSaveDue()) << "the next opening need not read the records";
  }
}

TEST_F(CrawlDbSeen, StoreOfAWeftWithoutASetIsReadFromTheRecords) {
  Admit(kA, 3);
  Admit(kB);
  Commit(End(kB, Kind::kDone));
  db_.reset();
  KvBatch before;
  before.Delete(Family::kMeta, "seen");
  before.DeleteRange(Family::kSeen, "", "\xff");
  ASSERT_TRUE(OpenMemoryKv(disk_)->Write(before).ok());
  Reopen();
  ExpectSetIsTheStores();
  EXPECT_EQ(ReadsOf([&] {
    EXPECT_EQ(Admit(kA, 3), Admission::kKnown);
    EXPECT_EQ(Admit(kB, 0), Admission::kKnown);
  }), 0u);
  // Until a snapshot was made the store does not claim to have noted everything.
  Admit("https://c.example/");
  Reopen();
  ExpectSetIsTheStores();
  ASSERT_TRUE(Save());
  Admit("https://d.example/");
  Reopen();
  ExpectSetIsTheStores();
}

TEST_F(CrawlDbSeen, SnapshotTakesOverWhatWasNotedAndTheOlderOneGoes) {
  SaveAlways();
  for (int round = 0; round < 4; ++round) {
    Admit(fmt::format("https://a.example/{}", round));
    ASSERT_TRUE(Save());
    uint64_t noted = 0;
    ASSERT_TRUE(OpenMemoryKv(disk_)->Scan(Family::kSeen, "", "", [&](std::string_view, std::string_view) {
      ++noted;
      return true;
    }).ok());
    EXPECT_EQ(noted, 0u);
    ASSERT_TRUE(db_->Sync().ok());
    ASSERT_TRUE(db_->OldSeenRemoval()().ok());
    EXPECT_EQ(Files().size(), 1u);
    Reopen();
    ExpectSetIsTheStores();
  }
}

TEST_F(CrawlDbSeen, FailedSnapshotIsNoFailureOfTheCrawlDb) {
  Admit(kA);
  SaveAlways();
  fs::remove_all(directory_);
  EXPECT_FALSE(Save());
  EXPECT_TRUE(db_->health().ok());
  EXPECT_EQ(Admit(kB), Admission::kQueued);
  Reopen();
  ExpectSetIsTheStores();
}

TEST_F(CrawlDbSeen, LinksThatComeWhileASnapshotIsWrittenAreKept) {
  options_.seen_memory_bytes = 6 << 20;
  options_.seen_save_bytes = 0;
  Reopen();
  std::vector<Candidate> many;
  for (int i = 0; i < 100'000; ++i) many.push_back(MakeCandidate(fmt::format("https://a.example/{}", i)));
  ASSERT_TRUE(db_->Admit(many, 0).ok());
  int pieces = 0;
  for (bool complete = false; !complete; ++pieces) {
    auto work = db_->NextSeenPiece();
    for (int i = 0; i < 50; ++i) Admit(fmt::format("https://b.example/{}-{}", pieces, i));
    auto written = db_->SeenPieceWritten(work());
    ASSERT_TRUE(written.ok());
    complete = *written;
    Admit(fmt::format("https://c.example/{}", pieces));
  }
  EXPECT_GT(pieces, 1);
  Reopen();
  ExpectSetIsTheStores();
  EXPECT_THAT(*db_->Admit(many, 0), Each(Admission::kKnown));
}

TEST_F(CrawlDbSeen, AnswersAreExactBeyondTheBudget) {
  options_.seen_memory_bytes = SeenUrls::kLeastMemory;
  options_.seen_save_bytes = 0;
  Reopen();
  for (int round = 0; round < 2; ++round) {
    std::vector<Candidate> some;
    for (int i = 0; i < 20'000; ++i) some.push_back(MakeCandidate(fmt::format("https://a.example/{}-{}", round, i)));
    EXPECT_THAT(*db_->Admit(some, 0), Each(Admission::kQueued));
    EXPECT_FALSE(db_->seen()->complete());
    const uint64_t reads = ReadsOf([&] { EXPECT_THAT(*db_->Admit(some, 0), Each(Admission::kKnown)); });
    EXPECT_GT(reads, 10'000u);
    if (round == 0) {
      ASSERT_TRUE(Save());
    }
    Reopen();
    EXPECT_THAT(*db_->Admit(some, 0), Each(Admission::kKnown));
  }
  EXPECT_EQ(db_->ledger().discovered, 40'000u);
}

// Random work over a disk that fails and crashes, with snapshots that are made, lost and mixed up.
class CrawlDbSeenRandom : public CrawlDbSeen {
 protected:
  void Run(uint64_t seed, int steps) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    dice_ = SeededRandom(seed);
    options_.seen_save_bytes = dice_->Below(3) * 300;
    options_.seen_memory_bytes = dice_->Below(2) == 0 ? SeenUrls::kLeastMemory : 1 << 20;
    Reopen();
    for (int step = 0; step < steps && !HasFatalFailure(); ++step) {
      const auto batch = Dice(2) ? MemoryDisk::FailedBatch::kLost : MemoryDisk::FailedBatch::kKept;
      if (Dice(12)) disk_.FailWrite(1 + dice_->Below(3), batch);
      if (Step().ok() && dice_->Below(10) != 0) continue;
      disk_.FailWrite(0);
      if (dice_->Below(2) == 0) disk_.Crash(*dice_);
      MixFiles();
      Reopen();
      ExpectSetIsTheStores();
    }
    disk_.FailWrite(0);
    Reopen();
    ExpectSetIsTheStores();
  }
  bool Dice(uint64_t sides) { return dice_->Below(sides) == 0; }

  absl::Status Step() {
    std::vector<Candidate> found;
    std::vector<AttemptEnd> ends;
    const auto any_url = [&] { return fmt::format("https://h{}.example/{}", dice_->Below(4), dice_->Below(150)); };
    switch (dice_->Below(8)) {
      case 0: return db_->Sync();
      case 1:
        for (uint64_t i = 0; i < 5; ++i) {
          ends.push_back(End(any_url(), static_cast<Kind>(dice_->Below(5)), Dice(2) ? Outcome::kScope : Outcome::kRobots));
        }
        return db_->Commit(ends, 0).status();
      case 2: return Dice(5) ? db_->RequeueFailed(0).status() : absl::OkStatus();
      case 3: {
        if (!Dice(5)) return absl::OkStatus();
        const uint64_t mark = dice_->Below(10);
        return db_->Rejudge([&](const UrlRecord& r) { return r.url.size() % 10 == mark ? Outcome::kScope : Outcome::kNone; }, 0).status();
      }
      case 4: {
        if (!db_->SeenSaveDue()) return absl::OkStatus();
        auto written = db_->SeenPieceWritten(db_->NextSeenPiece()());
        if (!written.ok() || !*written || Dice(2)) return written.status();
        absl::Status synced = db_->Sync();
        if (synced.ok()) synced = db_->OldSeenRemoval()();
        return synced;
      }
      default:
        for (uint64_t i = 0; i < 20; ++i) {
          found.push_back(MakeCandidate(any_url(), static_cast<uint32_t>(dice_->Below(70)), Dice(4) ? Outcome::kDepth : Outcome::kNone));
          found.back().seed = Dice(20);
        }
        return db_->Admit(found, 0).status();
    }
  }
  void MixFiles() {
    std::error_code ignored;
    const std::string a = directory_ + "/crawl.seen.a";
    const std::string b = directory_ + "/crawl.seen.b";
    if (Dice(6)) fs::remove(Dice(2) ? a : b, ignored);
    if (Dice(6)) fs::copy_file(a, b, fs::copy_options::overwrite_existing, ignored);
    if (Dice(6)) fs::copy_file(b, a, fs::copy_options::overwrite_existing, ignored);
  }

  std::unique_ptr<Random> dice_;
};

TEST_F(CrawlDbSeenRandom, NeverKnowsWhatTheStoreDoesNotOnAFailingDisk) {
  for (uint64_t seed = 1; seed <= 25 && !HasFailure(); ++seed) {
    db_.reset();
    std::destroy_at(&disk_);
    std::construct_at(&disk_);
    for (const std::string& name : Files()) fs::remove(directory_ + "/" + name);
    Run(seed, 150);
  }
}

TEST_F(CrawlDbSeen, RealStoreKeepsTheSetOverACleanEndAndASnapshot) {
  const std::string path = directory_ + "/crawl.db";
  for (int round = 0; round < 3; ++round) {
    options_.seen_save_bytes = round == 1 ? 0 : 1 << 20;
    db_.reset();
    auto kv = OpenRocksKv({.path = path});
    ASSERT_TRUE(kv.ok()) << kv.status();
    db_ = CrawlDb::Open(*std::move(kv), options_, *random_).value();
    EXPECT_EQ(EntriesOf(*db_->seen()).size(), static_cast<size_t>(round));
    if (round > 0) {
      EXPECT_EQ(Admit(kA), Admission::kKnown);
    }
    EXPECT_EQ(Admit(fmt::format("https://a.example/{}", round + 1)), Admission::kQueued);
    if (round == 1) {
      EXPECT_TRUE(Save());
    }
    EXPECT_EQ(db_->seen_reads(), 0u);
  }
}

}  // namespace
}  // namespace weft::test
