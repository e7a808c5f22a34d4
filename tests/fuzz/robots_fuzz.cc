// Any bytes as robots.txt. First line: product token, blank, path; the rest: the file.
#include "fetcher/robots_rules.h"
#include "tests/fuzz/fuzz_input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weft;
  std::string_view body = test::AsText(data, size);
  const std::string_view line = test::TakeFirstLine(&body);
  const size_t blank = line.find(' ');
  const std::string_view token = line.substr(0, blank);
  const std::string_view path = blank == std::string_view::npos ? std::string_view("/") : line.substr(blank + 1);
  const RobotsRules rules = RobotsRules::Parse(body, token);
  const RobotsRules::Verdict verdict = rules.Check(path);
  WEFT_FUZZ_CHECK(verdict.allowed == rules.Allowed(path));
  WEFT_FUZZ_CHECK(verdict.line >= 0 && (verdict.line == 0 || !verdict.rule.empty()));
  WEFT_FUZZ_CHECK(verdict.allowed || !verdict.rule.empty());
  WEFT_FUZZ_CHECK(rules.Allowed("/robots.txt"));
  WEFT_FUZZ_CHECK(rules.sitemaps().size() <= kMaxRobotsSitemaps);
  WEFT_FUZZ_CHECK(!rules.crawl_delay() ||
                  (*rules.crawl_delay() >= absl::ZeroDuration() && *rules.crawl_delay() <= kMaxCrawlDelay));
  // A copy answers for itself.
  const RobotsRules copy = rules;
  WEFT_FUZZ_CHECK(copy.Check(path).line == verdict.line);
  RobotsRules::TokenOf(body.substr(0, 4096));
  return 0;
}
