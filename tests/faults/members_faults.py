"""Machines that come and go while the crawl runs."""
import signal
import time

from checker import check
from cluster import Violation
from suite import fault

HOSTS = 90
DELAY = 0.5
# Fewer than there are hosts for each: hosts wait, and a new node can have some.
FEWER = ("--connections", "6")  # four leases each


@fault("join-leave", "a node joins or leaves every few seconds")
def join_and_leave(suite):
    every, turns = (3, 8) if suite.short else (10, 30)
    pages = int(0.6 * every * turns / (DELAY + 0.05)) + 1
    with suite.cluster(HOSTS, pages, delay=DELAY, latency_ms=50, options=FEWER) as cluster:
        cluster.worker("w0")
        cluster.wait_until_done(HOSTS)
        here, ends = [cluster.nodes["w0"]], []
        for turn in range(turns):
            time.sleep(every)
            if turn % 2 == 0:
                here.append(cluster.worker(f"w{turn + 1}"))
            else:
                leaves = here.pop(0)
                leaves.signal(signal.SIGTERM)
                ends.append(leaves.wait(40))
        cluster.wait_until_finished(120)
        waits = first_work(cluster) if suite.isolated else []
        if any(ends):
            raise Violation(f"workers that were asked to leave ended with {ends}")
        if waits and max(waits) > 5:
            raise Violation(f"a new node waited {max(waits):.1f} s for its first work: {[round(one, 1) for one in waits]}")
        return {"joined": turns // 2, "left": len(ends), "first_work_s": round(max(waits), 1) if waits else None,
                **check(cluster, DELAY)}


def first_work(cluster):
    """How long each worker that joined later waited for its first request."""
    first = {}
    for one in cluster.requests():
        first.setdefault(one.source, one.begin)
    joined = [node for name, node in cluster.nodes.items() if name.startswith("w") and name not in ("w0", "web")]
    return [first.get(node.address, 1e9) - node.began for node in joined]
