"""An HTTP server on loopback that answers byte for byte as it is told, and how the tests ask it."""

import contextlib
import ipaddress
import socket
import socketserver
import ssl
import threading
import time

from worker.feeds.fetch import Fetcher
from worker.guard import Allow, HostPolicy, NetworkPolicy
from worker.model import FetchFailed, FetchRequest, Validators


class Origin(socketserver.ThreadingTCPServer):
    """Answers each path with the bytes of its route; a route is bytes, or a function that writes to the socket."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def __init__(self, host="127.0.0.1", *, port=0, tls=None):
        """`tls`: a certificate and its key. `names` are those that TLS clients asked for."""
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), _Conversation)
        self.routes, self.requests, self.times, self.names = {}, [], [], []
        self.lock, self.tls = threading.Lock(), None
        if tls:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(*tls)
            self.tls.sni_callback = lambda connection, name, context: self.names.append(name)
        self.port = self.server_address[1]
        self.url = f"{'https' if tls else 'http'}://{f'[{host}]' if ':' in host else host}:{self.port}"
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def policy(self, **host):
        mine = HostPolicy(**{"interval_floor": 1, "spacing": 0, "concurrent": 50, "ignore_hints": True, **host})
        allow = tuple(Allow(ipaddress.ip_network(cidr), frozenset({self.port})) for cidr in ("127.0.0.0/8", "::1/128"))
        return NetworkPolicy(allow, {"127.0.0.1": mine})

    def headers(self, index=-1):
        lines = self.requests[index].split(b"\r\n")[1:]
        return {name.lower().decode(): value for name, value in (line.split(b": ", 1) for line in lines if line)}


class _Conversation(socketserver.BaseRequestHandler):
    def handle(self):
        with contextlib.suppress(OSError):  # the client hung up, as some tests want
            if not self.server.tls:
                self.answer(self.server)
                return
            with self.server.tls.wrap_socket(self.request, server_side=True) as self.request:
                self.answer(self.server)

    def answer(self, origin):
        request = b""
        while b"\r\n\r\n" not in request:
            if not (chunk := self.request.recv(65536)):
                return
            request += chunk
            if request.startswith(b"\x16"):  # a TLS greeting: answer as a plain server would
                self.request.sendall(http(400))
                return
        with origin.lock:
            origin.requests.append(request.split(b"\r\n\r\n", 1)[0])
            origin.times.append(time.monotonic())
        route = origin.routes[request.split(b" ", 2)[1].decode()]
        if callable(route):
            route(self.request)
        else:
            self.request.sendall(route)


def http(status, *lines, body=b"", length=True):
    head = [f"HTTP/1.1 {status} X".encode(), b"Connection: close", *lines]
    if length:
        head.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join(head) + b"\r\n\r\n" + body


def moved(status, location):
    return http(status, b"Location: " + location.encode())


def fetch(origin, url, *, validators=None, policy=None, access=None, **options):
    """One request's outcome."""
    url = origin.url + url if url.startswith("/") else url
    fetcher = Fetcher(policy or origin.policy(), user_agent="Wirewatch/0 (+https://desk.example)", **options)
    [[result]] = list(fetcher.fetch_all([FetchRequest("f", url, validators or Validators(), access)]))
    return result.outcome


def look_up(monkeypatch, names):
    """From now on these names lead to these addresses, None to none; every other name is looked up as ever."""
    real = socket.getaddrinfo

    def found(host, port, *arguments, **options):
        if host not in names:
            return real(host, port, *arguments, **options)
        if names[host] is None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        families = [(socket.AF_INET6 if ":" in ip else socket.AF_INET, ip) for ip in names[host]]
        return [
            (family, socket.SOCK_STREAM, 6, "", (ip, port, 0, 0)[: 4 if ":" in ip else 2]) for family, ip in families
        ]

    monkeypatch.setattr(socket, "getaddrinfo", found)


def assert_failed(outcome, reason):
    assert isinstance(outcome, FetchFailed), outcome
    assert outcome.reason == reason, outcome


def flood(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        connection.sendall(b"x" * 65536)


def drip(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        connection.sendall(b"x")
        time.sleep(0.05)
