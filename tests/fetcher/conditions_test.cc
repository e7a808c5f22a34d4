#include "fetcher/conditions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> Conditions(const std::string& etag, const std::string& last_modified) {
  wire::UrlTicket ticket;
  ticket.set_etag(etag);
  ticket.set_last_modified(last_modified);
  std::vector<std::string> headers;
  AddConditions(ticket, headers);
  return headers;
}

TEST(Conditions, AreWhatTheServerGave) {
  EXPECT_THAT(Conditions("W/\"x\"", "Sat, 21 Nov 2026 10:00:00 GMT"),
              ElementsAre("If-None-Match: W/\"x\"", "If-Modified-Since: Sat, 21 Nov 2026 10:00:00 GMT"));
}

TEST(Conditions, AreNoneWithoutAPage) { EXPECT_THAT(Conditions("", ""), IsEmpty()); }

TEST(Conditions, NeverBeginAnotherHeader) {
  EXPECT_THAT(Conditions("\"x\"\r\nEvil: 1", "Sat\nEvil: 1"), IsEmpty());
  EXPECT_THAT(Conditions(std::string(kMaxValidatorBytes + 1, 'x'), std::string("a\0b", 3)), IsEmpty());
  EXPECT_THAT(Conditions("\"\xe9\"", "\x7f"), IsEmpty());
  EXPECT_THAT(Conditions(std::string(kMaxValidatorBytes, 'x'), ""), ::testing::SizeIs(1));
}

}  // namespace
}  // namespace weft
