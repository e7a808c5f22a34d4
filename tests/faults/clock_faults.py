"""The wall clock of a node jumps by an hour, forward and back. libfaketime changes CLOCK_REALTIME alone: that is what an operator's
`date` or a time server changes; no setting of a running system moves CLOCK_BOOTTIME.
"""
import glob
import os
import time

from checker import check
from suite import Skipped, fault

HOSTS = 40
DELAY = 0.4
LIBRARY = "/usr/lib/*/faketime/libfaketimeMT.so.1"


def set_clock(path, seconds):
    with open(path + ".new", "w", encoding="ascii") as file:
        file.write(f"{seconds:+d}s\n")
    os.replace(path + ".new", path)


@fault("clock-jumps", "the wall clock of every node an hour forward, then two back")
def jumps(suite):
    found = glob.glob(LIBRARY)
    if not found:
        raise Skipped("needs the package faketime")
    wait = 4 if suite.short else 15
    pages = int(6 * wait / DELAY)
    clock = os.path.join("/tmp", f"weft-faults-clock-{os.getpid()}")
    set_clock(clock, 0)
    environment = {"LD_PRELOAD": found[0], "FAKETIME_TIMESTAMP_FILE": clock, "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                   "DONT_FAKE_MONOTONIC": "1"}
    try:
        with suite.cluster(HOSTS, pages, delay=DELAY, latency_ms=20, environment=environment) as cluster:
            for name in ("p1", "p2"):
                cluster.parser(name)
            for name in ("f1", "f2"):
                cluster.fetcher(name)
            cluster.wait_until_done(HOSTS * 2)
            longest = 0.0
            for seconds in (3600, -3600, 0):
                set_clock(clock, seconds)
                jumped = time.monotonic()
                time.sleep(wait)
                begins = [jumped] + [one.begin for one in cluster.requests() if one.begin > jumped]
                longest = max([longest] + [later - sooner for sooner, later in zip(begins, begins[1:])])
            cluster.wait_until_finished(120)
            figures = check(cluster, DELAY)
            dates = sorted(row["fetched"][:13] for row in cluster.export()[1] if row.get("fetched"))
            return {"jumps": 3, "longest_silence_s": round(longest, 2), "hours_seen": len(set(dates)), **figures}
    finally:
        os.remove(clock)
