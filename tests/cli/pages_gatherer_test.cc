// Bytes of pages directories over real sockets of loopback, from a desk that answers as a parser's does.
#include "cli/pages_gatherer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <thread>

#include "common/thread_pool.h"
#include "parser/file_desk.h"

namespace weft::test {
namespace {

using testing::HasSubstr;

constexpr uint64_t kDirectory = 70;

class TextReader : public PagesReader {
 public:
  explicit TextReader(std::string text) : text_(std::move(text)) {}
  absl::StatusOr<std::string> Read(const std::string& file, uint64_t offset, uint64_t length) const override {
    if (file != "a.warc") return absl::NotFoundError(file + " is not there");
    ++reads;
    return offset >= text_.size() ? "" : text_.substr(offset, length);
  }
  mutable std::atomic<int> reads{0};

 private:
  const std::string text_;
};

// A parser as far as tools see it.
class Answering {
 public:
  Answering(uint64_t node_id, const PagesReader& reader, const KeyPair& keys = {}, const std::set<PeerKey>& tools = {})
      : bus_(context_, loop_, [this](const PeerId& from, const Message& message) { desk_.OnMessage(from, message); }),
        pool_("reading", 1, 64, loop_), desk_(bus_, SystemClock(), node_id, kDirectory, &reader, pool_) {
    if (!keys.secret_key.empty()) {
      EXPECT_TRUE(bus_.UseKeys(keys).ok());
    }
    bus_.AllowKeys(tools);
    desk_.AllowKeys(tools);
    address.set_node_id(node_id);
    address.set_pages_dir_id(kDirectory);
    address.set_public_key(keys.public_key);
    address.set_endpoint(keys.secret_key.empty() ? bus_.Bind("tcp://127.0.0.1:*").value() : bus_.BindWithKeys("tcp://127.0.0.1:*").value());
    thread_ = std::thread([this] { loop_.Run(); });
  }
  ~Answering() {
    loop_.Post([this] { loop_.Stop(); });
    thread_.join();
  }

  wire::ParserAddress address;

 private:
  ZmqContext context_;
  EventLoop loop_{"parser", SystemClock()};
  ZmqBus bus_;
  ThreadPool pool_;
  FileDesk desk_;
  std::thread thread_;
};

class PagesGathererTest : public testing::Test {
 protected:
  PagesGathererTest() {
    for (size_t i = 0; text_.size() < 3 * kMaxPayloadBytes; ++i) text_ += std::to_string(i) + " ";
  }
  void Begin(const KeyPair& own = {}) { gatherer_ = PagesGatherer::Make(own).value(); }
  void Know(const std::vector<const Answering*>& parsers) {
    google::protobuf::RepeatedPtrField<wire::ParserAddress> list;
    for (const Answering* parser : parsers) *list.Add() = parser->address;
    gatherer_->Know(list);
  }
  static WarcPlace Place(uint64_t offset, uint64_t length) { return {kDirectory, "a.warc", offset, length, ""}; }

  std::string text_;
  std::unique_ptr<PagesGatherer> gatherer_;
};

TEST_F(PagesGathererTest, ARecordOfManyPiecesComesWhole) {
  const TextReader reader(text_);
  const Answering parser(1, reader);
  Begin();
  Know({&parser});
  EXPECT_EQ(gatherer_->Read(kDirectory, "a.warc", 5, 2 * kMaxPayloadBytes + 7).value(), text_.substr(5, 2 * kMaxPayloadBytes + 7));
  EXPECT_EQ(gatherer_->Read(kDirectory, "a.warc", text_.size() - 3, 100).value(), text_.substr(text_.size() - 3)) << "the end of the file";
  EXPECT_TRUE(absl::IsNotFound(gatherer_->Read(kDirectory, "b.warc", 0, 1).status()));
}

TEST_F(PagesGathererTest, WhatIsExpectedIsReadOnceAndWhatIsPassedOverHoldsNobodyUp) {
  const TextReader reader(text_);
  const Answering parser(1, reader);
  Begin();
  Know({&parser});
  std::vector<WarcPlace> places;
  for (uint64_t i = 0; i < 2 * PagesGatherer::kMostPieces; ++i) places.push_back(Place(10 * i, 10));
  gatherer_->Expect(places);
  int read = 0;
  for (size_t i = 0; i < places.size(); i += 3, ++read) {
    EXPECT_EQ(gatherer_->Read(kDirectory, "a.warc", places[i].offset, 10).value(), text_.substr(places[i].offset, 10));
  }
  EXPECT_LE(reader.reads, static_cast<int>(places.size()));
  EXPECT_GE(reader.reads, read);
}

TEST_F(PagesGathererTest, WithoutAParserOfTheDirectoryItIsUnavailable) {
  Begin();
  EXPECT_TRUE(absl::IsUnavailable(gatherer_->Read(kDirectory, "a.warc", 0, 1).status()));
  EXPECT_FALSE(gatherer_->Serves(kDirectory));
}

TEST_F(PagesGathererTest, OneThatTheSchedulerHearsNoMoreIsGivenUpAndItsSuccessorIsAsked) {
  const TextReader reader(text_);
  const Answering first(1, reader);
  const Answering second(2, reader);
  Begin();
  Know({&first});
  ASSERT_TRUE(gatherer_->Read(kDirectory, "a.warc", 0, 9).ok());
  Know({});
  EXPECT_TRUE(absl::IsUnavailable(gatherer_->Read(kDirectory, "a.warc", 0, 9).status()));
  Know({&second});
  EXPECT_EQ(gatherer_->Read(kDirectory, "a.warc", 0, 9).value(), text_.substr(0, 9));
}

TEST_F(PagesGathererTest, OnlyAKeyOfAToolIsAnswered) {
  const TextReader reader(text_);
  const KeyPair tool = MakeKeyPair().value();
  const Answering parser(1, reader, MakeKeyPair().value(), {tool.public_key});
  Begin(tool);
  Know({&parser});
  EXPECT_EQ(gatherer_->Read(kDirectory, "a.warc", 0, 9).value(), text_.substr(0, 9));
  Begin(MakeKeyPair().value());
  Know({&parser});
  const absl::Status refused = gatherer_->Read(kDirectory, "a.warc", 0, 9).status();
  EXPECT_TRUE(absl::IsUnavailable(refused)) << refused;
  EXPECT_THAT(std::string(refused.message()), HasSubstr("does not accept this token"));
}

}  // namespace
}  // namespace weft::test
