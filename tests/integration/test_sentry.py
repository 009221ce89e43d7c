"""What reaches Sentry, at a DSN of the test's own: our unexpected errors, and no secret of anybody."""

import gzip
import http.server
import os
import subprocess
import sys
import threading

import pytest

PROGRAM = """
import asyncio, os
import aiohttp, sentry_sdk, structlog
from worker import app

app.start_logging()
app.start_sentry(os.environ, environment="test")

async def call(url):
    async with aiohttp.ClientSession() as session, session.post(url, data=b"CANARY-BODY") as answer:
        await answer.read()

def work(password):
    asyncio.run(call(os.environ["HOOK"] + "/services/CANARY-TOKEN?key=CANARY-QUERY"))
    try:
        raise ValueError("a flaw of ours")
    except ValueError:
        structlog.get_logger().exception("feed_not_saved", feed_id="wire")

work("CANARY-LOCAL")
sentry_sdk.flush(10)
"""


@pytest.fixture
def collector():
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            self.server.received.append((self.path, body.decode()))
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.received = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_j06_sentry_hears_of_our_errors_and_of_no_secret(collector):
    here = f"127.0.0.1:{collector.server_address[1]}"
    environ = dict(os.environ) | {"SENTRY_DSN": f"http://key@{here}/1", "HOOK": f"http://{here}"}
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=environ, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    events = [body for path, body in collector.received if path.startswith("/api/")]
    assert any("a flaw of ours" in body and '"environment":"test"' in body for body in events), collector.received
    assert not [body for body in events if "CANARY" in body]
    assert "feed_not_saved" in done.stderr


def test_sentry_is_silent_without_its_address(collector):
    environ = dict(os.environ) | {"HOOK": f"http://127.0.0.1:{collector.server_address[1]}"}
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=environ, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert [path for path, _ in collector.received] == ["/services/CANARY-TOKEN?key=CANARY-QUERY"]
