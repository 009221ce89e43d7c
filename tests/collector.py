"""A Sentry of the tests' own on loopback: keeps what it is sent; `slow` and `hang` make it a bad one."""

import contextlib
import gzip
import http.server
import json
import threading
import time


class Collector:
    """`items`: (type, payload as text) of every envelope, in order; `raw`: the envelopes whole."""

    KEY = "0123456789abcdef0123456789abcdef"

    def __init__(self):
        self.raw, self.items, self.slow, self.hang = [], [], 0.0, threading.Event()
        collector = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if collector.hang.is_set():
                    time.sleep(60)
                time.sleep(collector.slow)
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                collector.keep(body.decode())
                with contextlib.suppress(OSError):  # whoever sent it has ended
                    self.send_response(200)
                    self.send_header("Content-Length", "2")
                    self.end_headers()
                    self.wfile.write(b"{}")

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.block_on_close = False

    def keep(self, envelope):
        self.raw.append(envelope)
        lines = envelope.split("\n")[1:]
        for head, payload in zip(lines[::2], lines[1::2], strict=False):
            self.items.append((json.loads(head)["type"], payload))

    @property
    def dsn(self):
        return f"http://{self.KEY}@127.0.0.1:{self.server.server_address[1]}/1"

    def of_type(self, kind):
        return [json.loads(payload) for type_, payload in self.items if type_ == kind]

    @property
    def events(self):
        return self.of_type("event")

    @property
    def check_ins(self):
        return self.of_type("check_in")

    def said(self):
        """(type, message) of every exception that came."""
        return [
            (one["type"], one["value"]) for event in self.events for one in event.get("exception", {}).get("values", [])
        ]

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
