"""Connections between nodes that are slow, cut, stand still, or change bytes: before the scheduler's and every parser's port."""
import json
import os
import sys
import time

from checker import check
from cluster import HERE, Violation
from stop_faults import DELAY, HOSTS
from suite import Skipped, fault


def put_before(suite, cluster, name, port, trouble):
    """Whoever connects to the node's port comes through a proxy in its namespace."""
    address = cluster.network.join(name)
    node = cluster.add(f"proxy-{name}", [*cluster.network.enter(name), sys.executable, "-B", os.path.join(HERE, "tcp_proxy.py"),
                                         f"{address}:{port + 1000}", f"{address}:{port}", str(suite.seed), *trouble])
    cluster.wait_for(lambda: "proxying" in node.told(), "the proxy listens", 10)
    cluster.network.redirect(name, port, port + 1000)
    return node


def crawl_through(suite, *trouble, keys=False):
    suite.needs_namespaces()
    seconds = 20 if suite.short else 120
    pages = max(30, int(1.2 * seconds / (DELAY + 0.1)))
    with suite.cluster(HOSTS, pages, delay=DELAY, latency_ms=100, keys=keys) as cluster:
        trouble = [*trouble, "--for", str(seconds)]
        proxies = [put_before(suite, cluster, "scheduler", cluster.port, trouble)]
        for name in ("p1", "p2"):
            cluster.parser(name)
            proxies.append(put_before(suite, cluster, name, cluster.port + 1, trouble))
        for name in ("f1", "f2"):
            cluster.fetcher(name)
        begin = time.monotonic()
        cluster.wait_until_finished(seconds * 2 + 120)
        took = time.monotonic() - begin
        did = {}
        for proxy in proxies:
            proxy.process.terminate()
            proxy.wait(10)
            told = next((line for line in proxy.told().splitlines() if line.startswith("{")), "{}")
            for what, times in json.loads(told).items():
                did[what] = did.get(what, 0) + times
        if not did.get("bytes"):
            raise Violation("nothing passed through the proxies")
        return {"trouble_s": seconds, "crawl_s": round(took, 1), **did, **check(cluster, DELAY)}


@fault("proxy-delay", "200 ms each way, and 5 % of the connections cut each second")
def delay(suite):
    return crawl_through(suite, "--delay-ms", "200", "--cut", "0.05")


@fault("proxy-stall", "connections that stand still for 4 s, again and again")
def stall(suite):
    return crawl_through(suite, "--stall", "0.05", "--stall-ms", "4000")


@fault("proxy-corrupt", "bytes that change on their way, between nodes with keys")
def corrupt(suite):
    """Without keys nothing but TCP's own checksum stands against a changed byte, and this one is changed behind it."""
    if not suite.has_keys():
        raise Skipped("needs nodes with keys (weft token)")
    return crawl_through(suite, "--corrupt", "0.01", keys=True)
