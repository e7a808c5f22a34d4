// ZIP files read back by their own rules, and what a WACZ file holds.
#include "storage/wacz.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <map>

#include <nlohmann/json.hpp>

#include "storage/cdxj_indexer.h"
#include "storage/zip_writer.h"
#include "tests/storage/warc_record_support.h"
#include "tests/storage/warc_test_support.h"

namespace weft {
namespace {

using namespace weft::test;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

uint64_t Number(std::string_view bytes, size_t at, size_t size) {
  uint64_t value = 0;
  for (size_t i = 0; i < size; ++i) value |= static_cast<uint64_t>(static_cast<unsigned char>(bytes.at(at + i))) << (8 * i);
  return value;
}

struct ZipEntry {
  std::string name;
  std::string content;
  bool zip64 = false;
};

// Reads the file by its central directory, as readers over HTTP do, and checks each entry's head and checksum against it.
std::vector<ZipEntry> ReadZip(const std::string& bytes) {
  const size_t end = bytes.size() - 22;
  EXPECT_EQ(Number(bytes, end, 4), 0x06054b50u);
  uint64_t count = Number(bytes, end + 10, 2), at = Number(bytes, end + 16, 4);
  if (at == 0xFFFFFFFF) {
    EXPECT_EQ(Number(bytes, end - 20, 4), 0x07064b50u);
    const size_t end64 = Number(bytes, end - 20 + 8, 8);
    EXPECT_EQ(Number(bytes, end64, 4), 0x06064b50u);
    count = Number(bytes, end64 + 32, 8);
    at = Number(bytes, end64 + 48, 8);
  }
  std::vector<ZipEntry> entries;
  for (uint64_t i = 0; i < count; ++i) {
    EXPECT_EQ(Number(bytes, at, 4), 0x02014b50u);
    EXPECT_EQ(Number(bytes, at + 10, 2), 0u) << "stored";
    const size_t name_size = Number(bytes, at + 28, 2), extra_size = Number(bytes, at + 30, 2);
    uint64_t size = Number(bytes, at + 24, 4), offset = Number(bytes, at + 42, 4);
    ZipEntry entry;
    entry.name = bytes.substr(at + 46, name_size);
    size_t extra = at + 46 + name_size + 4;
    if (size == 0xFFFFFFFF) {
      size = Number(bytes, extra, 8);
      extra += 16;
      entry.zip64 = true;
    }
    if (offset == 0xFFFFFFFF) offset = Number(bytes, extra, 8);
    EXPECT_EQ(Number(bytes, offset, 4), 0x04034b50u);
    EXPECT_EQ(Number(bytes, offset + 14, 4), Number(bytes, at + 16, 4)) << "checksum in both heads";
    const size_t local_extra = Number(bytes, offset + 28, 2);
    const uint64_t local_size = local_extra > 0 ? Number(bytes, offset + 30 + name_size + 4, 8) : Number(bytes, offset + 22, 4);
    EXPECT_EQ(local_size, size);
    EXPECT_EQ(bytes.substr(offset + 30, name_size), entry.name);
    entry.content = bytes.substr(offset + 30 + name_size + local_extra, size);
    EXPECT_EQ(crc32(0, reinterpret_cast<const Bytef*>(entry.content.data()), static_cast<uInt>(size)), Number(bytes, at + 16, 4));
    entries.push_back(std::move(entry));
    at += 46 + name_size + extra_size;
  }
  return entries;
}

TEST(ZipWriter, EntriesOfKnownAndUnknownSize) {
  for (const uint64_t zip64_from : {uint64_t{0xFFFFFFFF}, uint64_t{100}, uint64_t{0}}) {
    SCOPED_TRACE(zip64_from);
    TempDirectory directory;
    const auto output = AtomicOutput::ToFile(directory / "x.zip");
    ASSERT_TRUE(output.ok());
    ZipWriter zip(**output, absl::FromUnixSeconds(1'767'323'045), zip64_from);
    const std::string large(500'000, 'x');
    for (const auto& [name, content, known] : {std::tuple{"a/empty", std::string(), true}, {"b/large", large, true}, {"\xC3\xA4", std::string("abc"), false}}) {
      ASSERT_TRUE(zip.Begin(name, known ? content.size() : UINT64_MAX).ok());
      ASSERT_TRUE(zip.Add(std::string_view(content).substr(0, content.size() / 2)).ok());
      ASSERT_TRUE(zip.Add(std::string_view(content).substr(content.size() / 2)).ok());
      ASSERT_TRUE(zip.End().ok());
    }
    ASSERT_TRUE(zip.Finish().ok());
    EXPECT_FALSE(std::filesystem::exists(directory / "x.zip")) << "before it is finished";
    ASSERT_TRUE((*output)->Finish().ok());
    const std::vector<ZipEntry> entries = ReadZip(ReadFile(directory / "x.zip"));
    ASSERT_EQ(entries.size(), 3u);
    EXPECT_EQ(entries[0].name, "a/empty");
    EXPECT_EQ(entries[0].content, "");
    EXPECT_EQ(entries[1].content, large);
    EXPECT_EQ(entries[1].zip64, zip64_from < large.size());
    EXPECT_EQ(entries[2].name, "\xC3\xA4");
    EXPECT_EQ(entries[2].content, "abc");
  }
}

TEST(ZipWriter, AnEntryThatOutgrowsItsHeadIsAnError) {
  TempDirectory directory;
  const auto output = AtomicOutput::ToFile(directory / "x.zip");
  ZipWriter zip(**output, absl::UnixEpoch(), 10);
  ASSERT_TRUE(zip.Begin("a", 5).ok());
  ASSERT_TRUE(zip.Add("more than ten bytes").ok());
  EXPECT_FALSE(zip.End().ok());
}

TEST(AtomicOutput, LeavesNothingWithoutFinish) {
  TempDirectory directory;
  WriteFile(directory / "x", "old");
  {
    const auto output = AtomicOutput::ToFile(directory / "x");
    ASSERT_TRUE((*output)->Write(std::string(1'000'000, 'n')).ok());
  }
  EXPECT_THAT(directory.Names(), ElementsAre("x"));
  EXPECT_EQ(ReadFile(directory / "x"), "old");
}

class WaczTest : public ::testing::Test {
 protected:
  // Two files with `pages` captures each, packed.
  std::map<std::string, std::string> Pack(int pages, size_t block_lines) {
    std::vector<std::string> files;
    for (const char* name : {"one.warc.gz", "two.warc.gz"}) {
      std::string bytes = GzipMember(MakeRecord(CommonFields("warcinfo", name), ""));
      for (int i = 0; i < pages; ++i) {
        bytes += GzipMember(ResponseRecord(fmt::format("http://{}.example/{}", std::string(name, 3), i), fmt::format("{}{}", name, i), HttpResponse("x")));
      }
      bytes += GzipMember(ResponseRecord("http://a.example/pic.png", fmt::format("p{}", name), HttpResponse("x", "Content-Type: image/png\r\n")));
      bytes += GzipMember(ResponseRecord("http://a.example/gone", fmt::format("g{}", name), HttpResponse("x", "Content-Type: text/html\r\n", 404)));
      WriteFile(directory_ / name, bytes);
      files.push_back(directory_ / name);
    }
    WaczOptions options;
    options.title = "A title";
    options.software = "Weft/0";
    options.created = absl::FromUnixSeconds(1'767'323'045);
    options.block_lines = block_lines;
    const auto writer = WaczWriter::Create(directory_ / "x.wacz", options);
    EXPECT_TRUE(writer.ok()) << writer.status();
    CdxjIndexer indexer({.directory = directory_.path()});
    for (const std::string& file : files) {
      EXPECT_TRUE((*writer)->AddWarc(file).ok());
      EXPECT_TRUE(indexer.AddWarc(file).ok());
    }
    EXPECT_TRUE(absl::IsAlreadyExists((*writer)->AddWarc(files[0])));
    const auto lines = indexer.Finish();
    EXPECT_TRUE((*writer)->AddIndex(**lines).ok());
    EXPECT_TRUE((*writer)->Finish().ok());
    std::map<std::string, std::string> entries;
    for (ZipEntry& entry : ReadZip(ReadFile(directory_ / "x.wacz"))) entries[entry.name] = std::move(entry.content);
    return entries;
  }
  TempDirectory directory_;
};

std::string Unzipped(const std::string& members) {
  std::string out, buffer(10'000, '\0');
  const MemorySource source(members);
  GzipMemberReader reader(source);
  for (uint64_t at = 0; at < members.size(); at = reader.position()) {
    reader.Start(at);
    while (const size_t got = reader.Read(buffer.data(), buffer.size())) out.append(buffer, 0, got);
    EXPECT_EQ(reader.state(), MemberReader::State::kEnd);
  }
  return out;
}

std::vector<std::string> Lines(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

TEST_F(WaczTest, HoldsWhatItsPackageSays) {
  const auto entries = Pack(3, 3000);
  const auto package = nlohmann::json::parse(entries.at("datapackage.json"));
  EXPECT_EQ(package.at("profile"), "data-package");
  EXPECT_EQ(package.at("wacz_version"), "1.1.1");
  EXPECT_EQ(package.at("title"), "A title");
  EXPECT_EQ(package.at("created"), "2026-01-02T03:04:05Z");
  std::vector<std::string> paths;
  for (const auto& resource : package.at("resources")) {
    const std::string& content = entries.at(resource.at("path").get<std::string>());
    EXPECT_EQ(resource.at("bytes"), content.size());
    EXPECT_EQ(resource.at("hash"), "sha256:" + HexLower(*DigestByName("sha256", content)));
    paths.push_back(resource.at("path"));
  }
  EXPECT_THAT(paths, ElementsAre("archive/one.warc.gz", "archive/two.warc.gz", "indexes/index.cdx.gz", "indexes/index.idx", "pages/pages.jsonl"));
  EXPECT_EQ(entries.size(), paths.size() + 2);
  const auto digest = nlohmann::json::parse(entries.at("datapackage-digest.json"));
  EXPECT_EQ(digest.at("path"), "datapackage.json");
  EXPECT_EQ(digest.at("hash"), "sha256:" + HexLower(*DigestByName("sha256", entries.at("datapackage.json"))));
  EXPECT_EQ(entries.at("archive/one.warc.gz"), ReadFile(directory_ / "one.warc.gz"));
}

TEST_F(WaczTest, EveryCaptureIsFoundThroughTheIndex) {
  const auto entries = Pack(20, 7);
  const std::string& index = entries.at("indexes/index.cdx.gz");
  const std::vector<std::string> blocks = Lines(entries.at("indexes/index.idx"));
  ASSERT_EQ(blocks.size(), 1u + (44 + 6) / 7);
  EXPECT_EQ(blocks[0], R"(!meta 0 {"format":"cdxj-gzip-1.0","filename":"index.cdx.gz"})");
  std::vector<std::string> lines;
  for (size_t i = 1; i < blocks.size(); ++i) {
    const size_t brace = blocks[i].find(" {");
    const auto place = nlohmann::json::parse(blocks[i].substr(brace + 1));
    const std::string block = index.substr(place.at("offset").get<size_t>(), place.at("length").get<size_t>());
    EXPECT_EQ(place.at("digest"), "sha256:" + HexLower(*DigestByName("sha256", block)));
    const std::vector<std::string> in_block = Lines(Unzipped(block));
    EXPECT_TRUE(in_block.at(0).starts_with(blocks[i].substr(0, brace) + " ")) << "the block's first key and time";
    lines.insert(lines.end(), in_block.begin(), in_block.end());
  }
  EXPECT_EQ(lines.size(), 44u);
  EXPECT_TRUE(std::is_sorted(lines.begin(), lines.end()));
  EXPECT_EQ(lines, Lines(Unzipped(index)));
  for (const std::string& line : lines) {
    const auto json = nlohmann::json::parse(line.substr(line.find('{')));
    const std::string& warc = entries.at("archive/" + json.at("filename").get<std::string>());
    const WarcContent content = ReadAllOf(warc.substr(std::stoull(json.at("offset").get<std::string>()), std::stoull(json.at("length").get<std::string>())));
    ASSERT_EQ(content.records.size(), 1u);
    EXPECT_EQ(content.records[0].Get("WARC-Target-URI"), json.at("url").get<std::string>());
  }
}

TEST_F(WaczTest, PagesAreHtmlWithStatus200) {
  const std::vector<std::string> pages = Lines(Pack(3, 3000).at("pages/pages.jsonl"));
  ASSERT_EQ(pages.size(), 7u);
  EXPECT_EQ(nlohmann::json::parse(pages[0]).at("format"), "json-pages-1.0");
  const auto first = nlohmann::json::parse(pages[1]);
  EXPECT_EQ(first.at("url"), "http://one.example/0");
  EXPECT_EQ(first.at("ts"), "2026-01-02T03:04:05Z");
}

TEST_F(WaczTest, OfNoCapturesIsWhole) {
  TempDirectory directory;
  WaczOptions options;
  const auto writer = WaczWriter::Create(directory / "x.wacz", options);
  ASSERT_TRUE(writer.ok());
  const auto none = MergedLines({});
  ASSERT_TRUE((*writer)->AddIndex(*none).ok());
  ASSERT_TRUE((*writer)->Finish().ok());
  EXPECT_EQ(ReadZip(ReadFile(directory / "x.wacz")).size(), 5u);
}

TEST_F(WaczTest, WantsARegularFile) { EXPECT_THAT(std::string(WaczWriter::Create("/dev/null", {}).status().message()), HasSubstr("regular file")); }

}  // namespace
}  // namespace weft
