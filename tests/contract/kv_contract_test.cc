// What every Kv must do, run on the real one and on the fake.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <memory>
#include <thread>

#include "common/random.h"
#include "storage/rocks_kv.h"
#include "tests/support/memory_kv.h"

namespace weft {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Optional;
using testing::Pair;

// A place that stores are opened on, one after the other.
class Place {
 public:
  virtual ~Place() = default;
  virtual std::unique_ptr<Kv> Open() = 0;
};

class RocksPlace : public Place {
 public:
  RocksPlace() {
    std::string name = (std::filesystem::temp_directory_path() / "weft_kv_XXXXXX").string();
    if (mkdtemp(name.data()) != nullptr) directory_ = name;
  }
  ~RocksPlace() override { std::filesystem::remove_all(directory_); }
  std::unique_ptr<Kv> Open() override {
    auto kv = OpenRocksKv({.path = path()});
    EXPECT_TRUE(kv.ok()) << kv.status();
    return kv.ok() ? std::move(*kv) : nullptr;
  }
  std::string path() const { return directory_ + "/crawl.db"; }

 private:
  std::string directory_;
};

class MemoryPlace : public Place {
 public:
  std::unique_ptr<Kv> Open() override { return test::OpenMemoryKv(disk_); }

 private:
  test::MemoryDisk disk_;
};

using Rows = std::vector<std::pair<std::string, std::string>>;

Rows ScanAll(const Kv& kv, Family family, std::string_view from = "", std::string_view to = "", size_t limit = 1000) {
  Rows rows;
  absl::Status status = kv.Scan(family, from, to, [&](std::string_view key, std::string_view value) {
    rows.emplace_back(key, value);
    return rows.size() < limit;
  });
  EXPECT_TRUE(status.ok()) << status;
  return rows;
}

void Put(Kv& kv, Family family, std::string key, std::string value) {
  KvBatch batch;
  batch.Put(family, std::move(key), std::move(value));
  ASSERT_TRUE(kv.Write(batch).ok());
}

class KvContract : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    if (GetParam()) {
      place_ = std::make_unique<RocksPlace>();
    } else {
      place_ = std::make_unique<MemoryPlace>();
    }
    kv_ = place_->Open();
    ASSERT_NE(kv_, nullptr);
  }
  std::optional<std::string> Get(Family family, std::string_view key) {
    auto value = kv_->Get(family, key);
    EXPECT_TRUE(value.ok()) << value.status();
    return value.ok() ? *value : std::nullopt;
  }
  std::unique_ptr<Place> place_;
  std::unique_ptr<Kv> kv_;
};

TEST_P(KvContract, MissingKeyIsNulloptNotAnError) { EXPECT_EQ(Get(Family::kUrls, "none"), std::nullopt); }

TEST_P(KvContract, WriteIsVisibleAtOnce) {
  Put(*kv_, Family::kUrls, "a", "1");
  EXPECT_THAT(Get(Family::kUrls, "a"), Optional(std::string("1")));
}

TEST_P(KvContract, EmptyValueIsThere) {
  Put(*kv_, Family::kQueue, "a", "");
  EXPECT_THAT(Get(Family::kQueue, "a"), Optional(std::string()));
}

TEST_P(KvContract, FamiliesDoNotMix) {
  Put(*kv_, Family::kUrls, "a", "1");
  for (Family other : {Family::kQueue, Family::kHosts, Family::kDue, Family::kMeta}) {
    EXPECT_EQ(Get(other, "a"), std::nullopt);
    EXPECT_THAT(ScanAll(*kv_, other), IsEmpty());
  }
}

TEST_P(KvContract, ChangesOfABatchApplyInOrder) {
  KvBatch batch;
  batch.Put(Family::kUrls, "a", "1");
  batch.Delete(Family::kUrls, "a");
  batch.Put(Family::kUrls, "b", "1");
  batch.Put(Family::kUrls, "b", "2");
  batch.Delete(Family::kUrls, "never there");
  ASSERT_TRUE(kv_->Write(batch).ok());
  EXPECT_THAT(ScanAll(*kv_, Family::kUrls), ElementsAre(Pair("b", "2")));
}

TEST_P(KvContract, MultiGetAnswersInTheOrderOfTheKeys) {
  Put(*kv_, Family::kUrls, "a", "1");
  Put(*kv_, Family::kUrls, "c", "3");
  std::vector<std::string> keys = {"c", "b", "a", "c"};
  auto values = kv_->MultiGet(Family::kUrls, keys);
  ASSERT_TRUE(values.ok());
  EXPECT_THAT(*values, ElementsAre(Optional(std::string("3")), std::nullopt, Optional(std::string("1")),
                                   Optional(std::string("3"))));
  EXPECT_THAT(*kv_->MultiGet(Family::kUrls, {}), IsEmpty());
}

