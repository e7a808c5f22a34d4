"""Crawls whose files go to a store: an S3 imitation of our own that verifies signatures, moto's server with its own verification (moto[server] from
PyPI, installed below the build folder; without it those tests are skipped and say so), and a directory. Between Weft and the servers stands a
proxy that fails as stores fail.

    store_test.py WEFT
"""
import contextlib
import hashlib
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import unittest
import unittest.mock

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import weft_process  # noqa: E402
from s3_servers import FAULTS, KEY, SECRET, FaultProxy, Hdfs, Imitation  # noqa: E402
from scripted_site import Site, page  # noqa: E402
from weft_process import LOOPBACK, Checks, Running, rows, status, weft  # noqa: E402

MOTO = ("moto[server]==5.2.5",)
PAGES = 30
BUCKET = "crawls"
STORE = f"s3://{BUCKET}/some prefix"


def sha256_of(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def site():
    # What does not compress: a WARC file of the size below holds a few pages.
    words = random.Random(7)
    pages = {"/": page(*(f"/{n}" for n in range(PAGES)))}
    for n in range(PAGES):
        pages[f"/{n}"] = page("/", title="".join(words.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=3000)))
    return Site(pages)


class StoreTest(Checks):
    def setUp(self):
        self.held = contextlib.ExitStack()
        self.addCleanup(self.held.close)
        self.folder = self.held.enter_context(tempfile.TemporaryDirectory(prefix="weft-store-"))
        self.out = os.path.join(self.folder, "crawl")
        self.warc = os.path.join(self.out, "warc")
        self.env = {**os.environ, "AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_REGION": "eu-west-3", "HOME": self.folder}
        for name in ("AWS_SESSION_TOKEN", "AWS_PROFILE"):
            self.env.pop(name, None)

    def weft(self, *words, **more):
        return weft(*words, env=self.env, **more)

    def imitation(self, plan=lambda *_: None):
        """The server, and the proxy before it. Every file must still be here whenever the server stores it."""
        self.gone = []

        def on_store(key):
            local = os.path.join(self.warc, os.path.basename(key))
            if os.path.isdir(self.warc) and ".warc" in key and not os.path.exists(local):
                self.gone.append(key)

        server = Imitation(on_store)
        self.held.callback(server.close)
        proxy = FaultProxy(server.port, plan)
        self.held.callback(proxy.close)
        return server, proxy

    def crawl_words(self, url, endpoint, *more):
        return ("crawl", *([url] if url else []), "--out", self.out, *LOOPBACK, "--delay", "0s", "--parsers", "2", "--warc-size", "20000",
                "--store", STORE, "--store-endpoint", endpoint, "--store-timeout", "1s", *more)

    def crawl(self, endpoint, *more):
        web = site()
        self.held.callback(web.close)
        return self.weft(*self.crawl_words(web.url("/"), endpoint, *more))

    def stored_names(self, server):
        prefix = STORE[len("s3://"):] + "/"
        return {key[len(prefix):]: one for key, one in server.objects.items() if key.startswith(prefix)}

    def check_equal_here(self, server, files_at_least=5):
        """Every finished file is in the store, once, with its bytes."""
        here = {name: sha256_of(os.path.join(self.warc, name)) for name in os.listdir(self.warc) if name.endswith((".warc.gz", ".cdxj"))}
        self.assertGreaterEqual(sum(name.endswith(".warc.gz") for name in here), files_at_least)
        there = {name: hashlib.sha256(one.data).hexdigest() for name, one in self.stored_names(server).items()}
        self.assertEqual(there, here)
        self.assertEqual({name: one.sha256 for name, one in self.stored_names(server).items()}, here)
        for name in here:
            if name.endswith(".warc.gz"):
                with open(os.path.join(self.warc, name + ".stored"), encoding="utf-8") as file:
                    self.assertEqual(json.load(file)["sha256"], here[name])

    def test_finished_files_are_stored_while_the_crawl_runs_and_at_its_end(self):
        server, proxy = self.imitation()
        told = self.crawl(proxy.url)
        self.assertEqual(told.returncode, 0, told.stderr)
        self.check_equal_here(server)
        self.assertIn(f"stored in {STORE}", told.stderr)
        self.assertEqual(set(server.stores.values()), {1})
        shown = status(self.out)["store"]
        self.assertEqual((shown["url"], shown["waiting"], shown["freed"], shown["trouble"]), (STORE, 0, 0, ""))
        self.assertEqual(shown["stored"], sum(name.endswith(".warc.gz") for name in self.stored_names(server)))

    def test_freed_files_are_read_where_they_are(self):
        server, proxy = self.imitation()
        told = self.crawl(proxy.url, "--store-free", "on")
        self.assertEqual(told.returncode, 0, told.stderr)
        self.assertEqual([name for name in os.listdir(self.warc) if name.endswith(".warc.gz")], [])
        self.assertEqual(self.gone, [])
        self.assertGreaterEqual(status(self.out)["store"]["freed"], 5)
        told = self.weft("export", self.out, "--text")
        self.assertEqual(told.returncode, 0, told.stderr)
        exported = [json.loads(line) for line in told.stdout.splitlines()]
        self.assertEqual(len(exported), PAGES + 1)
        self.assertTrue(all(row["title"] for row in exported))
        # Tools that read whole files say what is missing, and how to get it back.
        told = self.weft("warc", "check", self.out)
        self.assertEqual(told.returncode, 1)
        self.assertIn("weft store pull", told.stderr)
        told = self.weft("store", "pull", self.out)
        self.assertEqual(told.returncode, 0, told.stderr)
        self.check_equal_here(server)
        told = self.weft("warc", "check", self.out)
        self.assertEqual(told.returncode, 0, told.stderr)

    def test_a_store_that_fails_in_every_way_gets_every_file_once(self):
        seed = random.randrange(1 << 30)
        print(f"seed {seed}", flush=True)
        dice = random.Random(seed)
        server, proxy = self.imitation(lambda *_: dice.choice(FAULTS) if dice.random() < 0.3 else None)
        told = self.crawl(proxy.url, "--store-free", "on")
        self.assertGreater(sum(count for fault, count in proxy.done.items() if fault), 4)
        for _ in range(3):  # what was given up at the end is taken up by the same command
            if told.returncode != 3:
                break
            told = self.weft(*self.crawl_words("", proxy.url))
        self.assertEqual(told.returncode, 0, told.stderr)
        self.assertEqual(self.gone, [], "freed before the server had it")
        proxy.plan = lambda *_: None
        told = self.weft("store", "pull", self.out)
        self.assertEqual(told.returncode, 0, told.stderr)
        self.check_equal_here(server)
        self.assertEqual(server.uploads, {})

    def test_without_a_store_the_crawl_goes_on_and_says_so(self):
        server, proxy = self.imitation()
        proxy.stop()
        told = self.crawl(proxy.url, "--store-free", "on")
        self.assertEqual(told.returncode, 3, told.stderr)
        self.assertIn("cannot be stored", told.stderr)
        self.assertIn("weft store push", told.stderr)
        self.assertEqual(len(rows(self.out)), PAGES + 1)
        shown = status(self.out)["store"]
        self.assertGreaterEqual(shown["waiting"], 5)
        self.assertEqual((shown["stored"], shown["freed"]), (0, 0))
        self.assertTrue(shown["trouble"])
        proxy.start()
        # The same command, without its options: they were noted.
        told = self.weft("crawl", "--out", self.out)
        self.assertEqual(told.returncode, 0, told.stderr)
        self.assertIn("as before", told.stderr)
        self.assertEqual(status(self.out)["store"]["waiting"], 0)
        self.assertEqual(self.gone, [])
        self.assertEqual(self.weft("store", "pull", self.out).returncode, 0)
        self.check_equal_here(server)

    def test_a_restart_of_the_store_costs_nothing(self):
        server, proxy = self.imitation()
        web = site()
        self.held.callback(web.close)
        words = self.crawl_words(web.url("/"), proxy.url, "--delay", "500ms")  # longer than the restart lasts
        with contextlib.ExitStack() as held:
            held.enter_context(unittest.mock.patch.dict(os.environ, self.env))
            running = held.enter_context(Running(os.path.join(self.folder, "log"), *words))
            running.wait_for(lambda: len(server.objects) >= 2, "two files are stored")
            proxy.stop()
            running.wait_for(lambda: "cannot be stored" in running.told() or self.waits(2), "files wait", 60)
            proxy.start()
            self.assertEqual(running.wait(), 0, running.told())
        self.check_equal_here(server)

    def test_a_worker_brings_the_files_of_its_own_pages(self):
        server, proxy = self.imitation()
        web = site()
        self.held.callback(web.close)
        self.warc = os.path.join(self.folder, "pages")
        self.held.enter_context(unittest.mock.patch.dict(os.environ, self.env))
        scheduler = self.held.enter_context(Running(os.path.join(self.folder, "scheduler.log"), "scheduler", "--data", self.out, "--listen",
                                                    "tcp://127.0.0.1:0", *LOOPBACK, "--delay", "0s", "--warc-size", "20000"))
        scheduler.wait_for(lambda: "scheduler at tcp" in scheduler.told(), "the scheduler listens")
        endpoint = re.search(r"scheduler at (tcp://\S+);", scheduler.told()).group(1)
        worker = self.held.enter_context(Running(os.path.join(self.folder, "worker.log"), "worker", "--scheduler", endpoint, "--pages", self.warc,
                                                 "--store", STORE, "--store-endpoint", proxy.url, "--store-free", "on"))
        self.assertEqual(weft("seeds", "add", web.url("/"), "--scheduler", endpoint).returncode, 0)
        scheduler.wait_for(lambda: status("--scheduler", endpoint)["state"] == "finished", "the crawl is finished", 60)
        worker.signal()
        self.assertEqual(worker.wait(), 0, worker.told())
        self.assertIn("and removed here", worker.told())
        told = self.weft("export", "--scheduler", endpoint, "--text")
        self.assertEqual((told.returncode, len(told.stdout.splitlines())), (0, PAGES + 1), told.stderr)
        self.assertEqual(self.weft("store", "pull", self.warc).returncode, 0)
        self.assertEqual(self.gone, [])
        self.check_equal_here(server)

    def waits(self, files):
        names = os.listdir(self.warc)
        return sum(name.endswith(".warc.gz") and name + ".stored" not in names for name in names) >= files

    def test_a_kill_while_files_are_stored_is_made_up_for(self):
        server, proxy = self.imitation(lambda number, method, path: "silence" if number > 6 else None)
        web = site()
        self.held.callback(web.close)
        words = self.crawl_words(web.url("/"), proxy.url, "--store-free", "on")
        with unittest.mock.patch.dict(os.environ, self.env):
            with Running(os.path.join(self.folder, "log"), *words) as running:
                running.wait_for(lambda: proxy.done["silence"] > 0, "a request hangs")
                running.kill()
        proxy.over.set()
        proxy.plan = lambda *_: None
        told = self.weft(*self.crawl_words("", proxy.url))
        self.assertEqual(told.returncode, 0, told.stderr)
        self.assertEqual(self.gone, [])
        self.assertEqual(len(rows_in(self, self.out)), PAGES + 1)
        self.assertEqual(self.weft("store", "pull", self.out).returncode, 0)
        self.check_equal_here(server)

    def test_another_object_of_that_name_is_never_replaced(self):
        server, proxy = self.imitation()
        path = os.path.join(self.folder, "table.parquet")
        with open(path, "wb") as file:
            file.write(b"one")
        self.assertEqual(self.push(path, proxy).returncode, 0)
        told = self.push(path, proxy)
        self.assertEqual(told.returncode, 0)
        self.assertIn("was stored already", told.stderr)
        with open(path, "wb") as file:
            file.write(b"two")
        told = self.push(path, proxy)
        self.assertEqual(told.returncode, 3)
        self.assertIn("holds another object", told.stderr)
        self.assertEqual([one.data for one in server.objects.values()], [b"one"])

    def push(self, path, proxy, *more):
        return self.weft("store", "push", path, "--store", STORE, "--store-endpoint", proxy.url, "--store-timeout", "1s", *more)

    def test_large_files_go_in_parts_and_leave_none_behind(self):
        seen = []

        def plan(number, method, path):
            kind = method + ("?" + path.partition("?")[2].partition("=")[0] if "?" in path else "")
            seen.append(kind)
            # The first of each kind fails, after the server has done it, too.
            return FAULTS[len(seen) % len(FAULTS)] if seen.count(kind) <= 2 and kind != "GET?prefix" else None

        server, proxy = self.imitation(plan)
        path = os.path.join(self.folder, "large.wacz")
        with open(path, "wb") as file:
            file.write(random.Random(3).randbytes(12 * 1024 * 1024 + 17))
        # A part of an earlier try, left by a process that was killed.
        server.uploads["old"] = (f"{STORE[5:]}/large.wacz", "", {1: b"x"})
        told = self.push(path, proxy, "--store-part-size", "5MiB")
        self.assertEqual(told.returncode, 0, told.stderr)
        self.assertNotIn("old", server.uploads)
        self.assertEqual([hashlib.sha256(one.data).hexdigest() for one in server.objects.values()], [sha256_of(path)])
        self.assertEqual(sum("partNumber" in target and method == "PUT" for method, target in server.requests) >= 3, True)
        back = os.path.join(self.folder, "back")
        os.mkdir(back)
        told = self.weft("store", "pull", "large.wacz", "--store", STORE, "--store-endpoint", proxy.url, "--out", back)
        self.assertEqual(told.returncode, 0, told.stderr)
        self.assertEqual(sha256_of(os.path.join(back, "large.wacz")), sha256_of(path))

    def test_names_of_every_kind_are_signed_as_they_are(self):
        server, proxy = self.imitation()
        names = ["a b.wacz", "ä+ö~ü.wacz", "100%.wacz", "a&b=c;d'e\"f<g>.wacz"]
        for name in names:
            with open(os.path.join(self.folder, name), "wb") as file:
                file.write(name.encode())
        told = self.push(self.folder, proxy)
        self.assertEqual(told.returncode, 0, told.stderr)
        told = self.weft("store", "list", "--store", STORE, "--store-endpoint", proxy.url)
        self.assertEqual(sorted(line.split("\t")[1] for line in told.stdout.splitlines()), sorted(names))

    def test_wrong_keys_are_told_and_nothing_is_freed(self):
        _, proxy = self.imitation()
        self.env["AWS_SECRET_ACCESS_KEY"] = "wrong"
        told = self.crawl(proxy.url, "--store-free", "on")
        self.assertEqual(told.returncode, 3, told.stderr)
        self.assertIn("403", told.stderr)
        self.assertEqual(status(self.out)["store"]["freed"], 0)
        del self.env["AWS_SECRET_ACCESS_KEY"]
        told = self.crawl(proxy.url)
        self.assertEqual(told.returncode, 2, told.stderr)
        self.assertIn("AWS_SECRET_ACCESS_KEY", told.stderr)

    def test_keys_from_the_credentials_file(self):
        server, proxy = self.imitation()
        os.mkdir(os.path.join(self.folder, ".aws"))
        with open(os.path.join(self.folder, ".aws", "credentials"), "w", encoding="utf-8") as file:
            file.write(f"[default]\naws_access_key_id=x\naws_secret_access_key=y\n[weft]\naws_access_key_id = {KEY}\naws_secret_access_key = {SECRET}\n")
        del self.env["AWS_SECRET_ACCESS_KEY"]
        self.env["AWS_PROFILE"] = "weft"
        path = os.path.join(self.folder, "x.wacz")
        with open(path, "wb") as file:
            file.write(b"x")
        told = self.push(path, proxy)
        self.assertEqual(told.returncode, 0, told.stderr)
        self.assertEqual(len(server.objects), 1)

    def test_a_mounted_path_works_the_same_way(self):
        mounted = os.path.join(self.folder, "mounted")
        web = site()
        self.held.callback(web.close)
        words = ("--out", self.out, *LOOPBACK, "--delay", "0s", "--warc-size", "20000", "--store", f"file://{mounted}/crawls", "--store-free", "on")
        told = self.weft("crawl", web.url("/"), *words)
        self.assertEqual(told.returncode, 3, told.stderr)
        self.assertIn("is the disk mounted?", told.stderr)
        self.assertEqual(status(self.out)["store"]["freed"], 0)
        os.mkdir(mounted)
        told = self.weft("crawl", *words)
        self.assertEqual(told.returncode, 0, told.stderr)
        self.assertGreaterEqual(len(os.listdir(os.path.join(mounted, "crawls"))), 10)
        self.assertEqual([name for name in os.listdir(self.warc) if name.endswith(".warc.gz")], [])
        self.assertEqual(len(rows(self.out)), PAGES + 1)


    def test_hdfs_is_written_by_its_rest_interface(self):
        server = Hdfs()
        self.held.callback(server.close)
        path = os.path.join(self.folder, "a b.wacz")
        with open(path, "wb") as file:
            file.write(random.Random(3).randbytes(300_000))
        words = ("--store", f"webhdfs://me@127.0.0.1:{server.port}/data/crawls", "--store-timeout", "1s")
        told = self.weft("store", "push", path, *words)
        self.assertEqual(told.returncode, 0, told.stderr)
        self.assertEqual({name: hashlib.sha256(data).hexdigest() for name, data in server.files.items()}, {"/data/crawls/a b.wacz": sha256_of(path)})
        self.assertEqual(set(server.users), {"me"})
        self.assertIn("was stored already", self.weft("store", "push", path, *words).stderr)
        self.assertEqual(self.weft("store", "list", *words).stdout, "300000\ta b.wacz\n")
        back = os.path.join(self.folder, "back")
        os.mkdir(back)
        told = self.weft("store", "pull", "a b.wacz", *words, "--out", back)
        self.assertEqual(told.returncode, 0, told.stderr)
        self.assertEqual(sha256_of(os.path.join(back, "a b.wacz")), sha256_of(path))


