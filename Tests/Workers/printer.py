"""A worker that prints, and does nothing else; it expects neither checks nor notifications.

LINES    so many numbered lines at the start
TEXT     then this line
FLOOD    set: then lines of 64 bytes for ever, as fast as they are taken
TICK     then the time, each so many seconds
"""

import os
import signal
import sys
import time

for line in range(int(os.environ.get("LINES", "0"))):
    print("line", line)
sys.stdout.flush()
if os.environ.get("TEXT"):
    print(os.environ["TEXT"], file=sys.stderr)
while os.environ.get("FLOOD"):
    os.write(1, (b"x" * 63 + b"\n") * 1024)
while os.environ.get("TICK"):
    print("tick", time.time(), flush=True)
    time.sleep(float(os.environ["TICK"]))
signal.pause()
