"""kill -9 of each role and of all of them, again and again within one crawl."""
import random
import time

from checker import check
from suite import fault


class Kills:
    """What was unacknowledged at each kill bounds what may be fetched again."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.done = 0
        self.at_most = 0
        self.last = 0

    def kill(self, nodes, pause):
        self.cluster.wait_for(self.cluster.status, "the scheduler answers", 30)
        # Where all leases must first run out a crawl stands still between two kills: a kill that hits nothing proves nothing.
        self.cluster.wait_for(lambda: self.cluster.pages_done() > self.last or self.cluster.finished(), "pages since the last kill", 120)
        before = self.last = self.cluster.pages_done()
        for node in nodes:
            node.kill()
        time.sleep(0.1)  # what the kernel holds still arrives
        self.at_most += max(0, len(self.cluster.asked()) - before)
        self.done += 1
        time.sleep(pause)
        for node in nodes:
            node.start()


def crawl_and_kill(suite, choose):
    every, kills = (5, suite.kills) if not suite.short else (3, min(suite.kills, 5))
    pages = max(8, suite.pages // suite.hosts)
    delay = max(0.15, kills * every / pages)
    draw = random.Random(suite.seed)
    with suite.cluster(suite.hosts, pages, delay=delay, latency_ms=200) as cluster:
        cluster.parser("p1")
        cluster.parser("p2")
        cluster.fetcher("f1")
        cluster.fetcher("f2")
        # Each host is found on another's page, and that one's after its own pause: with long pauses the tree of hosts takes a while.
        cluster.wait_until_done(suite.hosts // 2, 60 + 3 * delay * suite.hosts.bit_length())
        kill = Kills(cluster)
        for number in range(kills):
            time.sleep(draw.uniform(0.5, 1.5) * every)
            if (cluster.status() or {}).get("state") == "finished":
                break
            kill.kill([cluster.nodes[name] for name in choose(number)], draw.uniform(0, 1))
        cluster.wait_until_finished(120 + pages * delay * 6)  # a host whose answers were cut off gets longer pauses
        return {"kills": kill.done, **check(cluster, delay, kill.at_most)}


@fault("kill-fetcher", "kill -9 of a fetcher")
def kill_fetcher(suite):
    return crawl_and_kill(suite, lambda number: [f"f{number % 2 + 1}"])


@fault("kill-parser", "kill -9 of a parser")
def kill_parser(suite):
    return crawl_and_kill(suite, lambda number: [f"p{number % 2 + 1}"])


@fault("kill-scheduler", "kill -9 of the scheduler")
def kill_scheduler(suite):
    return crawl_and_kill(suite, lambda number: ["scheduler"])


@fault("kill-all", "kill -9 of every node at once")
def kill_all(suite):
    return crawl_and_kill(suite, lambda number: ["scheduler", "p1", "p2", "f1", "f2"])
