"""Web servers whose every answer the test writes, on addresses of loopback that no two of them share.

    site = Site({"/": page("a", "b"), "/a": page(), "/slow": lambda request: ...})
    site.url("/")       site.asked      # one Asked a request, in order of their begin
    bad = RawServer(lambda connection: connection.sendall(b"\\0\\1garbage"))
"""
import collections
import contextlib
import http.server
import itertools
import socket
import threading
import time

Asked = collections.namedtuple("Asked", "path begin end headers")
Answer = collections.namedtuple("Answer", "status headers body", defaults=(200, {}, b""))

# Each server is a host of its own: 127.0.1.1, 127.0.1.2, ...
_addresses = itertools.count(1)


def next_address():
    number = next(_addresses)
    return f"127.0.{1 + number // 250}.{1 + number % 250}"


def page(*links, title="page", status=200):
    anchors = "".join(f'<a href="{link}">{link}</a> ' for link in links)
    body = f"<!doctype html><title>{title}</title><body>{anchors}</body>".encode()
    return Answer(status, {"Content-Type": "text/html"}, body)


def redirect(target, status=302):
    return Answer(status, {"Location": target, "Content-Type": "text/html"}, b"moved")


def text(content):
    return Answer(200, {"Content-Type": "text/plain"}, content.encode())


def conditional(etag="", last_modified="", body=b"<title>same</title>"):
    """Answers 304 to who has the page already."""

    def answer(request, _):
        fields = {"Content-Type": "text/html"}
        fields.update({"ETag": etag} if etag else {}, **({"Last-Modified": last_modified} if last_modified else {}))
        # RFC 9110 13.1.3: a date says nothing where an entity tag was sent.
        tag, date = request.headers.get("If-None-Match"), request.headers.get("If-Modified-Since")
        same = tag == etag if tag is not None else bool(date) and date == last_modified
        return Answer(304, fields, b"") if same else Answer(200, fields, body)

    answer.reads_request = True
    return answer


class Site:
    """`pages` maps a path (with its query) to an Answer, or to a function that makes one of the path (and, marked by
    `conditional`, of the request)."""

    def __init__(self, pages, address=""):
        self.pages = pages
        self.asked = []
        self._lock = threading.Lock()
        site = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                begin = time.monotonic()
                answer = site.pages.get(self.path, Answer(404, {"Content-Type": "text/plain"}, b"no such page"))
                if callable(answer):
                    answer = answer(self, self.path) if getattr(answer, "reads_request", False) else answer(self.path)
                with contextlib.suppress(OSError):
                    self.send_response(answer.status)
                    for name, value in answer.headers.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(answer.body)))
                    self.end_headers()
                    # Taken before the last byte leaves: the crawler cannot have had it earlier.
                    end = time.monotonic()
                    self.wfile.write(answer.body)
                with site._lock:
                    site.asked.append(Asked(self.path, begin, end, dict(self.headers)))

            def log_message(self, *_):
                pass

        self.address = address or next_address()
        self._server = http.server.ThreadingHTTPServer((self.address, 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.origin = f"http://{self.address}:{self.port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def url(self, path="/"):
        return self.origin + path

    def paths(self):
        with self._lock:
            return [asked.path for asked in sorted(self.asked, key=lambda asked: asked.begin)]

    def close(self):
        self._server.shutdown()
        self._server.server_close()


def chain(length, **more):
    """Pages of which each links to the next: /0, /1, ... up to /length-1."""
    pages = {f"/{i}": page(f"/{i + 1}") for i in range(length - 1)}
    pages[f"/{length - 1}"] = page()
    pages.update(more)
    return pages


def fan(count, **more):
    """A start page with `count` links: /, /p0, /p1, ..."""
    pages = {f"/p{i}": page("/", title=f"page {i}") for i in range(count)}
    pages["/"] = page(*pages)
    pages.update(more)
    return pages


class RawServer:
    """Accepts connections and hands each to `behaviour(connection)` on a thread of its own, after the request's head."""

    def __init__(self, behaviour):
        self._listener = socket.create_server((next_address(), 0))
        self.address, self.port = self._listener.getsockname()
        self._behaviour = behaviour
        self._open = True
        threading.Thread(target=self._accept, daemon=True).start()

    def url(self, path="/"):
        return f"http://{self.address}:{self.port}{path}"

    def _accept(self):
        while self._open:
            with contextlib.suppress(OSError):
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with contextlib.suppress(OSError), connection:
            head = b""
            while b"\r\n\r\n" not in head:
                piece = connection.recv(4096)
                if not piece:
                    return
                head += piece
            self._behaviour(connection)

    def close(self):
        self._open = False
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


def refused_port():
    """An address at which nobody listens."""
    with socket.create_server((next_address(), 0)) as free:
        return free.getsockname()
