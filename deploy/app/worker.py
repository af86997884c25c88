"""What Steward asks of a tornado process: adopt its socket, say how it is, leave without losing a request."""

import asyncio
import logging
import os
import signal
import socket
import sys
import weakref

import tornado.httpserver
import tornado.ioloop
import tornado.web

HEARTBEAT = 3       # seconds; Steward's limit is worker.heartbeat, 30 s unless configured
DRAIN = 10          # seconds for open requests at SIGTERM; Steward's limit is worker.stop_timeout
GRACE = 0.5         # seconds in which a connection that was just accepted may still send its request

log = logging.getLogger("worker")


def adopt():
    """The listening socket that Steward holds, as fd 3. The path belongs to Steward: never bind, never unlink."""
    try:
        listener = socket.socket(fileno=3)
        if not listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            raise OSError("it does not listen")
    except OSError as error:
        sys.exit(f"no listening socket at fd 3 ({error}): this program is started by Steward")
    listener.setblocking(False)
    listener.set_inheritable(False)
    return listener


class Application(tornado.web.Application):
    """Knows which of its connections owe an answer, and which wait for a request."""

    def __init__(self, *args, **settings):
        super().__init__(*args, **settings)
        self.owing = weakref.WeakKeyDictionary()

    def start_request(self, server_conn, request_conn):     # before the first byte of each request
        self.owing[request_conn.stream] = False
        return super().start_request(server_conn, request_conn)

    def find_handler(self, request, **kwargs):              # its headers are there
        self.owing[request.connection.stream] = True
        return super().find_handler(request, **kwargs)

    def connections(self):
        return [(stream, owing) for stream, owing in list(self.owing.items()) if not stream.closed()]


class Worker:
    def __init__(self, application, listener):
        self.application = application
        self.server = tornado.httpserver.HTTPServer(application, xheaders=True)
        self.server.add_sockets([listener])
        self.ready = False
        self.status = "starting"
        self.told = set()
        # Not connected: a connected datagram socket stays broken when the other end is made anew.
        self.notify_socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify_socket.setblocking(False)
        address = os.environ.pop("NOTIFY_SOCKET", None)
        self.notify_address = "\0" + address[1:] if address and address[0] == "@" else address

    async def run(self):
        """Serves until SIGTERM (or Ctrl-C), then drains."""
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        heartbeat = tornado.ioloop.PeriodicCallback(self.beat, HEARTBEAT * 1000)
        heartbeat.start()
        self.beat()
        await stop.wait()
        await self.drain()

    def report(self, status, ready=False):
        """Tells Steward at once; `ready` says that requests can be served from now on."""
        self.status = status
        self.ready = self.ready or ready
        self.beat()

    def beat(self):
        """The event loop lives; and whatever Steward has not been told yet, or could not be."""
        news = {f"STATUS={self.status}"} | ({"READY=1"} if self.ready else set())
        lines = ["WATCHDOG=1"] + sorted(news - self.told)
        if self.notify_address:
            try:
                self.notify_socket.sendto("\n".join(lines).encode(), self.notify_address)
                self.told = news
            except OSError:
                pass        # a full queue, or no master for the moment: the next beat says it again

    async def drain(self):
        """Stops accepting; what was accepted is answered. Whatever is still in the queue, the next process takes."""
        self.server.stop()
        self.server.conn_params.no_keep_alive = True    # answers say "Connection: close" from now on
        loop = asyncio.get_running_loop()
        began = loop.time()
        self.report("draining")
        while (connections := self.application.connections()) and loop.time() < began + DRAIN:
            for stream, owing in connections:
                if not owing and loop.time() > began + GRACE:
                    stream.close()
            await asyncio.sleep(0.02)
        if connections:
            log.warning("%d requests not finished within %d s", len(connections), DRAIN)
        await self.server.close_all_connections()
