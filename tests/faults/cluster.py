"""A cluster of Weft's processes for the fault suite: each node has a namespace (or an address) of its own, a log, and a life
that the test ends and begins again. With it runs the synthetic web that it crawls.
"""
import contextlib
import ctypes
import json
import os
import resource
import signal
import subprocess
import sys
import time

from synthetic_web import Web, read_log

HERE = os.path.dirname(os.path.abspath(__file__))
PORT = 7700
PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


class Violation(AssertionError):
    """A promise that did not hold."""


def _before_start(files):
    """Runs in the child: it dies with this process, and may have so many files open."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if files:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))


class Node:
    """One role of Weft's, or another program of the test, in its own namespace."""

    def __init__(self, cluster, name, words, environment=None):
        self.cluster, self.name, self.words = cluster, name, words
        self.address = cluster.network.join(name)
        self.environment = environment
        self.files = None if words[0] == sys.executable else cluster.files
        self.log = cluster.at(name + ".log")
        self.process = None
        self.began = 0.0

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([*self.cluster.network.enter(self.name), *self.words], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, preexec_fn=lambda: _before_start(self.files),
                                            env={**os.environ, **(self.environment or {})})
        self.began = time.monotonic()
        return self

    def told(self):
        try:
            with open(self.log, encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def kill(self):
        self.process.kill()
        self.process.wait()

    def signal(self, which):
        self.process.send_signal(which)

    def wait(self, seconds=40):
        try:
            return self.process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            raise Violation(f"{self.name} did not end within {seconds} s:\n{self.told()[-2000:]}") from None


class Cluster:
    """`with Cluster(...) as cluster`: the web is served, the scheduler runs; the test adds fetchers and parsers."""

    def __init__(self, suite, network, folder, hosts, pages, options=(), latency_ms=0, big_bytes=0, environment=None, data_disk=None, files=None, keys=False):
        self.suite, self.network, self.folder = suite, network, folder
        self.options, self.latency_ms, self.environment = options, latency_ms, environment
        self.files, self.keys = files, keys
        self.nodes = {}
        self.pages = []
        port = 8000 if network.isolated else 20000 + os.getpid() % 10000
        self.port = PORT if network.isolated else 31000 + os.getpid() % 1000
        self.web = Web(suite.seed, hosts, pages, port, big_bytes)
        self.web_log = self.at("web.log")
        self.data = self.at("data")
        if data_disk:
            suite.mount(self.data, data_disk)
        self._done_before = {}

    def at(self, *names):
        return os.path.join(self.folder, *names)

    def __enter__(self):
        try:
            self._serve()
            address = self.network.join("scheduler")
            self.endpoint = f"tcp://{address}:{self.port}"
            self.scheduler = self.weft("scheduler", "scheduler", "--data", self.data, "--listen", self.endpoint,
                                       "--scope", "any", "--traps", "off", "--contact", "suite@example.org",
                                       "--allow-private-net", "127.0.0.0/8", "--resolve",
                                       f"*:*:{self.nodes['web'].address}", *self.options, *(["--keys"] if self.keys else []))
            self.wait_for(lambda: "scheduler at tcp" in self.scheduler.told(), "the scheduler listens", 20)
            seeded = subprocess.run([*self.network.enter("scheduler"), self.suite.weft, "seeds", "add", self.web.start(),
                                     *(["--data", self.data] if self.keys else ["--scheduler", self.endpoint])],
                                    capture_output=True, text=True, check=False)
            if seeded.returncode != 0:
                raise Violation(f"weft seeds add: {seeded.stderr}")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for node in self.nodes.values():
            if node.alive():
                node.process.send_signal(signal.SIGCONT)
                node.kill()

    def add(self, name, words, environment=None):
        node = self.nodes[name] = Node(self, name, words, environment)
        return node.start()

    def weft(self, name, *words):
        return self.add(name, [self.suite.weft, *words], self.environment)

    def _serve(self):
        address = self.network.join("web")
        web = self.web
        words = [sys.executable, "-B", os.path.join(HERE, "synthetic_web.py"), f"{address}:{web.port}", self.web_log,
                 str(web.seed), str(web.hosts), str(web.pages), "--latency-ms", str(self.latency_ms),
                 "--big-bytes", str(web.big_bytes)]
        node = self.add("web", words)
        self.wait_for(lambda: "serving" in node.told(), "the web is served", 20)

    def joins(self, name, role):
        """The words with which a node finds its scheduler: its address, or a token."""
        if not self.keys:
            return ["--scheduler", self.endpoint]
        token = self.at(name + ".token")
        if not os.path.exists(token):
            made = self.tool("token", "new", "--role", role, "--name", name, "--data", self.data, "--address", self.endpoint)
            if made.returncode != 0:
                raise Violation(f"weft token new: {made.stderr}")
            with open(os.open(token, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as file:
                file.write(made.stdout)
        return ["--join", token]

    def fetcher(self, name):
        return self.weft(name, "fetcher", *self.joins(name, "fetcher"))

    def parser(self, name, parsers=1):
        folder = self.at(name)
        if folder not in self.pages:
            self.pages.append(folder)
        address = self.network.join(name)
        port = self.port + 1 if parsers == 1 else "*"
        return self.weft(name, "parser", *self.joins(name, "parser"), "--pages", folder, "--parsers", str(parsers),
                         "--listen", f"tcp://{address}:{port}")

    def worker(self, name):
        folder = self.at(name)
        if folder not in self.pages:
            self.pages.append(folder)
        address = self.network.join(name)
        return self.weft(name, "worker", *self.joins(name, "worker"), "--pages", folder, "--parsers", "1",
                         "--listen", f"tcp://{address}:{self.port + 1}")

    def tool(self, *words, seconds=120):
        return subprocess.run([self.suite.weft, *words], capture_output=True, text=True, check=False, timeout=seconds)

    def status(self):
        """What `weft status` tells, or None while nobody answers."""
        try:
            done = self.tool("status", self.data, "--json", seconds=10)
        except subprocess.TimeoutExpired:
            return None
        return json.loads(done.stdout) if done.returncode == 0 else None

    def pages_done(self):
        """Pages of which the ledger says that they are done; as of the last answer, where there is none now."""
        told = self.status()
        if told:
            self._done_before = told
        return self._done_before.get("ledger", {}).get("done", 0)

    def requests(self):
        return read_log(self.web_log)

    def asked(self):
        """URLs asked for so far, robots.txt left out."""
        return {(one.host, one.path) for one in self.requests() if one.path != "/robots.txt"}

    def wait_for(self, ready, what, seconds):
        end = time.monotonic() + seconds
        while True:
            found = ready()
            if found:
                return found
            if time.monotonic() > end:
                raise Violation(f"{what}: not within {seconds:.0f} s; status {self.status()}\n{self.logs()}")
            time.sleep(0.1)

    def wait_until_done(self, pages, seconds=60):
        return self.wait_for(lambda: self.pages_done() >= pages, f"{pages} pages done", seconds)

    def finished(self):
        return (self.status() or {}).get("state") == "finished"

    def wait_until_finished(self, seconds):
        def finished():
            told = self.status()
            return told if told and told["state"] == "finished" else None
        return self.wait_for(finished, "the crawl is finished", seconds)

    def export(self):
        """The rows of every page, and what the command said beside them."""
        where = [word for folder in self.pages for word in ("--pages", folder)]
        done = self.tool("export", self.data, *where, seconds=600)
        return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr

    def logs(self, last=1200):
        parts = [f"--- {node.name}: {node.told()[-last:]}" for node in self.nodes.values()]
        return "\n".join(parts)


@contextlib.contextmanager
def stopped(node):
    """The process stands still within."""
    node.signal(signal.SIGSTOP)
    try:
        yield
    finally:
        node.signal(signal.SIGCONT)
