"""Weft and other crawlers on the same real site, on the same server, in one call.

    scripts/bench crawl [--site postgresql|cppreference|python|java] [--tools weft,weft-gumbo,wget2,scrapy] [--json]
    scripts/bench links [--site SITE]... [--broken N] [--json]
    scripts/bench url [--site SITE]... [--json]
    scripts/bench frontier [--urls N[K|M]] [--hosts N[K|M]] [--memory BYTES] [--seed N] [--json]
    scripts/bench commit [--pages N[K|M]] [--seed N] [--json]
    scripts/bench scale [--nodes N]... [--pages N[K|M]] [--rounds N] [--seed N] [--json]
    scripts/bench export [--site SITE]... [--json]

Every crawler has 20 connections and no delay. Weft writes gzip WARC files, wget2 plain files, Scrapy nothing; all of it
goes to memory (/dev/shm). weft-gumbo is Weft with a tree built for every page. Pages are distinct URLs that nginx answered
with an HTML page, from its log. CPU seconds are those of the crawler's process and its children, peak memory that of the
process; nginx is not counted.

"links" reads every page of the sites' packages with the linear extractor, gumbo and libxml2 on one core, and counts the pages
on which the linear extractor and gumbo's tree answer alike; --broken N does so with N documents of broken HTML too.

"url" parses every URL that those pages name, made absolute before, and makes its crawl key, on one core by CPU time.

"frontier" fills the scheduler's store with N URLs and asks it whether links are known, 85% of which are, in pages of 60 (see
tests/bench/frontier_bench.cc); beside it the store alone, and a Redis set where redis-server is installed.

"export" crawls the sites once and exports that crawl in each format: wanted are 5,000 pages a second of what the CrawlDb knows,
300 a CPU second of what is read from the pages, and at most 300 MiB of memory.

"commit" hands page results with 60 links to a scheduler without network, and counts its thread's CPU time.

"scale" has 1, 4, 16 and 64 played workers of 16 connections speak with that scheduler in virtual time, where a fetch takes 100 ms and
the scheduler's CPU time passes (see tests/bench/scale_bench.cc): its CPU per 1,000 pages and the pages a second by the number of
workers, and the most pages a second that one core of a scheduler can take. Of the rounds the one in the middle is told.
"""
import argparse
import hashlib
import json
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

import bench_export
import doc_sites

ROOT = doc_sites.ROOT
CONNECTIONS = "20"


def commands(tool, url, folder):
    weft = [os.path.join(ROOT, "scripts", "weft"), "crawl", url, "--out", os.path.join(folder, "out"),
            "--allow-private-net", "127.0.0.0/8", "--delay", "0", "--host-connections", CONNECTIONS]
    return {
        "weft": weft,
        "weft-gumbo": weft + ["--extractor", "gumbo"],
        "wget2": ["wget2", "-q", "-r", "-l", "inf", f"--max-threads={CONNECTIONS}", "--no-robots", "-P", folder, url],
        "scrapy": ["scrapy", "runspider", os.path.join(ROOT, "scripts", "scrapy_spider.py"), "-a", f"url={url}"],
    }[tool]


# wget2 answers 8 where a page links to something that is not there (and ours do).
FINE = {"weft": {0}, "weft-gumbo": {0}, "wget2": {0, 8}, "scrapy": {0}}


OTHERS = ("weft-gumbo", "wget2", "scrapy")


class PeakMemory(threading.Thread):
    """Reads a process's high-water mark until it has ended.

    wait4's ru_maxrss would not do: Linux carries the mark of the Python process that forked over the exec.
    """

    def __init__(self, pid):
        super().__init__()
        self._status = f"/proc/{pid}/status"
        self._ended = threading.Event()
        self._kib = 0

    def run(self):
        while not self._ended.wait(0.02):
            try:
                with open(self._status, encoding="ascii", errors="replace") as file:
                    found = re.search(r"VmHWM:\s*(\d+)", file.read())
            except OSError:
                return
            # The last mark is the highest, but for an exec in between, which begins anew.
            self._kib = int(found.group(1)) if found else self._kib

    def mib(self):
        self._ended.set()
        self.join()
        return round(self._kib / 1024, 1)


