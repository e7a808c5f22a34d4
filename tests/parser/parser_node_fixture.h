// A ParserNode between a played scheduler and a played fetcher, over a store and an extractor that do as they are told.
#pragma once

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/fingerprint.h"
#include "common/session_link.h"
#include "common/status.h"
#include "parser/parser_node.h"
#include "tests/support/manual_clock.h"
#include "tests/support/manual_pool.h"
#include "tests/support/played_peer.h"
#include "tests/support/recording_bus.h"

namespace weft::test {

// What an exchange told beside its bytes.
struct Told {
  explicit Told(const Exchange& exchange)
      : tls_version(exchange.tls_version), cipher_suite(exchange.cipher_suite), described(exchange.notes != nullptr) {
    if (described) {
      via = std::string(exchange.notes->via);
      depth = exchange.notes->depth;
      took = exchange.notes->took;
      charset = std::string(exchange.notes->charset);
    }
    if (exchange.before == nullptr) return;
    before = *exchange.before;
    before_url = std::string(before->url);
    before_digest = std::string(before->payload_digest);
  }

  std::string tls_version, cipher_suite, via, charset;
  bool described = false;
  std::optional<uint32_t> depth;
  absl::Duration took;
  std::optional<StoredBefore> before;  // but for its two texts, which follow
  std::string before_url, before_digest;
};

// What the stores of one pages directory hold and how they answer.
struct StoreScript {
  std::vector<std::string> appended;   // URLs
  std::vector<std::string> payloads;
  std::vector<Told> told;
  bool revisits = false;               // what may be a revisit is one
  bool refers = false;                 // pages are stored as revisits of other URLs
  std::vector<std::string> committed;  // "URL OFFSET BYTES"
  int syncs = 0;
  absl::Status append = absl::OkStatus();
  absl::Status sync = absl::OkStatus();
};

class ScriptedStore : public PageStore {
 public:
  explicit ScriptedStore(StoreScript& script) : script_(script) {}
  uint64_t pages_dir_id() const override { return 70; }
  absl::StatusOr<StoredExchange> Append(const Exchange& exchange) override {
    if (!script_.append.ok()) return script_.append;
    script_.appended.emplace_back(exchange.url);
    script_.payloads.emplace_back(exchange.payload);
    script_.told.emplace_back(exchange);
    StoredExchange stored;
    stored.place.pages_dir_id = 70;
    stored.place.file = "f.warc.gz";
    stored.place.offset = script_.appended.size() * 100;
    stored.place.length = 50;
    stored.place.refers = script_.refers;
    stored.payload_digest = std::string(20, 'd');
    if (script_.revisits && exchange.before != nullptr) {
      stored.revisit = true;
      stored.place = exchange.before->place;
    }
    return stored;
  }
  void Committed(const CommittedPage& page) override {
    script_.committed.push_back(fmt::format("{} {} {}", page.url, page.place.offset, page.payload_bytes));
  }
  absl::Status Sync() override {
    ++script_.syncs;
    return script_.sync;
  }

 private:
  StoreScript& script_;
};

// Each line of the page is a link.
class LineExtractor : public LinkExtractor {
 public:
  ExtractedPage Extract(const Input& input) override {
    ExtractedPage page;
    std::string html(input.html);
    for (size_t begin = 0; begin < html.size();) {
      size_t end = std::min(html.find('\n', begin), html.size());
      auto url = Url::Parse(html.substr(begin, end - begin), *input.url);
      if (url.ok()) page.links.push_back({.url = *url, .kind = LinkKind::kNavigation, .rel = "", .text = ""});
      begin = end + 1;
    }
    return page;
  }
};

class ScriptedParts : public ParserParts {
 public:
  absl::StatusOr<std::unique_ptr<PageStore>> MakeStore(const wire::CrawlIdentity&, const wire::CrawlSettings&) override {
    if (!store_status.ok()) return store_status;
    return std::unique_ptr<PageStore>(new ScriptedStore(store));
  }
  std::unique_ptr<LinkExtractor> MakeExtractor(const wire::CrawlSettings& settings) override {
    extractors.push_back(settings.extractor());
    if (real_extractor) return NewLinearExtractor();
    return std::make_unique<LineExtractor>();
  }
  absl::StatusOr<std::unique_ptr<StoredPages>> OpenStoredPages(absl::Time from) override {
    asked_from.push_back(from);
    if (stored == nullptr) return NotFound("no pages directory");
    return std::move(stored);
  }
  uint32_t CrashesOn(const std::string& key) override { return crashes[key]; }
  void NameCurrentPage(const std::string& key) override { named.push_back(key); }
  std::map<std::string, uint32_t> Blamed() override { return crashes; }

