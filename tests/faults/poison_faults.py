"""A page that crashes whoever reads it: the process gets SIGSEGV each time it has named the page as the one that it reads."""
import os
import signal
import threading
import time

from checker import check
from cluster import Violation
from suite import fault

HOSTS = 30
DELAY = 0.1
BIG = 12 << 20  # reading it takes long enough to be seen
LONG = 0.008  # seconds that no other page is read for


class Crasher(threading.Thread):
    """Watches in which slot the same page stays named, kills that process, and starts it anew as a supervisor would."""

    def __init__(self, nodes, rest):
        super().__init__(daemon=True)
        self.nodes, self.rest, self.crashes, self.over = nodes, rest, [], False
        self.starts = {}

    def run(self):
        seen = {}
        while not self.over:
            for node in self.nodes:
                if self.starts.get(node.name, 1e18) < time.monotonic():
                    self.starts.pop(node.name)
                    node.start()
                    self.wait_until_forgotten(node)
                if node.name in self.starts:
                    continue
                named = self.named(node)
                name, since = seen.get(node.name, (b"", 0))
                now = time.monotonic()
                if named != name:
                    seen[node.name] = (named, now)
                elif named and now - since > LONG and node.alive():
                    node.signal(signal.SIGSEGV)
                    node.process.wait()
                    self.crashes.append((node.name, named))
                    seen.pop(node.name)
                    self.starts[node.name] = time.monotonic() + self.rest
            time.sleep(0.0005)

    def wait_until_forgotten(self, node):
        """The new process has read who is to blame."""
        end = time.monotonic() + 20
        while self.named(node) and not self.over and time.monotonic() < end:
            time.sleep(0.0002)

    @staticmethod
    def named(node):
        for path in node.slots():
            try:
                with open(path, "rb") as file:
                    content = file.read(64)
            except OSError:
                continue
            if content and content[0]:
                return content[1:].split(b"\0")[0]
        return b""


def crawl_poison(suite, rest):
    with suite.cluster(HOSTS, max(30, suite.pages // HOSTS // 2), delay=DELAY, latency_ms=10, big_bytes=BIG, options=("--max-body", "32MiB")) as cluster:
        parsers = [cluster.parser(name) for name in ("p1", "p2")]
        for node in parsers:
            node.slots = lambda folder=cluster.at(node.name): [os.path.join(folder, "parsing-0")]
        crasher = Crasher(parsers, rest)
        crasher.start()
        try:
            cluster.fetcher("f1")
            told = cluster.wait_until_finished(120 + 6 * rest)
        finally:
            crasher.over = True
            crasher.join()
        url = cluster.web.origin(0) + "/big"
        figures = check(cluster, DELAY, other_ends=(url,))
        if not crasher.crashes:
            raise Violation("the page was read faster than it could be seen; nothing was tried")
        if told["ledger"]["failed"] != {"parser-crash": 1}:
            raise Violation(f"failed: {told['ledger']['failed']} after {len(crasher.crashes)} crashes")
        if len(crasher.crashes) > 3:
            raise Violation(f"{len(crasher.crashes)} crashes: {[name for name, _ in crasher.crashes]}")
        named = {name for _, name in crasher.crashes}
        return {"crashes": len(crasher.crashes), "pages_blamed": len(named), **figures}


@fault("poison-page", "a page that crashes its parser, which is started again at once: three times and no more")
def poison(suite):
    return crawl_poison(suite, 0)


@fault("poison-spread", "the same where a parser that crashed is away for longer than nodes wait for it")
def poison_spread(suite):
    return crawl_poison(suite, 15)
