#include "cli/options_table.h"

#include "cli/options_check.h"
#include "common/follow_choice.h"
#include "common/url_rules.h"

namespace weft {
namespace {

using Settings = wire::CrawlSettings;
using Call = CrawlInvocation;

constexpr uint32_t Bits(Command command) { return static_cast<uint32_t>(command); }
constexpr uint32_t kCrawl = Bits(Command::kCrawl);
constexpr uint32_t kScheduler = Bits(Command::kScheduler);
constexpr uint32_t kImport = Bits(Command::kImport);
constexpr uint32_t kOwners = kCrawl | kScheduler | kImport;  // who creates or resumes a crawl
constexpr uint32_t kParsers = Bits(Command::kWorker) | Bits(Command::kParser);
constexpr uint32_t kNodes = kParsers | Bits(Command::kFetcher);
constexpr uint32_t kReaders =
    Bits(Command::kStatus) | Bits(Command::kExport) | Bits(Command::kPoliteness) | Bits(Command::kTraps);
constexpr uint32_t kNodeTools = Bits(Command::kNodeList) | Bits(Command::kNodeDrain) | Bits(Command::kNodeForget) |
                                Bits(Command::kCheckpoint);
constexpr uint32_t kInspect = Bits(Command::kInspect);
constexpr uint32_t kWarcCat = Bits(Command::kWarcCat);
constexpr uint32_t kAddsSeeds = Bits(Command::kSeedsAdd);
constexpr uint32_t kTokenNew = Bits(Command::kTokenNew);
constexpr uint32_t kTokens = kTokenNew | Bits(Command::kTokenList) | Bits(Command::kTokenRevoke);
constexpr uint32_t kDaemons = kOwners | kNodes;

StoredField Stored(int number, int presence = 0) { return {number, presence}; }
InvocationField OfCall(auto CrawlInvocation::*member) { return member; }

std::vector<Option> SeedAndScopeOptions() {
  return {
      {.name = "input", .letter = 'i', .repeatable = true, .unit = "FILE",
       .help = "Read seeds from FILE, one a line, # starts a comment; - is standard input",
       .group = OptionGroup::kSeeds, .commands = kCrawl | kAddsSeeds, .place = OfCall(&Call::seed_files)},
      {.name = "sitemaps", .repeatable = true, .default_text = "auto", .unit = "auto|URL|off",
       .help = "Read the sitemaps and feeds that robots.txt names (auto), or those at these URLs instead, or none (off)",
       .group = OptionGroup::kSeeds, .commands = kOwners, .place = Stored(Settings::kSitemapsFieldNumber),
       .check = CheckSitemaps},
      {.name = "scope", .kind = ValueKind::kChoice, .default_text = "host", .unit = "host|domain|prefix|any",
       .choices = "host|domain|prefix|any",
       .help = "Which links are followed: the seeds' hosts, their registrable domains, what begins like a seed up to "
               "its last slash, or everything. Seeds are always in scope",
       .group = OptionGroup::kScope, .commands = kOwners, .place = Stored(Settings::kScopeFieldNumber),
       .changes_scope = true},
      {.name = "include", .repeatable = true, .unit = "RE2",
       .help = "Follow only URLs in which one of these regular expressions is found",
       .group = OptionGroup::kScope, .commands = kOwners, .place = Stored(Settings::kIncludeFieldNumber),
       .check = CheckRegex, .changes_scope = true},
      {.name = "exclude", .repeatable = true, .unit = "RE2",
       .help = "Do not follow URLs in which one of these regular expressions is found; beats --include",
       .group = OptionGroup::kScope, .commands = kOwners, .place = Stored(Settings::kExcludeFieldNumber),
       .check = CheckRegex, .changes_scope = true},
      {.name = "follow", .default_text = kFollowDefault, .unit = "KINDS",
       .help = "Which kinds of links are followed, with commas between them: navigation, frame, refresh, canonical, alternate, "
               "next, prev, image, script, style, media, embed, form, cite, resource, all or default. With style or resource "
               "style sheets are searched too",
       .group = OptionGroup::kScope, .commands = kOwners, .place = Stored(Settings::kFollowFieldNumber),
       .check = CheckFollow},
      {.name = "extractor", .kind = ValueKind::kChoice, .default_text = "linear", .unit = "linear|gumbo",
       .choices = "linear|gumbo",
       .help = "How HTML is read for links: in one pass, or by building the tree, which costs many times as much",
       .group = OptionGroup::kScope, .commands = kOwners | kInspect, .place = Stored(Settings::kExtractorFieldNumber)},
      {.name = "change-scope", .kind = ValueKind::kFlag, .default_text = "false",
       .help = "Let this call change the scope options of a crawl that has begun",
       .group = OptionGroup::kScope, .commands = kOwners, .place = OfCall(&Call::change_scope)},
  };
}

std::vector<Option> RecrawlOptions() {
  constexpr uint64_t kSecond = 1'000'000;
  constexpr uint64_t kTenYears = 3650 * 86'400 * kSecond;
  return {
      {.name = "rule", .repeatable = true, .unit = "'match=RE2 NAME=VALUE...'",
       .help = "For URLs in which the regular expression is found: priority=-100..100, recrawl=1h..7d (or one time, or "
               "off), recrawl-min, recrawl-max, recrawl-at=\"daily 03:00\", \"weekly mon 03:00\" or \"monthly 1 03:00\" (UTC), tag=TAG (of whole hosts: match is looked for in "
               "https://HOST/; nodes with --tags TAG fetch them), "
               "proxy=URL or none (of whole hosts too, before --proxy). For each of "
               "these the first rule that matches and names it decides",
       .group = OptionGroup::kScope, .commands = kOwners, .place = Stored(Settings::kRuleFieldNumber),
       .check = CheckUrlRule, .mask = MaskUrlRule},
      {.name = "order", .kind = ValueKind::kChoice, .default_text = "breadth", .unit = "breadth|popular",
       .choices = "breadth|popular",
       .help = "What of a host goes first: what is nearest to the seeds, or what the pages so far link to most (then the nearest). "
               "A rule's priority comes before either",
       .group = OptionGroup::kScope, .commands = kOwners, .place = Stored(Settings::kOrderFieldNumber)},
      {.name = "recrawl", .kind = ValueKind::kFlag, .default_text = "false",
       .help = "Fetch pages again, sooner where they changed and later where they did not; the crawl goes on until it is stopped",
       .group = OptionGroup::kScope, .commands = kOwners, .place = Stored(Settings::kRecrawlFieldNumber)},
      {.name = "recrawl-min", .kind = ValueKind::kDuration, .default_text = "1h", .unit = "DURATION", .least = kSecond,
       .most = kTenYears, .help = "Shortest time between two visits of a page; the first is that long after the page was stored",
       .group = OptionGroup::kScope, .commands = kOwners, .place = Stored(Settings::kRecrawlMinUsFieldNumber)},
      {.name = "recrawl-max", .kind = ValueKind::kDuration, .default_text = "30d", .unit = "DURATION", .least = kSecond,
       .most = kTenYears, .help = "Longest time between two visits of a page", .group = OptionGroup::kScope,
       .commands = kOwners, .place = Stored(Settings::kRecrawlMaxUsFieldNumber)},
  };
}

std::vector<Option> LimitOptions() {
  constexpr uint64_t kMillisecond = 1000;
  return {
      {.name = "max-pages", .kind = ValueKind::kCount, .default_text = "none", .unit = "PAGES",
       .least = 1, .help = "End after this many stored pages", .group = OptionGroup::kLimits, .commands = kOwners,
       .place = Stored(Settings::kMaxPagesFieldNumber)},
      {.name = "max-depth", .kind = ValueKind::kCount, .default_text = "none", .unit = "LINKS", .most = UINT32_MAX,
       .help = "Follow at most this many links away from a seed; 0 fetches the seeds alone",
       .group = OptionGroup::kLimits, .commands = kOwners,
       .place = Stored(Settings::kMaxDepthFieldNumber, Settings::kHasMaxDepthFieldNumber)},
      {.name = "max-time", .kind = ValueKind::kDuration, .default_text = "none", .unit = "DURATION",
       .least = kMillisecond, .help = "End after this much time of crawling", .group = OptionGroup::kLimits, .commands = kOwners,
       .place = Stored(Settings::kMaxTimeUsFieldNumber)},
      {.name = "host-max-pages", .kind = ValueKind::kCount, .default_text = "none", .unit = "PAGES", .least = 1,
       .help = "Ask nothing more of a host after this many stored pages of it", .group = OptionGroup::kLimits,
       .commands = kOwners, .place = Stored(Settings::kHostMaxPagesFieldNumber)},
      {.name = "host-max-bytes", .kind = ValueKind::kSize, .default_text = "none", .unit = "SIZE", .least = 1,
       .help = "Ask nothing more of a host after this many bytes of bodies", .group = OptionGroup::kLimits,
       .commands = kOwners, .place = Stored(Settings::kHostMaxBytesFieldNumber)},
      {.name = "host-max-time", .kind = ValueKind::kDuration, .default_text = "none", .unit = "DURATION",
       .least = kMillisecond, .help = "Ask nothing more of a host whose requests have taken this long, all together",
       .group = OptionGroup::kLimits, .commands = kOwners, .place = Stored(Settings::kHostMaxTimeUsFieldNumber)},
      {.name = "max-url-length", .kind = ValueKind::kCount, .default_text = "8192", .unit = "BYTES", .least = 16,
       .most = 8192, .help = "Leave longer URLs out", .group = OptionGroup::kLimits, .commands = kOwners,
       .place = Stored(Settings::kMaxUrlBytesFieldNumber)},
      {.name = "traps", .kind = ValueKind::kChoice, .default_text = "on", .unit = "on|off", .choices = "on|off",
       .help = "Whether patterns of URLs that are traps for crawlers are found, and crawled no further (weft traps lists them)",
       .group = OptionGroup::kLimits, .commands = kOwners, .place = Stored(Settings::kTrapsFieldNumber)},
      {.name = "max-body", .kind = ValueKind::kSize, .default_text = "16MiB", .unit = "SIZE", .least = 1,
       .help = "Cut longer bodies here and mark the record as truncated", .group = OptionGroup::kLimits,
       .commands = kOwners, .place = Stored(Settings::kMaxBodyBytesFieldNumber)},
      {.name = "body-memory", .kind = ValueKind::kSize, .default_text = "256MiB", .unit = "SIZE",
       .least = 1024 * 1024, .help = "Memory for bodies that are being received, on each fetcher",
       .group = OptionGroup::kLimits, .commands = kOwners, .place = Stored(Settings::kBodyMemoryBytesFieldNumber)},
      {.name = "memory", .kind = ValueKind::kSize, .default_text = "1GiB", .unit = "SIZE", .least = 1024 * 1024,
       .help = "Memory that the scheduler may use to know URLs without reading: 17 bytes each; beyond it, it reads more often",
       .group = OptionGroup::kLimits, .commands = kOwners, .place = OfCall(&Call::memory_bytes)},
      {.name = "timeout", .kind = ValueKind::kDuration, .default_text = "60s", .unit = "DURATION",
       .least = kMillisecond, .help = "Longest time for one request, from connecting to the last byte",
       .group = OptionGroup::kLimits, .commands = kOwners, .place = Stored(Settings::kTimeoutUsFieldNumber)},
      {.name = "connect-timeout", .kind = ValueKind::kDuration, .default_text = "10s", .unit = "DURATION",
       .least = kMillisecond, .help = "Longest time for name look-up, connection and TLS handshake",
       .group = OptionGroup::kLimits, .commands = kOwners, .place = Stored(Settings::kConnectTimeoutUsFieldNumber)},
  };
}

std::vector<Option> PolitenessOptions() {
  return {
      {.name = "delay", .kind = ValueKind::kDuration, .default_text = "1s", .unit = "DURATION",
       .help = "Pause on a host between the end of a response and the next request",
       .group = OptionGroup::kPoliteness, .commands = kOwners, .place = Stored(Settings::kDelayUsFieldNumber)},
      {.name = "delay-min", .kind = ValueKind::kDuration, .default_note = "as --delay",
       .unit = "DURATION",
       .help = "Let the delay of a host that fares well fall to this; one that fails or slows down gets longer ones",
       .group = OptionGroup::kPoliteness, .commands = kOwners,
       .place = Stored(Settings::kDelayMinUsFieldNumber, Settings::kHasDelayMinFieldNumber)},
      {.name = "delay-max", .kind = ValueKind::kDuration, .default_text = "60s", .unit = "DURATION",
       .help = "The longest delay that a host gets for failing or slowing down", .group = OptionGroup::kPoliteness,
       .commands = kOwners, .place = Stored(Settings::kDelayMaxUsFieldNumber)},
      {.name = "host-connections", .kind = ValueKind::kCount, .default_text = "1", .unit = "CONNECTIONS", .least = 1,
       .most = 1000, .help = "Connections to one host at a time; each keeps the delay",
       .group = OptionGroup::kPoliteness, .commands = kOwners,
       .place = Stored(Settings::kHostConnectionsFieldNumber)},
      {.name = "domain-connections", .kind = ValueKind::kCount,
       .default_note = "10, or --host-connections if that is more", .unit = "CONNECTIONS", .least = 1, .most = 65536,
       .help = "Connections to all hosts of one registrable domain at a time, by all fetchers together",
       .group = OptionGroup::kPoliteness, .commands = kOwners, .place = Stored(Settings::kDomainConnectionsFieldNumber)},
      {.name = "group", .repeatable = true, .unit = "'name=NAME hosts=HOST,*.HOST connections=N delay=DURATION'",
       .help = "Let these hosts share connections (1 if not given), each of which keeps the delay; *.HOST is all below HOST",
       .group = OptionGroup::kPoliteness, .commands = kOwners, .place = Stored(Settings::kGroupFieldNumber),
       .check = CheckGroup},
      {.name = "ip-connections", .kind = ValueKind::kCount, .default_text = "none", .unit = "CONNECTIONS", .least = 1,
       .most = 65536, .help = "Connections to one IP address at a time, by all fetchers together",
       .group = OptionGroup::kPoliteness, .commands = kOwners, .place = Stored(Settings::kIpConnectionsFieldNumber)},
      {.name = "connections", .kind = ValueKind::kCount, .default_text = "256", .unit = "CONNECTIONS", .least = 1,
       .most = 65536, .help = "Connections in all at a time, on each fetcher", .group = OptionGroup::kPoliteness,
       .commands = kOwners, .place = Stored(Settings::kConnectionsFieldNumber)},
      {.name = "ignore-robots", .kind = ValueKind::kFlag, .default_text = "false",
       .help = "Do not ask for robots.txt, nor obey what pages ask of robots: only for sites that are your own",
       .group = OptionGroup::kPoliteness, .commands = kOwners, .place = Stored(Settings::kIgnoreRobotsFieldNumber)},
      {.name = "nofollow", .kind = ValueKind::kChoice, .default_text = "obey", .unit = "obey|ignore",
       .choices = "obey|ignore",
       .help = "Whether links are left alone where the page (meta robots, X-Robots-Tag) or the link (rel) says nofollow",
       .group = OptionGroup::kPoliteness, .commands = kOwners, .place = Stored(Settings::kNofollowFieldNumber)},
      {.name = "user-agent", .default_note = "Weft/VERSION (+CONTACT)", .unit = "TEXT",
       .help = "What the crawler calls itself; robots.txt is asked for its first product token",
       .group = OptionGroup::kPoliteness, .commands = kOwners, .place = Stored(Settings::kUserAgentFieldNumber),
       .check = CheckUserAgent},
      {.name = "contact", .unit = "URL or E-MAIL",
       .help = "Where the people whose sites you crawl reach you. Needed, unless every seed is localhost or an address "
               "inside --allow-private-net",
       .group = OptionGroup::kPoliteness, .commands = kOwners, .place = Stored(Settings::kContactFieldNumber),
       .check = CheckContactText},
  };
}

std::vector<Option> NetworkOptions() {
  return {
      {.name = "allow-private-net", .repeatable = true, .unit = "CIDR",
       .help = "Connect to these private, loopback or otherwise special addresses too, such as 127.0.0.0/8",
       .group = OptionGroup::kNetwork, .commands = kOwners, .place = Stored(Settings::kAllowPrivateNetFieldNumber),
       .check = CheckNetwork},
      {.name = "resolve", .repeatable = true, .unit = "HOST:PORT:ADDR",
       .help = "Use ADDR for HOST:PORT instead of asking the name service; * is any host name or any port", .group = OptionGroup::kNetwork,
       .commands = kOwners, .place = Stored(Settings::kResolveFieldNumber), .check = CheckResolve},
      {.name = "proxy", .unit = "URL", .help = "Send every request through this proxy: http, https, socks4a, socks5 or socks5h, then ://HOST:PORT; '' is none",
       .group = OptionGroup::kNetwork, .commands = kOwners, .place = Stored(Settings::kProxyFieldNumber),
       .check = CheckProxy, .mask = MaskProxy},
      {.name = "egress", .unit = "ADDR,ADDR,...",
       .help = "Send requests from these addresses of this machine: each host keeps to one of them", .group = OptionGroup::kNetwork,
       .commands = kCrawl | Bits(Command::kWorker) | Bits(Command::kFetcher), .place = OfCall(&Call::egress), .check = CheckEgress},
      {.name = "egress-connections", .kind = ValueKind::kCount, .default_text = "none", .unit = "CONNECTIONS", .least = 1, .most = 65536,
       .help = "Connections at a time from one address", .group = OptionGroup::kNetwork,
       .commands = kCrawl | Bits(Command::kWorker) | Bits(Command::kFetcher), .place = OfCall(&Call::egress_connections)},
      {.name = "header", .repeatable = true, .unit = "'NAME: VALUE'",
       .help = "Send this request header to the seeds' hosts, and to no other", .group = OptionGroup::kNetwork,
       .commands = kOwners, .place = Stored(Settings::kHeaderFieldNumber), .check = CheckHeader,
       .mask = MaskHeader},
  };
}

std::vector<Option> OutputOptions() {
  return {
      {.name = "out", .unit = "DIR",
       .help = "The crawl's directory: made if it is missing, gone on with if it is not. (warc extract, store pull) Where the files go; (index, "
               "wacz) the file to write, which is replaced when it is complete",
       .group = OptionGroup::kOutput,
       .commands = kCrawl | kImport | Bits(Command::kWarcExtract) | Bits(Command::kIndex) | Bits(Command::kWacz) | Bits(Command::kStorePull),
       .required_by = kCrawl | kImport | Bits(Command::kWarcExtract) | Bits(Command::kWacz), .place = OfCall(&Call::out_dir)},
      {.name = "data", .unit = "DIR", .help = "The scheduler's directory: made if it is missing, gone on with if not",
       .group = OptionGroup::kOutput, .commands = kScheduler | kTokens | kAddsSeeds | kNodeTools, .required_by = kScheduler | kTokens,
       .place = OfCall(&Call::data_dir)},
      {.name = "pages", .repeatable = true, .unit = "DIR",
       .help = "Where a worker stores pages as WARC files (one directory); where an export looks for them besides where "
               "they were last seen",
       .group = OptionGroup::kOutput, .commands = kParsers | Bits(Command::kExport), .required_by = kParsers,
       .place = OfCall(&Call::pages_dirs)},
      {.name = "warc-compression", .kind = ValueKind::kChoice, .default_text = "gzip", .unit = "gzip|zstd|none",
       .choices = "gzip|zstd|none", .help = "How WARC records are stored: each in a gzip member or a zstd frame, or as it is",
       .group = OptionGroup::kOutput, .commands = kOwners, .place = Stored(Settings::kWarcCompressionFieldNumber)},
      {.name = "warc-size", .kind = ValueKind::kSize, .default_text = "1GB", .unit = "SIZE", .least = 1,
       .help = "Begin a new WARC file when one has this size", .group = OptionGroup::kOutput, .commands = kOwners,
       .place = Stored(Settings::kWarcSizeBytesFieldNumber)},
      {.name = "warc-prefix", .default_text = "weft", .unit = "NAME",
       .help = "What the names of WARC files begin with: letters, digits, '.', '_' and '-'", .group = OptionGroup::kOutput,
       .commands = kOwners, .place = Stored(Settings::kWarcPrefixFieldNumber), .check = CheckWarcPrefix},
      {.name = "warc-dedup", .kind = ValueKind::kChoice, .default_text = "url", .unit = "url|all|none", .choices = "url|all|none",
       .help = "Which pages with the same bytes are stored as revisits: of the same URL, of any, or none",
       .group = OptionGroup::kOutput, .commands = kOwners, .place = Stored(Settings::kWarcDedupFieldNumber)},
      {.name = "json", .kind = ValueKind::kFlag, .default_text = "false", .help = "Print JSON, for programs",
       .group = OptionGroup::kOutput,
       .commands = Bits(Command::kStatus) | Bits(Command::kPoliteness) | Bits(Command::kTraps) | Bits(Command::kWarcCheck) |
                   Bits(Command::kTokenList) | Bits(Command::kNodeList),
       .place = OfCall(&Call::json)},
  };
}

std::vector<Option> ExportOptions() {
  constexpr uint32_t kExport = Bits(Command::kExport);
  constexpr OptionGroup kGroup = OptionGroup::kExport;
  return {
      {.name = "format", .kind = ValueKind::kChoice, .default_note = "as the output's name ends, else jsonl",
       .unit = "jsonl|csv|tsv|parquet|sqlite|cdxj|wacz|links|text|hosts-graph",
       .choices = "jsonl|csv|tsv|parquet|sqlite|cdxj|wacz|links|text|hosts-graph",
       .help = "What is written: rows, an index of the WARC records (cdxj), or the records packed for replay (wacz); the last three are tables of their own, as TSV, or as the output's name ends (.csv, .jsonl, .parquet)",
       .group = kGroup, .commands = kExport, .place = OfCall(&Call::format)},
      {.name = "output", .letter = 'o', .default_note = "standard output", .unit = "FILE",
       .help = "Write to FILE, which appears when the export is complete; FILE.gz and FILE.zst are compressed. Parquet also to DIR/, by "
               "crawl and subset. s3://BUCKET/PREFIX/FILE (also file:///, webhdfs://): the same in a store", .group = kGroup,
       .commands = kExport | kTokenNew, .place = OfCall(&Call::output)},
      {.name = "force", .kind = ValueKind::kFlag, .default_text = "false",
       .help = "Replace an output that exists (JSON Lines without --columns do so anyway); with --restore, the crawl in --data",
       .group = kGroup, .commands = kExport | kScheduler, .place = OfCall(&Call::force)},
      {.name = "table", .kind = ValueKind::kChoice, .default_text = "pages", .unit = "pages|links|text|hosts-graph",
       .choices = "pages|links|text|hosts-graph", .help = "Which table is written (a SQLite database holds several)",
       .group = kGroup, .commands = kExport, .place = OfCall(&Call::table)},
      {.name = "columns", .default_note = "JSON Lines as ever; else index", .unit = "NAME,NAME,...",
       .help = "These columns, in this order; index, content and all stand for many. Those of index are written without reading "
               "a page again",
       .group = kGroup, .commands = kExport, .place = OfCall(&Call::columns)},
      {.name = "text", .kind = ValueKind::kFlag, .default_text = "false", .help = "Add the text of HTML pages",
       .group = kGroup, .commands = kExport | Bits(Command::kWacz), .place = OfCall(&Call::text)},
      {.name = "text-from", .kind = ValueKind::kChoice, .default_text = "page", .unit = "page|main", .choices = "page|main",
       .help = "Texts are those of the whole page, or of its main content, without navigation, headers and footers", .group = kGroup,
       .commands = kExport, .place = OfCall(&Call::text_from)},
      {.name = "where", .unit = "'CONDITION'",
       .help = "Only pages of which this is true: \"status = 200 and type in ('text/html') and size > 1KiB\"", .group = kGroup,
       .commands = kExport, .place = OfCall(&Call::where)},
      {.name = "since", .unit = "DATE", .help = "Only pages fetched at that day or time or later, such as 2026-01-02",
       .group = kGroup, .commands = kExport, .place = OfCall(&Call::since)},
      {.name = "sample", .default_note = "all pages", .unit = "PERCENT% or PAGES",
       .help = "Only this share, or this many, of the pages: the same ones each time", .group = kGroup, .commands = kExport,
       .place = OfCall(&Call::sample)},
      {.name = "shard", .default_note = "all pages", .unit = "I/N",
       .help = "Only the I-th of N disjoint parts: 1/4 to 4/4 are all pages", .group = kGroup, .commands = kExport,
       .place = OfCall(&Call::shard)},
      {.name = "rows-per-file", .kind = ValueKind::kCount, .default_text = "none", .unit = "ROWS", .least = 1, .most = UINT32_MAX,
       .help = "Write several files, NAME-00000.EXT and on, of about so many rows: a page's rows stay together", .group = kGroup,
       .commands = kExport, .place = OfCall(&Call::rows_per_file)},
      {.name = "staging", .default_note = "DIR/export of the crawl's directory, else the system's for temporary files", .unit = "DIR",
       .help = "Where files that go to a store are written until they are whole", .group = kGroup, .commands = kExport,
       .place = OfCall(&Call::staging)},
      {.name = "resume", .kind = ValueKind::kFlag, .default_text = "false",
       .help = "Go on behind the last whole file of an export with --rows-per-file that was broken off, or with the pages that "
               "were missing in it",
       .group = kGroup, .commands = kExport, .place = OfCall(&Call::resume)},
      {.name = "gather", .kind = ValueKind::kChoice, .default_text = "auto", .unit = "auto|always|never", .choices = "auto|always|never",
       .help = "Whether the workers of a running cluster are asked for pages: for those that cannot be read on this machine, for all, "
               "or for none",
       .group = kGroup, .commands = kExport, .place = OfCall(&Call::gather)},
  };
}

std::vector<Option> NodeOptions() {
  return {
      {.name = "join", .default_note = "the environment variable WEFT_JOIN", .unit = "FILE|-",
       .help = "Join with the token in FILE (or standard input), which weft token new made: it says where the scheduler is, and has "
               "the keys", .group = OptionGroup::kNodes, .commands = kNodes | kAddsSeeds | kReaders | kNodeTools,
       .place = OfCall(&Call::join), .mask = MaskToken},
      {.name = "scheduler", .unit = "tcp://HOST:PORT",
       .help = "Where the scheduler listens: without --join on this machine, with it instead of the token's addresses",
       .group = OptionGroup::kNodes, .commands = kNodes | kAddsSeeds | kReaders | kNodeTools, .place = OfCall(&Call::scheduler),
       .check = CheckNodeEndpoint},
      {.name = "listen", .default_note = "tcp://127.0.0.1:7700 for the scheduler, any free port for others",
       .unit = "tcp://HOST:PORT", .help = "Where other nodes reach this one; beyond loopback with keys, which are made by themselves",
       .group = OptionGroup::kNodes, .commands = kScheduler | kParsers, .place = OfCall(&Call::listen),
       .check = CheckListenEndpoint},
      {.name = "keys", .kind = ValueKind::kFlag, .default_text = "false", .help = "Ask for keys on loopback too",
       .group = OptionGroup::kNodes, .commands = kScheduler, .place = OfCall(&Call::keys)},
      {.name = "insecure", .kind = ValueKind::kFlag, .default_text = "false",
       .help = "Do without keys where other machines are reached: whoever is on the way can read and change everything",
       .group = OptionGroup::kNodes, .commands = kScheduler | kNodes | kAddsSeeds | kReaders | kNodeTools,
       .place = OfCall(&Call::insecure)},
      {.name = "role", .kind = ValueKind::kChoice, .default_text = "worker", .unit = "worker|fetcher|parser|tool",
       .choices = "worker|fetcher|parser|tool", .help = "What a token is for; tool: status, seeds, export and such",
       .group = OptionGroup::kNodes, .commands = kTokenNew, .place = OfCall(&Call::role)},
      {.name = "name", .default_note = "machine/pid; of a token the role and a number", .unit = "NAME",
       .help = "What this node is called by weft status and weft node; (token new) what the token is called in lists",
       .group = OptionGroup::kNodes, .commands = kNodes | kTokenNew, .place = OfCall(&Call::node_name), .check = CheckNodeName},
      {.name = "address", .repeatable = true, .default_note = "where the scheduler listens", .unit = "tcp://HOST:PORT",
       .help = "Where the machine that joins reaches the scheduler", .group = OptionGroup::kNodes, .commands = kTokenNew,
       .place = OfCall(&Call::addresses), .check = CheckNodeEndpoint},
      {.name = "tags", .unit = "TAG,TAG,...",
       .help = "Hosts that a rule's tag=TAG names are fetched by nodes that have it; hosts without a tag by every node",
       .group = OptionGroup::kNodes, .commands = Bits(Command::kWorker) | Bits(Command::kFetcher), .place = OfCall(&Call::tags),
       .check = CheckTags},
  };
}

std::vector<Option> CheckpointAndOtherOptions() {
  return {
      {.name = "deadline", .kind = ValueKind::kDuration, .default_text = "20s", .unit = "DURATION", .least = 1'000'000,
       .help = "What is not handed in by then is fetched again", .group = OptionGroup::kNodes,
       .commands = Bits(Command::kNodeDrain), .place = OfCall(&Call::drain_us)},
      {.name = "to", .default_note = "DATA/checkpoints/TIME", .unit = "DIR",
       .help = "Where the copy is made, on the scheduler's machine: a directory that is not there yet",
       .group = OptionGroup::kOutput, .commands = Bits(Command::kCheckpoint), .place = OfCall(&Call::checkpoint_to)},
      {.name = "checkpoint-every", .kind = ValueKind::kDuration, .default_text = "none", .unit = "DURATION", .least = 1'000'000,
       .help = "Copy the scheduler's data to DATA/checkpoints so often", .group = OptionGroup::kOutput, .commands = kScheduler,
       .place = OfCall(&Call::checkpoint_every_us)},
      {.name = "checkpoint-keep", .kind = ValueKind::kCount, .default_text = "2", .unit = "COPIES", .least = 1, .most = 1000,
       .help = "How many of the copies in DATA/checkpoints are kept", .group = OptionGroup::kOutput, .commands = kScheduler,
       .place = OfCall(&Call::checkpoints_kept)},
      {.name = "restore", .unit = "DIR",
       .help = "Begin from a copy that weft checkpoint made; --data must be new, or --force given",
       .group = OptionGroup::kOutput, .commands = kScheduler, .place = OfCall(&Call::restore)},
      {.name = "parsers", .kind = ValueKind::kCount, .default_note = "one a core", .unit = "THREADS", .least = 1,
       .most = 1024, .help = "Threads that read pages", .group = OptionGroup::kOthers,
       .commands = kCrawl | kParsers, .place = OfCall(&Call::parsers)},
      {.name = "retry-failed", .kind = ValueKind::kFlag, .default_text = "false",
       .help = "Queue again what ended as failed in an earlier call", .group = OptionGroup::kOthers,
       .commands = kOwners, .place = OfCall(&Call::retry_failed)},
      {.name = "log-level", .kind = ValueKind::kChoice, .default_text = "info", .unit = "debug|info|warn|error",
       .choices = "debug|info|warn|error", .help = "How much is told on standard error",
       .group = OptionGroup::kOthers, .commands = kDaemons | kAddsSeeds | kReaders | kNodeTools,
       .place = OfCall(&Call::log_level)},
      {.name = "config", .unit = "FILE",
       .help = "Read options from this TOML file: the names above as keys. Flags beat it",
       .group = OptionGroup::kOthers, .commands = kDaemons | kAddsSeeds | kReaders | kNodeTools,
       .place = OfCall(&Call::config_file)},
  };
}

std::vector<Option> InspectionOptions() {
  return {
      {.name = "jsonl", .kind = ValueKind::kFlag, .default_text = "false",
       .help = "Read one JSON object a line from standard input and answer each with one, in order",
       .group = OptionGroup::kInspection, .commands = kInspect, .place = OfCall(&Call::jsonl)},
      {.name = "base", .unit = "URL", .help = "(url) Resolve the URL against this one, as a page there would",
       .group = OptionGroup::kInspection, .commands = kInspect, .place = OfCall(&Call::base_url)},
      {.name = "url", .unit = "URL", .help = "(robots) The URL that is asked for; (links, sitemap) the file's own",
       .group = OptionGroup::kInspection, .commands = kInspect, .place = OfCall(&Call::of_url)},
      {.name = "agent", .default_text = "Weft", .unit = "NAME",
       .help = "(robots, links) Who asks: a product token, or a whole User-Agent", .group = OptionGroup::kInspection,
       .commands = kInspect, .place = OfCall(&Call::agent)},
      {.name = "content-type", .unit = "TEXT", .help = "(links, sitemap, charset) The Content-Type header that came with it",
       .group = OptionGroup::kInspection, .commands = kInspect, .place = OfCall(&Call::content_type)},
      {.name = "x-robots-tag", .unit = "TEXT", .help = "(links) The X-Robots-Tag header that came with it",
       .group = OptionGroup::kInspection, .commands = kInspect, .place = OfCall(&Call::x_robots_tag)},
      {.name = "link-header", .unit = "TEXT", .help = "(links) The Link header that came with it",
       .group = OptionGroup::kInspection, .commands = kInspect, .place = OfCall(&Call::link_header)},
  };
}

std::vector<Option> ArchiveOptions() {
  return {
      {.name = "offset", .kind = ValueKind::kSize, .unit = "BYTES", .help = "Only the record that begins here",
       .group = OptionGroup::kInspection, .commands = kWarcCat, .place = OfCall(&Call::offset)},
      {.name = "uri", .unit = "URI", .help = "Only the records of this WARC-Target-URI", .group = OptionGroup::kInspection,
       .commands = kWarcCat, .place = OfCall(&Call::uri)},
      {.name = "payload", .kind = ValueKind::kFlag, .default_text = "false",
       .help = "The payload of the first record that has one, without its transfer and content codings",
       .group = OptionGroup::kInspection, .commands = kWarcCat, .place = OfCall(&Call::payload)},
      {.name = "headers", .kind = ValueKind::kFlag, .default_text = "false",
       .help = "The heads alone: the record's, and that of the HTTP message in it", .group = OptionGroup::kInspection,
       .commands = kWarcCat, .place = OfCall(&Call::headers)},
      {.name = "title", .default_note = "the name of the directory or file", .unit = "TEXT", .help = "What readers call the archive",
       .group = OptionGroup::kOutput, .commands = Bits(Command::kWacz), .place = OfCall(&Call::title)},
  };
}

std::vector<Option> StoreOptionRows() {
  constexpr uint32_t kKeepers = kCrawl | kParsers;
  constexpr uint32_t kStores = Bits(Command::kStorePush) | Bits(Command::kStorePull) | Bits(Command::kStoreList);
  constexpr uint32_t kExports = Bits(Command::kExport);
  constexpr uint64_t kPart = 5ull << 20;  // the least that S3 takes
  return {
      {.name = "store", .default_note = "none, or what an earlier run was given", .unit = "URL",
       .help = "Bring finished WARC files and their indexes to s3://BUCKET/PREFIX, file:///PATH or webhdfs://HOST:PORT/PATH; none ends that",
       .group = OptionGroup::kOutput, .commands = kKeepers | kStores, .required_by = Bits(Command::kStorePush) | Bits(Command::kStoreList),
       .place = OfCall(&Call::store), .check = CheckStore},
      {.name = "store-endpoint", .default_note = "Amazon's", .unit = "URL",
       .help = "The S3-compatible server, such as http://127.0.0.1:9000", .group = OptionGroup::kOutput,
       .commands = kKeepers | kStores | kExports, .place = OfCall(&Call::store_endpoint), .check = CheckStoreEndpoint},
      {.name = "store-region", .default_note = "AWS_REGION, AWS_DEFAULT_REGION, else us-east-1", .unit = "NAME", .help = "The bucket's region",
       .group = OptionGroup::kOutput, .commands = kKeepers | kStores | kExports, .place = OfCall(&Call::store_region)},
      {.name = "store-part-size", .kind = ValueKind::kSize, .default_text = "16MiB", .unit = "SIZE", .least = kPart, .most = 1ull << 30,
       .help = "What is larger is sent to S3 in parts of this size", .group = OptionGroup::kOutput,
       .commands = kKeepers | Bits(Command::kStorePush) | kExports, .place = OfCall(&Call::store_part_bytes)},
      {.name = "store-timeout", .kind = ValueKind::kDuration, .default_text = "60s", .unit = "DURATION", .least = 1'000'000,
       .help = "Try again when the store is silent for this long", .group = OptionGroup::kOutput,
       .commands = kKeepers | kStores | kExports, .place = OfCall(&Call::store_timeout_us)},
      {.name = "store-free", .kind = ValueKind::kChoice, .default_text = "off", .unit = "on|off", .choices = "on|off",
       .help = "Remove the local copy of a WARC file that the store holds; export reads it there", .group = OptionGroup::kOutput,
       .commands = kKeepers | Bits(Command::kStorePush), .place = OfCall(&Call::store_free)},
  };
}

std::vector<Option> MakeTable() {
  std::vector<Option> table;
  for (auto* make : {SeedAndScopeOptions, RecrawlOptions, LimitOptions, PolitenessOptions, NetworkOptions, OutputOptions, StoreOptionRows, ExportOptions,
                     InspectionOptions, ArchiveOptions, NodeOptions, CheckpointAndOtherOptions}) {
    for (Option& option : make()) table.push_back(option);
  }
  return table;
}

}  // namespace

const std::vector<Option>& OptionTable() {
  static const std::vector<Option>* const table = new std::vector<Option>(MakeTable());
  return *table;
}

const Option* FindOption(std::string_view name) {
  for (const Option& option : OptionTable()) {
    if (option.name == name) return &option;
  }
  return nullptr;
}

std::string_view GroupTitle(OptionGroup group) {
  switch (group) {
    case OptionGroup::kSeeds: return "Seeds";
    case OptionGroup::kScope: return "Scope";
    case OptionGroup::kLimits: return "Limits";
    case OptionGroup::kPoliteness: return "Politeness";
    case OptionGroup::kNetwork: return "Network";
    case OptionGroup::kOutput: return "Output";
    case OptionGroup::kExport: return "Export";
    case OptionGroup::kNodes: return "Nodes";
    case OptionGroup::kInspection: return "Inspection";
    case OptionGroup::kOthers: return "Others";
  }
  return "";
}

}  // namespace weft
