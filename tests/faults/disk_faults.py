"""A disk that fills up in the midst of a crawl, and has room again later."""
import contextlib
import ctypes
import os
import time

from checker import check
from cluster import Violation
from suite import fault

HOSTS = 40
DELAY = 0.2
PIECE = b"\0" * 65536


KEEP_SIZE, PUNCH_HOLE = 1, 2


def take_reserves(folder):
    """What files have reserved behind their ends: RocksDB writes for a long time into what it took at first."""
    libc = ctypes.CDLL(None, use_errno=True)
    for at, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError), open(os.path.join(at, name), "r+b") as file:
                end = (os.fstat(file.fileno()).st_size + 4095) // 4096 * 4096
                libc.fallocate(file.fileno(), KEEP_SIZE | PUNCH_HOLE, ctypes.c_long(end), ctypes.c_long(1 << 30))


def fill(folder):
    """Takes the last byte; answers with the file to remove."""
    take_reserves(folder)
    path = os.path.join(folder, "ballast")
    piece = PIECE
    with open(path, "wb", buffering=0) as file:
        while piece:
            try:
                file.write(piece)
            except OSError:
                piece = piece[:len(piece) // 2]
    return path


def crawl_with_full_disk(suite, small, told_by, words):
    with suite.cluster(HOSTS, max(60, suite.pages // HOSTS), delay=DELAY, latency_ms=20,
                       data_disk="96m" if small == "data" else None) as cluster:
        disk = cluster.at(small)
        if small != "data":
            suite.mount(disk, "96m")
        cluster.parser("p1")
        cluster.fetcher("f1")
        try:
            cluster.wait_until_done(HOSTS * 5)
            ballast = fill(disk)
            node = cluster.nodes[told_by]
            cluster.wait_for(lambda: any(word in node.told() for word in words), f"{told_by} says that its disk is full", 60)
            said = next(line for line in node.told().splitlines() if any(word in line for word in words))
            if not node.alive():
                raise Violation(f"{told_by} ended: {node.told()[-800:]}")
            at_full = len(cluster.asked())
            time.sleep(6)
            while_full = len(cluster.asked()) - at_full
            os.remove(ballast)
            room = time.monotonic()
            asked = len(cluster.asked())
            cluster.wait_for(lambda: len(cluster.asked()) > asked or (cluster.status() or {}).get("state") == "finished", "the crawl goes on", 60)
            idle = time.monotonic() - room
            cluster.wait_until_finished(180)
            return {"asked_while_full": while_full, "goes_on_after_s": round(idle, 1), **check(cluster, DELAY), "said": said[:160]}
        finally:
            cluster.__exit__()
            with contextlib.suppress(OSError):
                os.system(f"umount -l {disk}")


@fault("disk-scheduler", "the scheduler's disk is full for a while")
def scheduler(suite):
    return crawl_with_full_disk(suite, "data", "scheduler", ("paused",))


@fault("disk-parser", "the disk of the only parser is full for a while")
def parser(suite):
    return crawl_with_full_disk(suite, "p1", "p1", ("No space", "no space", "disk is full", "disk full", "paused"))
