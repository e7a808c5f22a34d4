#include "cli/options_help.h"

#include <fmt/format.h>

#include <array>
#include <string_view>

#include "cli/options_table.h"
#include "cli/version.h"

namespace weft {
namespace {

struct CommandText {
  Command command;
  std::string_view name;
  std::string_view usage;
  std::string_view summary;
  std::string_view more;
};

constexpr std::string_view kSeedText =
    R"(A seed with :// is a URL. Otherwise the name of an existing file (or -, standard input) is a list of seeds, one a
line, # starts a comment. Otherwise example.com/path means https://example.com/path.
)";

constexpr std::array<CommandText, 27> kCommands = {{
    {Command::kCrawl, "crawl", "weft crawl SEEDS... --out DIR [options]", "Crawl, everything in this one process",
     R"(Examples:
  weft crawl https://example.com/ --contact you@example.org --out crawl
  weft crawl seeds.txt --scope domain --max-pages 10000 --contact https://example.org/bot --out crawl
  weft crawl http://127.0.0.1:8000/ --allow-private-net 127.0.0.0/8 --delay 0 --out test
  weft crawl --out crawl            goes on with a crawl that was stopped

Going on: options are stored in DIR. Options given later replace them, and what changes is printed; an empty value
('') empties a list. Ctrl-C stops; nothing is lost, and the same command goes on.
Exit codes: 0 finished, or stopped by a limit, whatever became of single URLs; 1 failed; 2 wrong usage;
3 some files could not be brought to the --store; 130 interrupted with URLs left.
)"},
    {Command::kScheduler, "scheduler", "weft scheduler --data DIR [--listen tcp://127.0.0.1:7700] [options]",
     "Run the scheduler of a crawl on several processes",
     R"(Examples:
  weft scheduler --data data --listen tcp://127.0.0.1:7700 --contact you@example.org
  weft seeds add --scheduler tcp://127.0.0.1:7700 https://example.com/
  weft worker --scheduler tcp://127.0.0.1:7700 --pages pages

On several machines:
  weft scheduler --data data --listen tcp://0.0.0.0:7700 --contact you@example.org
  weft token new --role worker --data data -o worker.token     on the same machine, also while it runs
  weft worker --join worker.token --pages pages                on the other one, with that file
Beyond loopback every connection has keys and is encrypted; the scheduler makes its own at its first start, in DIR/keys.
)"},
    {Command::kWorker, "worker", "weft worker --join FILE|- | --scheduler tcp://HOST:PORT --pages DIR [options]",
     "Run a fetcher and its parsers: the usual node",
     "Example:\n  weft worker --scheduler tcp://127.0.0.1:7700 --pages pages\n"},
    {Command::kFetcher, "fetcher", "weft fetcher --join FILE|- | --scheduler tcp://HOST:PORT [options]", "Run a fetcher alone",
     "Example:\n  weft fetcher --scheduler tcp://127.0.0.1:7700\n"},
    {Command::kParser, "parser", "weft parser --join FILE|- | --scheduler tcp://HOST:PORT --pages DIR [options]",
     "Run a parser alone", "Example:\n  weft parser --scheduler tcp://127.0.0.1:7700 --pages pages\n"},
    {Command::kSeedsAdd, "seeds add", "weft seeds add --data DIR | --join FILE|- | --scheduler tcp://HOST:PORT SEEDS... [-i FILE]",
     "Hand seeds to a running scheduler",
     "Example:\n  weft seeds add --scheduler tcp://127.0.0.1:7700 -i seeds.txt\n"},
    {Command::kStatus, "status", "weft status DIR | --scheduler tcp://HOST:PORT [--json]",
     "Show how far a crawl has come", "Example:\n  weft status crawl --json\n"},
    {Command::kExport, "export", "weft export DIR | --scheduler tcp://HOST:PORT [options]",
     "Write the stored pages as JSON Lines, CSV, Parquet, SQLite, CDXJ, WACZ, text or links",
     R"(Examples:
  weft export crawl --text --output pages.jsonl.zst
  weft export crawl --format parquet --output pages.parquet                  the index: no page is read again
  weft export crawl --format parquet --columns all --rows-per-file 100000 --output pages.parquet
  weft export crawl --format parquet --output table/                         table/crawl=crawl/subset=warc/...
  weft export crawl --output s3://bucket/tables/pages.parquet                keys as for --store
  weft export crawl --format sqlite --output crawl.sqlite                    tables pages, links and hosts
  weft export crawl --format links --output links.csv.gz
  weft export crawl --where status=200 --output crawl.wacz                   for ReplayWeb.page
  weft export crawl --output crawl.cdxj
  weft export crawl --format csv --columns url,status,referrer --where 'status>=400' --output broken.csv

Columns of pages, which --columns and --where take (some have a second, shorter name):
  index    url_surtkey, url, url_host_name (host), url_host_registered_domain (domain), url_protocol (scheme),
           url_port (port), url_path (path), url_query (query), fetch_time (fetched_at, date), fetch_status (status),
           content_digest, content_mime_type (content_type, type), content_length (length, size),
           truncated, warc_filename (warc_file), warc_record_offset (warc_offset),
           warc_record_length, depth, referrer, first_fetched, last_checked, changes; digest (sha1: and content_digest)
  content  content_mime_detected, content_charset (charset), content_languages (language), language_tag (lang), robots,
           title, description, canonical, headings, published, modified, open_graph, json_ld, simhash, links, text
  others   near_duplicate_cluster (cluster): all pages are read once more for it
Columns of links: source, target, kind, nofollow, rel, text.

Conditions: = != < <= > >=, in ('a', 'b'), like 'a%_', ~ 'RE2', is null, and, or, not, ( ). Texts and dates stand in
quotes, sizes may have units:
  host like '%.example.org' and (size > 1MiB or date >= '2026-01-02')
Exit codes: 0 complete; 1 failed, or some pages could not be read; 2 wrong usage.
)"},
    {Command::kPoliteness, "politeness", "weft politeness HOST (DIR | --scheduler tcp://HOST:PORT) [--json]",
     "Show the rules in force for a host, and how fast it was ever asked",
     "Example:\n  weft politeness www.example.com crawl\n"},
    {Command::kTraps, "traps", "weft traps DIR | --scheduler tcp://HOST:PORT [release ID... | hold ID...] [--json]",
     "List the patterns of URLs that are traps, or release them",
     R"(Examples:
  weft traps crawl
  weft traps crawl release 3         what trap 3 has refused is taken up, and the pattern is not trapped again
  weft traps crawl hold 3            puts it in force again
)"},
    {Command::kNodeList, "node list", "weft node list --data DIR | --join FILE|- | --scheduler tcp://HOST:PORT [--json]",
     "List the nodes of a cluster, and pages directories that are away",
     "Example:\n  weft node list --scheduler tcp://127.0.0.1:7700\n"},
    {Command::kNodeDrain, "node drain", "weft node drain NAME --data DIR | --join FILE|- | --scheduler tcp://HOST:PORT [--deadline 20s]",
     "Let a worker hand in what it holds, and end",
     R"(Example:
  weft node drain crawler-3 --scheduler tcp://127.0.0.1:7700

NAME is a worker's name (--name, or machine/pid), a single node's, or a machine's: then all of its workers. The worker returns its
leases, hands in its pages and ends by itself with exit code 0, as after SIGTERM. What is left at the deadline is fetched again.
Exit codes: 0 it has ended; 1 it had not ended at the deadline, or there is none of that name; 2 wrong usage.
)"},
    {Command::kNodeForget, "node forget", "weft node forget NAME --data DIR | --join FILE|- | --scheduler tcp://HOST:PORT",
     "Give up a machine that is gone for good",
     R"(Example:
  weft node forget crawler-3 --scheduler tcp://127.0.0.1:7700

Its leases return at once. Pages that lay there and nowhere else are lost: exports name them, and leave them out. A node that is
alive is not forgotten; a pages directory that comes back after all is known again when a worker opens it.
)"},
    {Command::kCheckpoint, "checkpoint", "weft checkpoint --data DIR | --join FILE|- | --scheduler tcp://HOST:PORT [--to DIR]",
     "Copy a running scheduler's data, consistently",
     R"(Examples:
  weft checkpoint --scheduler tcp://127.0.0.1:7700
  weft scheduler --restore data/checkpoints/20270102T030405Z --data new

The copy lies on the scheduler's machine, and has been opened once before it gets its name. Files that do not change any more are
linked where that can be done: keep a copy on another disk. Pages are not part of it: they lie with the workers.
)"},
    {Command::kInspect, "inspect", "weft inspect url|robots|links|sitemap|charset [URL | FILE | -] [options]",
     "Show how Weft reads a URL, a robots.txt, a page or a sitemap",
     R"(What is inspected:
  url URL          what is fetched, the key it is compared by, its SURT form and registrable domain
  robots FILE|-    whether robots.txt allows --url, and which line says so
  links FILE|-     charset, title, facts and links of every kind of the HTML page that lies at --url
  sitemap FILE|-   what a sitemap or feed that lies at --url names
  charset FILE|-   the encoding of a page, and what told it

Examples:
  weft inspect url 'HTTP://EXAMPLE.com/a/../b?x#f'
  weft inspect url ../b --base https://example.com/a/
  weft inspect robots robots.txt --agent Weft --url https://example.com/x
  weft inspect links page.html --url https://example.com/ --content-type text/html
  weft inspect charset page.html
  weft inspect url --jsonl

With --jsonl the other options are members of the lines. What a line and its answer hold (base64 is RFC 4648's, padded):
  url      {"input","base"?} -> {"href","key","surt","host","registrable_domain","error"?}
  robots   {"robots"|"robots_b64","agent","url"} -> {"allowed","rule","line","crawl_delay","sitemaps"}
  links    {"html"|"html_b64","url","content_type"?,"x_robots_tag"?,"link"?,"agent"?,"extractor"?} -> {"charset",
           "title","base","meta_robots","directives","description","language","canonical",
           "links":[{"url","kind","nofollow","rel","text"}],"links_cut"?}
  sitemap  {"body"|"body_b64","url","content_type"?} -> {"kind","urls":[{"loc","lastmod"?,"priority"?}],
           "sitemaps":[{"loc","lastmod"?}],"errors"}
  charset  {"body"|"body_b64","content_type"?} -> {"charset","source"}
A line that is not such an object, or is longer than 64 MiB, is answered {"error"}, and the next one is read.
Exit codes: 0 answered; 1 the URL is none, or reading or writing failed; 2 wrong usage, or the file cannot be read.
)"},
    {Command::kWarcCheck, "warc check", "weft warc check FILE|DIR... [--json]",
     "Read WARC files to their end: damage, digests, rules",
     R"(Examples:
  weft warc check crawl
  weft warc check --json foreign.warc.gz

Files may be plain, gzip or zstd; of a directory the WARC files in it are read, and those in its warc/; "-" is standard input.
Every fault is told with its offset, and what lies behind it is read on. With --json one object a record: file, offset, length,
version, type, uri, date, content_length, block_digest and payload_digest ("ok", "differs", "absent" or "unsupported"), problem,
note.
Exit codes: 0 nothing is wrong; 1 something is; 2 wrong usage.
)"},
    {Command::kWarcCat, "warc cat", "weft warc cat FILE|DIR... [--offset BYTES] [--uri URI] [--payload | --headers]",
     "Print records of WARC files, or what is in them",
     R"(Examples:
  weft warc cat pages.warc.gz --headers
  weft warc cat pages.warc.gz --uri https://example.com/ --payload
)"},
    {Command::kWarcExtract, "warc extract", "weft warc extract FILE|DIR... --out DIR",
     "Write the payloads of WARC files as files",
     R"(Example:
  weft warc extract pages.warc.gz --out files

Prints a line a file: its name, a tab, and the URI. Names are made of host and path, without folders; nothing is replaced.
)"},
    {Command::kIndex, "index", "weft index FILE|DIR... [--out FILE]", "Write the CDXJ index of WARC files",
     R"(Examples:
  weft index crawl --out crawl.cdxj
  weft index one.warc.gz two.warc.gz

Of a file with a current NAME.cdxj beside it, as Weft's own have, that is taken; others are read.
)"},
    {Command::kWacz, "wacz", "weft wacz FILE|DIR... --out FILE [--title TEXT] [--text]", "Pack WARC files as a WACZ file, for ReplayWeb.page",
     "Example:\n  weft wacz crawl --out crawl.wacz\n"},
    {Command::kTokenNew, "token new", "weft token new [--role worker|fetcher|parser|tool] [--name NAME] --data DIR [-o FILE]",
     "Make a token, with which a machine joins a cluster",
     R"(Examples:
  weft token new --role worker --data data -o worker.token
  weft token new --role tool --name laptop --data data --address tcp://crawl.example.org:7700

On the scheduler's machine, whether or not it runs. The token is a secret: who has it can join, one process at a time.
FILE gets mode 0600.
)"},
    {Command::kTokenList, "token list", "weft token list --data DIR [--json]", "List the tokens of a cluster",
     "Example:\n  weft token list --data data\n"},
    {Command::kTokenRevoke, "token revoke", "weft token revoke NAME|ID --data DIR", "Make a token hold no more, at once",
     R"(Example:
  weft token revoke worker-1 --data data

A scheduler that runs drops the node within a second; what the node had leased is leased to others once its leases
have ended.
)"},
    {Command::kImport, "import", "weft import FILE|DIR... --out DIR [options]", "Make a crawl of WARC files, to go on from",
     R"(Example:
  weft import old.warc.gz --out crawl --contact you@example.org --max-depth 2

The files are linked into DIR/warc (copied, where they lie on another disk), and the URLs of their responses are seeds. Nothing is
fetched: weft crawl --out DIR takes the pages from the files, follows their links and goes on. The files stay as they are.
)"},
    {Command::kStorePush, "store push", "weft store push FILE|DIR... --store URL [options]", "Bring finished files to a store",
     R"(Examples:
  weft store push crawl --store s3://bucket/crawls/2026
  weft store push pages.parquet --store s3://bucket/exports --store-endpoint http://127.0.0.1:9000

Of a directory WARC files (with their indexes), WACZ and Parquet files are taken. What the store holds already under that name is not
sent again; where it holds something else, that is said and nothing is replaced.
Exit codes: 0 all are stored; 2 wrong usage; 3 some are not.
)"},
    {Command::kStorePull, "store pull", "weft store pull FILE|DIR... | NAME... --store URL [--out DIR]", "Bring files back from a store",
     R"(Examples:
  weft store pull crawl              the WARC files of the crawl that were removed here
  weft store pull pages.parquet --store s3://bucket/exports --out here
)"},
    {Command::kStoreList, "store list", "weft store list --store URL", "List what a store holds",
     "Example:\n  weft store list --store s3://bucket/crawls/2026\n\nPrints a line an object: its bytes, a tab, and its name.\n"},
}};

constexpr std::array<OptionGroup, 10> kGroupOrder = {
    OptionGroup::kOutput, OptionGroup::kExport, OptionGroup::kNodes,   OptionGroup::kSeeds, OptionGroup::kScope,
    OptionGroup::kLimits, OptionGroup::kPoliteness, OptionGroup::kNetwork, OptionGroup::kInspection,
    OptionGroup::kOthers};

constexpr size_t kWidth = 100;
constexpr size_t kTextColumn = 34;

const CommandText& TextOf(Command command) {
  for (const CommandText& text : kCommands) {
    if (text.command == command) return text;
  }
  return kCommands.front();
}

// Breaks at spaces; every line but the first is indented to the text column.
std::string Wrapped(std::string_view text) {
  std::string out;
  size_t column = kTextColumn;
  while (!text.empty()) {
    const size_t space = text.find(' ');
    const std::string_view word = text.substr(0, space);
    if (column > kTextColumn && column + 1 + word.size() > kWidth) {
      out += fmt::format("\n{:{}}", "", kTextColumn);
      column = kTextColumn;
    } else if (column > kTextColumn) {
      out += ' ';
      ++column;
    }
    out += word;
    column += word.size();
    text = space == std::string_view::npos ? std::string_view() : text.substr(space + 1);
  }
  return out;
}

std::string_view UnitText(const Option& option) {
  if (option.kind == ValueKind::kDuration) return option.least == 0 ? "0, 500ms, 2s, 10m" : "500ms, 2s, 10m";
  if (option.kind == ValueKind::kSize) return "64KiB, 16MiB, 1GiB";
  return "";
}

// "[needed]", "[default: 1s; such as 500ms, 2s]", ...
std::string Bracket(const Option& option, Command command) {
  std::string_view value = option.default_note.empty() ? option.default_text : option.default_note;
  if (option.kind == ValueKind::kFlag) value = "off";
  if (value.empty()) value = "none";
  std::string text = option.needed_by(command) ? "[needed" : fmt::format("[default: {}", value);
  if (!UnitText(option).empty()) text += fmt::format("; such as {}", UnitText(option));
  if (option.repeatable) text += "; may be repeated";
  return text + "]";
}

std::string OptionLine(const Option& option, Command command) {
  std::string flag = option.letter != 0 ? fmt::format("  -{}, --{}", option.letter, option.name)
                                        : fmt::format("  --{}", option.name);
  if (!option.unit.empty()) flag += fmt::format(" {}", option.unit);
  const std::string text = Wrapped(fmt::format("{} {}", option.help, Bracket(option, command)));
  if (flag.size() + 2 > kTextColumn) return fmt::format("{}\n{:{}}{}\n", flag, "", kTextColumn, text);
  return fmt::format("{:{}}{}\n", flag, kTextColumn, text);
}

}  // namespace

std::string_view CommandName(Command command) {
  return command == Command::kNone ? "" : TextOf(command).name;
}

std::string CommandUsage(Command command) { return std::string(TextOf(command).usage); }

std::string OverallHelp() {
  std::string out = fmt::format("Weft {}, a distributed web crawler\n\nUsage: weft COMMAND [options]\n\nCommands:\n",
                                WeftVersion());
  for (const CommandText& text : kCommands) out += fmt::format("  {:14}{}\n", text.name, text.summary);
  out += "\nweft COMMAND --help tells a command's options. weft --version prints the version.\n\n"
         "To begin:\n  weft crawl https://example.com/ --contact you@example.org --out crawl\n";
  return out;
}

std::string CommandHelp(Command command) {
  const CommandText& text = TextOf(command);
  std::string out = fmt::format("{}\n\nUsage: {}\n\n", text.summary, text.usage);
  if (command == Command::kCrawl || command == Command::kSeedsAdd) out += fmt::format("{}\n", kSeedText);
  for (const OptionGroup group : kGroupOrder) {
    std::string lines;
    for (const Option& option : OptionTable()) {
      if (option.group == group && option.taken_by(command)) lines += OptionLine(option, command);
    }
    if (!lines.empty()) out += fmt::format("{}:\n{}\n", GroupTitle(group), lines);
  }
  return out + std::string(text.more);
}

}  // namespace weft
