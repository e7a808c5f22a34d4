#include "cli/options.h"

#include <stdlib.h>

#include <gmock/gmock.h>

#include "cli/version.h"
#include "common/group_rule.h"
#include "tests/cli/parse_line.h"

namespace weft {
namespace {

using test::Crawl;
using test::CrawlError;
using test::Parse;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

std::string ErrorOf(std::vector<std::string> words) {
  const auto line = Parse(std::move(words));
  return line.ok() ? "" : ErrorText(line.status());
}

TEST(CrawlOptions, AreTheDocumentedDefaultsWhereNothingIsGiven) {
  const CommandLine line = Crawl({});
  EXPECT_EQ(line.command, Command::kCrawl);
  const wire::CrawlSettings& s = line.settings;
  EXPECT_EQ(s.scope(), "host");
  EXPECT_EQ(s.scope_version(), 1u);
  EXPECT_EQ(s.max_pages(), 0u);
  EXPECT_FALSE(s.has_max_depth());
  EXPECT_EQ(s.max_time_us(), 0);
  EXPECT_EQ(s.max_body_bytes(), 16u << 20);
  EXPECT_EQ(s.body_memory_bytes(), 256u << 20);
  EXPECT_EQ(s.timeout_us(), 60'000'000);
  EXPECT_EQ(s.connect_timeout_us(), 10'000'000);
  EXPECT_EQ(s.delay_us(), 1'000'000);
  EXPECT_EQ(s.host_connections(), 1u);
  EXPECT_EQ(s.connections(), 256u);
  EXPECT_FALSE(s.ignore_robots());
  EXPECT_EQ(s.user_agent(), "");
  EXPECT_EQ(s.warc_compression(), "gzip");
  EXPECT_EQ(line.invocation.parsers, 0u);
  EXPECT_EQ(line.invocation.log_level, "info");
  EXPECT_THAT(line.given, ElementsAre("out"));
}

TEST(CrawlOptions, SitemapsAreAutoUrlsOrOff) {
  EXPECT_THAT(Crawl({}).settings.sitemaps(), ElementsAre("auto"));
  EXPECT_THAT(Crawl({"--sitemaps", "off"}).settings.sitemaps(), ElementsAre("off"));
  EXPECT_THAT(Crawl({"--sitemaps", "https://e.test/a", "--sitemaps", "http://e.test/b"}).settings.sitemaps(),
              ElementsAre("https://e.test/a", "http://e.test/b"));
  EXPECT_THAT(CrawlError({"--sitemaps", "sitemap.xml"}), HasSubstr("--sitemaps: 'sitemap.xml' is neither auto, off nor"));
  EXPECT_THAT(CrawlError({"--sitemaps", "off", "--sitemaps", "auto"}), HasSubstr("'off' stands alone"));
}

TEST(CrawlOptions, FollowNamesKindsOfLinks) {
  EXPECT_EQ(Crawl({}).settings.follow(), "navigation,frame,refresh");
  EXPECT_EQ(Crawl({"--follow", "default,image"}).settings.follow(), "default,image");
  EXPECT_THAT(CrawlError({"--follow", "navigation,images"}), HasSubstr("--follow: 'images' is no kind of link; expected"));
  EXPECT_THAT(CrawlError({"--follow", "sitemap"}), HasSubstr("--sitemaps"));
}

TEST(CrawlOptions, NofollowIsObeyedOrIgnored) {
  EXPECT_EQ(Crawl({}).settings.nofollow(), "obey");
  EXPECT_EQ(Crawl({"--nofollow", "ignore"}).settings.nofollow(), "ignore");
  EXPECT_THAT(CrawlError({"--nofollow", "no"}), HasSubstr("'no' is not one of obey|ignore"));
}

TEST(CrawlOptions, TheExtractorIsLinearOrGumbo) {
  EXPECT_EQ(Crawl({}).settings.extractor(), "linear");
  EXPECT_EQ(Crawl({"--extractor", "gumbo"}).settings.extractor(), "gumbo");
  EXPECT_THAT(CrawlError({"--extractor", "lexbor"}), HasSubstr("'lexbor' is not one of linear|gumbo"));
}

TEST(CrawlOptions, ReadEveryKindOfValue) {
  const CommandLine line = Crawl({"--scope", "domain", "--max-pages", "10", "--max-depth", "0", "--max-time", "10m",
                                  "--max-body", "64KiB", "--delay", "500ms", "--ignore-robots", "--connections=7",
                                  "--contact", "you@example.org", "--parsers", "3", "--retry-failed"});
  const wire::CrawlSettings& s = line.settings;
  EXPECT_EQ(s.scope(), "domain");
  EXPECT_EQ(s.max_pages(), 10u);
  EXPECT_TRUE(s.has_max_depth());
  EXPECT_EQ(s.max_depth(), 0u);
  EXPECT_EQ(s.max_time_us(), 600'000'000);
  EXPECT_EQ(s.max_body_bytes(), 65536u);
  EXPECT_EQ(s.delay_us(), 500'000);
  EXPECT_TRUE(s.ignore_robots());
  EXPECT_EQ(s.connections(), 7u);
  EXPECT_EQ(s.contact(), "you@example.org");
  EXPECT_EQ(line.invocation.parsers, 3u);
  EXPECT_TRUE(line.invocation.retry_failed);
}

TEST(CrawlOptions, ZeroTakesTheDelayAway) { EXPECT_EQ(Crawl({"--delay", "0"}).settings.delay_us(), 0); }

TEST(CrawlOptions, NoneTakesALimitAway) {
  const CommandLine line = Crawl({"--max-depth", "none", "--max-pages", "none", "--max-time", "none"});
  EXPECT_FALSE(line.settings.has_max_depth());
  EXPECT_EQ(line.settings.max_pages(), 0u);
}

TEST(CrawlOptions, RepeatedOnesKeepTheirOrder) {
  const CommandLine line = Crawl({"--exclude", "[abc]", "--header", "X-A: 1", "--exclude", R"(\.pdf$)", "--header",
                                  "X-B: 2", "--allow-private-net", "127.0.0.0/8"});
  EXPECT_THAT(line.settings.exclude(), ElementsAre("[abc]", R"(\.pdf$)"));
  EXPECT_THAT(line.settings.header(), ElementsAre("X-A: 1", "X-B: 2"));
  EXPECT_THAT(line.settings.allow_private_net(), ElementsAre("127.0.0.0/8"));
}

TEST(CrawlOptions, TheLastOfASingleOneCounts) {
  EXPECT_EQ(Crawl({"--delay", "1s", "--delay", "3s"}).settings.delay_us(), 3'000'000);
}

TEST(CrawlOptions, AFlagCanBeSwitchedOff) {
  EXPECT_FALSE(Crawl({"--ignore-robots=false"}).settings.ignore_robots());
  EXPECT_THAT(CrawlError({"--ignore-robots=maybe"}), HasSubstr("neither true nor false"));
}

TEST(CrawlOptions, SeedsMayStandAnywhere) {
  const auto line = Parse({"crawl", "a.example", "--delay", "0", "b.example", "--out", "dir", "-i", "-", "-i", "x.txt"});
  ASSERT_TRUE(line.ok()) << ErrorText(line.status());
  EXPECT_THAT(line->invocation.seeds, ElementsAre("a.example", "b.example"));
  EXPECT_THAT(line->invocation.seed_files, ElementsAre("-", "x.txt"));
}

TEST(CrawlOptions, ALoneDashIsASeedArgument) {
  const auto line = Parse({"crawl", "-", "--out", "dir"});
  ASSERT_TRUE(line.ok()) << ErrorText(line.status());
  EXPECT_THAT(line->invocation.seeds, ElementsAre("-"));
}

TEST(CrawlOptions, BracketsInSeedsAreNotTakenApart) {
  const auto line = Parse({"crawl", "[::1]", "--out", "dir"});
  ASSERT_TRUE(line.ok()) << ErrorText(line.status());
  EXPECT_THAT(line->invocation.seeds, ElementsAre("[::1]"));
}

TEST(CrawlOptions, NoSeedsMeansGoingOn) {
  const auto line = Parse({"crawl", "--out", "dir"});
  ASSERT_TRUE(line.ok()) << ErrorText(line.status());
  EXPECT_THAT(line->invocation.seeds, IsEmpty());
}

TEST(CrawlOptions, AnUnknownFlagNamesTheNearest) {
  EXPECT_THAT(CrawlError({"--max-page", "3"}), AllOf(HasSubstr("--max-page;"), HasSubstr("did you mean --max-pages?")));
  EXPECT_THAT(CrawlError({"--dealy=3s"}), HasSubstr("did you mean --delay?"));
  EXPECT_THAT(CrawlError({"--frobnicate"}), HasSubstr("'weft crawl --help' lists the options"));
  EXPECT_THAT(CrawlError({"-z"}), HasSubstr("unknown option -z"));
}

TEST(CrawlOptions, AFlagOfAnotherCommandIsNamedAsThat) {
  EXPECT_THAT(CrawlError({"--listen", "x"}), HasSubstr("'weft crawl' does not take --listen"));
}

TEST(CrawlOptions, BadValuesNameFlagAndValue) {
  EXPECT_THAT(CrawlError({"--delay", "soon"}), AllOf(StartsWith("--delay: "), HasSubstr("soon")));
  EXPECT_THAT(CrawlError({"--max-body", "0"}), AllOf(StartsWith("--max-body: "), HasSubstr("at least 1")));
  EXPECT_THAT(CrawlError({"--max-pages", "-3"}), AllOf(StartsWith("--max-pages: "), HasSubstr("'-3' is not a whole number")));
  EXPECT_THAT(CrawlError({"--host-connections", "0"}), HasSubstr("at least 1"));
  EXPECT_THAT(CrawlError({"--max-depth", "4294967296"}), HasSubstr("at most 4294967295"));
  EXPECT_THAT(CrawlError({"--max-pages", "99999999999999999999"}), HasSubstr("too large"));
  EXPECT_THAT(CrawlError({"--scope", "site"}), HasSubstr("'site' is not one of host|domain|prefix|any"));
  EXPECT_THAT(CrawlError({"--scope", "host|any"}), HasSubstr("is not one of"));
  EXPECT_THAT(CrawlError({"--timeout", "0"}), HasSubstr("at least 1ms"));
  EXPECT_THAT(CrawlError({"--log-level", "loud"}), HasSubstr("debug|info|warn|error"));
}

TEST(CrawlOptions, AFlagWithoutItsValueIsAnError) {
  EXPECT_THAT(CrawlError({"--delay"}), HasSubstr("--delay"));
  EXPECT_THAT(CrawlError({"--delay", "--ignore-robots"}), StartsWith("--delay: "));
}

TEST(CrawlOptions, NeedADirectory) {
  EXPECT_THAT(ErrorOf({"crawl", "https://example.com/"}),
              HasSubstr("--out is missing (The crawl's directory: made if it is missing, gone on with if it is not); usage"));
  EXPECT_THAT(ErrorOf({"crawl", "https://example.com/", "--out", ""}), HasSubstr("--out is missing"));
}

TEST(ConfigFile, IsBeatenByAFlagAndBeatsTheDefault) {
  const test::ScratchDir dir;
  const std::string file = dir.Write("weft.toml", "delay = '2s'\nmax-pages = 5\nignore-robots = true\n");
  const CommandLine line = Crawl({"--max-pages", "9", "--config", file});
  EXPECT_EQ(line.settings.delay_us(), 2'000'000);
  EXPECT_EQ(line.settings.max_pages(), 9u);
  EXPECT_TRUE(line.settings.ignore_robots());
  EXPECT_EQ(line.settings.timeout_us(), 60'000'000);
  EXPECT_TRUE(line.given.contains("delay"));
  EXPECT_TRUE(line.given.contains("max-pages"));
  EXPECT_FALSE(line.given.contains("timeout"));
}

TEST(ConfigFile, GroupsAreTables) {
  const test::ScratchDir dir;
  const std::string path = dir.Write(
      "c.toml", "[[group]]\nname = 'cdn'\nhosts = ['a.example', '*.b.example']\nconnections = 2\ndelay = '1s'\n");
  const CommandLine line = Crawl({"--config", path});
  ASSERT_EQ(line.settings.group_size(), 1);
  const auto rule = ParseGroupRule(line.settings.group(0));
  ASSERT_TRUE(rule.ok()) << rule.status();
  EXPECT_EQ(rule->hosts.size(), 2u);
  EXPECT_EQ(rule->connections, 2u);
  EXPECT_THAT(CrawlError({"--group", "name=x delay=1s"}), HasSubstr("hosts"));
}

TEST(Commands, PolitenessTakesAHostAndADirectoryOrAScheduler) {
  const auto line = Parse({"politeness", "www.example.com", "dir"});
  ASSERT_TRUE(line.ok());
  EXPECT_EQ(line->invocation.host, "www.example.com");
  EXPECT_EQ(line->invocation.directory, "dir");
  EXPECT_TRUE(Parse({"politeness", "a.example", "--scheduler", "tcp://127.0.0.1:7700"}).ok());
  EXPECT_FALSE(Parse({"politeness"}).ok());
  EXPECT_FALSE(Parse({"politeness", "a.example"}).ok());
}

TEST(CrawlOptions, AFloorOfTheDelayMayBeZero) {
  EXPECT_FALSE(Crawl({}).settings.has_delay_min());
  EXPECT_TRUE(Crawl({"--delay-min", "0"}).settings.has_delay_min());
  EXPECT_EQ(Crawl({}).settings.delay_max_us(), 60'000'000);
}

TEST(ConfigFile, AFlagReplacesAListAsAWhole) {
  const test::ScratchDir dir;
  const std::string file = dir.Write("weft.toml", "exclude = ['a', 'b']\ninclude = ['c']\n");
  const CommandLine line = Crawl({"--exclude", "z", "--config", file});
  EXPECT_THAT(line.settings.exclude(), ElementsAre("z"));
  EXPECT_THAT(line.settings.include(), ElementsAre("c"));
}

TEST(ConfigFile, CanNameTheDirectoryAndSeedFiles) {
  const test::ScratchDir dir;
  const auto line = Parse({"crawl", "--config", dir.Write("weft.toml", "out = 'dir'\ninput = ['s.txt']\n")});
  ASSERT_TRUE(line.ok()) << ErrorText(line.status());
  EXPECT_EQ(line->invocation.out_dir, "dir");
  EXPECT_THAT(line->invocation.seed_files, ElementsAre("s.txt"));
}

TEST(ConfigFile, AnUnknownKeyNamesFileLineKeyAndNearestName) {
  const test::ScratchDir dir;
  const std::string file = dir.Write("weft.toml", "# limits\n\nmax-page = 5\n");
  EXPECT_THAT(CrawlError({"--config", file}),
              AllOf(StartsWith(file + ":3: "), HasSubstr("'max-page'"), HasSubstr("did you mean 'max-pages'?")));
}

TEST(ConfigFile, OneFileServesAllCommands) {
  const test::ScratchDir dir;
  const std::string file = dir.Write("weft.toml", "listen = 'tcp://127.0.0.1:7700'\ndelay = '3s'\n");
  const auto line = ParseCommandLine({"weft", "crawl", "https://a.example/", "--out", "out", "--config", file});
  ASSERT_TRUE(line.ok()) << line.status();
  EXPECT_EQ(line->settings.delay_us(), 3'000'000);
}

TEST(ConfigFile, ABadValueNamesFileLineAndKey) {
  const test::ScratchDir dir;
  const std::string file = dir.Write("weft.toml", "delay = '1s'\ntimeout = 'soon'\n");
  EXPECT_THAT(CrawlError({"--config", file}), AllOf(StartsWith(file + ":2: timeout: "), HasSubstr("soon")));
}

TEST(ConfigFile, AListForASingleOptionIsAnError) {
  const test::ScratchDir dir;
  EXPECT_THAT(CrawlError({"--config", dir.Write("weft.toml", "delay = ['1s', '2s']\n")}), HasSubstr("not a list"));
}

TEST(ConfigFile, CannotNameAnotherConfigFile) {
  const test::ScratchDir dir;
  EXPECT_THAT(CrawlError({"--config", dir.Write("weft.toml", "config = 'x'\n")}), HasSubstr("unknown key 'config'"));
}

TEST(Commands, HelpAndVersionNeedNothingElse) {
  EXPECT_THAT(Parse({})->help, HasSubstr("Usage: weft COMMAND"));
  EXPECT_THAT(Parse({"--help"})->help, HasSubstr("crawl"));
  EXPECT_EQ(Parse({"--version"})->help, fmt::format("Weft {}\n", WeftVersion()));
  EXPECT_THAT(Parse({"crawl", "--help"})->help, HasSubstr("Usage: weft crawl SEEDS"));
  EXPECT_THAT(Parse({"crawl", "https://example.com/", "-h"})->help, HasSubstr("Usage: weft crawl SEEDS"));
  EXPECT_THAT(Parse({"help", "seeds", "add"})->help, HasSubstr("Usage: weft seeds add"));
  EXPECT_THAT(Parse({"help", "seeds"})->help, HasSubstr("Usage: weft seeds add"));
  EXPECT_THAT(Parse({"seeds", "--help"})->help, HasSubstr("Usage: weft seeds add"));
}

TEST(Commands, AnUnknownOneNamesTheNearest) {
  EXPECT_THAT(ErrorOf({"crwal"}), HasSubstr("did you mean 'crawl'?"));
  EXPECT_THAT(ErrorOf({"https://example.com/"}), HasSubstr("weft crawl https://example.com/ --out DIR"));
  EXPECT_THAT(ErrorOf({"seeds"}), HasSubstr("weft seeds add"));
  EXPECT_THAT(ErrorOf({"help", "crwal"}), HasSubstr("did you mean 'crawl'?"));
}

TEST(Commands, SchedulerListensOnItsDocumentedAddress) {
  const auto line = Parse({"scheduler", "--data", "d", "--delay", "2s"});
  ASSERT_TRUE(line.ok()) << ErrorText(line.status());
  EXPECT_EQ(line->invocation.listen, "tcp://127.0.0.1:7700");
  EXPECT_EQ(line->settings.delay_us(), 2'000'000);
}

TEST(Commands, NodesNeedAScheduler) {
  EXPECT_THAT(ErrorOf({"fetcher"}), HasSubstr("--scheduler tcp://HOST:PORT is missing"));
  EXPECT_THAT(ErrorOf({"worker", "--scheduler", "tcp://127.0.0.1:7700"}), HasSubstr("--pages is missing"));
  const auto line = Parse({"worker", "--scheduler", "tcp://127.0.0.1:7700", "--pages", "p", "--parsers", "2"});
  ASSERT_TRUE(line.ok()) << ErrorText(line.status());
  EXPECT_EQ(line->invocation.scheduler, "tcp://127.0.0.1:7700");
  EXPECT_EQ(line->invocation.listen, "tcp://127.0.0.1:*");
}

TEST(Commands, PlainTcpIsRefusedBeyondLoopback) {
  EXPECT_TRUE(Parse({"scheduler", "--data", "d", "--listen", "tcp://0.0.0.0:7700"}).ok());  // with keys, by itself
  EXPECT_TRUE(Parse({"scheduler", "--data", "d", "--listen", "tcp://[::1]:7700"}).ok());
  EXPECT_TRUE(Parse({"scheduler", "--data", "d", "--listen", "tcp://*:7700"}).ok());
  for (const char* name : {"tcp://localhost:7700", "tcp://node1.example.org:7700"}) {
    EXPECT_THAT(ErrorOf({"scheduler", "--data", "d", "--listen", name}), HasSubstr("is a host's name; to listen say the address"));
  }
  EXPECT_THAT(ErrorOf({"fetcher", "--scheduler", "tcp://192.168.1.2:7700"}), HasSubstr("without keys"));
  EXPECT_THAT(ErrorOf({"status", "--scheduler", "tcp://192.168.1.2:7700"}), HasSubstr("without keys"));
  EXPECT_THAT(ErrorOf({"worker", "--scheduler", "tcp://127.0.0.1:1", "--pages", "p", "--listen", "tcp://0.0.0.0:*"}),
              HasSubstr("without keys"));
  EXPECT_TRUE(Parse({"fetcher", "--scheduler", "tcp://192.168.1.2:7700", "--insecure"}).ok());
  EXPECT_TRUE(Parse({"fetcher", "--scheduler", "tcp://192.168.1.2:7700", "--join", "f"}).ok());
}

TEST(Commands, ReadersTakeADirectoryOrAScheduler) {
  EXPECT_EQ(Parse({"status", "crawl", "--json"})->invocation.directory, "crawl");
  EXPECT_TRUE(Parse({"status", "crawl", "--json"})->invocation.json);
  const auto exporting = Parse({"export", "--scheduler", "tcp://localhost:1", "--format", "jsonl", "--output", "f", "--text"});
  ASSERT_TRUE(exporting.ok()) << ErrorText(exporting.status());
  EXPECT_EQ(exporting->invocation.output, "f");
  EXPECT_TRUE(exporting->invocation.text);
  EXPECT_THAT(ErrorOf({"status"}), HasSubstr("either a crawl's directory or --scheduler"));
  EXPECT_THAT(ErrorOf({"status", "a", "--join", "f"}), HasSubstr("either"));
  EXPECT_TRUE(Parse({"status", "--join", "f"}).ok());
  EXPECT_THAT(ErrorOf({"status", "a", "--scheduler", "tcp://127.0.0.1:1"}), HasSubstr("either"));
  EXPECT_THAT(ErrorOf({"status", "a", "b"}), HasSubstr("more than one directory"));
}

TEST(Commands, TrapsTakesTheNumbersOfThoseThatAreDecidedAbout) {
  const auto line = Parse({"traps", "crawl", "release", "3", "4", "--json"});
  ASSERT_TRUE(line.ok()) << ErrorText(line.status());
  EXPECT_EQ(line->invocation.directory, "crawl");
  EXPECT_EQ(line->invocation.trap_words, (std::vector<std::string>{"release", "3", "4"}));
  EXPECT_TRUE(line->invocation.json);
  EXPECT_EQ(Parse({"traps", "hold", "3", "crawl"})->invocation.directory, "crawl");
  EXPECT_TRUE(Parse({"traps", "release", "3", "--scheduler", "tcp://127.0.0.1:1"}).ok());
  EXPECT_TRUE(Parse({"traps", "crawl"})->invocation.trap_words.empty());
  EXPECT_THAT(ErrorOf({"traps", "crawl", "release"}), HasSubstr("number of a trap is missing"));
  EXPECT_THAT(ErrorOf({"traps", "release", "3"}), HasSubstr("either a crawl's directory or --scheduler"));
}

TEST(Commands, InspectTakesTheCaseAndWhatCameWithIt) {
  const auto line = Parse({"inspect", "robots", "-", "--url", "https://h.example/x", "--agent", "Bot"});
  ASSERT_TRUE(line.ok()) << ErrorText(line.status());
  EXPECT_EQ(line->command, Command::kInspect);
  EXPECT_THAT(line->invocation.inspected, ElementsAre("robots", "-"));
  EXPECT_EQ(line->invocation.of_url, "https://h.example/x");
  EXPECT_EQ(line->invocation.agent, "Bot");
  EXPECT_FALSE(line->invocation.jsonl);
  EXPECT_THAT(ErrorOf({"inspect", "url", "x", "--delay", "1s"}), HasSubstr("does not take --delay"));
}

TEST(Commands, SeedsAddNeedsASeed) {
  EXPECT_THAT(ErrorOf({"seeds", "add", "--scheduler", "tcp://127.0.0.1:1"}), HasSubstr("no seed is named"));
  const auto line = Parse({"seeds", "add", "--scheduler", "tcp://127.0.0.1:1", "https://a.example/", "-i", "f"});
  ASSERT_TRUE(line.ok()) << ErrorText(line.status());
  EXPECT_EQ(line->command, Command::kSeedsAdd);
  EXPECT_THAT(line->invocation.seeds, ElementsAre("https://a.example/"));
}

TEST(Commands, StrayArgumentsAreErrors) {
  EXPECT_THAT(ErrorOf({"fetcher", "--scheduler", "tcp://127.0.0.1:1", "extra"}), HasSubstr("unexpected argument 'extra'"));
}

TEST(Recrawl, BoundsThatCrossAreAnError) {
  const std::vector<std::string> crawl = {"crawl", "https://a.example/", "--out", "d", "--contact", "a@b.example"};
  auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), crawl.begin(), crawl.end());
    return more;
  };
  EXPECT_THAT(ErrorOf(with({"--recrawl-min", "2h", "--recrawl-max", "1h"})), HasSubstr("longer than --recrawl-max"));
  EXPECT_THAT(ErrorOf(with({"--delay-min", "5s", "--delay-max", "1s"})), HasSubstr("longer than --delay-max"));
  const auto line = Parse(with({"--recrawl", "--recrawl-min", "2h", "--rule", "match=x recrawl=off"}));
  ASSERT_TRUE(line.ok()) << ErrorText(line.status());
  EXPECT_TRUE(line->settings.recrawl());
  EXPECT_EQ(line->settings.recrawl_min_us(), 7'200'000'000);
  EXPECT_EQ(line->settings.recrawl_max_us(), 30 * 86'400'000'000);
  EXPECT_EQ(line->settings.rule_size(), 1);
  EXPECT_THAT(ErrorOf(with({"--rule", "match=x recrawl=soon"})), HasSubstr("--rule"));
}

TEST(Tokens, AreMadeListedAndRevokedInTheSchedulersDirectory) {
  EXPECT_THAT(ErrorOf({"token", "new", "--data", "d", "--role", "tool", "--address", "a.example"}), HasSubstr("is not an address of a node"));
  const auto made = Parse({"token", "new", "--data", "d", "--role", "tool", "--name", "n", "--address", "tcp://a.example:1", "-o", "f"});
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_EQ(made->invocation.role, "tool");
  EXPECT_EQ(made->invocation.node_name, "n");
  EXPECT_EQ(made->invocation.output, "f");
  EXPECT_EQ(made->invocation.addresses, std::vector<std::string>{"tcp://a.example:1"});
  EXPECT_EQ(Parse({"token", "revoke", "n", "--data", "d"})->invocation.token, "n");
  EXPECT_TRUE(Parse({"token", "list", "--data", "d", "--json"}).ok());
  EXPECT_THAT(ErrorOf({"token", "revoke", "--data", "d"}), HasSubstr("name one token"));
  EXPECT_THAT(ErrorOf({"token", "new"}), HasSubstr("--data is missing"));
  EXPECT_THAT(ErrorOf({"token", "new", "--data", "d", "--role", "king"}), HasSubstr("worker"));
  EXPECT_THAT(ErrorOf({"token"}), HasSubstr("weft token new"));
}

TEST(Tokens, ComeFromTheEnvironmentWhereNothingElseSaysWhereTheSchedulerIs) {
  ASSERT_EQ(setenv("WEFT_JOIN", "f", 1), 0);
  const auto worker = Parse({"worker", "--pages", "p"});
  const auto status = Parse({"status"});
  const auto directory = Parse({"status", "d"});
  const auto named = Parse({"fetcher", "--scheduler", "tcp://127.0.0.1:1"});
  const auto near = Parse({"seeds", "add", "https://a.example/", "--data", "d"});
  unsetenv("WEFT_JOIN");
  ASSERT_TRUE(worker.ok() && status.ok() && directory.ok() && named.ok() && near.ok());
  EXPECT_EQ(worker->invocation.join, "f");
  EXPECT_TRUE(worker->invocation.join_from_environment);
  EXPECT_EQ(status->invocation.join, "f");
  EXPECT_EQ(directory->invocation.join, "");
  EXPECT_EQ(named->invocation.join, "");
  EXPECT_EQ(near->invocation.join, "");
}

TEST(Tokens, KeysAndNoneOfThemAreNotWantedAtOnce) {
  EXPECT_THAT(ErrorOf({"fetcher", "--join", "f", "--insecure"}), HasSubstr("leave one out"));
  EXPECT_THAT(ErrorOf({"scheduler", "--data", "d", "--keys", "--insecure"}), HasSubstr("leave one out"));
  EXPECT_THAT(ErrorOf({"seeds", "add", "https://a.example/", "--data", "d", "--join", "f"}), HasSubstr("leave --scheduler and --join out"));
}

TEST(OptionsSecrets, WhatIsShownOfACommandLineHoldsNone) {
  const auto line = ParseCommandLine({"weft", "crawl", "https://a.example/", "--out", "d", "--proxy", "http://me:secret@p:1",
                                      "--rule=match=//a/ proxy=http://me:secret@p:1", "--header", "Cookie: secret"});
  ASSERT_TRUE(line.ok()) << line.status();
  std::string shown;
  for (const std::string& word : line->argv) shown += word + "|";
  EXPECT_EQ(shown.find("secret"), std::string::npos) << shown;
  EXPECT_NE(shown.find("--proxy|http://…@p:1|--rule=match=//a/ proxy=http://…@p:1|--header|Cookie: …|"), std::string::npos) << shown;
  EXPECT_EQ(line->settings.proxy(), "http://me:secret@p:1");
}

}  // namespace
}  // namespace weft
