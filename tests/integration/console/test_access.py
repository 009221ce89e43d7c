"""Nobody is let in by default, and every answer, also a refusal, carries the headers that keep a page to itself."""

import http.client
import re
import subprocess
import sys

import pytest
from desk import wait_for
from served import Served
from starlette.routing import Mount

from worker.console import routes
from worker.store.schema import metadata

OPEN = {"/healthz", "/readyz"}
PROVEN = {"/do/x": 403, "/feeds/x/x": 404}
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)


def paths(console):
    """Every route of the table, with something in the place of its parameters."""
    for route in console.routes:
        path = re.sub(r"\{[^}]*\}", "x", route.path)
        yield f"{path}/x" if isinstance(route, Mount) else path


def test_j01_every_route_refuses_who_has_no_key(served):
    table = set(paths(served.console))
    assert {"/", "/alerts/x", "/metrics", "/healthz", "/readyz"} <= table
    for path in table:
        answer = served.ask(path, key=False)
        if path in OPEN:
            assert answer.status in (200, 503), path
        elif path.startswith("/static/"):
            assert answer.status == 404, path  # open, and holds no secret; there is no file of that name
        elif path in PROVEN:
            assert answer.status == PROVEN[path], path  # open to who brings a signed link, or the feed's key
        else:
            assert answer.status == 401, path
            assert "console.key" in answer.text and served.key not in answer.text
    assert served.ask("/no/such/page", key=False).status == 401, "who is not in does not learn what there is"


def test_j01_probes_name_nobody(told, served):
    for path in OPEN:
        text = served.ask(path, key=False).text
        assert not re.search("Kim|kim|Factory|ana@|hook", text)


def test_j01_metrics_open_to_a_bearer_of_the_key(told, served):
    answer = served.ask("/metrics")
    assert answer.status == 200 and "wirewatch" in answer.text
    assert served.ask("/metrics", key=False).status == 401
    assert served.ask("/metrics", key=False, Authorization="Bearer wrong").status == 401


def test_key_in_the_address_is_exchanged_for_a_cookie(served):
    first = served.ask(f"/?key={served.key}&feeds=2", key=False)
    assert (first.status, first.headers["Location"]) == (303, "/?feeds=2")
    assert served.key not in str(first.headers) + first.text
    flags = first.headers["Set-Cookie"].split("; ")[1:]
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(flags)
    page = served.ask("/", key=False, Cookie=served.enter())
    assert page.status == 200 and served.key not in page.text
    wrong = served.ask("/?key=wrong", key=False)
    assert (wrong.status, wrong.headers["Set-Cookie"]) == (401, None)


def test_j02_nothing_is_changed_by_any_method(served):
    for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        answer = served.ask("/", method=method)
        assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD"), method
    head = served.ask("/", method="HEAD")
    assert (head.status, head.text) == (200, "")


def test_a_foreign_host_is_refused_whatever_it_brings(served):
    """DNS rebinding: a page of evil.example whose name now leads to 127.0.0.1 asks in its own name."""
    for path in ("/", "/healthz", "/static/console.css"):
        assert served.ask(path, Host=f"evil.example:{served.port}").status == 421
        assert served.ask(path, Host="localhost:9").status == 200, "a tunnel may have another port"


def test_j05_every_answer_carries_its_headers(told, served):
    asked = {
        "/": 200,
        "/healthz": 200,
        "/metrics": 200,
        "/static/console.css": 200,
        "/static/../routes.py": 404,
        "/static/%2e%2e/routes.py": 404,
        "/alerts/none": 404,
        "/nothing": 404,
        f"/?key={served.key}": 303,
    }
    answers = [(path, status, served.ask(path)) for path, status in asked.items()]
    answers.append(("no key", 401, served.ask("/", key=False)))
    answers.append(("method", 405, served.ask("/", method="POST")))
    answers.append(("host", 421, served.ask("/", Host="evil.example")))
    for path, status, answer in answers:
        assert answer.status == status, path
        assert answer.headers["Content-Security-Policy"] == POLICY, path
        assert answer.headers["X-Content-Type-Options"] == "nosniff", path
        assert answer.headers["Referrer-Policy"] == "no-referrer", path
        assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin", path
        assert answer.headers["Server"] is None, path
        kept = "no-cache" if path.startswith("/static/") else "no-store"
        assert answer.headers["Cache-Control"] == kept, path


