"""Strangers at the ports of the scheduler and of a parser, while a crawl runs; compared with the same crawl without them."""
import json
import os
import sys
import time

from checker import check, pauses, quantile
from cluster import HERE, Violation
from keyed_intruder import read_token
from suite import Skipped, fault

HOSTS = 40
DELAY = 0.2
NOISE = 1.35  # two crawls on a machine that does other things, too
FILES = 1024  # that a node may have open: what Debian gives to who asks for nothing
HANDSHAKE = 10  # seconds that a stranger has for it
FLOOR = 0.25  # seconds: differences below are the machine's
_calm = {}


def begin_intruder(suite, cluster, kind, keyed):
    at = [f"{cluster.nodes['scheduler'].address}:{cluster.port}", f"{cluster.nodes['p1'].address}:{cluster.port + 1}"]
    words = [kind, str(suite.seed)]
    if keyed:
        words.append(cluster.joins("stranger", "worker")[1])
        at[1] += "=" + read_token(cluster.joins("p1", "parser")[1]).public.decode()
        if kind == "keys":
            # The nodes of a revoked key are refused, too; so are those that come with no key, or another cluster's.
            cluster.weft("late", "fetcher", *cluster.joins("late", "fetcher"))
            cluster.wait_for(lambda: "late/fetcher" in names(cluster) or any(one["token"] == "late" for one in cluster.status()["nodes"]),
                             "a node with a key joins", 20)
            for name in ("stranger", "late"):
                gone = cluster.tool("token", "revoke", name, "--data", cluster.data)
                if gone.returncode != 0:
                    raise Violation(f"weft token revoke: {gone.stderr}")
            cluster.nodes["late"].wait(20)
            cluster.weft("keyless", "fetcher", "--scheduler", cluster.endpoint, "--insecure")
    program = "keyed_intruder.py" if keyed else "intruder.py"
    intruder = cluster.add("intruder", [sys.executable, "-B", os.path.join(HERE, program), *words, *at])
    cluster.wait_for(lambda: "intruding" in intruder.told(), "the intruder begins", 10)
    return intruder


def names(cluster):
    return [node["name"] for node in (cluster.status() or {"nodes": []})["nodes"]]


STRANGERS = ("intruder", "late", "keyless")


def end_intruder(cluster, intruder, took):
    time.sleep(max(0.0, HANDSHAKE + 3 - took))
    told = cluster.status()
    intruder.process.terminate()
    intruder.wait(20)
    tokens = {node["token"] for node in told["nodes"]} & {"late", "stranger"}
    if tokens:
        raise Violation(f"nodes under revoked keys are still there: {told['nodes']}")
    if "keyless" in cluster.nodes:
        if cluster.nodes["keyless"].alive():
            cluster.nodes["keyless"].kill()
        if len(told["nodes"]) != 3:
            raise Violation(f"who came without a key is among the nodes: {told['nodes']}")
    return {**json.loads(intruder.told().strip().splitlines()[-1]), "counted": told["refusals"]}


def crawl(suite, kind, keyed=False):
    pages = max(40, suite.pages // HOSTS)
    with suite.cluster(HOSTS, pages, delay=DELAY, latency_ms=20, files=FILES, keys=keyed) as cluster:
        for name in ("p1", "p2"):
            cluster.parser(name)
        cluster.fetcher("f1")
        cluster.wait_until_done(HOSTS)
        intruder = begin_intruder(suite, cluster, kind, keyed) if kind else None
        begin, done = time.monotonic(), cluster.pages_done()
        cluster.wait_until_finished(180)
        took = time.monotonic() - begin
        rate = (cluster.pages_done() - done) / took
        did = end_intruder(cluster, intruder, took) if intruder else {}
        silent = [node.name for node in cluster.nodes.values() if node.name not in STRANGERS and not node.alive()]
        if silent:
            raise Violation(f"{silent} ended under it:\n{cluster.logs()}")
        waits = [entry[0] for entry in pauses([one for one in cluster.requests() if one.begin > begin])]
        return {"crawl_s": took, "pages_per_s": rate, "p99_s": quantile(waits, 0.99), "did": did, **check(cluster, DELAY)}


def intrude(suite, kind, keyed=False):
    known = (suite.seed, keyed)
    calm = _calm.get(known) or _calm.setdefault(known, crawl(suite, "", keyed))
    now = crawl(suite, kind, keyed)
    if not keyed and not now["did"].get("closed by the node") and kind != "malformed":
        raise Violation(f"no connection of the intruder's was closed: {now['did']}")
    if now["p99_s"] > calm["p99_s"] * NOISE + FLOOR:
        raise Violation(f"p99: {now['p99_s']:.2f} with the intruder, {calm['p99_s']:.2f} without; it did {now['did']}")
    # Work that was done before the intruder came is not compared: a rate is, not how long it took.
    if now["pages_per_s"] < calm["pages_per_s"] / NOISE:
        raise Violation(f"pages/s: {now['pages_per_s']:.1f} with the intruder, {calm['pages_per_s']:.1f} without; it did {now['did']}")
    now = {name: round(value, 2) if isinstance(value, float) else value for name, value in now.items()}
    return {"calm_crawl_s": round(calm["crawl_s"], 2), "calm_pages_per_s": round(calm["pages_per_s"], 1),
            "calm_p99_s": round(calm["p99_s"], 2), **now}


@fault("intruder-silent", "1,000 TCP connections that say nothing", alone=True)
def silent(suite):
    return intrude(suite, "silent")


@fault("intruder-malformed", "frames that no node would send, after a handshake", alone=True)
def malformed(suite):
    return intrude(suite, "malformed")


@fault("intruder-huge", "frames of 64 MiB", alone=True)
def huge(suite):
    return intrude(suite, "huge")


def with_keys(suite, kind):
    if not suite.has_keys():
        raise Skipped("this Weft has no keys")
    suite.needs_namespaces()
    return intrude(suite, kind, keyed=True)


@fault("intruder-keys", "a wrong key, none, and one that is revoked", alone=True)
def strangers(suite):
    figures = with_keys(suite, "keys")
    did = figures["did"]
    for name in ("wrong key: ", "no key: ", "revoked: "):
        if not did.get(name + "tried") or did.get(name + "taken"):
            raise Violation(f"{name}{did}")
    if did["counted"]["handshakes"] < did["wrong key: tried"] // 4:
        raise Violation(f"what was refused was not counted: {did}")
    return figures


@fault("intruder-malformed-key", "frames that no node would send, under a key that holds", alone=True)
def malformed_key(suite):
    figures = with_keys(suite, "malformed")
    did = figures["did"]
    if not did.get("taken") or did["counted"]["malformed"] < did["frames"] // 10:
        raise Violation(f"malformed frames were not counted, or the key was not taken: {did}")
    return figures


@fault("intruder-huge-key", "frames of 64 MiB, under a key that holds", alone=True)
def huge_key(suite):
    figures = with_keys(suite, "huge")
    did = figures["did"]
    if not did.get("closed by the node") or did["closed by the node"] < did["frames"] // 2:
        raise Violation(f"connections with frames of 64 MiB go on: {did}")
    return figures
