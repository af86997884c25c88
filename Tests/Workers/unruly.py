"""A watcher that says hello as it should and then is out of order, in the way that its second argument names.

flood    valid frames as fast as they are taken
half     half a frame, and then silence
closed   the channel is closed, the process lives on
garbage  bytes that are no frame
hello    nothing more: for another version

It stands in for the watcher whose name is its first argument; the third is the version of the protocol.
"""

import os
import signal
import socket
import struct
import sys

KINDS = {"keeper": 1, "pathwatch": 2, "dbwatch": 3, "dispatch": 4}


def frame(payload):
    return struct.pack(">I", len(payload)) + payload


kind, way, version = sys.argv[1:]
generation = int(os.environ["STEWARD_WATCHER"])
channel = socket.socket(fileno=3)
channel.setblocking(True)
channel.sendall(frame(b"\1" + struct.pack(">IBiq", int(version), KINDS[kind], os.getpid(), generation)))
if way == "flood":
    # Pongs: every watcher may send them.
    many = frame(b"\3") * 10_000
    while True:
        channel.sendall(many)
if way == "half":
    channel.sendall(struct.pack(">I", 100) + b"\x10half")
if way == "garbage":
    channel.sendall(b"\xff" * 100)
if way == "closed":
    channel.close()
while True:
    signal.pause()
