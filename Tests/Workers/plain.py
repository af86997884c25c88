"""A worker for tests: keeps the contract with Steward through deploy/app/worker.py, and breaks it where it is told to.

/           {"user", "pid", "shown", "busy"}, where busy counts the requests that are being answered; ?delay=SECONDS,
            ?until=FILE (exists), ?status=CODE, ?crash=1 (ends at once), ?hang=1 (blocks the loop), ?say=TEXT (is its
            STATUS=), ?grow=MEBIBYTES (are taken), ?breed=MEBIBYTES (are taken by a child); POST adds "received", the number of bytes
/healthz    200, or what HEALTH says

Its environment:
SHOWN           is shown in the answer
EXIT            exit at once with this code
DIES_AFTER      seconds from its start to its end with code 1
READY_AFTER     seconds before it is ready and answers /healthz with 200
HEALTH          the status code of /healthz
SICK_FILE       /healthz answers 500 while this file exists
SILENT          set: no notification, neither READY=1 nor WATCHDOG=1
CONNECTED       set: notifications are sent by a socket that is connected once
STUBBORN        set: SIGTERM is ignored
CHILD           set: a process of its session that ignores SIGTERM goes on beside it
DAEMON          set: a process in a session of its own goes on beside it, no child of its any more
LISTENS         set: listen(1) is called on the listening socket before it is ready
CLOSES          the listening socket is closed once it is ready, where this file exists; the file is removed
DEAF            from the moment when this file exists nothing is accepted any more; the loop turns on
BLOCKING        set: the listening socket is made blocking for all processes that share it
PRINTS          set: each request is printed
OUTPUT          that many lines on standard output at the start
"""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time

import tornado.web

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "deploy", "app"))
import worker  # noqa: E402

ABOUT = {"user": os.environ.get("STEWARD_USER"), "pid": os.getpid(), "shown": os.environ.get("SHOWN")}


class Connected:
    """A notifier that connects once, and goes on with that connection whatever becomes of the other end."""

    def __init__(self, address):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self.socket.connect(address)

    def sendto(self, data, _):
        self.socket.send(data)


class Index(tornado.web.RequestHandler):
    busy = 0
    count = 0
    ballast = b""

    def initialize(self, process):
        self.process = process

    async def get(self):
        Index.count += 1
        if os.environ.get("PRINTS"):
            print("request", Index.count, flush=True)
        await self.answer(ABOUT)

    async def post(self):
        await self.answer({**ABOUT, "received": len(self.request.body)})

    async def answer(self, content):
        Index.busy += 1
        try:
            await self.work({**content, "busy": Index.busy})
        finally:
            Index.busy -= 1

    async def work(self, content):
        if text := self.get_query_argument("say", None):
            self.process().report(text)
        if size := self.get_query_argument("grow", None):
            Index.ballast = b"x" * (int(size) << 20)
        if size := self.get_query_argument("breed", None):
            program = f"import sys; ballast = b'x' * ({size} << 20); sys.stdin.read()"
            subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE)
        if self.get_query_argument("crash", None):
            os._exit(9)
        if self.get_query_argument("hang", None):
            time.sleep(3600)
        await asyncio.sleep(float(self.get_query_argument("delay", "0")))
        while (gate := self.get_query_argument("until", None)) and not os.path.exists(gate):
            await asyncio.sleep(0.02)
        self.set_status(int(self.get_query_argument("status", "200")))
        self.finish(json.dumps(content))


class Health(tornado.web.RequestHandler):
    def initialize(self, is_ready):
        self.is_ready = is_ready

    def get(self):
        if os.path.exists(os.environ.get("SICK_FILE", "")):
            self.set_status(500)
        elif not self.is_ready():
            self.set_status(503)
        else:
            self.set_status(int(os.environ.get("HEALTH", "200")))
        self.finish("{}")


async def turn_deaf(cause):
    while not os.path.exists(cause):
        await asyncio.sleep(0.05)
    asyncio.get_running_loop().remove_reader(3)


async def main():
    for line in range(int(os.environ.get("OUTPUT", "0"))):
        print("line", line, flush=True)
    if os.environ.get("EXIT"):
        sys.exit(int(os.environ["EXIT"]))
    if os.environ.get("DIES_AFTER"):
        asyncio.get_running_loop().call_later(float(os.environ["DIES_AFTER"]), os._exit, 1)
    if os.environ.get("CHILD"):
        subprocess.Popen(["/bin/sh", "-c", "trap '' TERM; while :; do sleep 1; done"])
    if os.environ.get("DAEMON"):
        subprocess.run(["/bin/sh", "-c", "setsid sh -c 'while :; do sleep 1; done' &"], check=True)
    if os.environ.get("SILENT"):
        os.environ.pop("NOTIFY_SOCKET", None)
    listener = worker.adopt()
    state = {"ready": False}
    application = worker.Application([
        ("/", Index, {"process": lambda: process}),
        ("/healthz", Health, {"is_ready": lambda: state["ready"]}),
    ])
    process = worker.Worker(application, listener)
    if os.environ.get("CONNECTED"):
        process.notify_socket = Connected(process.notify_address)
    running = asyncio.ensure_future(process.run())
    if os.environ.get("BLOCKING"):
        os.set_blocking(3, True)
    await asyncio.sleep(float(os.environ.get("READY_AFTER", "0")))
    if os.environ.get("STUBBORN"):
        asyncio.get_running_loop().remove_signal_handler(signal.SIGTERM)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if os.environ.get("LISTENS"):
        listener.listen(1)
    state["ready"] = True
    process.report("serving", ready=True)
    deaf = asyncio.ensure_future(turn_deaf(os.environ["DEAF"])) if os.environ.get("DEAF") else None  # noqa: F841
    if os.path.exists(os.environ.get("CLOSES", "")):
        os.unlink(os.environ["CLOSES"])
        asyncio.get_running_loop().remove_reader(3)
        os.close(3)
    await running


if __name__ == "__main__":
    asyncio.run(main())
