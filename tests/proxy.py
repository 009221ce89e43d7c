"""A small HTTP proxy on loopback: CONNECT and absolute form, perhaps behind a password; it finds names its own way."""

import base64
import contextlib
import select
import socket
import socketserver
import threading
from urllib.parse import urlsplit


class Proxy(socketserver.ThreadingTCPServer):
    """`names` lead to addresses, whatever the name servers say; `answers` with that status instead of going there."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def __init__(self, *, user="", password="", names=(), answers=0):
        super().__init__(("127.0.0.1", 0), _Passage)
        self.login = base64.b64encode(f"{user}:{password}".encode()) if user else b""
        self.names, self.answers, self.heads = dict(names), answers, []
        self.port = self.server_address[1]
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()

    @property
    def asked(self):
        """The requests' first lines."""
        return [head.split(b"\r\n")[0].decode() for head in self.heads]


class _Passage(socketserver.BaseRequestHandler):
    def handle(self):
        with contextlib.suppress(OSError):
            self.pass_on(self.server)

    def pass_on(self, proxy):
        head = b""
        while b"\r\n\r\n" not in head:
            if not (chunk := self.request.recv(65536)):
                return
            head += chunk
        proxy.heads.append(head)
        verb, target, _ = head.split(b" ", 2)
        refused = 407 if proxy.login and b"Basic " + proxy.login not in head else proxy.answers
        if refused:
            self.request.sendall(b"HTTP/1.1 %d No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % refused)
        elif verb == b"CONNECT":
            name, _, port = target.decode().rpartition(":")
            with socket.create_connection((proxy.names.get(name, name), int(port)), timeout=5) as there:
                self.request.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
                self.pump(there)
        else:
            found = urlsplit(target.decode())
            address = proxy.names.get(found.hostname, found.hostname), found.port or 80
            lines = [line for line in head.split(b"\r\n")[1:] if not line.lower().startswith(b"proxy-")]
            path = (found.path or "/") + (f"?{found.query}" if found.query else "")
            with socket.create_connection(address, timeout=5) as there:
                there.sendall(b"\r\n".join([b"%s %s HTTP/1.1" % (verb, path.encode()), *lines]))
                self.pump(there)

    def pump(self, there):
        ends = {self.request: there, there: self.request}
        while True:
            for end in select.select(list(ends), [], [], 5)[0]:
                if not (chunk := end.recv(65536)):
                    return
                ends[end].sendall(chunk)
