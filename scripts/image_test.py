"""The image, built and run without an engine: a scheduler and two workers as docker/compose.yaml has them crawl a local site.

Each container is the image's file system under chroot with process ids of its own, as the image's user; the network is the machine's. Ends
with 1 if something is not as it should be, with 77 where it cannot be tried.
"""
import argparse
import http.server
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
UID = 10001          # docker/Dockerfile
PAGES = 60
MIRROR = "http://deb.debian.org/debian"


def say(text):
    print(f"image-test: {text}", flush=True)


def need(holds, what):
    if not holds:
        raise SystemExit(f"image-test: {what}")


class Buildah:
    def __init__(self, folder):
        self.words = ["buildah", "--root", os.path.join(folder, "storage"), "--runroot", os.path.join(folder, "run"),
                      "--storage-driver", "vfs"]

    def __call__(self, *words, quiet=True):
        done = subprocess.run([*self.words, *words], stdout=subprocess.PIPE if quiet else None, text=True, check=False)
        need(done.returncode == 0, f"buildah {' '.join(words[:3])} … ended with {done.returncode}")
        return (done.stdout or "").strip()

    def has(self, image):
        return subprocess.run([*self.words, "inspect", "--type", "image", image], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, check=False).returncode == 0


def make_base(buildah, folder):
    """Debian's base images, under the names that the Dockerfile gives them."""
    names = ["docker.io/library/debian:bookworm", "docker.io/library/debian:bookworm-slim"]
    if all(buildah.has(name) for name in names):
        return
    base = os.path.join(folder, "base")
    if not os.path.exists(os.path.join(base, "bin/sh")):
        say("making the base with debootstrap …")
        subprocess.run(["debootstrap", "--variant=minbase", "bookworm", base, MIRROR], stdout=subprocess.DEVNULL, check=True)
    container = buildah("from", "scratch")
    buildah("copy", "--quiet", container, base, "/")
    for name in names:
        buildah("commit", "--quiet", container, name)
    buildah("rm", container)


