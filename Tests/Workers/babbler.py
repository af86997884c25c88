"""A watcher that says hello as it should and then talks nonsense: messages of the right types with impossible content.

It stands in for the watcher whose name is its first argument, and speaks the version of the protocol that is its second.
Each start babbles differently, and the same generation
always in the same way.
"""

import os
import random
import select
import socket
import struct
import sys

KINDS = {"keeper": 1, "pathwatch": 2, "dbwatch": 3, "dispatch": 4}
EXTREMES = [0, 1, -1, 2**31 - 1, -2**31, 2**63 - 1, -2**63, 10**9, 10**18]
NAMES = ["alice", "bob", "nobody", "x" * 40, "-", "0"]
WORDS = ["", "main-a", "a:b", "\n", "/nonexistent", "é" * 50, "%s%n", "x" * 2000]

kind = sys.argv[1]
version = int(sys.argv[2])
generation = int(os.environ["STEWARD_WATCHER"])
dice = random.Random(f"{kind} {generation}")


def wide(number=None):
    return struct.pack(">q", dice.choice(EXTREMES) if number is None else number)


def text(words):
    content = dice.choice(words).encode()
    return struct.pack(">H", len(content)) + content


def some(write):
    return b"\1" + write() if dice.random() < 0.7 else b"\0"


def several(write, most=3):
    count = dice.randrange(most)
    return struct.pack(">H", count) + b"".join(write() for _ in range(count))


def number():
    return some(wide)


def real():
    return struct.pack(">d", dice.choice([0.0, -1.0, 5e-324, 1e308]))


def word():
    return text(WORDS)


def name():
    return text(NAMES)


def table():
    count = dice.randrange(3)
    return (struct.pack(">H", count) + b"".join(word() for _ in range(count))) * 2


def user():
    check = some(word) + number() + number() + number() + number()
    return (name() + word() + bytes([dice.randrange(2)]) + some(word) + table() + check + number() + some(word)
            + bytes([dice.randrange(2)]) + some(lambda: several(lambda: text(["/nonexistent"]))) + wide())


def worker():
    return name() + wide()


MESSAGES = {
    "keeper": [lambda: b"\x1e" + wide()],
    "pathwatch": [
        lambda: b"\x10" + user(), lambda: b"\x11" + user(), lambda: b"\x12" + name(), lambda: b"\x13" + name() + word(),
        lambda: b"\x14" + name(), lambda: b"\x15",
    ],
    "dbwatch": [lambda: b"\x10" + word() + bytes([dice.randrange(3)]) + some(word) + some(real) + some(word)
                + bytes([dice.randrange(2)])],
    "dispatch": [lambda: b"\x10" + worker() + bytes([dice.randrange(3), dice.randrange(5)]) + number() + some(real)],
}


def frame(payload):
    return struct.pack(">I", len(payload)) + payload


def hello():
    return frame(b"\1" + struct.pack(">IBiq", version, KINDS[kind], os.getpid(), generation))


def nonsense():
    """Mostly a message of the right form, sometimes one more hello or pong, at last something that is no message."""
    chance = dice.random()
    if chance < 0.98 and MESSAGES[kind]:
        return frame(dice.choice(MESSAGES[kind])())
    if chance < 0.99:
        return frame(b"\3")
    if chance < 0.995:
        return hello()
    return frame(bytes(dice.randrange(256) for _ in range(dice.randrange(1, 200))))


channel = socket.socket(fileno=3)
channel.setblocking(True)
channel.sendall(hello())
for _ in range(200):
    channel.sendall(nonsense())
    # What master says is read, so that it is not the queue that costs the connection.
    while select.select([channel], [], [], 0.001)[0]:
        try:
            if not channel.recv(65536):
                sys.exit(0)
        except ConnectionError:
            sys.exit(0)
sys.exit(1)