  StoreScript store;
  absl::Status store_status = absl::OkStatus();
  std::map<std::string, uint32_t> crashes;
  std::vector<std::string> named;
  std::vector<std::string> extractors;  // as asked for
  bool real_extractor = false;
  std::unique_ptr<StoredPages> stored;
  std::vector<absl::Time> asked_from;
};

class ParserNodeTest : public testing::Test {
 protected:
  ParserNodeTest() {
    options_.scheduler_endpoint = "scheduler";
    options_.credit_items = 4;
    options_.credit_bytes = 1000;
    settings_.set_scope_version(1);
    identity_.set_lineage(12);
    identity_.set_fingerprint_seed(3);
    Make();
  }
  void Make() {
    fetcher_.reset(), scheduler_.reset();
    node_ = std::make_unique<ParserNode>(options_, parts_, 70, clock_, *random_, bus_, pool_);
    node_->Start();
    scheduler_ = std::make_unique<PlayedPeer>(*node_, bus_, "scheduler", 1001);
    scheduler_->Hear();
    fetcher_ = std::make_unique<PlayedPeer>(*node_, bus_, "f", 2002);
  }
  void Register() {
    wire::Frame frame;
    wire::Registered* registered = frame.mutable_registered();
    *registered->mutable_identity() = identity_;
    *registered->mutable_settings() = settings_;
    registered->set_incarnation(incarnation_);
    registered->set_previous_incarnation(previous_incarnation_);
    registered->set_opened_commit(opened_commit_);
    registered->set_heartbeat_us(1'000'000);
    registered->set_dead_after_us(8'000'000);
    scheduler_->Say(std::move(frame));
    Hello();
  }
  void Hello() {
    wire::Frame frame;
    frame.mutable_page_hello()->set_node_id(5);
    fetcher_->Say(std::move(frame));
  }
  static wire::Page Page(const std::string& url, const std::string& fields = "Content-Type: text/html\r\n",
                         int status = 200) {
    wire::Page page;
    page.mutable_ticket()->set_key(Fingerprinter(3).Of(url).ToBytes());
    page.mutable_ticket()->set_url(url);
    page.set_response_head(fmt::format("HTTP/1.1 {} X\r\n{}\r\n", status, fields));
    return page;
  }
  uint64_t SendPage(wire::Page page, const std::string& body) {
    page.set_page_id(++last_page_);
    page.set_chunks(body.empty() ? 0 : 1);
    wire::Frame frame;
    *frame.mutable_page() = std::move(page);
    fetcher_->Say(std::move(frame), body.empty() ? nullptr : std::make_shared<const std::string>(body));
    return last_page_;
  }
  void Tick(absl::Duration by = absl::ZeroDuration()) {
    clock_.Advance(by);
    node_->OnTick();
    scheduler_->Hear();
    fetcher_->Hear();
  }
  // Stores, syncs and reports what has arrived.
  void Work() {
    Tick();
    pool_.RunAll();
    Tick();
  }
  // A later opening of the CrawlDb, after `previous`.
  void Reopened(uint64_t incarnation, uint64_t previous, uint64_t commit) {
    incarnation_ = incarnation;
    previous_incarnation_ = previous;
    opened_commit_ = commit;
    Register();
  }
  std::vector<wire::PageResult> Results() {
    std::vector<wire::PageResult> results;
    for (const wire::Frame& frame : scheduler_->Of(wire::Frame::kPageResult)) results.push_back(frame.page_result());
    return results;
  }
  void AckResult(const wire::PageResult& result, bool superseded = false, uint64_t commit = 17) {
    wire::Frame frame;
    wire::EndedAck::One* one = frame.mutable_ended_ack()->add_ended();
    one->set_key(result.ticket().key());
    one->set_generation(result.ticket().generation());
    one->set_attempt(result.ticket().attempt());
    one->set_superseded(superseded);
    frame.mutable_ended_ack()->set_commit(commit);
    scheduler_->Say(std::move(frame));
    Tick();
  }
  std::vector<uint64_t> AckedPages() {
    std::vector<uint64_t> ids;
    for (const wire::Frame& frame : fetcher_->Of(wire::Frame::kPageAck)) {
      ids.insert(ids.end(), frame.page_ack().page_ids().begin(), frame.page_ack().page_ids().end());
    }
    return ids;
  }
  std::vector<uint64_t> RefusedPages() {
    std::vector<uint64_t> ids;
    for (const wire::Frame& frame : fetcher_->Of(wire::Frame::kPageRefused)) {
      ids.insert(ids.end(), frame.page_refused().page_ids().begin(), frame.page_refused().page_ids().end());
    }
    return ids;
  }
  static std::vector<std::string> LinksOf(const wire::PageResult& result) {
    std::vector<std::string> urls;
    for (const wire::Link& link : result.links()) urls.push_back(link.url());
    return urls;
  }

  ManualClock clock_;
  ManualPool pool_;
  RecordingBus bus_;
  std::unique_ptr<Random> random_ = SeededRandom(8);
  ParserOptions options_;
  ScriptedParts parts_;
  wire::CrawlIdentity identity_;
  wire::CrawlSettings settings_;
  uint64_t incarnation_ = 1;
  uint64_t previous_incarnation_ = 0;
  uint64_t opened_commit_ = 0;
  std::unique_ptr<ParserNode> node_;
  std::unique_ptr<PlayedPeer> scheduler_;
  std::unique_ptr<PlayedPeer> fetcher_;
  uint64_t last_page_ = 0;
};

}  // namespace weft::test
