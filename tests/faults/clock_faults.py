"""The wall clock of every node jumps by an hour, forward and back: what setting the date does (wall_clock.c)."""
import os
import shutil
import struct
import subprocess
import tempfile
import time

from checker import check
from cluster import HERE, Violation
from suite import Skipped, fault

HOSTS = 40
DELAY = 0.4


def set_clock(path, seconds):
    with open(path, "r+b") as file:
        file.write(struct.pack("=q", seconds))


def preloaded(folder):
    """The environment in which a node's clock is the file's."""
    compiler = shutil.which("cc")
    if not compiler:
        raise Skipped("needs a C compiler, for the clock that it sets")
    library, clock = os.path.join(folder, "wall_clock.so"), os.path.join(folder, "clock")
    subprocess.run([compiler, "-O2", "-shared", "-fPIC", "-o", library, os.path.join(HERE, "wall_clock.c")], check=True)
    with open(clock, "wb") as file:
        file.write(struct.pack("=q", 0))
    return clock, {"LD_PRELOAD": library, "WEFT_TEST_CLOCK": clock}


@fault("clock-jumps", "the wall clock of every node an hour forward, then two back")
def jumps(suite):
    wait = 4 if suite.short else 15
    pages = int(5 * wait / DELAY)
    folder = tempfile.mkdtemp(prefix="weft-faults-clock-")
    try:
        clock, environment = preloaded(folder)
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
                begins = [jumped] + [one.begin for one in cluster.requests() if one.begin > jumped] + [time.monotonic()]
                longest = max([longest] + [later - sooner for sooner, later in zip(begins, begins[1:])])
            cluster.wait_until_finished(120)
            hours = {row["fetched_at"][:13] for row in cluster.export()[1]}
            if len(hours) < 3:
                raise Violation(f"the clocks of the nodes did not jump: pages are of {hours}")
            if longest > 2:
                raise Violation(f"nothing was asked for {longest:.1f} s after a jump")
            return {"jumps": 3, "longest_silence_s": round(longest, 2), **check(cluster, DELAY, 0)}
    finally:
        shutil.rmtree(folder, ignore_errors=True)
