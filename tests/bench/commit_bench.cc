// How many page results a scheduler commits, without network:
//   commit_bench --pages N --dir DIR [--seed N]
// prints one JSON object. One played node is handed URLs and answers each with a page of 60 links, of which 85% are known; what
// is counted is the CPU time of the scheduler's thread in OnMessage and OnTick (links parsed, judged, admitted, the page
// committed, the next URLs handed out), over the real store. Syncs run between ticks, on the same thread, and are not counted.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/session_link.h"
#include "common/status.h"
#include "scheduler/scheduler_node.h"
#include "storage/rocks_kv.h"
#include "tests/bench/cpu_time.h"
#include "tests/bench/link_workload.h"
#include "tests/support/manual_clock.h"
#include "tests/support/manual_pool.h"
#include "tests/support/recording_bus.h"

namespace weft {
namespace {

constexpr double kKnownShare = 0.85;
constexpr uint64_t kFoundAtMost = 100'000'000;
constexpr char kSeed[] = "https://h0.example/";

[[noreturn]] void Die(const std::string& text) {
  std::cerr << "commit_bench: " << text << "\n";
  std::exit(1);
}

class QuietObserver : public SchedulerObserver {
 public:
  void OnUrlEnd(const UrlEnd&) override {}
  void OnNotice(const std::string&) override {}
};

class Bench {
 public:
  Bench(const std::string& directory, uint64_t seed, uint64_t pages) : workload_(seed, pages / 10) {
    auto kv = OpenRocksKv({.path = directory + "/crawl.db"});
    if (!kv.ok()) Die(ErrorText(kv.status()));
    CrawlDbOptions db_options;
    db_options.seen_memory_bytes = 256 << 20;
    auto db = CrawlDb::Open(*std::move(kv), db_options, *random_);
    if (!db.ok()) Die(ErrorText(db.status()));
    wire::CrawlSettings settings;
    settings.set_scope("any");
    settings.set_scope_version(1);
    settings.set_host_connections(64);
    settings.set_domain_connections(1'000'000);
    SchedulerOptions options;
    options.nodes_die_with_us = true;
    node_ = std::make_unique<SchedulerNode>(options, settings, *std::move(db),
                                            *PublicSuffixes::Load(), clock_, *random_, bus_, pool_, observer_);
    node_->Start();
  }

  nlohmann::json Run(uint64_t pages) {
    wire::Frame hello;
    wire::Register* info = hello.mutable_register_();
    info->set_fetches(true);
    info->set_parses(true);
    info->set_canonicaliser_version(node_->db().identity().canonicaliser_version());
    info->set_public_suffix_version(node_->db().identity().public_suffix_version());
    Say(std::move(hello));
    node_->AddSeeds({kSeed});
    while (committed_ < pages) {
      Round(pages);
      if (!node_->health().ok()) Die(ErrorText(node_->health()));
      if (++rounds_ > 1'000'000) Die("nothing goes on");
    }
    Tick();  // what came last is committed
    const LedgerCounts ledger = node_->db().ledger();
    if (ledger.done != committed_ || !ledger.AddsUp()) {
      Die(fmt::format("{} pages were handed in, {} are done", committed_, ledger.done));
    }
    nlohmann::json out;
    out["pages"] = committed_;
    out["links_of_page"] = LinkWorkload::kLinksOfPage;
    out["urls"] = ledger.discovered;
    out["pages_per_cpu_s"] = static_cast<double>(committed_) / cpu_;
    return out;
  }

