// What a seed stands for: the web, the settings, the network's manners and the script of faults.
#include <fmt/format.h>

#include <algorithm>

#include "tests/support/sim_cluster.h"

namespace weft::test {
namespace {

using Kind = SimFault::Kind;

class Drawing {
 public:
  explicit Drawing(uint64_t seed) : random_(SeededRandom(seed * 2 + 1)), full_(seed % 25 == 0) { options_.seed = seed; }

  SimOptions Draw() {
    DrawWeb();
    DrawSettings();
    DrawNetwork();
    DrawScheduler();
    if (!options_.faultless) DrawFaults();
    if (Chance(0.5)) DrawLittleMemory();
    if (!options_.web.every_host_in_scope && Chance(0.5)) options_.refused_cap = static_cast<uint64_t>(Between(1, 4));
    if (Chance(0.3)) options_.settings.set_order("popular");
    if (!full_ && Chance(0.3)) DrawRecrawls();
    if (Chance(0.25)) DrawRoutes();
    DrawManagement();
    return std::move(options_);
  }

 private:
  uint64_t Below(uint64_t bound) { return random_->Below(bound); }
  bool Chance(double share) { return random_->Unit() < share; }
  int Between(int low, int high) { return low + static_cast<int>(Below(static_cast<uint64_t>(high - low + 1))); }

  // Hosts and retries go to the store and come back all the time.
  void DrawLittleMemory() {
    options_.hosts_in_memory = static_cast<size_t>(Between(1, 8));
    options_.scheduler.frontier.window = static_cast<size_t>(Between(1, 4));
    options_.scheduler.frontier.choice = static_cast<size_t>(Between(1, 4));
    options_.scheduler.frontier.idle_hosts = static_cast<size_t>(Between(0, 3));
  }

  // Some hosts are for one fetcher, and wait while it is away.
  void DrawRoutes() {
    options_.settings.add_rule(fmt::format("match=://[a-z.]*[0-9]*[{}]\\. tag=some", Chance(0.5) ? "02468" : "7"));
    options_.tags[fmt::format("fetcher-{}", Between(0, options_.fetchers - 1))] = {"some", "other"};
    if (Chance(0.3)) options_.tags[fmt::format("fetcher-{}", Between(0, options_.fetchers - 1))] = {"some"};
  }

  // Four or five visits of a page that keeps changing, one or two of one that does not.
  void DrawRecrawls() {
    const double seconds = RoughLength();
    options_.web.changing_pages = true;
    options_.recrawl_for = absl::Seconds(seconds * (0.5 + 2 * random_->Unit()));
    options_.settings.set_recrawl(true);
    const auto least = static_cast<int64_t>(seconds * (0.1 + 0.3 * random_->Unit()));
    options_.settings.set_recrawl_min_us(std::max<int64_t>(1, least) * 1'000'000);
    options_.settings.set_recrawl_max_us(options_.settings.recrawl_min_us() * Between(1, 8));
  }

