"""scripts/image-test: the image is built, and the cluster of compose.yaml crawls a synthetic web with it. See that file's head.

What is checked: the image's own settings; that every process runs without rights, on a file system that it cannot write, in the volumes alone;
the health checks; that all pages are crawled, exported from the workers and right (tests/faults/checker.py); that SIGTERM ends each with 0.
"""
import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tests", "faults"))
import namespaces  # noqa: E402
from checker import check  # noqa: E402
from cluster import Violation  # noqa: E402
from synthetic_web import Web, read_log  # noqa: E402

TOOLS = ("buildah", "debootstrap", "ip", "nsenter", "unshare")
BASE = "docker.io/library/debian:bookworm"
BASES = (BASE, BASE + "-slim")
MIRROR = "http://deb.debian.org/debian"
USER = 10001
PORT = 8000
DELAY = 0.2
HEALTHY_WITHIN = 60
CRAWLED_WITHIN = 240


class Missing(Exception):
    """What this machine lacks."""


def say(text):
    print(f"image-test: {text}", file=sys.stderr, flush=True)


def run(*words, **more):
    done = subprocess.run(words, text=True, check=False, **more)
    if done.returncode != 0:
        raise Violation(f"{' '.join(words)} ended with {done.returncode}\n{done.stderr or ''}")
    return done.stdout


class Builder:
    """buildah with images of its own under build/image."""

    def __init__(self, folder, ccache=None):
        self.folder, self.ccache = folder, ccache
        self.words = ["buildah", "--root", os.path.join(folder, "storage"), "--runroot", os.path.join(folder, "run"), "--storage-driver", "vfs"]

    def __call__(self, *words, **more):
        return run(*self.words, *words, **more)

    def has(self, image):
        return subprocess.run([*self.words, "inspect", "--type", "image", image], capture_output=True, check=False).returncode == 0

    def base(self):
        """Debian as its own tool makes it, under the names that the Dockerfile gives; with this machine's way to the packages."""
        if all(self.has(name) for name in BASES):
            return
        root = os.path.join(self.folder, "base")
        shutil.rmtree(root, ignore_errors=True)
        say("debootstrap makes the base (about a minute)")
        more = ["--include=ccache"] if self.ccache else []
        run("debootstrap", "--variant=minbase", *more, "bookworm", root, MIRROR, stdout=subprocess.DEVNULL)
        settings = run("apt-config", "dump", "Acquire", stdout=subprocess.PIPE)
        with open(os.path.join(root, "etc", "apt", "apt.conf.d", "99host"), "w", encoding="utf-8") as file:
            file.writelines(line + "\n" for line in settings.splitlines() if re.match(r"Acquire::(http|https|Check-)", line))
        container = self("from", "scratch", stdout=subprocess.PIPE).strip()
        self("copy", "-q", container, root, "/", stdout=subprocess.DEVNULL)
        if self.ccache:
            # What its entries depend on is as here.
            for name, value in (("LANG", os.environ.get("LANG", "C.UTF-8")), ("CCACHE_DIR", "/ccache"), ("CCACHE_BASEDIR", "/weft"),
                                ("CCACHE_NOHASHDIR", "1"), ("CCACHE_SLOPPINESS", "time_macros,include_file_mtime,include_file_ctime")):
                self("config", "--env", f"{name}={value}", container)
        for name in BASES:
            self("commit", "-q", container, name, stdout=subprocess.DEVNULL)
        self("rm", container, stdout=subprocess.DEVNULL)
        shutil.rmtree(root)

    def image(self):
        """The unpacked image, and its settings."""
        self.base()
        say("building the image (a release build; the compiler's lines follow)")
        volumes = ["--volume", f"{self.ccache}:/ccache"] if self.ccache else []
        self("bud", *volumes, "--isolation", "chroot", "--pull-never", "--layers", "--format", "docker", "-t", "weft",
             "-f", os.path.join(ROOT, "docker", "Dockerfile"), ROOT, stdout=sys.stderr)
        settings = json.loads(self("inspect", "--type", "image", "weft", stdout=subprocess.PIPE))["Docker"]["config"]
        container = self("from", "weft", stdout=subprocess.PIPE).strip()
        return self("mount", container, stdout=subprocess.PIPE).strip(), settings


