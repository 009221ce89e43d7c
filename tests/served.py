"""The real console under its real server, on a free port of loopback, in a thread of the test's own process."""

import http.client
import socket
import threading
from types import SimpleNamespace

import uvicorn
from desk import wait_for
from sqlalchemy import update

from worker.config.load import load_config
from worker.console.access import bring_key
from worker.console.routes import make_console
from worker.store.engine import open_store
from worker.store.schema import alert, article, delivery, feed, judgement, revision, story

HOSTILE = (
    "<script>document.title='owned'</script><img src=https://tracker.example/x.png onerror=alert(1)>"
    "<style>*{display:none}</style><svg onload=alert(1)></svg><iframe src=//tracker.example></iframe>"
    "<base href=https://tracker.example/><form action=//tracker.example><meta http-equiv=refresh content=0>"
    "\"'><a href=javascript:alert(1)>{{7*7}} %s {0.__class__}"
)


class Served:
    """`ask` it from outside; `console` is the app itself, `ready` what it said when it began to serve."""

    def __init__(self, desk):
        config = load_config(desk.config, environ=desk.environ())
        self.store = open_store(desk.database_url, data=desk.data)
        self.key, self.ready = bring_key(desk.data), []
        self.console = make_console(self.store, config, data=desk.data, on_ready=lambda: self.ready.append(True))

    def __enter__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.server = uvicorn.Server(uvicorn.Config(self.console, log_config=None, server_header=False))
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [self.socket]})
        self.thread.start()
        wait_for(lambda: self.server.started, what="the console")
        return self

    def __exit__(self, *_):
        self.server.should_exit = True
        self.thread.join()
        self.socket.close()
        self.store.close()

    def address(self, path="/"):
        return f"http://127.0.0.1:{self.port}{path}"

    def ask(self, path="/", *, method="GET", key=True, **headers):
        """`key`: whether it is sent along, as a program does. Follows no redirect."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if key:
            sent["Authorization"] = f"Bearer {self.key}"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, headers=sent)
            answer = connection.getresponse()
            return SimpleNamespace(status=answer.status, headers=answer.headers, text=answer.read().decode())
        finally:
            connection.close()

    def enter(self):
        """The cookie that the key in the address is exchanged for."""
        return self.ask(f"/?key={self.key}", key=False).headers["Set-Cookie"].split(";")[0]


def make_hostile(desk):
    """Every text in the record that came from outside attacks its reader: what no cleaning had seen."""
    mention = dict(entity="kim-jong-un", text=HOSTILE, field="title", start=0, end=9, alias=HOSTILE, how="name")
    topic = dict(id="nk-russia-arms", score=0.9, match=True, review=False, evidence=[HOSTILE])
    with desk.store.writing() as connection:
        connection.execute(
            update(article).values(title=HOSTILE, author=HOSTILE, url="javascript:alert(document.cookie)")
        )
        connection.execute(update(revision).values(title=HOSTILE, text=HOSTILE * 3))
        connection.execute(update(story).values(title=HOSTILE))
        connection.execute(update(judgement).values(mentions=[mention], topics=[topic], language='en" onload="x()"'))
        connection.execute(update(alert).values(because=HOSTILE, rule_id="<b>gone"))
        connection.execute(update(feed).values(title=HOSTILE, failures=2, reason="dns", detail=HOSTILE))
        connection.execute(update(delivery).values(subject=HOSTILE, receipt=HOSTILE, recipient="<i>x@y.example"))