TEST_P(KvContract, AVisitMayRead) {
  Put(*kv_, Family::kUrls, "a", "1");
  Put(*kv_, Family::kUrls, "b", "2");
  Put(*kv_, Family::kHosts, "a", "x");
  std::string read;
  ASSERT_TRUE(kv_->Scan(Family::kUrls, "", "", [&](std::string_view key, std::string_view) {
    read += Get(Family::kHosts, key).value_or("-");
    return true;
  }).ok());
  EXPECT_EQ(read, "x-");
}

TEST_P(KvContract, ScanIsInByteOrderFromInclusiveToExclusive) {
  for (const char* key : {"b", "a", "\xff", "c", "ca"}) Put(*kv_, Family::kQueue, key, key);
  EXPECT_THAT(ScanAll(*kv_, Family::kQueue, "b", "ca"), ElementsAre(Pair("b", "b"), Pair("c", "c")));
  EXPECT_THAT(ScanAll(*kv_, Family::kQueue, "ca"), ElementsAre(Pair("ca", "ca"), Pair("\xff", "\xff")));
  EXPECT_THAT(ScanAll(*kv_, Family::kQueue, "c", "b"), IsEmpty());
}

TEST_P(KvContract, ScanStopsWhenTheVisitorSaysSo) {
  for (const char* key : {"a", "b", "c"}) Put(*kv_, Family::kQueue, key, "");
  EXPECT_EQ(ScanAll(*kv_, Family::kQueue, "", "", 2).size(), 2u);
}

TEST_P(KvContract, KeysAndValuesAreAnyBytes) {
  std::string key("\0\x01\xff\0", 4);
  std::string value("\0\n\xff", 3);
  Put(*kv_, Family::kMeta, key, value);
  EXPECT_THAT(Get(Family::kMeta, key), Optional(value));
  EXPECT_THAT(ScanAll(*kv_, Family::kMeta, key), ElementsAre(Pair(key, value)));
}

TEST_P(KvContract, EverythingIsThereAfterReopening) {
  Put(*kv_, Family::kUrls, "a", "1");
  ASSERT_TRUE(kv_->Sync().ok());
  Put(*kv_, Family::kDue, "b", "2");
  kv_.reset();
  kv_ = place_->Open();
  EXPECT_THAT(Get(Family::kUrls, "a"), Optional(std::string("1")));
  EXPECT_THAT(Get(Family::kDue, "b"), Optional(std::string("2")));
}

TEST_P(KvContract, SyncMayRunBesideWrites) {
  std::thread other([&] {
    for (int i = 0; i < 20; ++i) EXPECT_TRUE(kv_->Sync().ok());
  });
  for (int i = 0; i < 200; ++i) Put(*kv_, Family::kUrls, fmt::format("{:04}", i), "x");
  other.join();
  EXPECT_EQ(ScanAll(*kv_, Family::kUrls).size(), 200u);
}

TEST_P(KvContract, BehavesAsAMapUnderRandomBatches) {
  uint64_t seed = 20240607;
  SCOPED_TRACE(fmt::format("seed {}", seed));
  auto random = SeededRandom(seed);
  std::map<std::string, std::string> model;
  for (int round = 0; round < 60; ++round) {
    KvBatch batch;
    for (uint64_t i = random->Below(20); i > 0; --i) {
      std::string key = fmt::format("{:02}", random->Below(40));
      if (random->Below(3) == 0) {
        batch.Delete(Family::kQueue, key);
        model.erase(key);
      } else {
        std::string value = fmt::format("{}", random->Below(1000));
        batch.Put(Family::kQueue, key, value);
        model[key] = value;
      }
    }
    ASSERT_TRUE(kv_->Write(batch).ok());
    if (round % 20 == 19) {
      kv_.reset();
      kv_ = place_->Open();
    }
    ASSERT_EQ(ScanAll(*kv_, Family::kQueue), Rows(model.begin(), model.end()));
  }
}

INSTANTIATE_TEST_SUITE_P(Kv, KvContract, testing::Bool(),
                         [](const auto& param_info) { return param_info.param ? "Rocks" : "Memory"; });

// --- RocksKv alone ---

TEST(RocksKv, SecondOpenerIsTurnedAway) {
  RocksPlace place;
  auto kv = place.Open();
  EXPECT_EQ(OpenRocksKv({.path = place.path()}).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST(RocksKv, DirectoryOfOthersIsNotTouched) {
  RocksPlace place;
  std::filesystem::create_directories(place.path());
  std::filesystem::create_directories(place.path() + "/letters");
  absl::Status status = OpenRocksKv({.path = place.path()}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), testing::HasSubstr("letters"));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(place.path()), {}), 1);
}

