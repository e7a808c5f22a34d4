"""Runs the fault suite over real processes: each node in a network namespace, a synthetic web, an independent checker.

A line a fault with its figures and the seed. Ends with 1 if a promise did not hold, with 77 if every fault was skipped.
"""
import argparse
import concurrent.futures
import importlib
import json
import os
import random
import subprocess
import sys
import time
import traceback

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import namespaces  # noqa: E402
from cluster import Violation  # noqa: E402
from suite import FAULTS, Skipped, Suite  # noqa: E402

for family in ("kill", "stop", "partition", "proxy", "members", "disk", "intruder", "clock", "damage", "poison"):
    importlib.import_module(family + "_faults")

SKIPPED = 77


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/fault-suite", description=__doc__,
                                     epilog="faults: " + ", ".join(FAULTS))
    parser.add_argument("--weft", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="this fault, or those that begin so; may be repeated")
    parser.add_argument("--short", action="store_true", help="small crawls and few kills: some minutes in all")
    parser.add_argument("--json", action="store_true", help="a JSON object a line")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 31))
    parser.add_argument("--kills", type=int, default=200, help="of each kill fault (200; at most 5 with --short)")
    parser.add_argument("--pages", type=int, default=0, help="about how many pages a crawl has (20000; 1000 with --short)")
    parser.add_argument("--hosts", type=int, default=40, help="on so many hosts (40), where nodes are killed")
    parser.add_argument("--no-namespaces", action="store_true", help="all on addresses of loopback; what needs more is skipped")
    parser.add_argument("--keep", action="store_true", help="keep the folder of what failed")
    parser.add_argument("--jobs", type=int, default=1, help="so many faults at a time (each waits most of its time)")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--list", action="store_true")
    return parser.parse_args()


def chosen(only):
    found = [one for one in FAULTS.values() if not only or any(one.name == name or one.name.startswith(name + "-") for name in only)]
    if not found:
        sys.exit(f"scripts/fault-suite: no fault is named {', '.join(only)}; there are {', '.join(FAULTS)}")
    return found


def run(suite, one):
    begin = time.monotonic()
    try:
        return {"result": "held", "figures": one.run(suite)}, begin
    except Skipped as why:
        return {"result": "skipped", "why": str(why)}, begin
    except Violation as what:
        return {"result": "violated", "why": str(what)}, begin
    except Exception:  # pylint: disable=broad-except
        return {"result": "violated", "why": "the test itself failed: " + traceback.format_exc()}, begin


def tell(report, as_json):
    if as_json:
        print(json.dumps(report), flush=True)
        return
    figures = " ".join(f"{name}={value}" for name, value in report.get("figures", {}).items() if value not in (None, {}))
    print(f"{report['result']:<9}{report['fault']:<22} {report['seconds']:>6.1f} s  seed {report['seed']}  "
          f"{figures}{report.get('why', '')}", flush=True)


def prepared(options):
    """A suite, in namespaces where they are allowed."""
    isolated = not options.no_namespaces
    if isolated:
        try:
            namespaces.prepare()
        except namespaces.Unavailable as why:
            print(f"scripts/fault-suite: no network namespaces here ({why}); what can be is tried on loopback", file=sys.stderr)
            isolated = False
    pages = options.pages or (1000 if options.short else 20000)
    return Suite(options.weft, options.seed, options.short, options.kills, options.hosts, pages, isolated, options.keep)


def report_of(suite, one, seed):
    report, begin = run(suite, one)
    return {"fault": one.name, "seed": seed, "seconds": round(time.monotonic() - begin, 1), **report}


def in_a_process(one, options):
    """The same by a process of its own: it has its own namespaces."""
    words = [word for word in sys.argv[1:] if word != "--json"] + ["--jobs", "1", "--only", one.name, "--seed", str(options.seed), "--json", "--one"]
    done = subprocess.run([sys.executable, "-B", os.path.abspath(__file__), *words], stdout=subprocess.PIPE, text=True, check=False)
    for line in done.stdout.splitlines():
        if line.startswith("{"):
            return json.loads(line)
    return {"fault": one.name, "seed": options.seed, "seconds": 0.0, "result": "violated", "why": f"the test itself ended with {done.returncode}"}


def main():
    options = arguments()
    if options.list:
        for one in FAULTS.values():
            print(f"{one.name:<22} {one.what}")
        return 0
    if options.one:
        tell(report_of(prepared(options), FAULTS[options.only[-1]], options.seed), True)
        return 0
    results = []
    faults = chosen(options.only)
    together = [one for one in faults if options.jobs > 1 and not one.alone]
    with concurrent.futures.ThreadPoolExecutor(max_workers=options.jobs) as pool:
        for done in concurrent.futures.as_completed([pool.submit(in_a_process, one, options) for one in together]):
            tell(done.result(), options.json)
            results.append(done.result()["result"])
    left = [one for one in faults if one not in together]
    suite = prepared(options) if left else None
    for one in left:
        report = report_of(suite, one, options.seed)
        tell(report, options.json)
        results.append(report["result"])
    if "violated" in results:
        return 1
    return SKIPPED if set(results) == {"skipped"} else 0


if __name__ == "__main__":
    sys.exit(main())
