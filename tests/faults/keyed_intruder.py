"""What speaks to a node's port by ZeroMQ itself, with a key or without: libzmq by ctypes, no code of Weft's.

    keyed_intruder.py keys|malformed|huge SEED TOKEN ADDRESS:PORT[=KEY]...    until it is killed; prints what it did and what was closed

`keys` knocks with a key that nobody was given, with none, and with TOKEN's, which is revoked; `malformed` sends frames that no node
would send under TOKEN's key, which holds; `huge` sends frames of 64 MiB under it.
KEY is by which that node proves itself; without it, the scheduler's in TOKEN.
"""
import base64
import collections
import ctypes
import random
import sys
import time

from intruder import counted

_zmq = ctypes.CDLL("libzmq.so.5", use_errno=True)
_zmq.zmq_ctx_new.restype = _zmq.zmq_socket.restype = ctypes.c_void_p
_zmq.zmq_socket.argtypes = [ctypes.c_void_p, ctypes.c_int]
_zmq.zmq_setsockopt.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t]
_zmq.zmq_connect.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
_zmq.zmq_close.argtypes = [ctypes.c_void_p]
_zmq.zmq_send.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int]
_zmq.zmq_recv.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int]
_zmq.zmq_socket_monitor.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int]
PAIR, DEALER = 0, 5
LINGER, ROUTING_ID, PUBLIC, SECRET, SERVER = 17, 5, 48, 49, 50
DONTWAIT, SNDMORE = 1, 2
DISCONNECTED, SHAKEN, REFUSED = 0x200, 0x1000, 0x2000 | 0x4000 | 0x800
HUGE = 64 << 20

Key = collections.namedtuple("Key", "server public secret")


def read_token(path):
    """Scheduler's key, own public and own secret key."""
    with open(path, encoding="ascii") as file:
        text = file.read().strip().removeprefix("weft1.")
    lines = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).split(b"\n")
    return Key(lines[2], lines[3], lines[4])


def new_key(server):
    public, secret = ctypes.create_string_buffer(41), ctypes.create_string_buffer(41)
    if _zmq.zmq_curve_keypair(public, secret) != 0:
        raise OSError("this libzmq has no CURVE")
    return Key(server, public.value, secret.value)


class Link:
    """A DEALER and what its monitor tells."""

    _context = ctypes.c_void_p(_zmq.zmq_ctx_new())
    _made = 0

    def __init__(self, at, key, draw, did, name):
        Link._made += 1
        at, _, proof = at.partition("=")
        self.did, self.name, self.taken = did, name, False
        self.socket = ctypes.c_void_p(_zmq.zmq_socket(self._context, DEALER))
        self._number(LINGER, 0)
        self._bytes(ROUTING_ID, b"i" + draw.randbytes(7))
        if key:
            self._bytes(SERVER, proof.encode() or key.server)
            self._bytes(PUBLIC, key.public)
            self._bytes(SECRET, key.secret)
        watched = f"inproc://watch-{Link._made}".encode()
        _zmq.zmq_socket_monitor(self.socket, watched, DISCONNECTED | SHAKEN | REFUSED)
        self.monitor = ctypes.c_void_p(_zmq.zmq_socket(self._context, PAIR))
        _zmq.zmq_connect(self.monitor, watched)
        _zmq.zmq_connect(self.socket, f"tcp://{at}".encode())

    def _number(self, option, value):
        _zmq.zmq_setsockopt(self.socket, option, ctypes.c_int(value).value.to_bytes(4, "little"), 4)

    def _bytes(self, option, value):
        if _zmq.zmq_setsockopt(self.socket, option, value, len(value)) != 0:
            raise OSError(f"zmq_setsockopt {option}")

    def send(self, *parts):
        for i, part in enumerate(parts):
            if _zmq.zmq_send(self.socket, part, len(part), DONTWAIT | (SNDMORE if i + 1 < len(parts) else 0)) < 0:
                return False
        return True

    def look(self):
        """Takes what the monitor has told; whether a connection was lost or refused."""
        ended = False
        event = ctypes.create_string_buffer(256)
        while _zmq.zmq_recv(self.monitor, event, 256, DONTWAIT) >= 0:
            which = int.from_bytes(event.raw[:2], "little")
            _zmq.zmq_recv(self.monitor, event, 256, DONTWAIT)  # the address
            if which == SHAKEN:
                self.did[self.name + "taken"] += 1
                self.taken = True
            elif which & REFUSED:
                self.did[self.name + "refused"] += 1
                ended = True
            elif which == DISCONNECTED:
                self.did[self.name + "closed by the node"] += 1
                ended = True
        return ended

    def shaken(self, seconds=5):
        """Whether the handshake went well: it is waited for, as far as somebody answers at all."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not self.look() and not self.taken:
            time.sleep(0.005)
        return self.taken

    def close(self):
        self.look()
        _zmq.zmq_close(self.socket)
        _zmq.zmq_close(self.monitor)


def keys(draw, at, token, did):
    while True:
        for name, key in (("wrong key: ", new_key(token.server)), ("no key: ", None), ("revoked: ", token)):
            link = Link(draw.choice(at), key, draw, did, name)
            did[name + "tried"] += 1
            link.send(draw.randbytes(50))
            link.shaken(1)
            link.close()


def malformed_parts(draw):
    kind = draw.randrange(5)
    if kind == 0:
        return [draw.randbytes(draw.randrange(1, 4000))]
    if kind == 1:
        return [b""]
    if kind == 2:  # protobuf's version field, then nonsense
        return [b"\x08\x01" + draw.randbytes(draw.randrange(1, 300))]
    if kind == 3:
        return [draw.randbytes(20) for _ in range(draw.randrange(3, 40))]
    return [b"\x08\x01\x52\xff\xff\xff\x7f" + draw.randbytes(50)]  # a field that is longer than the frame


def malformed(draw, at, token, did):
    while True:
        link = Link(draw.choice(at), token, draw, did, "")
        for _ in range(50 if link.shaken() else 0):
            did["frames"] += link.send(*malformed_parts(draw))
            link.look()
            time.sleep(0.004)
        link.close()


def huge(draw, at, token, did):
    frame = draw.randbytes(HUGE)
    while True:
        link = Link(draw.choice(at), token, draw, did, "")
        if link.shaken():
            did["frames"] += link.send(frame)
        end = time.monotonic() + 5
        while time.monotonic() < end and not link.look():
            time.sleep(0.02)
        link.close()
        time.sleep(0.2)


def main():
    what = {"keys": keys, "malformed": malformed, "huge": huge}[sys.argv[1]]
    token = read_token(sys.argv[3])
    counted(lambda did: what(random.Random(int(sys.argv[2])), sys.argv[4:], token, did))


if __name__ == "__main__":
    if len(sys.argv) < 5:
        sys.exit(__doc__)
    main()