def measure(tool, server, folder):
    """One crawl: what it fetched, and what it cost."""
    server.take_requests()
    with open(os.path.join(folder, "errors"), "w+", encoding="utf-8", errors="replace") as errors:
        begin = time.monotonic()
        # As a child of its own, so that wait4 gives the usage of this crawl alone.
        process = subprocess.Popen(commands(tool, server.url, folder), stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=errors, cwd=folder)
        memory = PeakMemory(process.pid)
        memory.start()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - begin
        peak = memory.mib()
        code = process.returncode = os.waitstatus_to_exitcode(status)
        errors.seek(0)
        said = errors.read()
    pages = len(doc_sites.html_urls(server.take_requests(), server.origin))
    if code not in FINE[tool] or pages < server.site.pages // 2:
        raise doc_sites.SiteError(f"{tool} ended with {code} after {pages} pages and said:\n{said[-2000:]}")
    cpu = usage.ru_utime + usage.ru_stime
    return {"pages": pages, "wall_s": round(wall, 3), "cpu_s": round(cpu, 3),
            "peak_mib": peak, "pages_per_s": round(pages / wall, 1),
            "pages_per_cpu_s": round(pages / cpu, 1)}


def compare(site, tools):
    results = {}
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with doc_sites.serve(site) as server:
        for tool in tools:
            folder = tempfile.mkdtemp(prefix="weft-bench-", dir=memory)
            try:
                results[tool] = measure(tool, server, folder)
            finally:
                shutil.rmtree(folder, ignore_errors=True)
    for other in OTHERS:
        if "weft" in results and other in results:
            ours, theirs = results["weft"], results[other]
            results[f"ratio_{other}_per_cpu_s"] = round(ours["pages_per_cpu_s"] / theirs["pages_per_cpu_s"], 3)
            results[f"ratio_{other}_wall"] = round(ours["pages_per_s"] / theirs["pages_per_s"], 3)
    return results


def print_table(site, results):
    print(f"{site}: {CONNECTIONS} connections, no delay")
    print(f"{'':12}{'pages':>8}{'wall s':>9}{'pages/s':>10}{'CPU s':>9}{'pages/CPU s':>13}{'peak MiB':>10}")
    for tool, row in results.items():
        if isinstance(row, dict):
            print(f"{tool:12}{row['pages']:8}{row['wall_s']:9.2f}{row['pages_per_s']:10.0f}{row['cpu_s']:9.2f}"
                  f"{row['pages_per_cpu_s']:13.0f}{row['peak_mib']:10.1f}")
    for other in OTHERS:
        if f"ratio_{other}_wall" in results:
            print(f"Weft / {other}: {results[f'ratio_{other}_wall']:.2f} in pages a second, "
                  f"{results[f'ratio_{other}_per_cpu_s']:.2f} in pages a CPU second")


def prepare(tools):
    lists = ["packages.txt", "test-packages.txt"] + (["bench-packages.txt"] if "scrapy" in tools else [])
    scripts = os.path.join(ROOT, "scripts")
    if subprocess.run([f"{scripts}/setup"] + [f"{scripts}/{name}" for name in lists], check=False).returncode != 0:
        raise doc_sites.SiteError("the packages above are needed")
    # Builds before the clock runs.
    if {"weft", "weft-gumbo"} & set(tools) and subprocess.run([f"{scripts}/weft", "--version"], stdout=subprocess.DEVNULL,
                                          check=False).returncode != 0:
        raise doc_sites.SiteError("Weft could not be built")