 private:
  void Say(wire::Frame frame, bool sequenced = true) {
    if (sequenced) {
      link_.Send({std::move(frame), nullptr});
    } else {
      link_.SendUnsequenced({std::move(frame), nullptr});
    }
    std::vector<test::RecordingBus::Sent> sent = std::move(our_bus_.sent);
    our_bus_.sent.clear();
    const double begun = ThreadSeconds();
    for (test::RecordingBus::Sent& one : sent) node_->OnMessage("n", std::move(one.message));
    cpu_ += ThreadSeconds() - begun;
  }
  void Tick() {
    const double begun = ThreadSeconds();
    node_->OnTick();
    cpu_ += ThreadSeconds() - begun;
    pool_.RunAll();
  }
  void Hear() {
    for (test::RecordingBus::Sent& one : bus_.sent) {
      for (Message& message : link_.Receive(std::move(one.message)).deliver) {
        if (message.frame.has_heartbeat_reply()) nonce_ = message.frame.heartbeat_reply().nonce();
        if (message.frame.has_lease_grant()) grants_.push_back(std::move(*message.frame.mutable_lease_grant()));
      }
    }
    bus_.sent.clear();
  }
  void Round(uint64_t pages) {
    clock_.Advance(absl::Milliseconds(200));
    wire::Frame beat;
    beat.mutable_heartbeat()->set_lease_limit(granted_ + 64);
    beat.mutable_heartbeat()->set_nonce_echo(nonce_);
    Say(std::move(beat), false);
    Tick();
    Hear();
    std::vector<wire::LeaseGrant> grants = std::move(grants_);
    grants_.clear();
    granted_ += grants.size();
    for (const wire::LeaseGrant& grant : grants) {
      for (const wire::UrlTicket& ticket : grant.urls()) {
        if (committed_ < pages) Answer(ticket);
      }
      wire::Frame release;
      *release.mutable_lease_release()->mutable_epoch() = grant.epoch();
      release.mutable_lease_release()->set_last_request_age_us(0);
      Say(std::move(release));
    }
  }
  void Answer(const wire::UrlTicket& ticket) {
    wire::Frame frame;
    wire::PageResult* result = frame.mutable_page_result();
    *result->mutable_ticket() = ticket;
    result->set_outcome(static_cast<uint32_t>(Outcome::kResponse));
    result->set_status(200);
    result->set_mime("text/html");
    result->set_payload_bytes(40'000);
    result->set_payload_digest("01234567890123456789");
    result->mutable_place()->set_pages_dir_id(1);
    result->mutable_place()->set_file("weft-20260101000000-00001-host.warc.gz");
    result->mutable_place()->set_offset(committed_ * 8000);
    result->mutable_place()->set_length(8000);
    result->mutable_place()->set_record_digest("01234567890123456789");
    links_.clear();
    if (workload_.found() < kFoundAtMost) workload_.AddPage(kKnownShare, links_);
    for (const Candidate& link : links_) result->add_links()->set_url(link.url);
    ++committed_;
    Say(std::move(frame));
  }

  LinkWorkload workload_;
  std::unique_ptr<Random> random_ = SeededRandom(7);
  test::ManualClock clock_;
  test::RecordingBus bus_;
  test::RecordingBus our_bus_;
  test::ManualPool pool_;
  QuietObserver observer_;
  std::unique_ptr<SchedulerNode> node_;
  SessionLink link_{&our_bus_, "scheduler", 1};
  std::vector<wire::LeaseGrant> grants_;
  std::vector<Candidate> links_;
  uint64_t nonce_ = 0;
  uint64_t granted_ = 0;
  uint64_t committed_ = 0;
  uint64_t rounds_ = 0;
  double cpu_ = 0;
};

}  // namespace
}  // namespace weft

int main(int argc, char** argv) {
  uint64_t pages = 50'000;
  uint64_t seed = 1;
  std::string directory;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view word = argv[i];
    if (word == "--pages") pages = std::strtoull(argv[i + 1], nullptr, 10);
    if (word == "--seed") seed = std::strtoull(argv[i + 1], nullptr, 10);
    if (word == "--dir") directory = argv[i + 1];
  }
  if (directory.empty() || pages < 1000) {
    std::cerr << "commit_bench --pages N --dir DIR [--seed N]\n";
    return 2;
  }
  std::filesystem::remove_all(directory);
  std::filesystem::create_directories(directory);
  std::printf("%s\n", weft::Bench(directory, seed, pages).Run(pages).dump().c_str());
  std::filesystem::remove_all(directory);
  return 0;
}
