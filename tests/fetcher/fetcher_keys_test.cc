// A fetcher brings pages only to who proves the key that the scheduler named.
#include <gtest/gtest.h>

#include "fetcher/page_outbox.h"
#include "tests/support/manual_clock.h"
#include "tests/support/recording_bus.h"

namespace weft::test {
namespace {

TEST(FetcherKeysTest, AParserHasToProveTheKeyThatTheSchedulerNamed) {
  RecordingBus bus;
  ManualClock clock;
  std::unique_ptr<Random> random = SeededRandom(5);
  PageOutbox outbox(bus, clock, *random, 1, [](const OutPage&) {});
  wire::Peers peers;
  wire::ParserAddress* parser = peers.add_parsers();
  parser->set_node_id(4);
  parser->set_endpoint("tcp://192.0.2.1:9");
  parser->set_public_key("the parser's key");
  outbox.SetParsers(peers.parsers());
  EXPECT_EQ(bus.proven["tcp://192.0.2.1:9"], "the parser's key");
}

}  // namespace
}  // namespace weft::test
