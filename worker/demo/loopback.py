"""A small HTTP server on loopback in its own thread, on a port the system chose. Knows nothing of what is served."""

from __future__ import annotations

import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class LoopbackServer(ThreadingHTTPServer):
    """`owner` is for the request class. The port is taken at once, answers come between start() and stop()."""

    daemon_threads = True
    block_on_close = False  # an idle keep-alive connection must not hold the stop

    def __init__(self, requests: type[BaseHTTPRequestHandler], *, owner: Any, name: str) -> None:
        self.owner = owner
        self._thread = threading.Thread(target=self.serve_forever, args=(0.1,), name=name, daemon=True)
        super().__init__(("127.0.0.1", 0), requests)

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Stops answering and frees the port; also right when it was never started."""
        if self._thread.is_alive():
            self.shutdown()
            self._thread.join()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news here; anything else is a bug and is shown."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)
