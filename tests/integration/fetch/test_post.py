"""The one POST, of webhooks."""

import asyncio
import time

import pytest
from scripted import drip, flood, http, moved

from worker import net
from worker.errors import FetchError


def post(origin, path, **options):
    async def go():
        policy = origin.policy()
        async with net.open_session(policy, use="webhook", user_agent="W/0") as session:
            headers = {"Content-Type": "application/json", "webhook-id": "m1"}
            return await net.post(session, origin.url + path, body=b"{}", headers=headers, policy=policy, **options)

    return asyncio.run(go())


def test_post_brings_status_headers_and_body(origin):
    origin.routes["/"] = http(202, b"X-Id: 7", body=b"taken")
    answer = post(origin, "/")
    assert (answer.status, answer.headers["X-Id"], answer.body) == (202, "7", b"taken")
    assert origin.headers()["webhook-id"] == b"m1" and origin.requests[0].startswith(b"POST / ")


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_e04_post_follows_no_redirect(origin, status):
    origin.routes["/"] = moved(status, "/elsewhere")
    assert post(origin, "/").status == status
    assert len(origin.requests) == 1


def test_e08_post_reads_64_kib_at_most(origin):
    origin.routes["/"] = flood
    assert len(post(origin, "/").body) == 64 * 1024


def test_e08_post_a_dripping_yes_is_a_yes(origin):
    origin.routes["/"] = drip
    started = time.monotonic()
    assert post(origin, "/", deadline=0.5).status == 200
    assert time.monotonic() - started < 5


def test_e08_post_ends_at_its_deadline(origin):
    origin.routes["/"] = lambda connection: time.sleep(2)
    with pytest.raises(FetchError, match="timeout"):
        post(origin, "/", deadline=0.3)
