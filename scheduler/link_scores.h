// How much the links of fetched pages are worth to a URL that waits: a running score in the spirit of OPIC (Abiteboul, Preda,
// Cobena, "Adaptive on-line page importance computation", WWW 2003). A page shares its own worth among its links when it is
// committed, and begins anew; nothing is iterated, no graph is kept.
//
// Memory is fixed: sets of eight slots of eight bytes; in a full set the least score makes room. A slot knows 25 bits of its
// fingerprint beside the set's: another URL is taken for it once in four million. What is lost or taken wrongly is score alone,
// and costs a URL that is fetched sooner or later than it might be. Scores age: each set is halved in its turn, all of them once
// in 64 additions for each set, so that what was popular long ago makes room too.
// Thread rule: one thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "common/fingerprint.h"

namespace weft {

// What a page is worth by itself. Scores are counted in 4096ths of it.
inline constexpr uint32_t kPageWorth = 4096;
inline constexpr size_t kLinkScoreBytes = 8 << 20;   // a million URLs

class LinkScores {
 public:
  static constexpr int kMostSteps = 7;
  static constexpr uint16_t kNoShard = 64;
  static constexpr uint32_t kMostScore = (uint32_t{1} << 24) - 1;
  static constexpr uint32_t kAdditionsPerSet = 64;

  // Rounded down to a power of two of sets, at least one.
  explicit LinkScores(size_t bytes = kLinkScoreBytes);

  struct Reached {
    int step = 0;                 // a step beyond what was noted; 0: none
    uint16_t shard = kNoShard;    // as it was told with this or an earlier addition
  };
  // `shard`: where the URL's record lies, kNoShard where that is not known.
  Reached Add(const Fingerprint& key, uint16_t shard, uint32_t worth);
  // Steps up to this one are not told again; kMostSteps: none is.
  void NoteStep(const Fingerprint& key, int step);
  // Its score, which begins anew.
  uint32_t Take(const Fingerprint& key);

  uint32_t ScoreOf(const Fingerprint& key) const;
  size_t bytes() const { return sets_.size() * sizeof(Set); }
  // A quarter of a page's worth is step 1, and each step four times the one before.
  static int StepOf(uint32_t score);

 private:
  // Two words: tag and shard, score and step. A score of 0 is a free slot.
  struct Slot {
    uint32_t tag_and_shard = 0;
    uint32_t score_and_step = 0;

    uint32_t tag() const { return tag_and_shard >> 7; }
    uint16_t shard() const { return static_cast<uint16_t>(tag_and_shard & 127); }
    uint32_t score() const { return score_and_step >> 8; }
    int step() const { return static_cast<int>(score_and_step & 255); }
    void set_shard(uint16_t shard) { tag_and_shard = (tag_and_shard & ~uint32_t{127}) | (shard & 127u); }
    void set_score(uint32_t score) { score_and_step = score << 8 | (score_and_step & 255); }
    void set_step(int step) { score_and_step = (score_and_step & ~uint32_t{255}) | (static_cast<uint32_t>(step) & 255u); }
  };
  using Set = std::array<Slot, 8>;   // a cache line

  const Slot* Find(const Fingerprint& key) const;
  Slot* Find(const Fingerprint& key) { return const_cast<Slot*>(std::as_const(*this).Find(key)); }
  Slot& FindOrAdd(const Fingerprint& key);
  void Age();
  static uint32_t TagOf(const Fingerprint& key) { return static_cast<uint32_t>(key.hi) >> 7; }

  std::vector<Set> sets_;
  size_t mask_ = 0;
  size_t oldest_ = 0;        // the set that is halved next
  uint32_t additions_ = 0;   // since the last one was
};

}  // namespace weft
