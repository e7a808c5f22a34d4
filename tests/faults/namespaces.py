"""Network namespaces for the nodes of a test: each has an address of its own on one bridge, and can be cut off.

Weft speaks plain TCP on loopback only, so addresses are of 127.77.0.0/16: in each namespace `lo` keeps 127.0.0.1 alone, and the rest
of the network goes over veth (`route_localnet`). The bridge stands in a namespace too, and all of it in a mount namespace
of this process: nothing of the machine is changed, and nothing is left when this process ends.
"""
import ctypes
import os
import subprocess

CLONE_NEWNS = 0x00020000
NET = "127.77"


class Unavailable(Exception):
    """Why there are no namespaces here."""


def _run(*words, check=True):
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if check and done.returncode != 0:
        raise Unavailable(f"{' '.join(words)}: {done.stderr.strip() or done.returncode}")
    return done


def own_mounts():
    """Mounts of this process and its children are seen by nobody else, from now on."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS) != 0:
        raise Unavailable(f"no mount namespace: {os.strerror(ctypes.get_errno())}")
    _run("mount", "--make-rprivate", "/")


def prepare():
    """Once a process. Unavailable says why it cannot be."""
    try:
        own_mounts()
        os.makedirs("/run/netns", exist_ok=True)
        _run("mount", "-t", "tmpfs", "none", "/run/netns")
        with Network() as network:
            network.join("a")
            network.cut("a")
            network.heal("a")
    except (OSError, AttributeError) as error:
        raise Unavailable(str(error)) from None


class Network:
    """join() makes a node's namespace; enter() begins a command line that runs in it."""

    isolated = True

    def __init__(self):
        self.addresses = {}
        _run("ip", "netns", "add", "hub")
        try:
            _run("ip", "-n", "hub", "link", "add", "bridge0", "type", "bridge")
            _run("ip", "-n", "hub", "link", "set", "bridge0", "up")
        except Unavailable:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        for name in ["hub", *self.addresses]:
            _run("ip", "netns", "del", name, check=False)

    def join(self, name):
        """The node's address."""
        if name in self.addresses:
            return self.addresses[name]
        number = len(self.addresses) + 1
        address = f"{NET}.{number // 250}.{number % 250 + 1}"
        _run("ip", "netns", "add", name)
        self.addresses[name] = address
        _run("ip", "-n", "hub", "link", "add", f"port{number}", "type", "veth", "peer", "name", "eth0", "netns", name)
        _run("ip", "-n", "hub", "link", "set", f"port{number}", "master", "bridge0", "up")
        _run("ip", "-n", name, "link", "set", "lo", "up")
        _run("ip", "-n", name, "addr", "del", "127.0.0.1/8", "dev", "lo")
        _run("ip", "-n", name, "addr", "add", "127.0.0.1/32", "dev", "lo")
        for device in ("all", "eth0"):
            _run(*self.enter(name), "sh", "-c", f"echo 1 > /proc/sys/net/ipv4/conf/{device}/route_localnet")
        _run("ip", "-n", name, "link", "set", "eth0", "up")
        _run("ip", "-n", name, "addr", "add", f"{address}/16", "dev", "eth0")
        return address

    def enter(self, name):
        return ["nsenter", f"--net=/run/netns/{name}"]

    def cut(self, name, hears=False, speaks=False, peer=None):
        """The node neither hears nor speaks, or one of both; with everybody or with the peer. Nothing is refused: packets vanish."""
        far = ["-s", self.addresses[peer]] if peer else []
        near = ["-d", self.addresses[peer]] if peer else []
        if not hears:
            _run(*self.enter(name), "iptables", "-w", "-I", "INPUT", "-i", "eth0", *far, "-j", "DROP")
        if not speaks:
            _run(*self.enter(name), "iptables", "-w", "-I", "OUTPUT", "-o", "eth0", *near, "-j", "DROP")

    def heal(self, name):
        _run(*self.enter(name), "iptables", "-w", "-F")

    def redirect(self, name, port, to_port):
        """Who connects to the node's port from outside comes to another one of the node."""
        _run(*self.enter(name), "iptables", "-w", "-t", "nat", "-A", "PREROUTING", "-i", "eth0", "-p", "tcp", "--dport", str(port),
             "-j", "REDIRECT", "--to-ports", str(to_port))


class OneMachine:
    """The same without namespaces: every node has an address of loopback. Nothing can be cut off."""

    isolated = False

    def __init__(self):
        self.addresses = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def join(self, name):
        number = len(self.addresses) + 1
        base = os.getpid() % 200 + 1  # two suites at once stay apart
        return self.addresses.setdefault(name, f"{NET}.{base + number // 250}.{number % 250 + 1}")

    def enter(self, _):
        return []