def micro_benchmark(name, options, words=()):
    """The JSON object that tests/bench/NAME prints of the sites' pages."""
    scripts = os.path.join(ROOT, "scripts")
    lists = [os.path.join(scripts, packages) for packages in ("packages.txt", "test-packages.txt", "bench-packages.txt")]
    if subprocess.run([f"{scripts}/setup"] + lists, check=False).returncode != 0:
        raise doc_sites.SiteError("the packages above are needed")
    if subprocess.run([f"{scripts}/build", "bench", name], check=False).returncode != 0:
        raise doc_sites.SiteError("the benchmark could not be built")
    folders = [doc_sites.unpacked(site) for site in options.site or doc_sites.SITES]
    print("bench: reading every page; up to a minute or two", file=sys.stderr)
    command = [os.path.join(ROOT, "build/bench/tests/bench", name), *words] + folders
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def bench_url(options):
    result = micro_benchmark("url_bench", options)
    if options.json:
        print(json.dumps(result, indent=2))
        return
    print(f"{result['urls']:,} URLs of {result['mean_bytes']:.0f} bytes on average; millions a second on one core:")
    for name, what in (("parse_urls_per_s", "parsed"), ("urls_per_s", "parsed, with crawl key"),
                       ("with_fingerprint_urls_per_s", "and fingerprint"), ("fingerprints_per_s", "fingerprints alone")):
        print(f"{what:24}{result[name] / 1e6:8.2f}")


def bench_links(options):
    result = micro_benchmark("links_bench", options, ["--broken", str(options.broken)])
    if options.json:
        print(json.dumps(result, indent=2))
        return
    print(f"{result['pages']} pages, {result['equal']} of them with the same links, title and facts by both extractors "
          f"({result['vectors']} vectors)")
    for name in ("linear", "linear_urls", "gumbo", "libxml2"):
        print(f"{name:24}{result[name + '_mb_s']:8.0f} MB/s")
    for name, speed in result["hostile_mb_s"].items():
        print(f"  {name:28}{speed:8.0f} MB/s{result['hostile_kib'][name]:8} KiB beside the page")
    if "broken" in result:
        print(f"{result['broken']['documents']} broken documents, {result['broken']['equal']} read alike; seeds of the others: "
              f"{', '.join(map(str, result['broken']['unlike_seeds'])) or 'none'}")


def redis_checks_per_s(urls):
    """SADD of fingerprints, 85% of them known, a page of 60 at a time in pipelines, by CPU seconds of the server."""
    server = shutil.which("redis-server")
    if server is None:
        print("bench: redis-server is not installed; no Redis set beside it", file=sys.stderr)
        return None
    folder = tempfile.mkdtemp(prefix="weft-redis-")
    path = os.path.join(folder, "socket")
    process = subprocess.Popen([server, "--port", "0", "--unixsocket", path, "--save", "", "--appendonly", "no",
                                "--dir", folder], stdout=subprocess.DEVNULL)
    try:
        for _ in range(100):
            if os.path.exists(path):
                break
            time.sleep(0.1)
        link = socket.socket(socket.AF_UNIX)
        link.connect(path)
        known = min(urls, 2_000_000)
        redis_add(link, range(known))
        dice = random.Random(1)
        begun = cpu_of(process.pid)
        checks = 300_000
        added = iter(range(known, known + checks))
        redis_add(link, (dice.randrange(known) if dice.random() < 0.85 else next(added) for _ in range(checks)))
        return round(checks / (cpu_of(process.pid) - begun))
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def redis_add(link, numbers):
    pieces, waiting = [], 0
    replies = link.makefile("rb")
    for number in numbers:
        key = hashlib.md5(str(number).encode(), usedforsecurity=False).digest()
        pieces.append(b"*3\r\n$4\r\nSADD\r\n$4\r\nseen\r\n$16\r\n" + key + b"\r\n")
        waiting += 1
        if waiting == 1920:  # 32 pages
            link.sendall(b"".join(pieces))
            for _ in range(waiting):
                replies.readline()
            pieces, waiting = [], 0
    link.sendall(b"".join(pieces))
    for _ in range(waiting):
        replies.readline()