  void DrawWeb() {
    WebOptions& web = options_.web;
    web.pages = full_ ? Between(4000, 10'000) : Between(200, 1000);
    web.hosts = full_ ? Between(50, 2000) : Between(2, 80);
    web.hosts = std::min(web.hosts, web.pages / 2);
    web.troubled_hosts = Chance(0.2) ? 0 : 0.5 * random_->Unit();
    web.odd_pages = 0.5 * random_->Unit();
    web.large_pages = Between(0, 4);
    web.long_redirects = Chance(0.2);
    web.every_host_in_scope = Chance(0.7);
    web.seeds = web.every_host_in_scope ? Between(1, 5) : std::max(1, web.hosts / 3);
    web.ignore_robots = Chance(0.1);
    options_.faultless = Chance(0.15);
    web.poison_pages = !options_.faultless && Chance(0.15) ? Between(1, 2) : 0;
  }

  void DrawSettings() {
    wire::CrawlSettings& settings = options_.settings;
    settings.set_scope(options_.web.every_host_in_scope ? "any" : "host");
    settings.set_ignore_robots(options_.web.ignore_robots);
    settings.set_max_body_bytes(options_.web.max_body);
    settings.set_body_memory_bytes(static_cast<uint64_t>(Between(3, 16)) << 20);
    settings.set_timeout_us(20'000'000);
    settings.set_connect_timeout_us(5'000'000);
    static constexpr int kDelaysMs[] = {0, 50, 200, 500, 1000, 4000};
    // The largest host bounds the virtual length of a crawl.
    int pages = options_.web.pages;
    int delay = kDelaysMs[Below(pages > 1000 ? 3 : 6)];
    settings.set_delay_us(delay * 1000);
    settings.set_host_connections(Chance(0.3) ? static_cast<uint32_t>(Between(2, 4)) : 1);
    settings.set_connections(static_cast<uint32_t>(Between(4, 64)));
    settings.set_user_agent("weft/1.0 (simulation)");
    settings.set_robots_token("weft");
    settings.set_warc_compression("none");
    options_.credit_items = static_cast<uint64_t>(Between(2, 64));
    options_.credit_bytes = static_cast<uint64_t>(Between(1, 16)) << 20;
  }

  void DrawNetwork() {
    NetworkFaults& network = options_.network;
    network.latency = absl::Milliseconds(Between(0, 3));
    network.jitter = absl::Milliseconds(Between(0, 20));
    if (options_.faultless) return;
    if (Chance(0.5)) network.drop = 0.02 * random_->Unit();
    if (Chance(0.5)) network.duplicate = 0.02 * random_->Unit();
    if (Chance(0.5)) network.reorder = 0.05 * random_->Unit();
    if (Chance(0.3)) network.late = 0.005 * random_->Unit();
    if (Chance(0.3)) options_.pool.stall = 0.02;
  }

  void DrawScheduler() {
    if (Chance(0.3)) options_.scheduler.lease = absl::Seconds(Between(4, 20));
    if (Chance(0.5)) options_.scheduler.lease_grace = absl::Milliseconds(Between(50, 2000));
    if (Chance(0.3)) options_.scheduler.turn = absl::Seconds(Between(2, 30));
    options_.scheduler.drain = absl::Seconds(Between(5, 30));
  }

  std::string AnyMachine() {
    int i = Between(0, options_.fetchers + options_.parsers);
    if (i == 0) return "scheduler";
    return i <= options_.fetchers ? fmt::format("fetcher-{}", i - 1) : fmt::format("parser-{}", i - 1 - options_.fetchers);
  }
  std::string AnyParser() { return fmt::format("parser-{}", Between(0, options_.parsers - 1)); }

  // The time that the largest host will take.
  double RoughLength() const {
    double pages = static_cast<double>(options_.web.pages);
    double share = 5.0 / (4.0 + static_cast<double>(std::min(options_.web.hosts, 40)));
    return 30 + pages * share * (absl::ToDoubleSeconds(absl::Microseconds(options_.settings.delay_us())) + 0.06);
  }

  void DrawFaults() {
    // Spread over that time, most of them early, where most goes on.
    double seconds = RoughLength();
    int count = Between(1, 12);
    for (int i = 0; i < count; ++i) {
      SimFault fault;
      double when = random_->Unit();
      fault.at = absl::Seconds(5 + seconds * when * when);
      DrawFault(fault);
      options_.faults.push_back(std::move(fault));
    }
  }

  void DrawFault(SimFault& fault) {
    static constexpr Kind kKinds[] = {Kind::kCrash, Kind::kCrash, Kind::kPowerCut,     Kind::kPowerCut,    Kind::kPause,
                                      Kind::kPause, Kind::kPart,  Kind::kKvWriteError, Kind::kKvSyncError, Kind::kDiskFull,
                                      Kind::kPageSyncError, Kind::kStop};
    fault.kind = kKinds[Below(std::size(kKinds))];
    fault.machine = AnyMachine();
    fault.length = absl::Milliseconds(Between(100, 30'000));
    if (fault.kind == Kind::kPart) {
      // Away from the scheduler most often: leases then run out at a node that goes on asking.
      do fault.other = Chance(0.6) ? "scheduler" : AnyMachine();
      while (fault.other == fault.machine);
    }
    if (fault.kind == Kind::kDiskFull || fault.kind == Kind::kPageSyncError) fault.machine = AnyParser();
    bool of_scheduler = fault.kind == Kind::kKvWriteError || fault.kind == Kind::kKvSyncError || fault.kind == Kind::kStop;
    if (of_scheduler) fault.machine = "scheduler";
  }

  std::string AnyNode() { return Chance(0.5) ? fmt::format("fetcher-{}", Between(0, options_.fetchers - 1)) : AnyParser(); }
  // The first of each stay, and those that some hosts are for.
  bool MayGo(const std::string& machine) const { return !machine.ends_with("-0") && !options_.tags.contains(machine); }

  // What people do to nodes. Without other faults: what may not cost a single page that is fetched twice.
  void DrawManagement() {
    options_.keys = Chance(0.4);
    options_.watches_frames = Chance(0.7);
    if (Chance(0.4)) return;
    const int count = Between(1, 4);
    for (int i = 0; i < count; ++i) {
      SimFault fault;
      fault.at = absl::Seconds(5 + RoughLength() * random_->Unit() * random_->Unit());
      static constexpr Kind kOrderly[] = {Kind::kDrain, Kind::kClockJump};
      static constexpr Kind kAll[] = {Kind::kDrain, Kind::kClockJump, Kind::kRevoke, Kind::kRevoke, Kind::kForget, Kind::kForgetCutOff};
      fault.kind = options_.faultless ? kOrderly[Below(std::size(kOrderly))] : kAll[Below(std::size(kAll))];
      DrawManaged(fault);
      if (fault.kind == Kind::kRevoke) options_.keys = true;
      options_.faults.push_back(std::move(fault));
    }
  }

  void DrawManaged(SimFault& fault) {
    fault.machine = AnyNode();
    fault.length = absl::Milliseconds(Between(100, 30'000));
    if (fault.kind == Kind::kForget && !MayGo(fault.machine)) fault.kind = Kind::kForgetCutOff;
    if (fault.kind == Kind::kForgetCutOff) fault.length = absl::Seconds(Between(10, 60));
    fault.for_good = MayGo(fault.machine) && Chance(0.3);
    if (fault.kind != Kind::kClockJump) return;
    if (Chance(0.5)) fault.machine.clear();
    if (!fault.machine.empty() && Chance(0.3)) fault.machine = "scheduler";
    fault.length = (Chance(0.5) ? 1 : -1) * absl::Seconds(Between(3500, 3700));
  }

  std::unique_ptr<Random> random_;
  bool full_;
  SimOptions options_;
};

}  // namespace

SimOptions DrawOptions(uint64_t seed) { return Drawing(seed).Draw(); }

std::string_view NameOf(SimFault::Kind kind) {
  static constexpr std::string_view kNames[] = {"crash",         "power cut",    "pause",        "part",            "kv write error",
                                                "kv sync error", "disk full",    "page sync error", "stop",         "revocation",
                                                "drain",         "forget",       "forget of a node that is cut off", "clock jump"};
  static_assert(std::size(kNames) == SimFault::kKinds);
  return kNames[static_cast<size_t>(kind)];
}

std::string Describe(const SimFault& fault) {
  return fmt::format("{} of {}{}{} at {:.3f} s, for {}", NameOf(fault.kind), fault.machine.empty() ? "all" : fault.machine,
                     fault.other.empty() ? "" : " and ", fault.other, absl::ToDoubleSeconds(fault.at),
                     fault.for_good ? "good" : fmt::format("{:.3f} s", absl::ToDoubleSeconds(fault.length)));
}

}  // namespace weft::test
