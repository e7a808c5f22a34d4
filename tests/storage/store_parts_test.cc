// Credentials, notes, a mounted path, WebHDFS, and files that are read where they are.
#include <gtest/gtest.h>

#include "storage/aws_credentials.h"
#include "storage/directory_store.h"
#include "storage/store_note.h"
#include "storage/stored_source.h"
#include "storage/warc_pages.h"
#include "storage/warc_place.h"
#include "storage/webhdfs_store.h"
#include "tests/storage/object_store_support.h"
#include "tests/storage/warc_test_support.h"

namespace weft {
namespace {

using test::Answered;
using test::TempDirectory;

void Write(const std::string& path, std::string_view text) { std::ofstream(path, std::ios::binary) << text; }

Environment Of(std::map<std::string, std::string> variables) {
  return [variables = std::move(variables)](const char* name) {
    const auto it = variables.find(name);
    return it == variables.end() ? nullptr : it->second.c_str();
  };
}

TEST(AwsCredentials, TheEnvironmentIsTakenFirst) {
  const auto found = FindAwsCredentials(Of({{"AWS_ACCESS_KEY_ID", "k"}, {"AWS_SECRET_ACCESS_KEY", "s"}, {"AWS_SESSION_TOKEN", "t"}, {"HOME", "/none"}}));
  EXPECT_EQ(found->secret_key + found->session_token, "st");
}

TEST(AwsCredentials, AProfileIsReadFromTheFile) {
  TempDirectory directory;
  Write(directory / "keys", "# a comment\n[default]\naws_access_key_id = a\naws_secret_access_key=b=c==\n\n[other]\naws_access_key_id=x\n");
  EXPECT_EQ(FindAwsCredentials(Of({{"AWS_SHARED_CREDENTIALS_FILE", directory / "keys"}}))->secret_key, "b=c==");
  const auto none = FindAwsCredentials(Of({{"AWS_SHARED_CREDENTIALS_FILE", directory / "keys"}, {"AWS_PROFILE", "other"}}));
  EXPECT_TRUE(absl::IsFailedPrecondition(none.status()));
  EXPECT_NE(ErrorText(none.status()).find("'other'"), std::string::npos);
}

TEST(AwsCredentials, TheRegionHasADefault) {
  EXPECT_EQ(FindAwsRegion(Of({})), "us-east-1");
  EXPECT_EQ(FindAwsRegion(Of({{"AWS_DEFAULT_REGION", "b"}})), "b");
  EXPECT_EQ(FindAwsRegion(Of({{"AWS_REGION", "a"}, {"AWS_DEFAULT_REGION", "b"}})), "a");
}

TEST(StoreUrls, AreCheckedByKind) {
  for (const char* good : {"s3://bucket", "s3://my-bucket.x/a/b c/", "file:///mnt/x", "webhdfs://h:9870/p"}) EXPECT_TRUE(CheckStoreUrl(good).ok()) << good;
  for (const char* bad : {"", "s3://", "s3://Bucket/x", "s3://a/x", "s3://a@evil/x", "s3://..a/x", "file://x", "file:///", "http://x/", "webhdfs://"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(CheckStoreUrl(bad))) << bad;
  }
}

TEST(StoreNotes, AreReadBack) {
  TempDirectory directory;
  EXPECT_TRUE(absl::IsNotFound(ReadStoreNote(directory / "a").status()));
  ASSERT_TRUE(WriteStoreNote(directory / "a", {{.url = "s3://b/p", .endpoint = "http://e", .region = "r"}, "a \"ü\"", {17, "ff"}}).ok());
  const auto note = ReadStoreNote(directory / "a");
  ASSERT_TRUE(note.ok()) << note.status();
  EXPECT_EQ(note->store.url + note->store.endpoint + note->store.region + note->name, "s3://b/phttp://era \"ü\"");
  EXPECT_EQ(note->digest, (ObjectDigest{17, "ff"}));
  Write(directory / "b.stored", "{\"store\":3}");
  EXPECT_TRUE(absl::IsDataLoss(ReadStoreNote(directory / "b").status()));
}

TEST(DirectoryStore, AFileIsCopiedOnceAndNeverReplaced) {
  TempDirectory directory;
  StoppableWait wait;
  Write(directory / "a", "one");
  auto store = NewDirectoryStore(directory / "store", wait);
  EXPECT_TRUE(*store->Put(directory / "a", "a", *DigestOfFile(directory / "a")));
  EXPECT_FALSE(*store->Put(directory / "a", "a", *DigestOfFile(directory / "a")));
  Write(directory / "a", "two");
  EXPECT_TRUE(absl::IsAlreadyExists(store->Put(directory / "a", "a", *DigestOfFile(directory / "a")).status()));
  EXPECT_EQ(*store->Get("a", 1, 10), "ne");
}

TEST(DirectoryStore, NothingIsWrittenWhereTheDiskIsNotMounted) {
  TempDirectory directory;
  StoppableWait wait;
  Write(directory / "a", "one");
  auto store = NewDirectoryStore(directory / "mnt/store", wait);
  EXPECT_TRUE(absl::IsUnavailable(store->Put(directory / "a", "a", *DigestOfFile(directory / "a")).status()));
  EXPECT_FALSE(std::filesystem::exists(directory / "mnt"));
}

TEST(FetchObject, WhatIsNotWhatWasStoredIsNotWritten) {
  TempDirectory directory;
  StoppableWait wait;
  Write(directory / "a", "one");
  auto store = NewDirectoryStore(directory.path(), wait);
  EXPECT_TRUE(absl::IsDataLoss(FetchObject(*store, "a", {3, "00"}, directory / "b")));
  EXPECT_FALSE(std::filesystem::exists(directory / "b"));
  EXPECT_TRUE(FetchObject(*store, "a", *DigestOfFile(directory / "a"), directory / "b").ok());
}

// A name node and a data node in one, with files in memory.
class Hdfs {
 public:
  absl::StatusOr<StoreResponse> operator()(const test::ScriptedHttp::Sent& sent) {
    const std::string url = sent.url.substr(sent.url.find("/webhdfs/v1") + 11);
    const std::string path = url.substr(0, url.find('?'));
    const auto has = [&](std::string_view text) { return url.find(text) != std::string::npos; };
    if (has("op=CREATE")) {
      if (!has("&datanode")) return sent.body.empty() ? Answered(307, "", {{"location", sent.url + "&datanode"}}) : Answered(400);
      if (fail_once-- > 0) return absl::UnavailableError("cut");
      files[path] = sent.body;
      return Answered(201);
    }
    if (has("op=RENAME")) {
      const std::string to = url.substr(url.find("destination=") + 12);
      files[to.substr(0, to.find('&'))] = files[path];
      files.erase(path);
      return Answered(200, "{\"boolean\":true}");
    }
    if (!files.contains(path)) return Answered(404, "{\"RemoteException\":{\"message\":\"File does not exist\"}}");
    if (has("op=GETFILESTATUS")) return Answered(200, fmt::format("{{\"FileStatus\":{{\"length\":{}}}}}", files[path].size()));
    const size_t offset = std::stoul(url.substr(url.find("offset=") + 7));
    return Answered(200, offset < files[path].size() ? files[path].substr(offset) : "");
  }
  std::map<std::string, std::string> files;
  int fail_once = 0;
};

TEST(WebHdfsStore, AFileIsCreatedBesideItsPlaceReadBackAndRenamed) {
  TempDirectory directory;
  test::NotedWait wait;
  auto random = SeededRandom(1);
  Hdfs hdfs;
  hdfs.fail_once = 1;
  std::vector<test::ScriptedHttp::Sent> sent;
  auto store = NewWebHdfsStore({"http://nn:9870", "/data", "me"}, {}, std::make_unique<test::ScriptedHttp>(sent, std::ref(hdfs)), wait, *random);
  Write(directory / "a", "one");
  const auto put = store->Put(directory / "a", "a b", *DigestOfFile(directory / "a"));
  ASSERT_TRUE(put.ok()) << put.status();
  EXPECT_EQ(hdfs.files, (std::map<std::string, std::string>{{"/data/a%20b", "one"}}) ) << sent.back().url;
  EXPECT_EQ(sent[0].url, "http://nn:9870/webhdfs/v1/data/a%20b?op=GETFILESTATUS&user.name=me");
  EXPECT_FALSE(*store->Put(directory / "a", "a b", *DigestOfFile(directory / "a")));
  Write(directory / "a", "two");
  EXPECT_TRUE(absl::IsAlreadyExists(store->Put(directory / "a", "a b", *DigestOfFile(directory / "a")).status()));
}

class FreedFileTest : public ::testing::Test {
 protected:
  // The file moves to a store; its note stays.
  void Free(const std::string& name) {
    std::filesystem::create_directory(directory_ / "store");
    const ObjectDigest digest = *DigestOfFile(directory_ / name);
    std::filesystem::rename(directory_ / name, directory_ / ("store/" + name));
    ASSERT_TRUE(WriteStoreNote(directory_ / name, {{.url = "file://" + (directory_ / "store")}, name, digest}).ok());
  }
  TempDirectory directory_;
};

TEST_F(FreedFileTest, IsReadFromTheStoreWithOrWithoutReadingAhead) {
  Write(directory_ / "a", "0123456789");
  Free("a");
  for (const uint64_t ahead : {0, 4, 100}) {
    const auto source = OpenFileOrStored(directory_ / "a", ahead);
    ASSERT_TRUE(source.ok()) << source.status();
    EXPECT_EQ((*source)->size(), 10u);
    std::string bytes(6, '\0');
    EXPECT_EQ((*source)->ReadAt(3, bytes.data(), 6), 6u);
    EXPECT_EQ(bytes, "345678");
    EXPECT_EQ((*source)->ReadAt(8, bytes.data(), 6), 2u);
    EXPECT_EQ(bytes.substr(0, 2), "89");
  }
}

TEST_F(FreedFileTest, AStoreThatHasItNoMoreEndsTheReadingShort) {
  Write(directory_ / "a", "0123456789");
  Free("a");
  std::filesystem::remove(directory_ / "store/a");
  const auto source = OpenFileOrStored(directory_ / "a");
  std::string bytes(6, '\0');
  EXPECT_EQ((*source)->ReadAt(0, bytes.data(), 6), 0u);
  EXPECT_TRUE(absl::IsNotFound(OpenFileOrStored(directory_ / "b").status()));
}

// Export reads places; what is submitted again to a scheduler that has lost it reads through the directory (protocol rule 13).
TEST_F(FreedFileTest, PagesAreReadByTheirPlaceAndWithTheDirectory) {
  test::StandingClock clock;
  auto random = SeededRandom(7);
  auto store = WarcStore::Open(test::StoreOptions(directory_.path()), clock, *random);
  std::vector<WarcPlace> places;
  for (const char* url : {"http://example.org/0", "http://example.org/1"}) {
    const test::Page page(url, std::string(300, 'x'));
    places.push_back((*store)->Append(page.exchange())->place);
  }
  ASSERT_TRUE((*store)->Close().ok());
  Free(places[0].file);
  EXPECT_EQ(ReadWarcPlace(directory_.path(), places[1])->Get("WARC-Target-URI"), "http://example.org/1");
  auto pages = OpenWarcPages(directory_.path(), absl::UnixEpoch());
  ASSERT_TRUE(pages.ok()) << pages.status();
  EXPECT_EQ((*pages)->Next()->place, places[0]);
  EXPECT_EQ((*pages)->Next()->place, places[1]);
  EXPECT_TRUE(absl::IsNotFound((*pages)->Next().status()));
  EXPECT_EQ((*pages)->ReadAt(places[0])->url, "http://example.org/0");
}

}  // namespace
}  // namespace weft
