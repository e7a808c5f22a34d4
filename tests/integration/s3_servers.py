"""Servers that speak S3 as far as the tests need it.

    Imitation()      one of our own, which verifies every signature by itself
    FaultProxy(port) passes requests on to a server, and does to some of them what a bad day does
    Hdfs()           speaks WebHDFS instead
"""
import collections
import contextlib
import hashlib
import hmac
import http.client
import http.server
import json
import re
import socket
import sys
import threading
import urllib.parse
from xml.sax.saxutils import escape

KEY, SECRET = "AKIAWEFTTEST", "a+secret/of=the test"
Object = collections.namedtuple("Object", "data sha256")
EMPTY = hashlib.sha256(b"").hexdigest()


class Server(http.server.ThreadingHTTPServer):
    allow_reuse_address = True
    daemon_threads = True

    def handle_error(self, request, client_address):  # a client that went away
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


def _hmac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def signature_error(method, target, headers, body, secret=SECRET):
    """Why the Authorization header is not right (SigV4 of the S3 API reference), or None."""
    match = re.fullmatch(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/s3/aws4_request,SignedHeaders=([^,]+),Signature=([0-9a-f]{64})",
                         headers.get("Authorization", ""))
    if not match:
        return "AccessDenied"
    key, date, region, names, signature = match.groups()
    if key != KEY:
        return "InvalidAccessKeyId"
    names = names.split(";")
    wanted = {name.lower() for name in headers if name.lower().startswith("x-amz-")} | {"host"}
    if names != sorted(names) or not wanted <= set(names) or headers["x-amz-date"][:8] != date:
        return "AccessDenied"
    payload = headers["x-amz-content-sha256"]
    if payload != hashlib.sha256(body).hexdigest():
        return "XAmzContentSHA256Mismatch"
    path, _, query = target.partition("?")
    # Made anew from what they mean: a client's own escaping must be the canonical one.
    quoted = urllib.parse.quote(urllib.parse.unquote(path), safe="/-_.~")
    pairs = sorted((urllib.parse.quote(name, safe="-_.~"), urllib.parse.quote(value, safe="-_.~"))
                   for name, value in urllib.parse.parse_qsl(query.replace("+", "%2B"), keep_blank_values=True))
    canonical = "\n".join((method, quoted, "&".join(f"{name}={value}" for name, value in pairs),
                           *(f"{name}:{' '.join(headers[name].split())}" for name in names), "", ";".join(names), payload))
    scope = f"{date}/{region}/s3/aws4_request"
    text = "\n".join(("AWS4-HMAC-SHA256", headers["x-amz-date"], scope, hashlib.sha256(canonical.encode()).hexdigest()))
    signing = _hmac(_hmac(_hmac(_hmac(b"AWS4" + secret.encode(), date), region), "s3"), "aws4_request")
    return None if hmac.compare_digest(hmac.new(signing, text.encode(), hashlib.sha256).hexdigest(), signature) else "SignatureDoesNotMatch"


