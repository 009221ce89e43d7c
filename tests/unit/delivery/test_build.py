"""Channels from a configuration: which there are, who is told, and by which clock."""

import base64

import pytest

from worker.config.schema import Config, EmailChannel, InboxChannel, Person, Settings, WebhookChannel
from worker.config.values import Secret
from worker.delivery.build import build_channels
from worker.delivery.email import in_ascii
from worker.guard import NetworkPolicy

SECRET = "whsec_" + base64.b64encode(b"a secret for the tests only").decode()
ANA = Person(id="ana", name="Ana", address="ana@desk.example", time_zone="Asia/Seoul")
MAIL = EmailChannel(
    id="mail", kind="email", host="smtp.example", sender="w@desk.example", username="w", password=Secret("canary-word"),
    to=("ana", "bo@desk.example"),
)  # fmt: skip
HOOK = WebhookChannel(id="hook", kind="webhook", url="https://hooks.example/canary-path", secret=Secret(SECRET))
INBOX = InboxChannel(id="operator", kind="inbox", folder="for-the-operator")


def built(tmp_path, *channels, people=(ANA,)):
    settings = Settings(contact="mailto:desk@desk.example", time_zone="Europe/Berlin")
    config = Config(channels=channels, people=people, settings=settings)
    return build_channels(config, policy=NetworkPolicy(), inbox_root=tmp_path)


def test_build_makes_every_enabled_channel_in_order(tmp_path):
    off = InboxChannel(id="off", kind="inbox", enabled=False)
    found = built(tmp_path, HOOK, off, MAIL, INBOX)
    assert [(name, one.id, one.kind) for name, one in found.items()] == [
        ("hook", "hook", "webhook"),
        ("mail", "mail", "email"),
        ("operator", "operator", "inbox"),
    ]


def test_build_tells_people_by_their_own_clock_and_others_by_the_desks(tmp_path):
    mail = built(tmp_path, MAIL)["mail"]
    assert mail.zones == {"ana@desk.example": "Asia/Seoul", "bo@desk.example": "Europe/Berlin"}
    assert mail.recipients() == ("ana@desk.example", "bo@desk.example")
    assert built(tmp_path, INBOX)["operator"].time_zone == "Europe/Berlin"


def test_build_tells_one_address_once(tmp_path):
    twice = MAIL.model_copy(update={"to": ("ana", "ana@desk.example")})
    assert built(tmp_path, twice)["mail"].recipients() == ("ana@desk.example",)


def test_build_names_each_recipient_safely(tmp_path):
    found = built(tmp_path, HOOK, INBOX)
    assert found["hook"].recipients() == ("hooks.example",)
    assert found["operator"].recipients() == ("for-the-operator",)


def test_j06_build_shows_no_secret(tmp_path):
    shown = repr(built(tmp_path, HOOK, MAIL, INBOX))
    assert "canary" not in shown
    assert SECRET.removeprefix("whsec_") not in shown
    assert "smtp.example" in shown


@pytest.mark.parametrize(
    ("address", "ascii_address"),
    [
        ("ana@desk.example", "ana@desk.example"),
        ("ana@büro.example", "ana@xn--bro-hoa.example"),
        ("ana@데스크.example", "ana@xn--2n1b910aomk.example"),
        ("ana@a..b", "ana@a..b"),  # no name in DNS: the server shall say so
    ],
)
def test_in_ascii_writes_the_domain_as_dns_has_it(address, ascii_address):
    assert in_ascii(address) == ascii_address