def test_a_record_that_cannot_be_read_is_a_plain_page(desk, served):
    with desk.store.writing() as connection:
        metadata.tables["attempt"].drop(connection)
        metadata.tables["delivery"].drop(connection)
    for path in ("/", "/alerts/x"):
        answer = served.ask(path)
        # An alert that is not there is not there, whatever else is broken.
        assert answer.status == (503 if path == "/" else 404)
        assert answer.headers["Content-Security-Policy"] == POLICY
        assert not re.search("Traceback|sqlalchemy|delivery|SELECT", answer.text)
    assert "The record cannot be read" in served.ask("/").text


def test_a_flaw_of_ours_is_a_plain_page(served, capsys):
    @served.console.get("/flawed")
    def flawed():
        raise ValueError("a secret that was at hand")

    answer = served.ask("/flawed")
    assert (answer.status, answer.headers["Content-Security-Policy"]) == (500, POLICY)
    assert "Something went wrong" in answer.text
    assert not re.search("Traceback|ValueError|secret", answer.text)
    assert "console_failed" in "".join(capsys.readouterr()), "the log says why, wherever an earlier test has led it"


@pytest.mark.parametrize("name", ["%00", "a%00b", "%ff", "0" * 23, "0" * 24, "0" * 24 + "%0a", "x" * 9_000])
def test_an_alert_by_any_other_name_is_not_there(desk, served, capsys, name):
    """PostgreSQL refuses a NUL: that was told as a database that does not answer."""
    assert served.ask(f"/alerts/{name}").status == 404
    assert "record_not_read" not in "".join(capsys.readouterr())


@pytest.mark.parametrize("path", ["/", f"/alerts/{'0' * 24}"])
def test_a_flaw_of_ours_while_the_record_is_read_is_not_blamed_on_the_database(served, monkeypatch, path):
    def flawed(*_, **__):
        raise KeyError("ours")

    monkeypatch.setattr(routes, "read_latest", flawed)
    monkeypatch.setattr(routes, "find_alert", flawed)
    answer = served.ask(path)
    assert answer.status == 500 and "Something went wrong" in answer.text


@pytest.mark.parametrize("path", ["/", f"/alerts/{'0' * 24}"])
def test_a_database_that_is_away_is_said(desk, path):
    desk.database_url = "postgresql://reader:hunter2@127.0.0.1:1/nowhere"
    with Served(desk) as served:
        answer = served.ask(path)
    assert answer.status == 503 and "The record cannot be read" in answer.text


@pytest.mark.parametrize("line", [b"GET http://evil.example/ HTTP/1.1", b"GET //evil.example/?key=x HTTP/1.1"])
def test_odd_request_lines_are_refused(served, line):
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=30)
    try:
        connection.connect()
        connection.sock.sendall(line + b"\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        answer = connection.sock.makefile("rb").read()
    finally:
        connection.close()
    assert answer.startswith(b"HTTP/1.1 401 ")


def test_j06_the_role_never_writes_its_key_where_a_log_may_keep_it(desk, tmp_path):
    argv = [sys.executable, "-m", "worker", "console", "--port", "0", "--config", desk.config, "--data", desk.data]
    log = tmp_path / "console.log"
    with log.open("wb") as out:
        role = subprocess.Popen([str(part) for part in argv], env=desk.environ(), stdout=out, stderr=out)
    try:
        found = wait_for(lambda: re.search(r"http://127\.0\.0\.1:(\d+)/ ", log.read_text()), what="the address")
        key = (desk.data / "console.key").read_text().strip()
        wait_for(lambda: ask_port(int(found[1]), "/healthz") == 200, what="the console")
        assert ask_port(int(found[1]), f"/?key={key}") == 303
        assert ask_port(int(found[1]), f"/alerts/{key}?key=wrong") == 401
    finally:
        role.terminate()
        role.wait(20)
    told = log.read_text()
    assert key not in told and "console.key" in told, told
    assert key not in " ".join(map(str, argv))


def ask_port(port, path):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except OSError:
        return None
    finally:
        connection.close()
