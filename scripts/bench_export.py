"""The workload "export" of scripts/bench: all documentation sites are crawled once, and that crawl is exported in each format."""
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time

import doc_sites

# What is written, as which file, and whether pages are read again for it.
WORKLOADS = (
    ("csv, index", "t.csv", False, ("--format", "csv")),
    ("parquet, index", "t.parquet", False, ("--format", "parquet")),
    ("parquet, index, by subset", "table/", False, ("--format", "parquet")),
    ("cdxj", "t.cdxj", False, ()),
    ("jsonl", "t.jsonl", True, ()),
    ("jsonl with text", "t.jsonl.zst", True, ("--text",)),
    ("jsonl with main text", "t.jsonl.gz", True, ("--text", "--text-from", "main")),
    ("parquet, all columns", "t.parquet", True, ("--format", "parquet", "--columns", "all")),
    ("parquet, clusters", "t.parquet", True, ("--format", "parquet", "--columns", "url,near_duplicate_cluster")),
    ("sqlite", "t.sqlite", True, ()),
    ("wacz", "t.wacz", True, ()),
    ("links", "t.tsv.gz", True, ("--format", "links")),
)
LEAST_INDEX_PER_S = 5000
LEAST_TEXT_PER_CPU_S = 300
MOST_MIB = 300


def crawl(weft, out, sites):
    """All sites in one crawl; the pages that it stored."""
    with contextlib.ExitStack() as servers:
        urls = [servers.enter_context(doc_sites.serve(site)).url for site in sites]
        told = subprocess.run([weft, "crawl", *urls, "--out", out, "--allow-private-net", "127.0.0.0/8", "--delay", "0",
                               "--host-connections", "20"], check=False, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if told.returncode != 0:
        raise doc_sites.SiteError(f"the crawl ended with {told.returncode} and said:\n{told.stderr[-2000:]}")


def export(weft, out, folder, target, options, watch):
    """One export: wall and CPU seconds, peak memory."""
    path = os.path.join(folder, target)
    begin = time.monotonic()
    process = subprocess.Popen([weft, "export", out, *options, "--output", path], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    memory = watch(process.pid)
    memory.start()
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - begin
    peak = memory.mib()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise doc_sites.SiteError(f"the export to {target} ended with {process.returncode} and said:\n{said[-2000:]}")
    size = sum(os.path.getsize(os.path.join(at, name)) for at, _, names in os.walk(folder) for name in names)
    return wall, usage.ru_utime + usage.ru_stime, peak, size


def run(weft, sites, watch):
    folder = tempfile.mkdtemp(prefix="bench-export-", dir=os.path.join(doc_sites.ROOT, "build"))
    try:
        out = os.path.join(folder, "crawl")
        print("bench: crawling the sites; up to some minutes", file=sys.stderr)
        crawl(weft, out, sites)
        pages = len(subprocess.run([weft, "export", out, "--format", "csv", "--columns", "warc_offset"], check=True, capture_output=True,
                                   text=True).stdout.splitlines()) - 1
        results = {"pages": pages, "exports": {}}
        for name, target, reads, options in WORKLOADS:
            there = os.path.join(folder, "to")
            os.mkdir(there)
            wall, cpu, peak, size = export(weft, out, there, target, options, watch)
            shutil.rmtree(there)
            good = peak < MOST_MIB and (pages / cpu >= LEAST_TEXT_PER_CPU_S if reads else pages / wall >= LEAST_INDEX_PER_S)
            results["exports"][name] = {"wall_s": round(wall, 2), "cpu_s": round(cpu, 2), "pages_per_s": round(pages / wall),
                                        "pages_per_cpu_s": round(pages / cpu), "peak_mib": peak, "bytes": size, "as_wanted": good}
        return results
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def print_table(results):
    print(f"{results['pages']:,} pages")
    print(f"{'':28}{'wall s':>9}{'pages/s':>10}{'CPU s':>9}{'pages/CPU s':>13}{'peak MiB':>10}{'MB':>9}")
    for name, row in results["exports"].items():
        print(f"{name:28}{row['wall_s']:9.2f}{row['pages_per_s']:10,}{row['cpu_s']:9.2f}{row['pages_per_cpu_s']:13,}"
              f"{row['peak_mib']:10.1f}{row['bytes'] / 1e6:9.1f}{'' if row['as_wanted'] else '  short of what is wanted'}")
