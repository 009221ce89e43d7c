"""A feed origin on loopback for the tests: documents are set by the test, answered with ETag and 304, and logged."""

import hashlib
import http.server
import threading
from xml.sax.saxutils import escape


def rss(title, entries):
    """An RSS 2.0 document of (guid, headline, text), or (guid, headline, text, date)."""
    items = "".join(
        f"<item><guid isPermaLink='false'>{escape(guid)}</guid><link>https://paper.example/{escape(guid)}</link>"
        f"<title>{escape(headline)}</title><description>{escape(text)}</description>"
        + "".join(f"<pubDate>{escape(one)}</pubDate>" for one in date)
        + "</item>"
        for guid, headline, text, *date in entries
    )
    channel = f"<channel><title>{escape(title)}</title>{items}</channel>"
    return f"<?xml version='1.0'?><rss version='2.0'>{channel}</rss>".encode()


class Origin:
    """`documents`: path -> bytes; `gone`: paths that answer 410. `requests`: (path, status).

    `before_answer(path, changed)` may stall or interfere.
    """

    def __init__(self) -> None:
        self.documents: dict[str, bytes] = {}
        self.gone: set[str] = set()
        self.requests: list[tuple[str, int]] = []
        self.before_answer = None
        origin = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                body = origin.documents.get(self.path)
                etag = '"' + hashlib.sha256(body or b"").hexdigest()[:16] + '"'
                changed = self.headers.get("If-None-Match") != etag
                if origin.before_answer:
                    origin.before_answer(self.path, changed)
                status = 404 if body is None else 200 if changed else 304
                status = 410 if self.path in origin.gone else status
                origin.requests.append((self.path, status))
                self.send_response(status)
                self.send_header("ETag", etag)
                self.send_header("Content-Type", "application/rss+xml")
                self.send_header("Content-Length", str(len(body) if status == 200 else 0))
                self.end_headers()
                if status == 200:
                    self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True

    @property
    def port(self) -> int:
        return self.server.server_address[1]

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
