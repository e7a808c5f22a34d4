"""Strangers at the ports of the scheduler and of a parser, while a crawl runs; compared with the same crawl without them."""
import json
import os
import sys
import time

from checker import check, pauses, quantile
from cluster import HERE, Violation
from suite import fault

HOSTS = 40
DELAY = 0.2
NOISE = 1.35  # two crawls on a machine that does other things, too
FILES = 1024  # that a node may have open: what Debian gives to who asks for nothing
HANDSHAKE = 10  # seconds that a stranger has for it
FLOOR = 0.25  # seconds: differences below are the machine's
_calm = {}


def crawl(suite, kind):
    pages = max(40, suite.pages // HOSTS)
    with suite.cluster(HOSTS, pages, delay=DELAY, latency_ms=20, files=FILES) as cluster:
        for name in ("p1", "p2"):
            cluster.parser(name)
        cluster.fetcher("f1")
        cluster.wait_until_done(HOSTS)
        intruder = None
        if kind:
            at = [f"{cluster.nodes['scheduler'].address}:{cluster.port}", f"{cluster.nodes['p1'].address}:{cluster.port + 1}"]
            intruder = cluster.add("intruder", [sys.executable, "-B", os.path.join(HERE, "intruder.py"), kind, str(suite.seed), *at])
            cluster.wait_for(lambda: "intruding" in intruder.told(), "the intruder begins", 10)
        begin = time.monotonic()
        cluster.wait_until_finished(180)
        took = time.monotonic() - begin
        did = {}
        if intruder:
            time.sleep(max(0.0, HANDSHAKE + 3 - took))
            intruder.process.terminate()
            intruder.wait(20)
            did = json.loads(intruder.told().strip().splitlines()[-1])
        silent = [node.name for node in cluster.nodes.values() if node.name not in ("intruder",) and not node.alive()]
        if silent:
            raise Violation(f"{silent} ended under it:\n{cluster.logs()}")
        waits = [entry[0] for entry in pauses([one for one in cluster.requests() if one.begin > begin])]
        return {"crawl_s": took, "p99_s": quantile(waits, 0.99), "did": did, **check(cluster, DELAY)}


def intrude(suite, kind):
    calm = _calm.get(suite.seed) or _calm.setdefault(suite.seed, crawl(suite, ""))
    now = crawl(suite, kind)
    if not now["did"].get("closed by the node") and kind != "malformed":
        raise Violation(f"no connection of the intruder's was closed: {now['did']}")
    for name in ("crawl_s", "p99_s"):
        if now[name] > calm[name] * NOISE + FLOOR:
            raise Violation(f"{name}: {now[name]:.2f} with the intruder, {calm[name]:.2f} without; it did {now['did']}")
    now = {name: round(value, 2) if isinstance(value, float) else value for name, value in now.items()}
    return {"calm_crawl_s": round(calm["crawl_s"], 2), "calm_p99_s": round(calm["p99_s"], 2), **now}


@fault("intruder-silent", "1,000 TCP connections that say nothing", alone=True)
def silent(suite):
    return intrude(suite, "silent")


@fault("intruder-malformed", "frames that no node would send, after a handshake", alone=True)
def malformed(suite):
    return intrude(suite, "malformed")


@fault("intruder-huge", "frames of 64 MiB", alone=True)
def huge(suite):
    return intrude(suite, "huge")