TEST(RocksKv, ReadOnlySeesEverythingAndWritesNothing) {
  RocksPlace place;
  auto kv = place.Open();
  Put(*kv, Family::kUrls, "a", "1");
  kv.reset();
  auto reader = OpenRocksKv({.path = place.path(), .read_only = true});
  ASSERT_TRUE(reader.ok()) << reader.status();
  EXPECT_TRUE((*reader)->read_only());
  EXPECT_THAT(ScanAll(**reader, Family::kUrls), ElementsAre(Pair("a", "1")));
  EXPECT_FALSE((*reader)->Write(KvBatch()).ok());
}

TEST(RocksKv, ReadOnlyCreatesNothing) {
  RocksPlace place;
  absl::Status status = OpenRocksKv({.path = place.path(), .read_only = true}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_FALSE(std::filesystem::exists(place.path()));
}

TEST(RocksKv, TornLogTailLosesOnlyTheTail) {
  RocksPlace place;
  auto kv = place.Open();
  for (int i = 0; i < 50; ++i) Put(*kv, Family::kUrls, fmt::format("{:02}", i), std::string(100, 'x'));
  kv.reset();
  for (const auto& entry : std::filesystem::directory_iterator(place.path())) {
    if (entry.path().extension() != ".log" || entry.file_size() == 0) continue;
    std::filesystem::resize_file(entry.path(), entry.file_size() - 150);
  }
  kv = place.Open();
  Rows rows = ScanAll(*kv, Family::kUrls);
  ASSERT_EQ(rows.size(), 48u);
  EXPECT_EQ(rows.back().first, "47");
}

// --- MemoryKv alone: what the disk does ---

TEST(MemoryKv, CrashKeepsWhatWasSyncedAndAPrefixOfTheRest) {
  auto random = SeededRandom(7);
  bool lost_some = false;
  bool kept_some = false;
  for (int round = 0; round < 20; ++round) {
    test::MemoryDisk disk;
    auto kv = test::OpenMemoryKv(disk);
    for (int i = 0; i < 5; ++i) Put(*kv, Family::kUrls, fmt::format("{}", i), "");
    ASSERT_TRUE(kv->Sync().ok());
    for (int i = 5; i < 9; ++i) Put(*kv, Family::kUrls, fmt::format("{}", i), "");
    disk.Crash(*random);
    kv = test::OpenMemoryKv(disk);
    Rows rows = ScanAll(*kv, Family::kUrls);
    ASSERT_GE(rows.size(), 5u);
    EXPECT_EQ(rows.back().first, fmt::format("{}", rows.size() - 1));
    lost_some |= rows.size() < 9;
    kept_some |= rows.size() > 5;
  }
  EXPECT_TRUE(lost_some && kept_some);
}

TEST(MemoryKv, StoreOfACrashedMachineIsDead) {
  test::MemoryDisk disk;
  auto kv = test::OpenMemoryKv(disk);
  disk.CrashToSynced();
  EXPECT_EQ(kv->Get(Family::kUrls, "a").status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_FALSE(kv->Write(KvBatch()).ok());
}

TEST(MemoryKv, FailedWriteIsNotVisibleAndEndsTheStore) {
  test::MemoryDisk disk;
  auto kv = test::OpenMemoryKv(disk);
  disk.FailWrite(2);
  Put(*kv, Family::kUrls, "a", "1");
  KvBatch batch;
  batch.Put(Family::kUrls, "b", "2");
  EXPECT_FALSE(kv->Write(batch).ok());
  EXPECT_FALSE(kv->Write(batch).ok());
  EXPECT_FALSE(kv->Sync().ok());
  kv = test::OpenMemoryKv(disk);
  EXPECT_THAT(ScanAll(*kv, Family::kUrls), ElementsAre(Pair("a", "1")));
  EXPECT_TRUE(kv->Write(batch).ok());
}

TEST(MemoryKv, FailedSyncMakesNothingDurable) {
  test::MemoryDisk disk;
  auto kv = test::OpenMemoryKv(disk);
  Put(*kv, Family::kUrls, "a", "1");
  disk.FailSync(1);
  EXPECT_FALSE(kv->Sync().ok());
  EXPECT_FALSE(kv->Sync().ok()) << "a sync is never retried";
  disk.CrashToSynced();
  kv = test::OpenMemoryKv(disk);
  EXPECT_THAT(ScanAll(*kv, Family::kUrls), IsEmpty());
}

TEST(MemoryKv, FullDiskIsResourceExhausted) {
  test::MemoryDisk disk;
  disk.set_capacity(10);
  auto kv = test::OpenMemoryKv(disk);
  Put(*kv, Family::kUrls, "a", "12345678");
  KvBatch batch;
  batch.Put(Family::kUrls, "b", "2");
  EXPECT_EQ(kv->Write(batch).code(), absl::StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace weft
