"""Webhooks without a network: signatures, what each status means, Retry-After, and what is never shown."""

import base64
from datetime import UTC, datetime, timedelta, timezone

import pytest
from samples import NOW, alert
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

from worker.config.values import Secret
from worker.delivery.webhook import Webhook
from worker.errors import DeliveryError, DeliveryReason
from worker.guard import NetworkPolicy
from worker.model import Message

SECRET = "whsec_" + base64.b64encode(b"a secret for the tests only").decode()
URL = "https://hooks.example/in?token=canary-token"


def channel(**changes):
    options = dict(id="hook", url=URL, secret=Secret(SECRET), policy=NetworkPolicy())
    return Webhook(**options | changes)


def test_e01_webhook_signature_matches_the_published_example():
    """The example of the Standard Webhooks specification."""
    message = Message("msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}', "hooks.example")
    headers = channel(secret=Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")).sign(
        message, now=datetime.fromtimestamp(1614265330, UTC)
    )
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_e01_webhook_signature_verifies_with_the_official_library():
    now = datetime.now(UTC)  # the library refuses a timestamp that is minutes off
    message = channel().render(alert(), recipient="hooks.example", now=now)
    for zone in (UTC, timezone(timedelta(hours=9))):
        headers = channel().sign(message, now=now.astimezone(zone))
        assert Verifier(SECRET).verify(message.body, headers)["type"] == "alert.raised"
    with pytest.raises(WebhookVerificationError):
        Verifier(SECRET).verify(message.body + b" ", headers)


def test_e07_while_a_secret_is_changed_both_sign_and_afterwards_the_new_one_alone():
    now = datetime.now(UTC)
    old = "whsec_" + base64.b64encode(b"the secret that is to go").decode()
    message = channel().render(alert(), recipient="hooks.example", now=now)
    both = channel(previous_secret=Secret(old)).sign(message, now=now)
    new = channel().sign(message, now=now)
    first, second = both["webhook-signature"].split(" ")
    assert first == new["webhook-signature"] and second.startswith("v1,") and second != first
    for secret in (SECRET, old):
        assert Verifier(secret).verify(message.body, both)["type"] == "alert.raised"
    assert Verifier(SECRET).verify(message.body, new)
    with pytest.raises(WebhookVerificationError):
        Verifier(old).verify(message.body, new)


def test_a06_webhook_attempts_differ_only_in_timestamp_and_signature():
    message = channel().render(alert(), recipient="hooks.example", now=NOW)
    first, second = (channel().sign(message, now=NOW + timedelta(seconds=n)) for n in (0, 300))
    assert first["webhook-id"] == second["webhook-id"] == message.message_id
    assert first["webhook-timestamp"] != second["webhook-timestamp"]
    assert first["webhook-signature"] != second["webhook-signature"]


def test_webhook_ids_differ_by_alert_revision_and_channel():
    ids = {
        one.render(alert(alert_id=name, revision=n), recipient="hooks.example", now=NOW).message_id
        for one in (channel(), channel(id="other"))
        for name in ("a", "b")
        for n in (1, 2)
    }
    assert len(ids) == 8


@pytest.mark.parametrize(
    ("status", "reason", "permanent"),
    [
        (301, DeliveryReason.REDIRECTED, False),
        (302, DeliveryReason.REDIRECTED, False),
        (304, DeliveryReason.REDIRECTED, False),
        (308, DeliveryReason.REDIRECTED, False),
        (400, DeliveryReason.REJECTED, False),  # somebody may mend the receiver: only 410 is for good
        (401, DeliveryReason.REJECTED, False),
        (404, DeliveryReason.REJECTED, False),
        (408, DeliveryReason.TEMPORARY, False),
        (410, DeliveryReason.GONE, True),
        (429, DeliveryReason.TEMPORARY, False),
        (500, DeliveryReason.TEMPORARY, False),
        (502, DeliveryReason.TEMPORARY, False),
        (503, DeliveryReason.TEMPORARY, False),
    ],
)
def test_e05_webhook_status_decides(status, reason, permanent):
    with pytest.raises(DeliveryError) as raised:
        channel()._judge(status, {}, "hooks.example", now=NOW)
    assert (raised.value.reason, raised.value.permanent) == (reason, permanent)
    assert str(status) in raised.value.detail


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_webhook_status_2xx_is_a_receipt(status):
    assert channel()._judge(status, {}, "hooks.example", now=NOW) == f"HTTP {status}"


@pytest.mark.parametrize(
    ("status", "value", "seconds"),
    [
        (429, "120", 120),
        (503, "120", 120),
        (503, "Wed, 08 Nov 2023 05:07:00 GMT", 120),  # the date form
        (429, "", None),
        (500, "120", None),  # no promise there
        (400, "120", None),
    ],
)
def test_e03_webhook_passes_on_what_the_receiver_asked(status, value, seconds):
    with pytest.raises(DeliveryError) as raised:
        channel()._judge(status, {"Retry-After": value}, "hooks.example", now=NOW)
    assert raised.value.retry_after == seconds


def test_j06_webhook_shows_neither_secret_nor_token():
    shown = f"{channel()!r} {channel()} {channel().recipients()} {channel(secret=SECRET, previous_secret=SECRET)!r}"
    assert "canary" not in shown
    assert SECRET not in shown
    assert SECRET.removeprefix("whsec_") not in shown
    assert channel().recipients() == ("hooks.example",)


@pytest.mark.parametrize("secret", [Secret("whsec_!"), Secret(""), Secret("unset"), "plain text", None])
def test_j06_webhook_with_a_bad_secret_fails_its_delivery_without_showing_it(secret):
    with pytest.raises(DeliveryError) as raised:
        channel(secret=secret).sign(Message("m", b"{}", "r"), now=NOW)
    assert raised.value.reason is DeliveryReason.AUTH
    assert "plain text" not in str(raised.value)


def test_webhook_with_a_broken_address_disturbs_no_other_channel():
    broken = channel(url="https://[broken")
    assert broken.recipients() == ("hook",)
    assert broken.render(alert(), recipient="hook", now=NOW).body
