// A CrawlDb against a simple model: random admissions, ends, waits, restarts and crashes from a seed. The model knows
// every state a URL ever had by commit, so that after a crash it can go back to what the disk kept.
#include "tests/storage/crawl_db_fixture.h"

namespace weft::test {
namespace {

using Kind = AttemptEnd::Kind;

struct ModelUrl {
  UrlState state = UrlState::kPending;
  Outcome reason = Outcome::kNone;
  uint32_t depth = 0;
  uint32_t generation = 0;
  uint32_t attempt = 0;
  bool waits = false;

  bool operator==(const ModelUrl&) const = default;
};

class CrawlDbRandom : public CrawlDbTest {
 protected:
  struct Version {
    uint64_t commit;
    ModelUrl url;
  };

  void Run(uint64_t seed, int steps) {
    dice_ = SeededRandom(seed);
    for (int step = 0; step < steps; ++step) {
      SCOPED_TRACE(fmt::format("seed {} step {}", seed, step));
      now_ += dice_->Below(20);
      Step();
      if (step % 50 == 49) CheckEverything();
      if (HasFailure()) return;
    }
    CheckEverything();
  }

  void Step() {
    switch (dice_->Below(16)) {
      case 0:
        synced_commit_ = db_->commit();
        ASSERT_TRUE(db_->Sync().ok());
        break;
      case 1:
        if (dice_->Below(4) == 0) Crash();
        break;
      case 2:
        if (dice_->Below(4) == 0) Reopen();
        break;
      case 3:
        RequeueSometimes();
        break;
      case 4:
      case 5:
        PromoteSome();
        break;
      case 6:
      case 7:
      case 8:
      case 9:
        AdmitSome();
        break;
      default:
        CommitSome();
    }
  }

  std::string RandomUrl() {
    return fmt::format("http{}://h{}.example/{}", dice_->Below(2) ? "s" : "", dice_->Below(6), dice_->Below(25));
  }

  const ModelUrl* Known(const std::string& url) const {
    auto it = model_.find(url);
    return it == model_.end() || it->second.empty() ? nullptr : &it->second.back().url;
  }
  // Notes the new state under the commit that the db says it got; later changes of one batch replace earlier ones.
  void Note(const std::string& url, const ModelUrl& state) {
    std::vector<Version>& versions = model_[url];
    uint64_t commit = Find(url).value_or(UrlRecord{}).commit;
    if (!versions.empty() && versions.back().commit == commit) versions.pop_back();
    versions.push_back({commit, state});
  }

  void AdmitSome() {
    std::vector<Candidate> found;
    for (uint64_t i = 1 + dice_->Below(8); i > 0; --i) {
      constexpr Outcome kWhy[] = {Outcome::kNone, Outcome::kNone, Outcome::kDepth, Outcome::kScope, Outcome::kScheme};
      found.push_back(MakeCandidate(RandomUrl(), static_cast<uint32_t>(dice_->Below(6)), kWhy[dice_->Below(5)]));
    }
    auto answers = db_->Admit(found, now_);
    ASSERT_TRUE(answers.ok()) << answers.status();
    std::map<std::string, ModelUrl> changed;
    for (size_t i = 0; i < found.size(); ++i) {
      EXPECT_EQ((*answers)[i], ModelAdmit(found[i], changed)) << found[i].url;
    }
    for (const auto& [url, state] : changed) Note(url, state);
  }

  Admission ModelAdmit(const Candidate& c, std::map<std::string, ModelUrl>& changed) {
    const ModelUrl* known = changed.contains(c.url) ? &changed[c.url] : Known(c.url);
    if (known == nullptr) {
      bool refused = c.refused != Outcome::kNone;
      changed[c.url] = {refused ? UrlState::kRefused : UrlState::kPending, c.refused, c.depth, 0, 0, false};
      return refused ? Admission::kRefused : Admission::kQueued;
    }
    ModelUrl next = *known;
    if (c.refused != Outcome::kNone) return Admission::kKnown;
    next.depth = std::min(next.depth, c.depth);
    bool fixable = next.reason == Outcome::kDepth || next.reason == Outcome::kScope;
    if (next.state == UrlState::kPending && next.depth < known->depth) changed[c.url] = next;
    if (next.state != UrlState::kRefused || !fixable) return Admission::kKnown;
    next.state = UrlState::kPending;
    next.reason = Outcome::kNone;
    changed[c.url] = next;
    return Admission::kTakenUp;
  }

