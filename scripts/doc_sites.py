"""Real web sites for tests and benchmarks: documentation packages of Debian, served by nginx on loopback.

    scripts/doc_sites list
    scripts/doc_sites serve SITE -- COMMAND...      {url} in COMMAND becomes the start page's URL

The packages are unpacked into build/doc-sites/, without being installed. As a module:

    with doc_sites.serve("postgresql") as server:
        server.url                  # of the start page
        server.take_requests()      # what was asked since the last call, from nginx's access log
"""
import collections
import contextlib
import glob
import gzip
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CACHE = os.path.join(ROOT, "build", "doc-sites")

# `pages`: the HTML pages that a crawl from the start page reaches (wget2, November 2026). A security update of the
# package may change them a little, so tests compare with an independent crawl of the same tree instead.
Site = collections.namedtuple("Site", "package folder start pages")
SITES = {
    "postgresql": Site("postgresql-doc-15", "usr/share/doc/postgresql-doc-15/html", "index.html", 1169),
    "cppreference": Site("cppreference-doc-en-html", "usr/share/cppreference/doc/html", "en/index.html", 4389),
    "python": Site("python3.11-doc", "usr/share/doc/python3.11/html", "index.html", 527),
    "java": Site("openjdk-17-doc", "usr/share/doc/openjdk-17-jre-headless/api", "index.html", 10136),
}

Request = collections.namedtuple("Request", "path status mime bytes")


class SiteError(Exception):
    """A site could not be had or served; the text says what to do."""


def _download(package, folder):
    """Fetches the .deb into `folder`. Package lists may be missing on a fresh machine."""
    command = ["apt-get", "-q", "download", package]
    first = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if first.returncode != 0 and os.geteuid() == 0:
        subprocess.run(["apt-get", "-qq", "update"], capture_output=True, check=False)
        first = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    packages = glob.glob(os.path.join(folder, "*.deb"))
    if first.returncode != 0 or len(packages) != 1:
        raise SiteError(f"{' '.join(command)} failed; run 'apt-get update' as root and try again:\n{first.stderr}")
    return packages[0]


def _make_servable(tree):
    """Dangling links (into packages that are not here) go; pages that the package compressed are unpacked."""
    for folder, folders, names in os.walk(tree):
        for name in folders + names:
            path = os.path.join(folder, name)
            if os.path.islink(path) and not os.path.exists(path):
                os.remove(path)
            elif name.endswith(".html.gz") and not os.path.exists(path[:-3]):
                with gzip.open(path) as packed, open(path[:-3], "wb") as plain:
                    shutil.copyfileobj(packed, plain)


