"""A keeper of protocol version 1, as far as a hand-over goes: it holds one stand-in socket of a user and nothing else.

Usage: old_keeper.py RUNTIME USER

Ends with 0 when it has been told to leave.
"""

import array
import os
import socket
import struct
import sys

RUNTIME, USER = sys.argv[1:]
GENERATION = 50
HELLO, HANDOVER, HANDED_OVER, LEAVE = 1, 4, 5, 6
STAND_IN, HELD = 2, 4


def frame(payload):
    return struct.pack(">I", len(payload)) + payload


def listen(path):
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(64)
    return listener


def receive(master, size):
    content = b""
    while len(content) < size:
        part = master.recv(size - len(content))
        if not part:
            sys.exit("master has gone without a word")
        content += part
    return content


held = listen(f"{RUNTIME}/sockets/{USER}.{GENERATION}")
link = f"{RUNTIME}/users/{USER}.sock"
os.symlink(f"../sockets/{USER}.{GENERATION}", f"{link}.new")
os.rename(f"{link}.new", link)
os.unlink(f"{RUNTIME}/keeper.sock")
door = listen(f"{RUNTIME}/keeper.sock")
print("listens", flush=True)

master, _ = door.accept()
master.sendall(frame(struct.pack(">BIBIQ", HELLO, 1, 1, os.getpid(), 1)))
name = USER.encode()
thing = struct.pack(">BBBH", HANDOVER, STAND_IN, 1, len(name)) + name + struct.pack(">QB", GENERATION, HELD)
rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [held.fileno()]))
master.sendmsg([frame(thing)], [rights])
master.sendall(frame(bytes([HANDED_OVER])))
(size,) = struct.unpack(">I", receive(master, 4))
sys.exit(0 if receive(master, size) == bytes([LEAVE]) else "was not told to leave")
