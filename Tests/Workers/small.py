"""A worker that starts quickly, for tests with many of them: the standard library only, without notifications.

/           {"user", "pid"}
/healthz    200
"""

import json
import os
import socket
import socketserver
from http.server import BaseHTTPRequestHandler


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({"user": os.environ.get("STEWARD_USER"), "pid": os.getpid()}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self):
        return "unix"

    def log_message(self, format, *args):
        pass


class Server(socketserver.UnixStreamServer):
    def __init__(self):
        socketserver.BaseServer.__init__(self, None, Handler)
        self.socket = socket.socket(fileno=3)

    def get_request(self):
        connection, _ = super().get_request()
        connection.setblocking(True)
        return connection, "unix"


Server().serve_forever()
