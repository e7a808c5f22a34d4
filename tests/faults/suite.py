"""What a fault is, and what it is given: sizes, the seed, a network, clusters in scratch folders."""
import contextlib
import os
import shutil
import subprocess
import tempfile

from cluster import Cluster
from namespaces import Network, OneMachine

FAULTS = {}


class Skipped(Exception):
    """The fault cannot be made here; the text says why."""


class Fault:
    def __init__(self, name, what, run, alone):
        self.name, self.what, self.run, self.alone = name, what, run, alone


def fault(name, what, alone=False):
    """Registers a function of the suite that answers with figures, or raises Violation or Skipped. `alone`: it measures times."""
    def register(run):
        FAULTS[name] = Fault(name, what, run, alone)
        return run
    return register


class Suite:
    def __init__(self, weft, seed, short, kills, hosts, pages, isolated, keep):
        self.weft, self.seed, self.short = weft, seed, short
        self.kills, self.hosts, self.pages = kills, hosts, pages
        self.isolated, self.keep = isolated, keep

    @contextlib.contextmanager
    def cluster(self, hosts, pages, delay=0.2, options=(), **more):
        """A crawl of so many hosts with so many pages each. Its folder is kept where it failed and --keep was given."""
        folder = tempfile.mkdtemp(prefix="weft-faults-")
        try:
            with Network() if self.isolated else OneMachine() as network:
                with Cluster(self, network, folder, hosts, pages, ("--delay", f"{int(delay * 1000)}ms", *options), **more) as made:
                    yield made
        except BaseException:
            if self.keep:
                print(f"  kept: {folder}", flush=True)
            else:
                shutil.rmtree(folder, ignore_errors=True)
            raise
        shutil.rmtree(folder, ignore_errors=True)

    def has_keys(self):
        """Whether this Weft can ask for keys."""
        return subprocess.run([self.weft, "token", "--help"], capture_output=True, check=False).returncode == 0

    def needs_namespaces(self):
        if not self.isolated:
            raise Skipped("needs a network namespace for each node, which this machine does not allow")

    def mount(self, folder, size):
        """A small disk of its own; it goes with this process's mounts."""
        if not self.isolated:
            raise Skipped("needs a mount of its own, which this machine does not allow")
        os.makedirs(folder, exist_ok=True)
        if os.system(f"mount -t tmpfs -o size={size} none {folder}") != 0:
            raise Skipped("tmpfs cannot be mounted")
