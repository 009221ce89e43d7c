"""Channels from a configuration: which there are, who is told, and by which clock."""

import base64
import email
import email.policy
import re
from datetime import timedelta

import pytest
from samples import NOW, alert

from worker.config.schema import (
    Config,
    EmailChannel,
    FeedChannel,
    InboxChannel,
    Person,
    Settings,
    StdoutChannel,
    WebhookChannel,
)
from worker.config.values import Secret
from worker.delivery.build import build_channels
from worker.delivery.email import in_ascii
from worker.guard import NetworkPolicy
from worker.links import NO_LINKS, Claim, Deed, Links, read

SECRET = "whsec_" + base64.b64encode(b"a secret for the tests only").decode()
ANA = Person(id="ana", name="Ana", address="ana@desk.example", time_zone="Asia/Seoul")
MAIL = EmailChannel(
    id="mail", kind="email", host="smtp.example", sender="w@desk.example", username="w", password=Secret("canary-word"),
    to=("ana", "bo@desk.example"),
)  # fmt: skip
HOOK = WebhookChannel(id="hook", kind="webhook", url="https://hooks.example/canary-path", secret=Secret(SECRET))
OUT = StdoutChannel(id="out", kind="stdout", format="json")
FEED = FeedChannel(id="readers", kind="feed", key=Secret("canary-of-the-feed"))
INBOX = InboxChannel(id="operator", kind="inbox", folder="for-the-operator")


def built(tmp_path, *channels, people=(ANA,), links=NO_LINKS):
    settings = Settings(contact="mailto:desk@desk.example", time_zone="Europe/Berlin")
    config = Config(channels=channels, people=people, settings=settings)
    return build_channels(config, policy=NetworkPolicy(), inbox_root=tmp_path, links=links)


def test_build_makes_every_enabled_channel_in_order(tmp_path):
    off = InboxChannel(id="off", kind="inbox", enabled=False)
    found = built(tmp_path, HOOK, off, MAIL, OUT, FEED, INBOX)
    assert [(name, one.id, one.kind) for name, one in found.items()] == [
        ("hook", "hook", "webhook"),
        ("mail", "mail", "email"),
        ("out", "out", "stdout"),
        ("readers", "readers", "feed"),
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
    links = Links("https://desk.example", b"canary of the links", timedelta(days=7))
    shown = repr(built(tmp_path, HOOK, MAIL, FEED, INBOX, links=links))
    assert "canary" not in shown
    assert SECRET.removeprefix("whsec_") not in shown
    assert "smtp.example" in shown


@pytest.mark.parametrize(
    ("address", "ascii_address"),
    [
        ("ana@desk.example", "ana@desk.example"),
        ("ana@büro.example", "ana@xn--bro-hoa.example"),
        ("ana@데스크.example", "ana@xn--2n1b910aomk.example"),
        ("ana@straße.example", "ana@xn--strae-oqa.example"),  # by the rules of 2003, strasse.example
        ("ana@a..b", "ana@a..b"),  # no name in DNS: the server shall say so
    ],
)
def test_in_ascii_writes_the_domain_as_dns_has_it(address, ascii_address):
    assert in_ascii(address) == ascii_address


def plain_part(message):
    parsed = email.message_from_bytes(message.body, policy=email.policy.default)
    return parsed.get_body(("plain",)).get_content()


def test_build_each_recipients_mail_has_links_in_their_own_name(tmp_path):
    key = b"k" * 32
    mail = built(tmp_path, MAIL, links=Links("https://desk.example", key, timedelta(days=7)))["mail"]
    for address, who in (("ana@desk.example", "ana"), ("bo@desk.example", "bo@desk.example")):
        text = plain_part(mail.render(alert(), recipient=address, now=NOW))
        claims = [read([key], token, now=NOW) for token in re.findall(r"https://desk\.example/do/(\S+)", text)]
        assert {one.deed for one in claims} == set(Deed)
        assert {one.person for one in claims} == {who}
        assert all(one == Claim(one.deed, "q7Xb2Zc9", who, NOW + timedelta(days=7)) for one in claims)
        assert "/alerts/" not in text, "the console's own page wants its key"


def test_build_without_a_public_address_a_mail_has_commands(tmp_path):
    text = plain_part(built(tmp_path, MAIL)["mail"].render(alert(url=""), recipient="ana@desk.example", now=NOW))
    assert "wirewatch alerts ack q7Xb2Zc9 --as ana" in text and "/do/" not in text
