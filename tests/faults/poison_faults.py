"""A page that crashes whoever reads it: the process gets SIGSEGV each time one of its parsers has named the page as the one that it reads."""
import collections
import os
import signal
import threading
import time

from checker import check
from cluster import Violation
from suite import fault

HOSTS = 30
DELAY = 0.1
BIG = 28 << 20  # reading it takes long enough to be seen
LONG = 0.006  # seconds that no other page is read for
TRIES = 3


def named(path):
    """The key of the page that the parser reads, or b''."""
    try:
        with open(path, "rb") as file:
            content = file.read(64)
    except OSError:
        return b""
    return content[1:].split(b"\0")[0] if content and content[0] else b""


class Crasher(threading.Thread):
    """Watches in which slot the same page stays named, kills that process, and starts it anew as a supervisor would (`rest` None: nobody does)."""

    def __init__(self, parsers, rest):
        super().__init__(daemon=True)
        self.slots = {node: [node.cluster.at(node.name, f"parsing-{i}") for i in range(count)] for node, count in parsers.items()}
        self.rest, self.crashes, self.over = rest, [], False
        self.starts, self.seen = {}, {}

    def run(self):
        while not self.over:
            for node, slots in list(self.slots.items()):
                if node not in self.starts:
                    self.look(node, slots)
                elif self.starts[node] < time.monotonic():
                    self.start_again(node, slots)
            time.sleep(0.0005)

    def look(self, node, slots):
        for slot in slots:
            name, since = self.seen.get(slot, (b"", 0))
            now, at = named(slot), time.monotonic()
            if now != name:
                self.seen[slot] = (now, at)
            elif now and at - since > LONG and node.alive():
                node.signal(signal.SIGSEGV)
                node.process.wait()
                if named(slot) == now:  # it had not got to the end meanwhile
                    self.crashes.append((node.name, now))
                if self.rest is None:
                    self.slots.pop(node)
                else:
                    self.starts[node] = time.monotonic() + self.rest
                return

    def start_again(self, node, slots):
        self.starts.pop(node)
        node.start()
        # Until the new process has read who is to blame.
        end = time.monotonic() + 20
        while any(named(slot) for slot in slots) and not self.over and time.monotonic() < end:
            time.sleep(0.0002)


def crawl_poison(suite, processes, parsers, rest, tries=TRIES):
    with suite.cluster(HOSTS, max(30, suite.pages // HOSTS // 2), delay=DELAY, latency_ms=10, big_bytes=BIG,
                       options=("--max-body", "32MiB")) as cluster:
        crasher = Crasher({cluster.parser(f"p{i}", parsers): parsers for i in range(processes)}, rest)
        crasher.start()
        try:
            cluster.fetcher("f1")
            told = cluster.wait_until_finished(120 + 6 * (rest or 0))
        finally:
            crasher.over = True
            crasher.join()
        figures = check(cluster, DELAY, other_ends=(cluster.web.origin(0) + "/big",))
        if not crasher.crashes:
            raise Violation("the page was read faster than it could be seen; nothing was tried")
        blamed = collections.Counter(key for _, key in crasher.crashes)
        if max(blamed.values()) > tries or told["ledger"]["failed"] != {"parser-crash": 1}:
            raise Violation(f"failed: {told['ledger']['failed']}; crashes: {[name for name, _ in crasher.crashes]}")
        return {"crashes": len(crasher.crashes), **figures}


@fault("poison-page", "a page that crashes a process of three parsers: three times and no more")
def poison(suite):
    return crawl_poison(suite, 1, 3, 0)


@fault("poison-spread", "the same on two machines, where it goes to the other one meanwhile: three times in all")
def poison_spread(suite):
    return crawl_poison(suite, 2, 1, 15)


@fault("poison-unwatched", "parsers on five machines that nobody starts again: what the first died of nobody can tell, and one is left")
def poison_unwatched(suite):
    return crawl_poison(suite, 5, 1, None, tries=TRIES + 1)
