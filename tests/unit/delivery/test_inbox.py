"""The inbox: whole files under safe names, found again by a second attempt."""

import json
import os
import threading

import pytest
import receivers
from hypothesis import given
from hypothesis import strategies as st
from samples import NOW, alert, article

from worker.delivery.inbox import Inbox, slug, write_whole
from worker.errors import DeliveryError, DeliveryReason


@pytest.fixture
def inbox(tmp_path):
    return Inbox("inbox", tmp_path, "desk", "Asia/Seoul")


def send(inbox, content):
    message = inbox.render(content, recipient="desk", now=NOW)
    return receivers.send(inbox, message)


def names(inbox):
    return sorted(path.name for path in (inbox.root / "desk").iterdir())


def test_inbox_writes_text_and_html(inbox):
    receipt = send(inbox, alert())
    text, markup = (inbox.root / "desk" / name for name in reversed(names(inbox)))
    assert receipt == str(text)
    assert "14:05 Asia/Seoul" in text.read_text()
    assert markup.read_text().startswith("<!doctype html>")
    assert text.name.startswith("20231108T050500Z-high-kim-jong-un-inspects-a-shipyard")


def test_inbox_a_slow_disk_holds_up_no_other_channel(inbox, monkeypatch):
    threads = []
    monkeypatch.setattr(Inbox, "_write", lambda *_: threads.append(threading.current_thread()))
    send(inbox, alert())
    assert threads != [threading.current_thread()]


def test_inbox_second_attempt_writes_the_same_files(inbox):
    assert send(inbox, alert()) == send(inbox, alert())
    assert len(names(inbox)) == 2


def test_inbox_alerts_of_one_second_and_title_keep_apart(inbox):
    send(inbox, alert())
    send(inbox, alert(alert_id="another"))
    send(inbox, alert(revision=2))
    assert len(names(inbox)) == 6


def test_inbox_folder_is_for_its_owner_only(inbox):
    send(inbox, alert())
    assert (inbox.root / "desk").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("[High] Kim Jong Un: a shipyard", "high-kim-jong-un-a-shipyard"),
        ("../../etc/passwd", "etc-passwd"),
        ("C:\\CON.html", "c-con-html"),
        ("a\x00b\r\nc\u202ed", "a-b-c-d"),
        ("김정은, 러시아에", "김정은-러시아에"),
        ("__ _ __", "alert"),
        ("…", "alert"),
        ("", "alert"),
        ("x" * 500, "x" * 60),
        ("북" * 500, "북" * 40),  # file systems count bytes
        ("\ud800", "alert"),
    ],
)
def test_slug_is_safe_in_a_file_name(text, name):
    assert slug(text) == name


@given(st.text(st.characters(), max_size=200))
def test_slug_law(text):
    found = slug(text)
    assert found
    assert len(found.encode()) <= 120
    assert all(c.isalnum() or c == "-" for c in found)
    assert slug(found) == found or not found.isascii()


def test_h06_inbox_stays_in_its_folder_whatever_the_headline(inbox):
    send(inbox, alert(article(title="../../../tmp/x\r\n\x00" + "북" * 1_000)))
    assert sorted(path.name for path in inbox.root.iterdir()) == ["desk"]
    assert len(names(inbox)) == 2


def test_inbox_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "alert.txt"
    write_whole(path, "whole")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_whole(path, "half")
    assert [one.name for one in tmp_path.iterdir()] == ["alert.txt"]
    assert path.read_text() == "whole"


def test_c05_inbox_on_a_full_disk_is_tried_again(inbox, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DeliveryError) as raised:
        send(inbox, alert())
    assert (raised.value.reason, raised.value.permanent) == (DeliveryReason.INTERNAL, False)
    assert raised.value.detail == "desk: No space left on device"


def test_inbox_operator_message_is_two_files_too(inbox):
    message = inbox.render_operator("Feed stopped: a", ["It answered 410."], recipient="desk", message_id="m", now=NOW)
    receivers.send(inbox, message)
    assert len(names(inbox)) == 2
    assert json.loads(message.body)["text"].startswith("It answered 410.\n")
