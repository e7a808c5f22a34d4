"""SIGSTOP of each role for longer than a lease, then SIGCONT."""
import time

from checker import check, ledger_adds_up
from cluster import Violation, stopped
from suite import fault

HOSTS = 40
DELAY = 0.4
# A fetcher takes fewer hosts than there are: a host that one fetcher holds is not taken from it for another one's sake.
FEWER = ("--connections", "6")  # four leases each


def crawl(suite, seconds):
    """Long enough that a stop of so many seconds falls into it."""
    pages = int((1.4 * seconds + 6) / (DELAY + 0.1))
    return suite.cluster(HOSTS, pages, delay=DELAY, latency_ms=100, options=FEWER)


def with_nodes(cluster):
    for name in ("p1", "p2"):
        cluster.parser(name)
    for name in ("f1", "f2"):
        cluster.fetcher(name)
    cluster.wait_until_done(HOSTS * 2)


def requests_of(cluster, node, begin, end):
    return [one for one in cluster.requests() if one.source == node.address and begin < one.begin < end]


@fault("stop-fetcher", "SIGSTOP of a fetcher for longer than a lease; its leases are over when it wakes")
def stop_fetcher(suite):
    """When it wakes the scheduler is out of its reach: whatever it asks then it asks without a lease."""
    seconds = 14 if suite.short else 60
    with crawl(suite, seconds) as cluster:
        with_nodes(cluster)
        node = cluster.nodes["f1"]
        with stopped(node):
            begin = time.monotonic()
            time.sleep(seconds)
            if suite.isolated:
                cluster.network.cut("f1", peer="scheduler")
        awake = time.monotonic()
        time.sleep(4)
        late = requests_of(cluster, node, awake, awake + 4) if suite.isolated else []
        if suite.isolated:
            cluster.network.heal("f1")
        # Bytes that were in the kernel when it stopped still arrive.
        during = len(requests_of(cluster, node, begin + 1, awake))
        ledger_adds_up(cluster.status())
        cluster.wait_until_finished(150)
        back = requests_of(cluster, node, awake + 4, 1e12)
        if late or during:
            raise Violation(f"{len(late)} requests without a lease after {seconds} s of sleep, {during} meanwhile: {late[:3]}")
        if suite.isolated and not back:
            raise Violation("the fetcher that woke got no work any more")
        return {"stopped_s": seconds, "after_deadline": len(late), "asked_when_back": len(back), **check(cluster, DELAY)}


def stop_one(suite, name):
    seconds = 14 if suite.short else 60
    with crawl(suite, seconds) as cluster:
        with_nodes(cluster)
        with stopped(cluster.nodes[name]):
            time.sleep(seconds)
        awake = time.monotonic()
        if name == "scheduler":
            asked = len(cluster.requests())
            cluster.wait_for(lambda: len(cluster.requests()) > asked, "work goes on", 30)
        idle = time.monotonic() - awake
        cluster.wait_until_finished(150)
        return {"stopped_s": seconds, "idle_after_s": round(idle, 1), **check(cluster, DELAY)}


@fault("stop-parser", "SIGSTOP of a parser; fetchers find another")
def stop_parser(suite):
    return stop_one(suite, "p1")


@fault("stop-scheduler", "SIGSTOP of the scheduler; nodes hold their work")
def stop_scheduler(suite):
    return stop_one(suite, "scheduler")
