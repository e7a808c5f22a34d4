"""Files that were damaged while nothing ran: it is told, nothing wrong is served, and a copy of crawl.db brings all back."""
import glob
import os
import random
import shutil
import time

from checker import check
from cluster import Violation
from suite import fault

HOSTS = 30
DELAY = 0.1
NODES = ("scheduler", "p1", "f1")


def newest(*patterns):
    """The last of the files, by name, that is not empty."""
    found = [path for pattern in patterns for path in sorted(glob.glob(pattern)) if os.path.getsize(path) > 0]
    if not found:
        raise Violation(f"no file {patterns}")
    return found[-1]


def cut_tail(path, share):
    with open(path, "r+b") as file:
        file.truncate(int(os.path.getsize(path) * (1 - share)))


def flip(path, draw, at=0.5):
    """Changes bytes around that share of the file."""
    size = os.path.getsize(path)
    with open(path, "r+b") as file:
        for _ in range(8):
            place = min(size - 1, int(size * at) + draw.randrange(256))
            file.seek(place)
            byte = file.read(1)
            file.seek(place)
            file.write(bytes([byte[0] ^ 0x55]))


def damage_record(path, offset):
    with open(path, "r+b") as file:
        file.seek(offset + 200)  # within the gzip member's data
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 0x55]))


def stop_and_copy(cluster, name):
    for node in NODES:
        cluster.nodes[node].kill()
    shutil.copytree(cluster.at("data", "crawl.db"), cluster.at(name))


def start(cluster):
    for node in NODES:
        cluster.nodes[node].start()


def end(cluster, seconds):
    """'finished', 'refused' (the scheduler has ended), or 'paused' (it says so, and stays)."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if not cluster.nodes["scheduler"].alive():
            return "refused"
        told = cluster.status()
        if told and told["state"] == "finished":
            return "finished"
        time.sleep(0.2)
    return "paused"


def said_since(node, at, words):
    return [line for line in node.told()[at:].splitlines() if any(word in line for word in words)]


def crawl_and_damage(suite, damage, speaker, words, must_be_told=True):
    draw = random.Random(suite.seed)
    pages = max(40, suite.pages // HOSTS)
    with suite.cluster(HOSTS, pages, delay=DELAY, latency_ms=10) as cluster:
        cluster.parser("p1")
        cluster.fetcher("f1")
        cluster.wait_until_done(HOSTS * pages // 8)
        stop_and_copy(cluster, "copy")
        start(cluster)
        asked = len(cluster.asked())
        cluster.wait_for(lambda: len(cluster.asked()) > asked + HOSTS * pages // 4, "the crawl goes on", 60)
        time.sleep(1.1)  # what the parser notes of acknowledgements, it notes once a second
        for node in NODES:
            cluster.nodes[node].kill()
        damage(cluster, draw)
        at = len(cluster.nodes[speaker].told())
        start(cluster)
        how = end(cluster, 60)
        said = said_since(cluster.nodes[speaker], at, words)
        if not said and must_be_told:
            raise Violation(f"the damage was not told ({how}):\n{cluster.logs()}")
        restored = how != "finished"
        if restored:
            for node in NODES:
                cluster.nodes[node].kill()
            shutil.rmtree(cluster.at("data", "crawl.db"))
            shutil.copytree(cluster.at("copy"), cluster.at("data", "crawl.db"))
            start(cluster)
            cluster.wait_until_finished(120)
        return {"outcome": how + (", restored from a copy" if restored else ""), **check(cluster, DELAY), "said": said[0][:200] if said else ""}


LOSS = ("lost acknowledged writes", "orruption", "damaged", "paused", "cannot be")


@fault("damage-wal-tail", "the last third of crawl.db's log is gone")
def wal_tail(suite):
    return crawl_and_damage(suite, lambda cluster, draw: cut_tail(newest(cluster.at("data/crawl.db/*.log")), 0.33), "scheduler", LOSS)


@fault("damage-wal-middle", "bytes changed in the middle of crawl.db's log")
def wal_middle(suite):
    return crawl_and_damage(suite, lambda cluster, draw: flip(newest(cluster.at("data/crawl.db/*.log")), draw), "scheduler", LOSS)


@fault("damage-sst", "bytes changed in every table of crawl.db")
def sst(suite):
    def damage(cluster, draw):
        for path in glob.glob(cluster.at("data/crawl.db/*.sst")):
            flip(path, draw, 0.3)
    return crawl_and_damage(suite, damage, "scheduler", LOSS)


@fault("damage-manifest", "bytes changed in crawl.db's manifest")
def manifest(suite):
    return crawl_and_damage(suite, lambda cluster, draw: flip(newest(cluster.at("data/crawl.db/MANIFEST-*")), draw), "scheduler", LOSS)


@fault("damage-warc-tail", "a record that was being written to a WARC file is torn")
def warc_tail(suite):
    def damage(cluster, draw):
        with open(newest(cluster.at("p1/*.open")), "ab") as file:
            file.write(b"\x1f\x8b\x08\x00" + draw.randbytes(3000))
    return crawl_and_damage(suite, damage, "p1", ("torn", "cut", "damaged"))


@fault("damage-warc-middle", "bytes changed in a WARC record that was acknowledged")
def warc_middle(suite):
    """What was stored is damaged for good: the export must say so, and nothing else may suffer."""
    draw = random.Random(suite.seed)
    with suite.cluster(HOSTS, max(20, suite.pages // HOSTS // 2), delay=DELAY, latency_ms=10) as cluster:
        cluster.parser("p1")
        cluster.fetcher("f1")
        cluster.wait_until_finished(120)
        for node in ("f1", "p1"):
            cluster.nodes[node].signal(15)
            cluster.nodes[node].wait()
        page = draw.choice([row for row in cluster.export()[1] if row["status"] == 200])
        damage_record(cluster.at("p1", page["warc_file"]), page["warc_offset"])
        code, rows, said = cluster.export()
        expected = cluster.web.expected()
        wrong = [row["url"] for row in rows if row["digest"] != expected[row["url"]].digest]
        text = cluster.tool("export", cluster.data, "--pages", cluster.at("p1"), "--text").stdout
        if code == 0 or not said.strip():
            raise Violation(f"export ended with {code} and said {said!r}, though a record is damaged")
        if wrong or len(rows) != len(expected):
            raise Violation(f"{len(rows)} rows of {len(expected)}, wrong {wrong[:3]}")
        return {"rows": len(rows), "bytes_of_text": len(text), "exit_code": code, "said": said.strip().splitlines()[0][:200]}
