"""What speaks to a node's port without being a node, by hand: no ZeroMQ library takes part.

    intruder.py silent|malformed|huge SEED ADDRESS:PORT...      until it is killed; prints what became of its connections

`silent` opens 1000 connections in all and says nothing, and opens what was closed anew; `malformed` shakes hands as ZeroMQ 3.0
(RFC 23/ZMTP) and sends frames that no node would send; `huge` announces and sends a frame of 64 MiB, again and again.
"""
import collections
import json
import os
import random
import select
import signal
import socket
import sys
import time

SILENT = 1000
HUGE = 64 << 20


def greeting():
    return b"\xff" + bytes(8) + b"\x7f" + b"\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32)


def ready():
    def field(name, value):
        return bytes([len(name)]) + name + len(value).to_bytes(4, "big") + value
    body = b"\x05READY" + field(b"Socket-Type", b"DEALER") + field(b"Identity", b"")
    return b"\x04" + bytes([len(body)]) + body


def frame(body, more=False):
    if len(body) < 256:
        return bytes([1 if more else 0, len(body)]) + body
    return bytes([3 if more else 2]) + len(body).to_bytes(8, "big") + body


def shaken(at, did):
    peer = socket.create_connection(at, 5)
    peer.settimeout(5)
    peer.sendall(greeting())
    received = b""
    while len(received) < 64:
        piece = peer.recv(4096)
        if not piece:
            raise OSError("closed at the greeting")
        received += piece
    peer.sendall(ready())
    did["shaken"] += 1
    return peer


def malformed_frames(draw):
    kind = draw.randrange(6)
    if kind == 0:
        return frame(draw.randbytes(draw.randrange(1, 4000)))
    if kind == 1:
        return frame(b"")
    if kind == 2:  # protobuf's version field, then nonsense
        return frame(b"\x08\x01" + draw.randbytes(draw.randrange(1, 300)))
    if kind == 3:
        return b"".join(frame(draw.randbytes(20), True) for _ in range(draw.randrange(2, 40))) + frame(b"last")
    if kind == 4:  # the version, then a field that is longer than the frame
        return frame(b"\x08\x01\x52\xff\xff\xff\x7f" + draw.randbytes(50))
    return bytes([0x07, 1]) + draw.randbytes(40)  # reserved flags


def silent(draw, at, did):
    del draw
    links = []
    end = time.monotonic() + 1e9
    while time.monotonic() < end:
        while len(links) < SILENT:
            try:
                links.append(socket.create_connection(at[len(links) % len(at)], 2))
                did["opened"] += 1
            except OSError:
                did["not opened"] += 1
                time.sleep(0.05)
                break
        poller = select.poll()
        for link in links:
            poller.register(link, select.POLLIN | select.POLLHUP)
        ready_now = {number for number, _ in poller.poll(200)}
        for link in [one for one in links if one.fileno() in ready_now]:
            try:
                closed = not link.recv(4096)
            except OSError:
                closed = True
            if closed:
                links.remove(link)
                link.close()
                did["closed by the node"] += 1


def malformed(draw, at, did):
    while True:
        try:
            with shaken(draw.choice(at), did) as peer:
                for _ in range(draw.randrange(1, 50)):
                    peer.sendall(malformed_frames(draw))
                    did["frames"] += 1
                    time.sleep(0.002)
        except OSError:
            did["closed by the node"] += 1
            time.sleep(0.01)


def huge(draw, at, did):
    piece = draw.randbytes(1 << 20)
    while True:
        try:
            with shaken(draw.choice(at), did) as peer:
                peer.sendall(b"\x02" + HUGE.to_bytes(8, "big"))
                for _ in range(HUGE // len(piece)):
                    peer.sendall(piece)
                    did["MiB taken"] += 1
                did["whole frames"] += 1
                time.sleep(0.2)
        except OSError:
            did["closed by the node"] += 1
            time.sleep(0.2)


def counted(intrude):
    """Runs intrude(did), which never ends by itself, until SIGTERM; then prints what it has counted."""
    did = collections.Counter()

    def over(*_):
        print(json.dumps(did), flush=True)
        os._exit(0)

    signal.signal(signal.SIGTERM, over)
    print("intruding", flush=True)
    intrude(did)


def main():
    at = [(one.rsplit(":", 1)[0], int(one.rsplit(":", 1)[1])) for one in sys.argv[3:]]
    what = {"silent": silent, "malformed": malformed, "huge": huge}[sys.argv[1]]
    counted(lambda did: what(random.Random(int(sys.argv[2])), at, did))


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    main()