def rows_in(test, out):
    told = test.weft("export", out)
    test.assertEqual(told.returncode, 0, told.stderr)
    return [json.loads(line) for line in told.stdout.splitlines()]


# Run with moto's own Python: its server, with verification of signatures on, and a user with the keys that it prints.
MOTO_SCRIPT = """
import json, sys, urllib.request
from moto.server import ThreadedMotoServer
import boto3
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
host, port = server.get_host_and_port()
url = f"http://{host}:{port}"
words = dict(endpoint_url=url, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="y")
iam = boto3.client("iam", **words)
iam.create_user(UserName="weft")
policy = iam.create_policy(PolicyName="s3", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}))
iam.attach_user_policy(UserName="weft", PolicyArn=policy["Policy"]["Arn"])
key = iam.create_access_key(UserName="weft")["AccessKey"]
boto3.client("s3", **words).create_bucket(Bucket=sys.argv[1])
urllib.request.urlopen(urllib.request.Request(url + "/moto-api/reset-auth", data=b"0", headers={"Content-Type": "text/plain"})).read()
print(json.dumps({"port": port, "key": key["AccessKeyId"], "secret": key["SecretAccessKey"]}), flush=True)
sys.stdin.read()
"""
# The objects of a bucket, read by boto3 with those keys.
MOTO_READ = """
import boto3, hashlib, json, sys
words = json.loads(sys.argv[2])
s3 = boto3.client("s3", endpoint_url=f"http://127.0.0.1:{words['port']}", region_name="us-east-1", aws_access_key_id=words["key"], aws_secret_access_key=words["secret"])
found = {}
for page in s3.get_paginator("list_objects_v2").paginate(Bucket=sys.argv[1]):
    for one in page.get("Contents", []):
        found[one["Key"]] = hashlib.sha256(s3.get_object(Bucket=sys.argv[1], Key=one["Key"])["Body"].read()).hexdigest()
print(json.dumps({"objects": found, "uploads": len(s3.list_multipart_uploads(Bucket=sys.argv[1]).get("Uploads", []))}))
"""