  void CommitSome() {
    std::vector<AttemptEnd> ends;
    std::vector<std::string> urls;
    for (uint64_t i = 1 + dice_->Below(4); i > 0; --i) {
      urls.push_back(RandomUrl());
      ends.push_back(End(urls.back(), static_cast<Kind>(dice_->Below(6))));
      AttemptEnd& end = ends.back();
      end.reason = end.kind == Kind::kRefused ? Outcome::kRobots : Outcome::kDns;
      end.retry_after_us = dice_->Below(60);
      end.new_url = dice_->Below(2) ? urls.back() + "x" : "http://h0.example:8080/";
      if (end.kind == Kind::kOwnKeyRedirect && MakeCandidate(urls.back()).shard != ShardOf("h0.example")) {
        end.new_url = urls.back() + "x";
      }
      if (dice_->Below(8) == 0) ++end.attempt;
    }
    auto verdicts = db_->Commit(ends, now_);
    ASSERT_TRUE(verdicts.ok()) << verdicts.status();
    std::map<std::string, ModelUrl> changed;
    for (size_t i = 0; i < ends.size(); ++i) {
      EXPECT_EQ((*verdicts)[i], ModelCommit(urls[i], ends[i], changed)) << urls[i];
    }
    for (const auto& [url, state] : changed) Note(url, state);
  }

  CommitVerdict ModelCommit(const std::string& url, const AttemptEnd& end, std::map<std::string, ModelUrl>& changed) {
    const ModelUrl* known = changed.contains(url) ? &changed[url] : Known(url);
    if (known == nullptr) return CommitVerdict::kUnknownKey;
    ModelUrl next = *known;
    bool current = next.state == UrlState::kPending && next.generation == end.generation && next.attempt == end.attempt;
    if (!current) return CommitVerdict::kSuperseded;
    bool loops = end.kind == Kind::kOwnKeyRedirect && redirects_[url] == kMaxOwnKeyRedirects;
    if (end.kind == Kind::kBackToQueue && !next.waits) return CommitVerdict::kCommitted;
    next.waits = end.kind == Kind::kRetry;
    if (end.kind == Kind::kRetry || end.kind == Kind::kOwnKeyRedirect) ++next.attempt;
    if (end.kind == Kind::kOwnKeyRedirect && !loops) ++redirects_[url];
    if (end.kind == Kind::kDone) next.state = UrlState::kDone;
    if (end.kind == Kind::kFailed || end.kind == Kind::kRefused) next.reason = end.reason;
    if (end.kind == Kind::kFailed) next.state = UrlState::kFailed;
    if (end.kind == Kind::kRefused) next.state = UrlState::kRefused;
    if (loops) {
      next = *known;
      next.waits = false;
      next.state = UrlState::kFailed;
      next.reason = Outcome::kRedirectLoop;
    }
    changed[url] = next;
    return loops ? CommitVerdict::kRedirectLoop : CommitVerdict::kCommitted;
  }

  void PromoteSome() {
    Promote(now_, dice_->Below(2) ? 1000 : 1 + dice_->Below(3));
    for (auto& [url, versions] : model_) {
      if (versions.empty() || !versions.back().url.waits) continue;
      auto record = Find(url);
      if (!record || record->due_us != 0) continue;   // which of them were due is checked by NextDue below
      ModelUrl next = versions.back().url;
      next.waits = false;
      Note(url, next);
    }
    Promote(now_);
    for (auto& [url, versions] : model_) {
      if (versions.empty() || !versions.back().url.waits) continue;
      auto record = Find(url);
      ASSERT_TRUE(record.has_value());
      if (record->due_us != 0) {
        EXPECT_GT(record->due_us, now_) << "due, but not promoted";
        EXPECT_LE(*db_->NextDue(), record->due_us);
        continue;
      }
      ModelUrl next = versions.back().url;
      next.waits = false;
      Note(url, next);
    }
  }