class Imitation:
    """`objects` by "bucket/key"; `uploads` that are open; `stores` counts how often each was written; `on_store(key)` is called while a request
    that stores is not answered yet."""

    def __init__(self, on_store=lambda key: None):
        self.objects, self.uploads, self.stores, self.requests = {}, {}, collections.Counter(), []
        self.on_store = on_store
        self.lock = threading.Lock()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def answer(self, status, body=b"", **headers):
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name.replace("_", "-"), value)
                if "Content_Length" not in headers:
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            def error(self, status, code):
                self.answer(status, f"<Error><Code>{code}</Code><Message>{code} it is</Message></Error>".encode())

            def handle_any(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                outer.requests.append((self.command, self.path))
                wrong = signature_error(self.command, self.path, self.headers, body)
                if wrong:
                    return self.error(403, wrong)
                path, _, query = self.path.partition("?")
                key = urllib.parse.unquote(path).lstrip("/")
                query = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
                with outer.lock:
                    return getattr(self, "at_" + self.command)(key, query, body)

            do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_any

            def at_HEAD(self, key, query, body):
                found = outer.objects.get(key)
                if found is None:
                    return self.answer(404)
                return self.answer(200, Content_Length=str(len(found.data)), x_amz_meta_weft_sha256=found.sha256)

            def at_GET(self, key, query, body):
                if "uploads" in query:
                    bucket, prefix = key.rstrip("/"), query.get("prefix", "")
                    rows = "".join(f"<Upload><Key>{escape(one.partition('/')[2])}</Key><UploadId>{upload}</UploadId></Upload>"
                                   for upload, (one, _, _) in outer.uploads.items() if one.startswith(f"{bucket}/{prefix}"))
                    return self.answer(200, f"<ListMultipartUploadsResult>{rows}</ListMultipartUploadsResult>".encode())
                if "list-type" in query:
                    return self.listing(key.rstrip("/"), query)
                found = outer.objects.get(key)
                if found is None:
                    return self.error(404, "NoSuchKey")
                begin, end = map(int, re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers["Range"]).groups())
                return self.answer(206, found.data[begin:end + 1])

            def listing(self, bucket, query):
                keys = sorted(one.partition("/")[2] for one in outer.objects if one.startswith(f"{bucket}/{query['prefix']}"))
                keys = [one for one in keys if one > query.get("continuation-token", "")]
                rows = "".join(f"<Contents><Key>{escape(one)}</Key><Size>{len(outer.objects[f'{bucket}/{one}'].data)}</Size></Contents>" for one in keys[:2])
                more = f"<NextContinuationToken>{escape(keys[1])}</NextContinuationToken>" if len(keys) > 2 else ""
                return self.answer(200, f"<ListBucketResult>{rows}{more}</ListBucketResult>".encode())

            def store(self, key, data, sha256):
                outer.on_store(key)
                outer.objects[key] = Object(data, sha256)
                outer.stores[key] += 1

            def at_PUT(self, key, query, body):
                if "uploadId" in query:
                    if query["uploadId"] not in outer.uploads:
                        return self.error(404, "NoSuchUpload")
                    outer.uploads[query["uploadId"]][2][int(query["partNumber"])] = body
                    return self.answer(200, ETag=f'"{hashlib.md5(body).hexdigest()}"')
                self.store(key, body, self.headers.get("x-amz-meta-weft-sha256", ""))
                return self.answer(200, ETag=f'"{hashlib.md5(body).hexdigest()}"')

            def at_POST(self, key, query, body):
                if "uploads" in query:
                    upload = f"upload-{len(outer.requests)}"
                    outer.uploads[upload] = (key, self.headers.get("x-amz-meta-weft-sha256", ""), {})
                    return self.answer(200, f"<InitiateMultipartUploadResult><UploadId>{upload}</UploadId></InitiateMultipartUploadResult>".encode())
                if query["uploadId"] not in outer.uploads:
                    return self.error(404, "NoSuchUpload")
                _, sha256, parts = outer.uploads.pop(query["uploadId"])
                tags = re.findall(r"<PartNumber>(\d+)</PartNumber><ETag>&quot;([0-9a-f]+)&quot;</ETag>", body.decode())
                if [(str(n), hashlib.md5(parts[n]).hexdigest()) for n in sorted(parts)] != tags:
                    return self.error(400, "InvalidPart")
                self.store(key, b"".join(parts[n] for n in sorted(parts)), sha256)
                return self.answer(200, b"<CompleteMultipartUploadResult/>")

            def at_DELETE(self, key, query, body):
                outer.uploads.pop(query["uploadId"], None)
                return self.answer(204)

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Hdfs:
    """A name node and a data node of WebHDFS in one: `files` by path; the first request of bytes is cut."""

    def __init__(self):
        self.files, self.users = {}, []
        outer = self
        to_cut = [1]

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def answer(self, status, body=b"", location=""):
                self.send_response(status)
                if location:
                    self.send_header("Location", location)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def handle_any(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                path, _, query = self.path.partition("?")
                path = urllib.parse.unquote(path).removeprefix("/webhdfs/v1")
                query = dict(urllib.parse.parse_qsl(query))
                outer.users.append(query.get("user.name"))
                operation = query["op"]
                if operation in ("CREATE", "OPEN") and "node" not in query:
                    if body or (operation == "OPEN" and path not in outer.files):
                        return self.answer(400 if body else 404)
                    return self.answer(307, location=f"http://127.0.0.1:{outer.port}{self.path}&node=1")
                if operation == "CREATE":
                    if to_cut.pop() if to_cut else 0:
                        self.close_connection = True
                        return self.connection.shutdown(socket.SHUT_RDWR)
                    outer.files[path] = body
                    return self.answer(201)
                if operation == "RENAME":
                    outer.files[query["destination"]] = outer.files.pop(path)
                    return self.answer(200, b'{"boolean": true}')
                if operation == "LISTSTATUS":
                    found = [{"pathSuffix": name[len(path) + 1:], "type": "FILE", "length": len(data)} for name, data in outer.files.items()]
                    return self.answer(200, json.dumps({"FileStatuses": {"FileStatus": found}}).encode())
                if path not in outer.files:
                    return self.answer(404, b'{"RemoteException": {"message": "File does not exist"}}')
                if operation == "GETFILESTATUS":
                    return self.answer(200, json.dumps({"FileStatus": {"length": len(outer.files[path])}}).encode())
                offset = int(query["offset"])
                return self.answer(200, outer.files[path][offset:offset + int(query["length"])])

            do_GET = do_PUT = handle_any

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


# What the proxy does to a request; "late" are those that the server has done when the client is told otherwise.
FAULTS = ("500", "503", "silence", "cut", "late cut", "late 500")


class FaultProxy:
    """`plan(number, method, path)` answers one of FAULTS, or None. Stop and start it as a server that is restarted."""

    def __init__(self, upstream, plan=lambda number, method, path: None):
        self.upstream, self.plan, self.asked, self.done = upstream, plan, 0, collections.Counter()
        self.server = None
        self.port = 0
        self.over = threading.Event()
        self.lock = threading.Lock()
        self.open = set()
        self.start()

    def start(self):
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def setup(self):
                super().setup()
                outer.open.add(self.connection)

            def finish(self):
                outer.open.discard(self.connection)
                super().finish()

            def say(self, status, headers, body):
                self.send_response(status)
                for name, value in headers:
                    if name.lower() not in ("connection", "transfer-encoding", "date", "server"):
                        self.send_header(name, value)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            def fail(self, fault):
                if fault == "silence":
                    outer.over.wait(20)
                if fault in ("silence", "cut", "late cut"):
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                code = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>" if fault == "503" else b"oops"
                self.say(503 if fault == "503" else 500, [("Content-Length", str(len(code)))], code)

            def handle_any(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                with outer.lock:
                    outer.asked += 1
                    fault = outer.plan(outer.asked, self.command, self.path)
                    outer.done[fault] += 1
                if fault and not fault.startswith("late"):
                    return self.fail(fault)
                connection = http.client.HTTPConnection("127.0.0.1", outer.upstream, timeout=60)
                try:
                    connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
                    for name, value in self.headers.items():
                        connection.putheader(name, value)
                    connection.endheaders(body)
                    answer = connection.getresponse()
                    data = answer.read()
                    headers = answer.getheaders()
                except OSError:
                    return self.fail("cut")
                finally:
                    connection.close()
                if fault:
                    return self.fail(fault)
                if not any(name.lower() == "content-length" for name, _ in headers) and answer.status != 204:
                    headers.append(("Content-Length", str(len(data))))
                return self.say(answer.status, headers, data)

            do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_any

        self.server = Server(("127.0.0.1", self.port), Handler)
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        for connection in list(self.open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def close(self):
        self.over.set()
        self.stop()