class Site(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        number = self.path.strip("/")
        body = "".join(f'<a href="/{n}">{n}</a> ' for n in range(PAGES)).encode()
        known = self.path == "/" or (number.isdigit() and int(number) < PAGES)
        self.send_response(200 if known else 404)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Container:
    """The image's start with a process namespace, volumes and variables, as an engine runs it."""

    def __init__(self, root, words, volumes, variables):
        self.root, self.log = root, tempfile.TemporaryFile()
        for source, place in volumes:
            subprocess.run(["mount", "--bind", source, root + place], check=True)
        self.mounts = [root + place for _, place in volumes]
        inside = (f'mount -t proc proc "{root}/proc" && exec chroot --userspec={UID}:{UID} "{root}" "$@"')
        environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", **variables}
        self.process = subprocess.Popen(["unshare", "--pid", "--fork", "--kill-child", "--mount", "sh", "-c", inside, "sh", *words],
                                        env=environment, stdout=self.log, stderr=subprocess.STDOUT, start_new_session=True)

    def inner(self):
        """The process that is 1 inside, as it is numbered here."""
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children", encoding="ascii") as file:
            return int(file.read().split()[0])

    def run(self, *words):
        return subprocess.run(["nsenter", "-t", str(self.inner()), "-p", "-m", "chroot", f"--userspec={UID}:{UID}", self.root, *words],
                              env={"PATH": "/usr/local/bin:/usr/bin:/bin"}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, check=False)

    def healthy(self):
        return self.run("healthy").returncode == 0

    def stop(self):
        if self.process.poll() is None:
            os.kill(self.inner(), signal.SIGTERM)
        return self.process.wait(30)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for place in self.mounts:
            subprocess.run(["umount", place], check=False)

    def told(self):
        self.log.seek(0)
        return self.log.read().decode(errors="replace")


def wait_for(what, holds, containers, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return
        time.sleep(0.2)
    raise SystemExit(f"image-test: {what}: not within {seconds} s\n" + "\n".join(one.told() for one in containers))


def volume(folder, name):
    path = os.path.join(folder, name)
    os.mkdir(path, 0o700)
    os.chown(path, UID, UID)
    return path


def try_cluster(buildah, image, folder, site):
    names = ["scheduler", "worker-1", "worker-2"]
    held = {name: buildah("from", "--pull-never", image) for name in names}
    roots = {name: buildah("mount", one) for name, one in held.items()}
    data, join = volume(folder, "data"), volume(folder, "join")
    containers = []
    try:
        containers.append(Container(roots["scheduler"],
                                    ["start", "scheduler", "--contact", "test@example.org", "--allow-private-net", "127.0.0.0/8",
                                     "--delay", "50ms", site],
                                    [(data, "/data"), (join, "/join")],
                                    {"WEFT_WORKERS": "worker-1 worker-2", "WEFT_ADDRESS": "127.0.0.1"}))
        for name in names[1:]:
            containers.append(Container(roots[name], ["start", "worker"], [(volume(folder, name), "/pages"), (join, "/join")],
                                        {"WEFT_NAME": name}))

        def status():
            done = containers[0].run("weft", "status", "/data", "--json")
            return json.loads(done.stdout) if done.returncode == 0 else {}
        wait_for("the crawl is finished", lambda: status().get("state") == "finished", containers)
        told = status()
        need({node["worker"] for node in told["nodes"]} == set(names[1:]), f"two workers joined: {told['nodes']}")
        need(all(one.healthy() for one in containers), "a health check fails")
        for one in reversed(containers):
            code = one.stop()
            need(code == 0, f"SIGTERM: ended with {code}\n{one.told()}")
        return told["ledger"]["done"], data, [os.path.join(folder, name) for name in names[1:]]
    finally:
        for one in containers:
            one.close()
        for one in held.values():
            buildah("umount", one)
            buildah("rm", one)


def export(buildah, image, data, pages):
    held = buildah("from", "--pull-never", image)
    words = ["run", "--isolation", "chroot", "--volume", f"{data}:/data"]
    for number, path in enumerate(pages):
        words += ["--volume", f"{path}:/pages-{number}"]
    words += [held, "--", "weft", "export", "/data"]
    for number in range(len(pages)):
        words += ["--pages", f"/pages-{number}"]
    rows = [json.loads(line) for line in buildah(*words).splitlines()]
    buildah("rm", held)
    return rows


def main():
    parser = argparse.ArgumentParser(prog="scripts/image-test", description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--folder", default=os.path.join(ROOT, "build", "image"))
    parser.add_argument("--keep", action="store_true", help="keep the crawl's folder")
    options = parser.parse_args()
    missing = [tool for tool in ("buildah", "debootstrap", "unshare", "nsenter") if shutil.which(tool) is None]
    if missing or os.geteuid() != 0:
        say(f"skipped: needs {'root' if os.geteuid() else 'the packages of ' + ', '.join(missing)}")
        return 77
    os.makedirs(options.folder, exist_ok=True)
    buildah = Buildah(options.folder)
    make_base(buildah, options.folder)
    say("building the image …")
    begun = time.monotonic()
    image = "localhost/weft:test"
    buildah("build", "--isolation", "chroot", "--pull-never", "--layers", "--format", "docker", "-t", image,
            "-f", os.path.join(ROOT, "docker", "Dockerfile"), ROOT, quiet=False)
    config = json.loads(buildah("inspect", "--type", "image", image))["Docker"]["config"]
    need(config["User"] == "weft", f"the image's user is {config['User']}")
    need(config["Healthcheck"]["Test"] == ["CMD", "healthy"], "the image has no health check")
    say(f"built in {time.monotonic() - begun:.0f} s; a scheduler and two workers …")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    folder = tempfile.mkdtemp(prefix="weft-image-")
    try:
        done, data, pages = try_cluster(buildah, image, folder, f"http://127.0.0.1:{server.server_port}/")
        rows = export(buildah, image, data, pages)
    finally:
        if not options.keep:
            shutil.rmtree(folder)
    need(done == PAGES + 1, f"{done} pages done, not {PAGES + 1}")
    need(len({row["url"] for row in rows}) == len(rows) == done, f"{len(rows)} rows of {done} pages")
    say(f"{done} pages crawled by two workers, each exported once; every health check held; all ended with 0 on SIGTERM")
    return 0


if __name__ == "__main__":
    sys.exit(main())