  void RequeueSometimes() {
    if (dice_->Below(6) != 0) return;
    uint64_t failed = 0;
    ASSERT_TRUE(db_->RequeueFailed(now_).ok());
    for (auto& [url, versions] : model_) {
      if (versions.empty() || versions.back().url.state != UrlState::kFailed) continue;
      ModelUrl next = versions.back().url;
      next.state = UrlState::kPending;
      next.reason = Outcome::kNone;
      ++next.generation;
      next.attempt = 0;
      redirects_[url] = 0;
      ++failed;
      Note(url, next);
    }
  }

  void Crash() {
    disk_.Crash(*dice_);
    Reopen();
    ASSERT_GE(db_->commit(), synced_commit_) << "synced commits are lost";
    for (auto& [url, versions] : model_) {
      while (!versions.empty() && versions.back().commit > db_->commit()) versions.pop_back();
      auto record = Find(url);
      redirects_[url] = record ? record->own_key_redirects : 0;
    }
    CheckEverything();
  }

  void CheckEverything() {
    CheckPlaces();
    uint64_t known = 0;
    for (const auto& [url, versions] : model_) {
      auto record = Find(url);
      ASSERT_EQ(record.has_value(), !versions.empty()) << url;
      if (!record) continue;
      ++known;
      ModelUrl actual = {record->state,      record->reason,  record->depth,
                         record->generation, record->attempt, record->due_us != 0};
      EXPECT_EQ(actual, versions.back().url) << url;
    }
    EXPECT_EQ(db_->ledger().discovered, known);
    CheckQueues();
  }

  // Reading every queue in small steps gives every pending URL that does not wait, once.
  void CheckQueues() {
    std::set<std::string> queued;
    db_->ForEachHost([&](const HostState& host) {
      for (const OriginState& origin : host.origins) {
        uint64_t after = 0;
        for (std::vector<QueuedUrl> part; !(part = Queue(origin.origin, after, 3)).empty();) {
          for (const QueuedUrl& url : part) {
            EXPECT_GT(url.position, after);
            after = url.position;
            EXPECT_TRUE(queued.insert(url.key.ToHex()).second);
          }
        }
      }
    });
    std::set<std::string> expected;
    for (const auto& [url, versions] : model_) {
      if (versions.empty()) continue;
      const ModelUrl& state = versions.back().url;
      if (state.state == UrlState::kPending && !state.waits) expected.insert(MakeCandidate(url).key.ToHex());
    }
    EXPECT_EQ(queued, expected);
  }

  std::unique_ptr<Random> dice_;
  CrawlTime now_ = 0;
  uint64_t synced_commit_ = 0;
  std::map<std::string, std::vector<Version>> model_;
  std::map<std::string, uint32_t> redirects_;
};

TEST_F(CrawlDbRandom, AgreesWithTheModelSeed1) { Run(1, 3000); }
TEST_F(CrawlDbRandom, AgreesWithTheModelSeed2) { Run(2, 3000); }
TEST_F(CrawlDbRandom, AgreesWithTheModelWithLittleInMemory) {
  Reopen();
  Run(3, 3000);
}

TEST_F(CrawlDbRandom, AgreesWithTheModelOverManyShortRuns) {
  for (uint64_t seed = 100; seed < 140 && !HasFailure(); ++seed) {
    db_.reset();
    std::destroy_at(&disk_);
    std::construct_at(&disk_);
    model_.clear();
    redirects_.clear();
    now_ = 0;
    synced_commit_ = 0;
    Reopen();
    Run(seed, 150);
  }
}

}  // namespace
}  // namespace weft::test
