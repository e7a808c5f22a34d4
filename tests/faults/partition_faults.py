"""A node that hears nobody, speaks to nobody, or both: packets vanish, nothing is refused."""
import time

from checker import check
from cluster import Violation
from stop_faults import DELAY, FEWER, HOSTS, requests_of, with_nodes
from suite import fault

LEASE = 10  # seconds from the sending of the renewal on
SLACK = 1.5  # heartbeats are a second apart; a request may be under way


def crawl_with_cut(suite, name, **how):
    suite.needs_namespaces()
    seconds = 14 if suite.short else 30
    pages = int((1.4 * seconds + 6) / (DELAY + 0.1))
    with suite.cluster(HOSTS, pages, delay=DELAY, latency_ms=100, options=FEWER) as cluster:
        with_nodes(cluster)
        begin = time.monotonic()
        cluster.network.cut(name, **how)
        time.sleep(seconds)
        healed = time.monotonic()
        late = requests_of(cluster, cluster.nodes[name], begin + LEASE + SLACK, healed)
        cluster.network.heal(name)
        if late:
            raise Violation(f"{len(late)} requests after the lease's deadline: {late[:3]}, cut off at {begin:.3f}")
        back = 0.0
        if name.startswith("f"):
            cluster.wait_for(lambda: requests_of(cluster, cluster.nodes[name], healed, 1e12), "the node works again", 60)
            back = requests_of(cluster, cluster.nodes[name], healed, 1e12)[0].begin - healed
        cluster.wait_until_finished(150)
        return {"cut_s": seconds, "after_deadline": len(late), "works_again_after_s": round(back, 1), **check(cluster, DELAY)}


@fault("partition-fetcher", "a fetcher is cut off from everybody")
def fetcher(suite):
    return crawl_with_cut(suite, "f1")


@fault("partition-lease", "a fetcher is cut off from the scheduler alone, and could go on asking")
def lease(suite):
    return crawl_with_cut(suite, "f1", peer="scheduler")


@fault("partition-hears", "a fetcher hears the scheduler, which does not hear it")
def hears(suite):
    return crawl_with_cut(suite, "f1", peer="scheduler", hears=True)


@fault("partition-speaks", "a fetcher is heard by the scheduler, and hears nothing of it")
def speaks(suite):
    return crawl_with_cut(suite, "f1", peer="scheduler", speaks=True)


@fault("partition-parser", "a parser is cut off from everybody")
def parser(suite):
    return crawl_with_cut(suite, "p1")
