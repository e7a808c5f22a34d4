// The observer as a whole: robots.txt and address rules, and that it hands events to the other checks.
#include <gtest/gtest.h>

#include "tests/support/sim_observer.h"

namespace weft::test {
namespace {

class Observing : public testing::Test {
 protected:
  Observing() : web(11, Options()), observer(clock, web, Terms(), {}) {
    observer.OnProcess(life, "fetcher-0", node_clock);
  }
  static WebOptions Options() {
    WebOptions options;
    options.hosts = 60;
    options.pages = 900;
    options.troubled_hosts = 0.5;
    return options;
  }
  // Some page of which `fits` holds.
  template <typename F>
  SeenRequest Find(F fits) {
    SeenRequest request;
    for (const WebPage& page : web.pages()) {
      const WebHost& host = web.hosts()[static_cast<size_t>(page.host)];
      if (!fits(host, page)) continue;
      request.life = life;
      request.fetcher = "fetcher-0";
      request.host = host.name;
      request.origin = host.origins[static_cast<size_t>(page.origin)];
      request.path = page.path;
      break;
    }
    EXPECT_FALSE(request.host.empty()) << "this web has no such page";
    return request;
  }
  void AnswerRobots(SeenRequest request) {
    request.path = "/robots.txt";
    request.robots = true;
    WebAnswer answer;
    answer.robots = true;
    answer.status = 200;
    FetchResult result;
    result.outcome = Outcome::kResponse;
    observer.OnAnswered(request, answer, result);
  }

  static ObserverTerms Terms() {
    ObserverTerms terms;
    terms.host_connections = 100;
    terms.body_memory = 1000;
    return terms;
  }

  SimClock clock;
  Life life = clock.Begin();
  SimNodeClock node_clock{clock, absl::ZeroDuration(), absl::ZeroDuration(), 0};
  SyntheticWeb web;
  SimObserver observer;
};

constexpr auto kOpen = [](const WebHost& host, const WebPage& page) {
  return host.temper == WebHost::Temper::kNormal && host.robots == WebHost::Robots::kRules && !page.disallowed;
};

TEST_F(Observing, SeesAPageAskedBeforeRobots) {
  observer.OnRequest(Find(kOpen));
  EXPECT_TRUE(observer.violations().Has("robots"));
}

TEST_F(Observing, AcceptsAnAllowedPageAfterRobots) {
  SeenRequest request = Find(kOpen);
  AnswerRobots(request);
  observer.OnRequest(request);
  EXPECT_FALSE(observer.violations().Has("robots"));
}

TEST_F(Observing, SeesADisallowedPageAsked) {
  SeenRequest request = Find([](const WebHost& host, const WebPage& page) {
    return host.robots == WebHost::Robots::kRules && page.disallowed;
  });
  AnswerRobots(request);
  observer.OnRequest(request);
  EXPECT_TRUE(observer.violations().Has("robots"));
}

TEST_F(Observing, SeesARequestToAPrivateAddress) {
  observer.OnRequest(Find([](const WebHost& host, const WebPage&) { return host.temper == WebHost::Temper::kPrivate; }));
  EXPECT_TRUE(observer.violations().Has("address"));
}

TEST_F(Observing, HandsRequestsToTheLeaseCheck) {
  observer.OnRequest(Find(kOpen));
  EXPECT_TRUE(observer.violations().Has("lease"));
}

TEST_F(Observing, HandsThrottledAnswersToThePolitenessCheck) {
  SeenRequest request = Find(kOpen);
  WebAnswer answer;
  answer.throttled = true;
  answer.retry_after = absl::Seconds(10);
  FetchResult result;
  result.outcome = Outcome::kResponse;
  observer.OnAnswered(request, answer, result);
  observer.OnRequest(request);
  EXPECT_TRUE(observer.violations().Has("retry-after"));
}

TEST_F(Observing, HandsFramesToTheCreditAndCommitChecks) {
  SimNetwork network(clock, 1);
  SimBus fetcher(network, "fetcher-0", life, [](const PeerId&, Message) {});
  Message page;
  page.frame.set_version(kProtocolVersion);
  page.frame.mutable_page()->set_page_id(1);
  observer.OnSent(fetcher, nullptr, page);
  EXPECT_TRUE(observer.violations().Has("credit"));
  SimBus parser(network, "parser-0", clock.Begin(), [](const PeerId&, Message) {});
  Message ack;
  ack.frame.set_version(kProtocolVersion);
  ack.frame.mutable_page_ack()->add_page_ids(1);
  observer.OnSent(parser, &fetcher, ack);
  EXPECT_TRUE(observer.violations().Has("ack"));
}

TEST_F(Observing, ItsDigestTellsRunsApart) {
  SimNetwork network(clock, 1);
  SimBus bus(network, "fetcher-0", life, [](const PeerId&, Message) {});
  uint64_t before = observer.digest();
  observer.OnSent(bus, nullptr, {});
  EXPECT_NE(observer.digest(), before);
}

TEST_F(Observing, SeesTooManyBytesOfBodiesUnderWay) {
  SeenRequest first;
  first.id = 1;
  first.life = life;
  SeenRequest second = first;
  second.id = 2;
  observer.OnTaken(first, 600);
  observer.OnAnswered(first, {}, {});
  observer.OnTaken(second, 600);
  EXPECT_TRUE(observer.violations().empty());
  observer.OnTaken(first, 600);
  EXPECT_TRUE(observer.violations().Has("memory"));
}

}  // namespace
}  // namespace weft::test
