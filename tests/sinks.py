"""A real SMTP server and a real webhook receiver on loopback that keep what they got; `on_receive` may interfere."""

import asyncio
import email
import email.policy
import http.server
import json
import socket
import threading
from collections.abc import Callable

from aiosmtpd.controller import Controller


class HangsUp(Controller):
    """Ends what is still open at its stop, which aiosmtpd leaves to the garbage collector, and so to any later test."""

    def __init__(self, handler, **options) -> None:
        super().__init__(handler, **options)
        self.talks = []

    def factory(self):
        self.talks.append(super().factory())
        return self.talks[-1]

    async def _hang_up(self) -> None:
        await asyncio.sleep(0.005)  # who has just dialled is let in: a server that closes meanwhile forgets him
        while len(asyncio.all_tasks()) > 1 or any(talk.transport for talk in self.talks):
            for talk in self.talks:
                if talk.transport is not None:
                    talk.transport.abort()
            await asyncio.sleep(0.005)

    def stop(self, no_assert=False) -> None:
        try:
            asyncio.run_coroutine_threadsafe(self._hang_up(), self.loop).result(10)
        finally:
            super().stop(no_assert)


class MailSink:
    """`received`: parsed messages, in order. `on_receive(message)` runs before the 250 is sent."""

    def __init__(self) -> None:
        self.received: list[email.message.EmailMessage] = []
        self.on_receive: Callable | None = None
        self.reply = "250 OK"
        self.controller = HangsUp(self, hostname="127.0.0.1", port=0)

    async def handle_DATA(self, server, session, envelope):
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        message.raw, message.sent_to = envelope.content, envelope.rcpt_tos
        self.received.append(message)
        if self.on_receive:
            self.on_receive(message)
        return self.reply

    @property
    def port(self) -> int:
        return self.controller.server.sockets[0].getsockname()[1]

    def __enter__(self):
        # aiosmtpd dials its own port once after the start, by the number it was given: 0 would be dialled literally.
        self.controller._trigger_server = lambda: socket.create_connection(("127.0.0.1", self.port), 5).close()
        self.controller.start()
        return self

    def __exit__(self, *_):
        self.controller.stop()


class WebhookSink:
    """`received`: (headers, body bytes), in order. `on_receive(headers, body)` runs before the answer, which has
    `status` and `headers`."""

    def __init__(self) -> None:
        self.received: list[tuple[dict, bytes]] = []
        self.on_receive: Callable | None = None
        self.status, self.headers = 200, {}
        sink = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                sink.received.append((headers, body))
                if sink.on_receive:
                    sink.on_receive(headers, body)
                self.send_response(sink.status)
                for name, value in {"Content-Length": "0", **sink.headers}.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True

    @property
    def port(self) -> int:
        return self.server.server_address[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def bodies(self) -> list[dict]:
        return [json.loads(body) for _, body in self.received]

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
