// Draws a SyntheticWeb from a seed; see synthetic_web.h.
#pragma once

#include <memory>
#include <string>

#include "tests/support/synthetic_web.h"

namespace weft::test {

class WebBuilder {
 public:
  WebBuilder(SyntheticWeb& web, uint64_t seed);
  void Build();

 private:
  void MakeHosts();
  void DrawTemper(WebHost& host, int size);
  void DrawRobots(WebHost& host, int index);
  void MakePages(int host, int count);
  void DrawPage(WebPage& page, int index);
  void PickSeeds();
  void MakeRedirects();
  void MakeLarge();
  void MakePoison();
  void MakeLinks();
  void MakeLongRedirects();
  void AddLink(WebPage& from, int to);
  int Nearby(int host, int below);
  bool Chance(double share) { return random_->Unit() < share; }
  int Pick(int bound) { return static_cast<int>(random_->Below(static_cast<uint64_t>(bound))); }
  std::string Spell(const WebPage& from, const WebPage& to);

  SyntheticWeb& web_;
  std::unique_ptr<Random> random_;
};

}  // namespace weft::test