def unpacked(name):
    """The folder of the site's files, fetched on the first call."""
    site = SITES[name]
    kept = os.path.join(CACHE, site.package)
    folder = os.path.join(kept, site.folder)
    if not os.path.isdir(kept):
        os.makedirs(CACHE, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
            package = _download(site.package, scratch)
            tree = os.path.join(scratch, "tree")
            subprocess.run(["dpkg-deb", "-x", package, tree], check=True)
            _make_servable(os.path.join(tree, site.folder))
            with contextlib.suppress(OSError):  # somebody else was faster
                os.rename(tree, kept)
    pages = sum(name.endswith(".html") for _, _, names in os.walk(folder) for name in names)
    if pages < site.pages // 2 or not os.path.isfile(os.path.join(folder, site.start)):
        raise SiteError(f"{folder} holds {pages} pages and not about {site.pages}: delete {kept} and try again")
    return folder


CONFIG = """\
daemon off;
worker_processes 1;
{user}
pid {temp}/pid;
error_log {temp}/error.log warn;
events {{ worker_connections 4096; }}
http {{
  include /etc/nginx/mime.types;
  default_type application/octet-stream;
  log_format weft '$status|$sent_http_content_type|$body_bytes_sent|$request_uri';
  access_log {temp}/access.log weft;
  client_body_temp_path {temp}/body;
  proxy_temp_path {temp}/proxy;
  fastcgi_temp_path {temp}/fastcgi;
  uwsgi_temp_path {temp}/uwsgi;
  scgi_temp_path {temp}/scgi;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000;
  server_tokens off;
  log_not_found off;
  server {{
    listen {address}:{port};
    root {folder};
    index index.html;
  }}
}}
"""

START_SECONDS = 10
MARK = "/weft-doc-sites-mark-"


class Server:
    """One nginx with one worker and all its files in a temporary folder."""

    def __init__(self, name, address):
        self.site = SITES[name]
        self._temp = tempfile.mkdtemp(prefix="weft-nginx-")
        self._read = 0
        self._marks = 0
        self._process = None
        self._folder = unpacked(name)
        for _ in range(5):  # somebody else may take the free port before nginx has it
            if self._start(address):
                return
        raise SiteError(f"nginx did not start:\n{self.error_log()}")

    def _start(self, address):
        with socket.socket() as free:
            free.bind((address, 0))
            port = free.getsockname()[1]
        self.origin = f"http://{address}:{port}"
        self.url = f"{self.origin}/{self.site.start}"
        config = os.path.join(self._temp, "nginx.conf")
        user = f"user {pwd.getpwuid(0).pw_name};" if os.geteuid() == 0 else ""
        with open(config, "w", encoding="utf-8") as file:
            file.write(CONFIG.format(temp=self._temp, user=user, address=address, port=port, folder=self._folder))
        nginx = shutil.which("nginx") or "/usr/sbin/nginx"
        self._process = subprocess.Popen([nginx, "-p", self._temp, "-e", f"{self._temp}/error.log", "-c", config],
                                         stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                         stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + START_SECONDS
        while self._process.poll() is None and time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(self.url, timeout=5) as answer:
                    if not answer.read():
                        raise SiteError(f"{self.url} is empty")
                self.take_requests()
                return True
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.02)
        self.stop_process()
        return False

    def error_log(self):
        with contextlib.suppress(OSError), open(f"{self._temp}/error.log", encoding="utf-8", errors="replace") as file:
            return file.read()
        return ""

    def take_requests(self):
        """The requests since the last call, in the order in which they ended."""
        # nginx writes a line after the response has left; the one worker writes ours after all earlier ones.
        self._marks += 1
        mark = f"{MARK}{self._marks}"
        with contextlib.suppress(urllib.error.HTTPError):
            urllib.request.urlopen(self.origin + mark, timeout=5).close()
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            with open(f"{self._temp}/access.log", encoding="utf-8", errors="surrogateescape") as log:
                log.seek(self._read)
                text = log.read()
                end = log.tell()
            if text.endswith(mark + "\n"):
                self._read = end
                return [_request(line) for line in text.splitlines() if MARK not in line]
            time.sleep(0.01)
        raise SiteError("nginx's access log did not come to an end")

    def stop_process(self):
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def close(self):
        self.stop_process()
        shutil.rmtree(self._temp, ignore_errors=True)


def _request(line):
    status, mime, size, path = line.split("|", 3)
    return Request(path, int(status), mime.split(";")[0].strip(), int(size))


def html_urls(requests, origin):
    """The distinct URLs that were answered with an HTML page."""
    return {origin + request.path for request in requests if request.status == 200 and request.mime == "text/html"}


@contextlib.contextmanager
def serve(name, address="127.0.0.1"):
    if name not in SITES:
        raise SiteError(f"there is no site '{name}'; there are: {', '.join(SITES)}")
    server = Server(name, address)
    try:
        yield server
    finally:
        server.close()


def main(arguments):
    if arguments == ["list"]:
        for name, site in SITES.items():
            print(f"{name:14}{site.package:28}{site.pages:6} pages from {site.start}")
        return 0
    if len(arguments) < 4 or arguments[0] != "serve" or arguments[2] != "--":
        print(__doc__, file=sys.stderr)
        return 2
    try:
        with serve(arguments[1]) as server:
            command = [word.replace("{url}", server.url) for word in arguments[3:]]
            return subprocess.run(command, check=False).returncode
    except (SiteError, OSError) as error:
        print(f"doc_sites: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