def settings_are_right(settings):
    wanted = {"User": "weft", "Entrypoint": ["start"], "StopSignal": "SIGTERM"}
    for name, value in wanted.items():
        if settings.get(name) != value:
            raise Violation(f"the image's {name} is {settings.get(name)!r}, not {value!r}")
    if sorted(settings.get("Volumes") or {}) != ["/data", "/join", "/pages"]:
        raise Violation(f"the image's volumes are {settings.get('Volumes')}")
    if (settings.get("Healthcheck") or {}).get("Test") != ["CMD", "healthy"]:
        raise Violation(f"the image's health check is {settings.get('Healthcheck')}")


# Within the container's namespaces, as root: its mounts, then the entry without rights.
INSIDE = r"""
set -eu
root=$1; name=$2; hosts=$3; shift 3
hostname "$name"
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
while [ "$1" != -- ]; do mount --bind "${1%%:*}" "$root/${1#*:}"; shift; done
shift
mount --bind "$hosts" "$root/etc/hosts"
mount -o remount,bind,ro "$root"
cd "$root"
exec chroot "$root" setpriv --reuid weft --regid weft --clear-groups --inh-caps=-all --bounding-set=-all --no-new-privs \
  env -i PATH=/usr/local/bin:/usr/bin:/bin HOSTNAME="$name" "$@"
"""


class Container:
    def __init__(self, engine, name, service):
        self.engine, self.name, self.service = engine, name, service
        self.address = engine.network.join(name)
        self.log = os.path.join(engine.folder, name + ".log")
        self.process = None

    def start(self):
        volumes = [f"{self.engine.volume(one.split(':')[0])}:{one.split(':')[1]}" for one in self.service["volumes"]]
        environment = [f"{key}={value}" for key, value in self.service.get("environment", {}).items()]
        words = [*self.engine.network.enter(self.name), "unshare", "--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child",
                 "sh", "-c", INSIDE, "container", self.engine.root, self.name, self.engine.hosts, *volumes, "--",
                 *environment, "start", *self.service["command"]]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        return self

    def first(self):
        """The process that is number 1 within, as this machine numbers it."""
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children", encoding="ascii") as file:
            children = file.read().split()
        return int(children[0]) if children else None

    def execute(self, *words, seconds=120):
        """As `docker compose exec` does: another process within, with the same rights."""
        first = self.first()
        if first is None:
            return subprocess.CompletedProcess(words, 125, "", "the container has ended")
        return subprocess.run(["nsenter", "--target", str(first), "--mount", "--uts", "--ipc", "--net", "--pid", f"--wd={self.engine.root}",
                               "chroot", self.engine.root, "setpriv", "--reuid", "weft", "--regid", "weft", "--clear-groups", "--inh-caps=-all",
                               "--bounding-set=-all", "--no-new-privs", "env", "-i", "PATH=/usr/local/bin:/usr/bin:/bin", *words],
                              capture_output=True, text=True, check=False, timeout=seconds)

    def healthy(self):
        return self.execute("healthy").returncode == 0

    def end(self, seconds=30):
        """What SIGTERM makes of it: the exit code."""
        first = self.first()
        if first is not None:
            os.kill(first, signal.SIGTERM)
        return self.process.wait(timeout=seconds)

    def told(self):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return file.read()


class Engine:
    """The services of compose.yaml as containers, and the web that they crawl. What checker.check asks of a cluster it has, too."""

    def __init__(self, root, network, folder):
        import yaml
        self.root, self.network, self.folder = root, network, folder
        with open(os.path.join(ROOT, "docker", "compose.yaml"), encoding="utf-8") as file:
            services = yaml.safe_load(re.sub(r"\$\{WEFT_CONTACT:?[^}]*\}", "image-test@example.org", file.read()))["services"]
        self.web = Web(20260101, 12, 20, PORT)
        web = network.join("web")
        services["scheduler"]["command"] += ["--scope", "any", "--delay-min", f"{DELAY * 1000:.0f}ms", "--delay", f"{DELAY * 1000:.0f}ms", "--allow-private-net", "10.0.0.0/8",
                                             "--resolve", f"*:*:{web}", "--traps", "off"]
        self.containers = {name: Container(self, name, one) for name, one in services.items()}
        self.hosts = os.path.join(folder, "hosts")
        with open(self.hosts, "w", encoding="ascii") as file:
            file.writelines(f"{one.address} {name}\n" for name, one in self.containers.items())
        self.log = os.path.join(folder, "web.log")
        words = [*network.enter("web"), sys.executable, "-B", os.path.join(ROOT, "tests", "faults", "synthetic_web.py"), f"{web}:{PORT}", self.log,
                 str(self.web.seed), str(self.web.hosts), str(self.web.pages)]
        self.server = subprocess.Popen(words, stdout=subprocess.DEVNULL)

    def volume(self, name):
        """As an engine makes them: with the owner and mode of the image's folder."""
        path = os.path.join(self.folder, "volumes", name)
        if not os.path.isdir(path):
            os.makedirs(path, mode=0o700)
            os.chown(path, USER, USER)
        return path

    def close(self):
        for one in [self.server, *(container.process for container in self.containers.values())]:
            if one is not None and one.poll() is None:
                one.kill()

    def weft(self, *words, seconds=120):
        return self.containers["scheduler"].execute("weft", *words, seconds=seconds)

    def status(self):
        done = self.weft("status", "/data", "--json")
        return json.loads(done.stdout) if done.returncode == 0 else None

    def export(self):
        done = self.weft("export", "/data", "--gather", "always", seconds=300)
        return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr

    def requests(self):
        return read_log(self.log)

    def wait_for(self, ready, what, seconds):
        end = time.monotonic() + seconds
        while not (found := ready()):
            if time.monotonic() > end:
                logs = "\n".join(f"--- {name}: {one.told()[-1500:]}" for name, one in self.containers.items())
                raise Violation(f"{what}: not within {seconds} s; status {self.status()}\n{logs}")
            time.sleep(0.5)
        return found