def moto_folder():
    folder = os.path.join(os.path.dirname(weft_process.binary), "readers", "moto")
    done = os.path.join(folder, "installed")
    if not os.path.exists(done):
        words = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target", folder, *MOTO]
        try:
            told = subprocess.run(words, capture_output=True, text=True, check=False, timeout=500)
        except subprocess.TimeoutExpired:
            raise unittest.SkipTest(f"pip did not install {MOTO} in time") from None
        if told.returncode != 0:
            raise unittest.SkipTest(f"pip cannot install {MOTO}: {told.stderr.strip()[-300:]}")
        with open(done, "w", encoding="utf-8") as file:
            file.write("\n".join(MOTO) + "\n")
    return folder


class MotoTest(StoreTest):
    """The same store, verified by others: moto checks signatures as botocore makes them."""

    def setUp(self):
        super().setUp()
        environment = {**os.environ, "PYTHONPATH": moto_folder(), "PYTHONWARNINGS": "ignore"}
        self.python = lambda script, *words: subprocess.run([sys.executable, "-c", script, *words], env=environment, capture_output=True, text=True,
                                                            check=True, timeout=60)
        with open(os.path.join(self.folder, "moto.log"), "wb") as log:
            server = subprocess.Popen([sys.executable, "-c", MOTO_SCRIPT, BUCKET], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
        self.held.callback(lambda: (server.stdin.close(), server.kill(), server.wait(), server.stdout.close()))
        line = server.stdout.readline()
        if not line:
            with open(os.path.join(self.folder, "moto.log"), encoding="utf-8") as log:
                self.fail(log.read()[-2000:])
        self.moto = json.loads(line)
        self.env.update(AWS_ACCESS_KEY_ID=self.moto["key"], AWS_SECRET_ACCESS_KEY=self.moto["secret"], AWS_REGION="us-east-1")

    def found(self):
        return json.loads(self.python(MOTO_READ, BUCKET, json.dumps(self.moto)).stdout)

    def proxy(self, plan):
        proxy = FaultProxy(self.moto["port"], plan)
        self.held.callback(proxy.close)
        return proxy

    def test_wrong_keys_are_refused(self):
        self.env["AWS_SECRET_ACCESS_KEY"] += "x"
        path = os.path.join(self.folder, "x.wacz")
        with open(path, "wb") as file:
            file.write(b"x")
        told = self.push(path, self.proxy(lambda *_: None))
        self.assertEqual(told.returncode, 3, told.stderr)
        self.assertIn("403", told.stderr)

    def test_a_crawl_through_faults(self):
        seed = random.randrange(1 << 30)
        print(f"seed {seed}", flush=True)
        dice = random.Random(seed)
        proxy = self.proxy(lambda *_: dice.choice(FAULTS) if dice.random() < 0.25 else None)
        told = self.crawl(proxy.url, "--store-free", "on")
        proxy.plan = lambda *_: None
        if told.returncode == 3:
            told = self.weft(*self.crawl_words("", proxy.url))
        self.assertEqual(told.returncode, 0, told.stderr)
        self.assertEqual([name for name in os.listdir(self.warc) if name.endswith(".warc.gz")], [])
        self.assertEqual(len(rows_in(self, self.out)), PAGES + 1)
        told = self.weft("store", "pull", self.out)
        self.assertEqual(told.returncode, 0, told.stderr)
        here = {f"some prefix/{name}": sha256_of(os.path.join(self.warc, name)) for name in os.listdir(self.warc) if name.endswith((".warc.gz", ".cdxj"))}
        self.assertEqual(self.found(), {"objects": here, "uploads": 0})

    def test_parts_through_faults(self):
        count = [0]

        def plan(*_):
            count[0] += 1
            return FAULTS[count[0] // 2 % len(FAULTS)] if count[0] % 2 else None

        path = os.path.join(self.folder, "large ä+~.wacz")
        with open(path, "wb") as file:
            file.write(random.Random(5).randbytes(11 * 1024 * 1024))
        proxy = self.proxy(plan)
        told = self.push(path, proxy, "--store-part-size", "5MiB")
        self.assertEqual(told.returncode, 0, told.stderr)
        self.assertEqual(self.found(), {"objects": {"some prefix/large ä+~.wacz": sha256_of(path)}, "uploads": 0})


# Its tests of the imitation are not repeated.
for _name in [name for name in vars(StoreTest) if name.startswith("test_")]:
    if _name not in vars(MotoTest):
        setattr(MotoTest, _name, None)


if __name__ == "__main__":
    weft_process.main(__doc__)
