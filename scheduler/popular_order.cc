#include "scheduler/popular_order.h"

#include <absl/time/time.h>

#include <algorithm>
#include <utility>

#include "common/order_choice.h"
#include "common/status.h"

namespace weft {
namespace {

constexpr absl::Duration kFresh = absl::Hours(24 * 7);

}  // namespace

PopularOrder::PopularOrder(CrawlDb& db, Frontier& frontier, const Clock& clock, size_t memory_bytes)
    : db_(db), frontier_(frontier), clock_(clock), scores_(memory_bytes) {}

int PopularOrder::Nearer(const wire::Link& link) const {
  int nearer = 0;
  // sitemaps.org: from 0.0 to 1.0, and 0.5 says nothing.
  if (link.priority() > 0) nearer = (static_cast<int>(std::min(link.priority(), 101u)) - 51) / 25;
  const bool fresh = link.lastmod_us() > 0 && absl::FromUnixMicros(link.lastmod_us()) >= clock_.WallNow() - kFresh;
  return nearer + (fresh ? 1 : 0);
}

LinkVotes PopularOrder::SuppressedIn(const wire::PageResult& result) {
  LinkVotes votes;
  votes.links = result.links_seen();
  // A sitemap lists, it does not recommend.
  if (result.ticket().sitemap_level() > 0) return votes;
  const int count = std::min(result.suppressed_size(), kMaxSuppressedLinks);
  for (int i = 0; i < count; ++i) {
    const wire::SuppressedLink& link = result.suppressed(i);
    const Fingerprint key = Fingerprint::FromBytes(link.key());
    if (key.empty()) continue;
    const auto shard = static_cast<uint16_t>(result.ticket().shard() % kShardCount);
    votes.named.push_back({key, link.same_host() ? shard : LinkScores::kNoShard});
  }
  return votes;
}

void PopularOrder::Committed(const Fingerprint& page, const LinkVotes& votes) {
  const uint32_t worth = std::min(kMostWorth, kPageWorth + std::min(kMostWorth, scores_.Take(page)));
  if (votes.named.empty()) return;
  const uint64_t links = std::max<uint64_t>({votes.links, votes.named.size(), kFewestLinks});
  const auto share = static_cast<uint32_t>(worth / links);
  for (const LinkVotes::One& one : votes.named) {
    if (one.key == page) continue;
    const LinkScores::Reached reached = scores_.Add(one.key, one.shard, share);
    if (reached.step == 0 || reached.shard == LinkScores::kNoShard) continue;
    if (wanted_.size() >= kMovesAtOnce || frontier_.FindOut(one.key) != nullptr) continue;
    scores_.NoteStep(one.key, reached.step);
    wanted_.push_back({one.key, reached.shard, reached.step});
  }
}

absl::Status PopularOrder::MoveUp(CrawlTime now) {
  if (wanted_.empty() || waits_) return absl::OkStatus();
  std::vector<Preference> wanted = std::exchange(wanted_, {});
  std::erase_if(wanted, [this](const Preference& one) { return frontier_.FindOut(one.key) != nullptr; });
  WEFT_ASSIGN_OR_RETURN(std::vector<Preferred> answers, db_.Prefer(wanted, now));
  for (size_t i = 0; i < answers.size(); ++i) {
    Preferred& answer = answers[i];
    // Nothing to be moved any more: it need not be looked up again.
    if (answer.kind == Preferred::Kind::kOver) scores_.NoteStep(wanted[i].key, LinkScores::kMostSteps);
    if (answer.kind == Preferred::Kind::kMoved) frontier_.MoveUp(answer.host_id, answer.origin, std::move(answer.url));
  }
  return absl::OkStatus();
}

}  // namespace weft