def cpu_of(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def count_of(text):
    match = re.fullmatch(r"(\d+)([KM]?)", text)
    if not match:
        raise argparse.ArgumentTypeError(f"{text}: a number, with K or M behind it if you like")
    return int(match.group(1)) * {"": 1, "K": 1000, "M": 1_000_000}[match.group(2)]


def store_bench(name, arguments):
    """What a benchmark over a store on this disk prints."""
    scripts = os.path.join(ROOT, "scripts")
    lists = [os.path.join(scripts, name) for name in ("packages.txt", "bench-packages.txt")]
    if subprocess.run([f"{scripts}/setup", *lists], check=False).returncode != 0:
        raise doc_sites.SiteError("the packages above are needed")
    if subprocess.run([f"{scripts}/build", "bench", name], check=False).returncode != 0:
        raise doc_sites.SiteError("the benchmark could not be built")
    folder = tempfile.mkdtemp(prefix=f"{name}-", dir=os.path.join(ROOT, "build"))
    command = [os.path.join(ROOT, "build/bench/tests/bench", name), "--dir", os.path.join(folder, "store"), *arguments]
    try:
        return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def bench_frontier(options):
    print(f"bench: {options.urls} URLs; some minutes for ten million", file=sys.stderr)
    result = store_bench("frontier_bench", ["--urls", str(options.urls), "--hosts", str(options.hosts), "--memory", str(options.memory),
                                            "--seed", str(options.seed)])
    result["redis_checks_per_s"] = redis_checks_per_s(options.urls)
    show(result, options)


def bench_commit(options):
    print(f"bench: {options.pages} pages", file=sys.stderr)
    show(store_bench("commit_bench", ["--pages", str(options.pages), "--seed", str(options.seed)]), options)


def bench_scale(options):
    print(f"bench: {options.pages} pages with {options.nodes} workers each, {options.rounds} times", file=sys.stderr)
    rounds = {nodes: [] for nodes in options.nodes}
    for _ in range(options.rounds):
        for nodes in options.nodes:
            rounds[nodes].append(store_bench("scale_bench", ["--nodes", str(nodes), "--pages", str(options.pages), "--seed", str(options.seed)]))
    runs = []
    for nodes in options.nodes:
        by_cost = sorted(rounds[nodes], key=lambda run: run["scheduler_cpu_ms_per_1000_pages"])
        runs.append(by_cost[len(by_cost) // 2])
    first = runs[0]
    for run in runs:
        run["cpu_ratio_to_first"] = run["scheduler_cpu_ms_per_1000_pages"] / first["scheduler_cpu_ms_per_1000_pages"]
        # Of as many times the rate of the first run as there are times its workers.
        run["linear_share"] = run["pages_per_virtual_s"] / first["pages_per_virtual_s"] / (run["nodes"] / first["nodes"])
    result = {"runs": runs, "pages_per_scheduler_core_s": min(run["pages_per_scheduler_core_s"] for run in runs)}
    if options.json:
        print(json.dumps(result, indent=2))
        return
    print(f"{'workers':>8}{'pages/s':>10}{'of linear':>11}{'CPU ms / 1,000 pages':>22}{'ratio':>7}{'core busy':>11}")
    for run in runs:
        print(f"{run['nodes']:8}{run['pages_per_virtual_s']:10,.0f}{run['linear_share']:11.0%}{run['scheduler_cpu_ms_per_1000_pages']:22.1f}"
              f"{run['cpu_ratio_to_first']:7.2f}{run['scheduler_busy']:11.0%}")
    print(f"the limit: {result['pages_per_scheduler_core_s']:,.0f} pages/s for each core of a scheduler")


def bench_of_exports(options):
    prepare(["weft"])
    result = bench_export.run(os.path.join(ROOT, "scripts", "weft"), options.site or list(doc_sites.SITES), PeakMemory)
    if options.json:
        print(json.dumps(result, indent=2))
    else:
        bench_export.print_table(result)


def show(result, options):
    if options.json:
        print(json.dumps(result, indent=2))
        return
    for name, value in result.items():
        print(f"{name:24}{value if value is None or isinstance(value, bool) else format(value, ',.2f'):>18}")


def main(arguments):
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    workloads = parser.add_subparsers(dest="workload", required=True)
    links = workloads.add_parser("links", help="the link extractors")
    links.add_argument("--site", action="append", choices=list(doc_sites.SITES), help="default: all of them")
    links.add_argument("--broken", type=int, default=0, metavar="N", help="documents of broken HTML; default: none")
    links.add_argument("--json", action="store_true", help="print JSON")
    url = workloads.add_parser("url", help="URLs to crawl keys")
    url.add_argument("--site", action="append", choices=list(doc_sites.SITES), help="default: all of them")
    url.add_argument("--json", action="store_true", help="print JSON")
    crawl = workloads.add_parser("crawl", help="a whole site")
    crawl.add_argument("--site", choices=list(doc_sites.SITES), default="postgresql", help="default: postgresql")
    crawl.add_argument("--tools", default="weft,wget2,scrapy", help="default: weft,wget2,scrapy, in this order")
    crawl.add_argument("--json", action="store_true", help="print JSON")
    frontier = workloads.add_parser("frontier", help="known-or-new questions to the scheduler's store")
    frontier.add_argument("--urls", type=count_of, default=1_000_000, metavar="N[K|M]", help="default: 1M")
    frontier.add_argument("--hosts", type=count_of, default=0, metavar="N[K|M]",
                          help="all of them with something queued, half as many as URLs at most; default: one of 100 URLs")
    frontier.add_argument("--memory", type=int, default=0, metavar="BYTES", help="of the set; default: 24 a URL")
    frontier.add_argument("--seed", type=int, default=1, metavar="N", help="default: 1")
    frontier.add_argument("--json", action="store_true", help="print JSON")
    commit = workloads.add_parser("commit", help="page results to a scheduler without network")
    commit.add_argument("--pages", type=count_of, default=50_000, metavar="N[K|M]", help="default: 50K")
    commit.add_argument("--seed", type=int, default=1, metavar="N", help="default: 1")
    commit.add_argument("--json", action="store_true", help="print JSON")
    scale = workloads.add_parser("scale", help="a scheduler with more and more workers, in virtual time")
    scale.add_argument("--nodes", type=count_of, action="append", metavar="N", help="workers; default: 1, 4, 16 and 64")
    scale.add_argument("--pages", type=count_of, default=40_000, metavar="N[K|M]", help="default: 40K, of which a quarter is not measured")
    scale.add_argument("--rounds", type=int, default=1, metavar="N", help="default: 1")
    scale.add_argument("--seed", type=int, default=1, metavar="N", help="default: 1")
    scale.add_argument("--json", action="store_true", help="print JSON")
    export = workloads.add_parser("export", help="a crawl of the sites to each format")
    export.add_argument("--site", action="append", choices=list(doc_sites.SITES), help="default: all of them")
    export.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    if options.workload == "scale":
        options.nodes = options.nodes or [1, 4, 16, 64]
        if options.rounds < 1 or min(options.nodes) < 1:
            parser.error("--rounds and --nodes: at least 1")
    if options.workload != "crawl":
        try:
            {"links": bench_links, "url": bench_url, "frontier": bench_frontier,
             "commit": bench_commit, "scale": bench_scale, "export": bench_of_exports}[options.workload](options)
        except (doc_sites.SiteError, OSError, subprocess.CalledProcessError) as error:
            print(f"bench: {error}", file=sys.stderr)
            return 1
        return 0
    tools = options.tools.split(",")
    unknown = [tool for tool in tools if tool not in FINE]
    if unknown:
        parser.error(f"unknown tool {unknown[0]}; there are: {', '.join(FINE)}")
    try:
        prepare(tools)
        results = compare(options.site, tools)
    except (doc_sites.SiteError, OSError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    if options.json:
        print(json.dumps({"site": options.site, **results}, indent=2))
    else:
        print_table(options.site, results)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
