"""The demo's publisher and catchers over real sockets, and the sample through the real fetcher and parser."""

import base64
import json
import smtplib
import urllib.error
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from worker.config.load import load_config
from worker.demo.catchers import MailCatcher, WebhookCatcher
from worker.demo.desk import DemoWorld
from worker.demo.origin import Origin
from worker.demo.sample import load_sample
from worker.errors import FeedParseError
from worker.feeds.fetch import Fetcher
from worker.feeds.parse import Parser
from worker.guard import Allow, HostPolicy, NetworkPolicy
from worker.model import Fetched, FetchRequest, NotModified, Validators

EXAMPLE = Path(__file__).parents[2] / "config"
SECRET = "whsec_" + base64.b64encode(b"a secret for the tests only").decode()
BODY = {"type": "alert.raised", "data": {"alert": {"rule": "korea-talks"}}}


def policy_for(port):
    import ipaddress

    allow = Allow(ipaddress.ip_network("127.0.0.1/32"), frozenset({port}), frozenset({"feed"}))
    host = HostPolicy(interval_floor=1, spacing=0, concurrent=50, ignore_hints=True)
    return NetworkPolicy(allow=(allow,), hosts={"127.0.0.1": host})


def poll(fetcher, origin, validators):
    """One round over all feeds: feed id -> outcome."""
    requests = [FetchRequest(feed.id, f"{origin.url}/{feed.id}.xml", validators[feed.id]) for feed in origin.feeds]
    return {result.request.feed_id: result.outcome for group in fetcher.fetch_all(requests) for result in group}


def run_through(origin, fetcher, parser):
    """Polls until the origin is done: ({(feed, guid): titles seen}, refused documents, rounds)."""
    validators = {feed.id: Validators() for feed in origin.feeds}
    stored, refused = {}, []
    for rounds in range(1, 40):
        for feed_id, outcome in poll(fetcher, origin, validators).items():
            if isinstance(outcome, NotModified):
                continue
            assert isinstance(outcome, Fetched), (feed_id, outcome)
            try:
                parsed = parser.parse(
                    outcome.body, content_type=outcome.content_type, url=outcome.final_url, now=datetime.now(UTC)
                )
            except FeedParseError as error:
                refused.append((feed_id, error.reason))
                continue
            validators[feed_id] = outcome.validators
            for entry in parsed.entries:
                stored.setdefault((feed_id, entry.guid), set()).add(entry.title)
        if origin.done.is_set():
            return stored, refused, rounds
    raise AssertionError(f"not done after {rounds} rounds: {origin.requests} requests")


@pytest.fixture
def parser():
    parser = Parser()
    yield parser
    parser.close()


def test_demo_sample_arrives_whole_through_fetcher_and_parser(parser):
    with Origin(load_sample(), pace=0) as origin:
        fetcher = Fetcher(policy_for(origin.port), user_agent="wirewatch-test/0 (+test@wirewatch.example)")
        stored, refused, _ = run_through(origin, fetcher, parser)
        assert set(stored) == set(origin.truth())
        assert [feed_id for feed_id, _ in refused] == ["peninsula-desk", "peninsula-desk"]
        assert sum(len(titles) == 2 for titles in stored.values()) == 4  # the edited headlines


def test_demo_dates_are_fresh_and_in_the_past(parser):
    with Origin(load_sample(), pace=0) as origin:
        fetcher = Fetcher(policy_for(origin.port), user_agent="wirewatch-test/0 (+test@wirewatch.example)")
        now = datetime.now(UTC)
        for outcome in poll(fetcher, origin, {feed.id: Validators() for feed in origin.feeds}).values():
            parsed = parser.parse(outcome.body, content_type=outcome.content_type, url=outcome.final_url, now=now)
            ages = [(now - entry.published).total_seconds() for entry in parsed.entries]
            assert all(-60 < age < 6 * 3600 for age in ages)


def send_mail(port, subject):
    with smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
        head = f"From: desk@wirewatch.example\r\nTo: ana@desk.example\r\nSubject: {subject}\r\n"
        client.sendmail("desk@wirewatch.example", ["ana@desk.example"], f"{head}\r\nOne line.\r\n".encode())


def test_mail_catcher_keeps_each_mail_as_a_file(tmp_path):
    told = []
    with MailCatcher(tmp_path, tell=told.append) as catcher:
        send_mail(catcher.port, "[high] A first/../alert")
        send_mail(catcher.port, "=?utf-8?b?6rmA7KCV7J2A?=")
    first, second = sorted((tmp_path / "mail").glob("*.eml"), key=lambda path: path.name.split("-")[1])
    assert first.name.endswith("high-a-first-alert.eml") and second.name.endswith("김정은.eml")
    assert b"One line.\r\n" in first.read_bytes()
    assert len(list((tmp_path / "mail").iterdir())) == 2
    assert [(one.inbox, one.recipient, one.subject) for one in told] == [
        ("mail", "ana@desk.example", "[high] A first/../alert"),
        ("mail", "ana@desk.example", "김정은"),
    ]


def post(url, body, headers):
    request = urllib.request.Request(url, data=body, headers=headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def signed(body, *, secret=SECRET, at=None):
    at = at or datetime.now(UTC)
    return {
        "webhook-id": "msg-1",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign("msg-1", at, body.decode()),
        "content-type": "application/json",
    }


def test_webhook_catcher_keeps_what_is_signed_and_refuses_the_rest(tmp_path):
    body = json.dumps(BODY).encode()
    other = "whsec_" + base64.b64encode(b"somebody else's secret").decode()
    told = []
    with WebhookCatcher(tmp_path, secret=SECRET, tell=told.append) as catcher:
        assert post(catcher.url, body, signed(body)) == 204
        assert post(catcher.url, body, signed(body, secret=other)) == 401
        assert post(catcher.url, body + b" ", signed(body)) == 401
        assert post(catcher.url, body, {"webhook-id": "x", "webhook-timestamp": "1", "webhook-signature": "v1"}) == 401
        assert post(catcher.url, body, {}) == 401
        notice = json.dumps({"type": "notice", "data": {"subject": "A silence has ended", "lines": []}}).encode()
        assert post(catcher.url, notice, signed(notice)) == 204
        assert catcher.refused == 4
    assert [(one.recipient, one.good) for one in told] == [
        ("alert.raised", True), *[("", False)] * 4, ("notice", True),
    ]  # fmt: skip
    path, _ = sorted((tmp_path / "webhooks").iterdir())
    assert path.read_bytes() == body and "alert-raised-korea-talks" in path.name


def test_webhook_catcher_reads_no_huge_body(tmp_path):
    with WebhookCatcher(tmp_path, secret=SECRET) as catcher:
        assert post(catcher.url, b"{}", {"Content-Length": "99999999"}) == 413


def test_demo_world_stands_up_and_goes_away_twice(tmp_path):
    secrets = []
    for _ in range(2):
        with DemoWorld(tmp_path / "demo", example=EXAMPLE, pace=0) as world:
            config = load_config(world.config_folder, environ={})
            assert {feed.url for feed in config.feeds} == {f"{world.origin.url}/{feed.id}.xml" for feed in world.feeds}
            send_mail(world.mail.port, "hello")
            secrets.append(world.secret_file.read_text())
    assert secrets[0] == secrets[1]
    assert world.secret_file.stat().st_mode & 0o077 == 0
    assert len(list((tmp_path / "demo" / "mail").iterdir())) == 2
