"""Signed links: what was signed is read back, and nothing else is."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import NOW, alert

from worker.links import LONGEST, NO_LINKS, Claim, Deed, Links, Refusal, alert_page, read, sign

KEY, OTHER = b"k" * 32, b"o" * 32
CLAIM = Claim(Deed.ACKNOWLEDGE, "5f0c" * 6, "ana", NOW + timedelta(days=7))
LINKS = Links("https://desk.example", KEY, timedelta(days=7))


@pytest.mark.parametrize("deed", Deed)
@pytest.mark.parametrize("person", ["a", "ana", "ana@desk.example", "안나"])
def test_links_what_was_signed_is_read(deed, person):
    claim = replace(CLAIM, deed=deed, person=person)
    token = sign(KEY, claim)
    assert read([KEY], token, now=NOW) == claim
    assert re.fullmatch(r"[A-Za-z0-9_-]*[A-Za-z0-9]", token), "an address that no mail program cuts"
    assert len(token) < 150


def test_links_are_good_with_either_of_two_keys_and_no_third():
    token = sign(KEY, CLAIM)
    assert read([OTHER, KEY], token, now=NOW) == CLAIM
    assert read([OTHER], token, now=NOW) is Refusal.FORGED
    assert read([], token, now=NOW) is Refusal.FORGED


def test_links_end_at_their_time_and_not_before():
    token = sign(KEY, CLAIM)
    assert read([KEY], token, now=CLAIM.expires - timedelta(seconds=1)) == CLAIM
    assert read([KEY], token, now=CLAIM.expires) is Refusal.EXPIRED
    assert read([OTHER], token, now=CLAIM.expires) is Refusal.FORGED, "a stranger's is not told to be old"


def test_links_no_letter_can_be_changed_added_or_left_out():
    for person in ("a", "an", "ana"):
        token = sign(KEY, replace(CLAIM, person=person))
        others = [token[:at] + letter + token[at + 1 :] for at in range(len(token)) for letter in "AZ-9"]
        others += [token + letter for letter in "AZ-="] + [token[:-1], token[1:]]
        assert {read([KEY], other, now=NOW) for other in others if other != token} == {Refusal.FORGED}


def test_links_cannot_be_made_of_two():
    one, two = sign(KEY, CLAIM), sign(KEY, replace(CLAIM, deed=Deed.SILENCE_RULE))
    assert read([KEY], one[:23] + two[23:], now=NOW) is Refusal.FORGED


@given(st.text() | st.text(alphabet="1AZaz09-_", min_size=20, max_size=80).map("1".__add__))
def test_links_whatever_a_stranger_writes_is_forged(token):
    assert read([KEY], token, now=NOW) is Refusal.FORGED


def test_links_a_token_without_end_is_not_even_looked_at():
    assert read([KEY], sign(KEY, CLAIM) + "A" * LONGEST, now=NOW) is Refusal.FORGED


def test_links_lead_to_the_public_address_and_say_what_they_do():
    found = LINKS.actions_for(alert(), "ana", now=NOW)
    assert [one.words for one in found] == ["Acknowledge", "Silence this story for 24 h", "Silence this rule for 24 h"]
    for one, deed in zip(found, (Deed.ACKNOWLEDGE, Deed.SILENCE_STORY, Deed.SILENCE_RULE), strict=True):
        assert one.url.startswith("https://desk.example/do/1")
        assert read([KEY], one.url.rpartition("/")[2], now=NOW) == Claim(deed, alert().alert_id, "ana", CLAIM.expires)
    assert len({one.url for one in found}) == 3
    view = LINKS.address(Deed.VIEW, alert(), "ana", now=NOW)
    assert read([KEY], view.rpartition("/")[2], now=NOW).deed is Deed.VIEW


def test_links_without_a_public_address_are_commands():
    found = NO_LINKS.actions_for(alert(), "ana", now=NOW)
    assert [(one.url, one.command) for one in found] == [
        ("", "wirewatch alerts ack q7Xb2Zc9 --as ana"),
        ("", "wirewatch alerts silence --story s4Tr --for 24h --as ana"),
        ("", "wirewatch alerts silence --rule dprk-russia-arms --for 24h --as ana"),
    ]
    assert NO_LINKS.address(Deed.VIEW, alert(), "ana", now=NOW) == alert_page("", "a1") == ""
    assert alert_page("https://desk.example", "a1") == "https://desk.example/alerts/a1"


def test_links_commands_name_nobody_who_is_not_in_people_yaml():
    command = NO_LINKS.actions_for(alert(), "ana`id`$x@desk.example", now=NOW)[0].command
    assert command == "wirewatch alerts ack q7Xb2Zc9"


def test_j06_links_show_no_key():
    assert "kkkk" not in repr(LINKS)
    assert KEY.decode() not in LINKS.address(Deed.VIEW, alert(), "ana", now=NOW)
