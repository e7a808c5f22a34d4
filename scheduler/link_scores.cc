#include "scheduler/link_scores.h"

#include <algorithm>
#include <bit>

namespace weft {

LinkScores::LinkScores(size_t bytes) : sets_(std::bit_floor(std::max<size_t>(1, bytes / sizeof(Set)))), mask_(sets_.size() - 1) {}

int LinkScores::StepOf(uint32_t score) {
  const uint32_t quarters = score / (kPageWorth / 4);
  return quarters == 0 ? 0 : std::min(kMostSteps, (static_cast<int>(std::bit_width(quarters)) - 1) / 2 + 1);
}

const LinkScores::Slot* LinkScores::Find(const Fingerprint& key) const {
  const uint32_t tag = TagOf(key);
  for (const Slot& slot : sets_[key.lo & mask_]) {
    if (slot.score() > 0 && slot.tag() == tag) return &slot;
  }
  return nullptr;
}

LinkScores::Slot& LinkScores::FindOrAdd(const Fingerprint& key) {
  if (Slot* known = Find(key)) return *known;
  Set& set = sets_[key.lo & mask_];
  Slot& least = *std::min_element(set.begin(), set.end(), [](const Slot& a, const Slot& b) { return a.score() < b.score(); });
  least.tag_and_shard = TagOf(key) << 7 | kNoShard;
  least.score_and_step = 0;
  return least;
}

// Little by little: to halve all at once would hold up the loop.
void LinkScores::Age() {
  if (++additions_ < kAdditionsPerSet) return;
  additions_ = 0;
  for (Slot& slot : sets_[oldest_]) slot.set_score(slot.score() / 2);
  oldest_ = (oldest_ + 1) & mask_;
}

LinkScores::Reached LinkScores::Add(const Fingerprint& key, uint16_t shard, uint32_t worth) {
  if (worth == 0) return {};
  Age();
  Slot& slot = FindOrAdd(key);
  slot.set_score(std::min(kMostScore, slot.score() + std::min(worth, kMostScore)));
  if (shard < kNoShard) slot.set_shard(shard);
  const int step = StepOf(slot.score());
  return {step > slot.step() ? step : 0, slot.shard()};
}

void LinkScores::NoteStep(const Fingerprint& key, int step) {
  if (Slot* slot = Find(key)) slot->set_step(std::max(slot->step(), step));
}

uint32_t LinkScores::Take(const Fingerprint& key) {
  Slot* slot = Find(key);
  if (slot == nullptr) return 0;
  const uint32_t score = slot->score();
  slot->score_and_step = 0;
  return score;
}

uint32_t LinkScores::ScoreOf(const Fingerprint& key) const {
  const Slot* slot = Find(key);
  return slot == nullptr ? 0 : slot->score();
}

}  // namespace weft