def runs_without_rights(container):
    with open(f"/proc/{container.first()}/status", encoding="ascii") as file:
        told = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    if set(told["Uid"].split()) != {str(USER)} or int(told["CapEff"], 16) != 0 or told["NoNewPrivs"] != "1":
        raise Violation(f"{container.name} runs as {told['Uid']} with {told['CapEff']}")
    if container.execute("touch", "/usr/local/bin/changed").returncode == 0:
        raise Violation(f"{container.name} can write its own image")


def crawl(engine):
    for container in engine.containers.values():
        container.start()
    for name, container in engine.containers.items():
        engine.wait_for(container.healthy, f"{name} is healthy", HEALTHY_WITHIN)
        runs_without_rights(container)
    say("all three are healthy and without rights")
    seeded = engine.weft("seeds", "add", engine.web.start(), "--data", "/data")
    if seeded.returncode != 0:
        raise Violation(f"weft seeds add: {seeded.stderr}")
    engine.wait_for(lambda: (engine.status() or {}).get("state") == "finished", "the crawl is finished", CRAWLED_WITHIN)
    figures = check(engine, DELAY)
    sources = {one.source for one in engine.requests()}
    workers = {one.address for name, one in engine.containers.items() if name != "scheduler"}
    if sources != workers:
        raise Violation(f"asked by {sorted(sources)}, not by both workers {sorted(workers)}")
    for name in ("worker-1", "worker-2", "scheduler"):
        code = engine.containers[name].end()
        if code != 0:
            raise Violation(f"{name} ended with {code} after SIGTERM:\n{engine.containers[name].told()[-1500:]}")
    return figures


def prepare():
    lacking = [name for name in TOOLS if shutil.which(name) is None]
    if lacking:
        raise Missing(f"not installed: {', '.join(lacking)}")
    if os.geteuid() != 0:
        raise Missing("needs root for namespaces")
    try:
        import yaml  # noqa: F401
        namespaces.NET = "10.77"
        namespaces.prepare()
    except ImportError:
        raise Missing("needs python3-yaml") from None
    except namespaces.Unavailable as error:
        raise Missing(f"no namespaces here: {error}") from None


def main():
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("--image", help="an unpacked image that is there already")
    words.add_argument("--ccache", help="a folder of ccache's, for a build that takes less long; only the first run of a base takes it")
    words.add_argument("--keep", action="store_true", help="leave logs and volumes")
    told = words.parse_args()
    try:
        prepare()
    except Missing as error:
        say(f"skipped: {error}")
        return 77
    root, began = told.image, time.monotonic()
    folder = tempfile.mkdtemp(prefix="weft-image-")
    try:
        if root is None:
            root, settings = Builder(os.path.join(ROOT, "build", "image"), told.ccache).image()
            settings_are_right(settings)
            say(f"the image was built in {time.monotonic() - began:.0f} s and lies in {root}")
        with namespaces.Network() as network:
            engine = Engine(os.path.realpath(root), network, folder)
            try:
                figures = crawl(engine)
            finally:
                engine.close()
    except Violation as error:
        print(f"image-test: failed: {error}\nimage-test: logs and volumes are in {folder}")
        return 1
    if not told.keep:
        shutil.rmtree(folder)
    print(f"image-test: held, {figures['pages']} pages, lost {figures['lost']}, exported twice {figures['twice']}, by two workers")
    return 0


if __name__ == "__main__":
    sys.exit(main())
