"""What is safe to show: invisible characters left out or made visible, one line that stays one."""

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.display import JOINERS, escaped, lines, one_line

ANY = st.text(st.characters() | st.sampled_from("=?\r\n\u202e\u200b\u200c\ud800\x1b\u0301 "))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("  a\r\n\tb\u00a0 c\u3000d ", "a b c d"),
        ("می\u200cخواهم", "می\u200cخواهم"),  # Persian is spelled with a non-joiner
        ("a\u202eb\u2066c\ud800d\ufefff", "abcdf"),
        ("a\x1b[31mb\x00", "a [31mb"),
        ("e\u200b\u0301", "é"),  # composed after the invisible went
        ("\u200b\u202e", ""),
    ],
)
def test_one_line_leaves_out_what_nobody_sees(text, shown):
    assert one_line(text) == shown


def test_one_line_is_cut_with_an_ellipsis():
    assert one_line("x" * 10, 10) == "x" * 10
    assert one_line("abc defgh", 5) == "abc…"


def test_lines_keeps_its_lines():
    assert lines("a\n\u2028b\r\nc") == "a\n b \nc"


@given(ANY, st.integers(1, 20))
def test_h06_h13_display_law(text, limit):
    for shown in (one_line(text), lines(text)):
        shown.encode()
        assert not any(unicodedata.category(ch) in ("Cf", "Cs") for ch in shown if ch not in JOINERS)
    assert one_line(one_line(text)) == one_line(text) and lines(lines(text)) == lines(text)
    assert len(one_line(text, limit)) <= limit and "\n" not in one_line(text)
    assert all(ch.isprintable() or ch in JOINERS for ch in one_line(text) + escaped(text))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain 김정은 é 😀", "plain 김정은 é 😀"),
        ("می‌خواهم", "می‌خواهم"),  # Persian is spelled with a non-joiner
        ("a\x1b[31mb", "a\\x1b[31mb"),
        ("a\r\nb\tc", "a\\r\\nb\\tc"),
        ("\x9b2J\x00", "\\x9b2J\\x00"),
        ("\u202eabc\u2069", "\\u202eabc\\u2069"),
        ("\ud800\U000e0041", "\\ud800\\U000e0041"),
        ("a\u2028b", "a\\u2028b"),
        ("朝日新聞\u3000国際\u00a0x", "朝日新聞 国際 x"),  # spaces, whatever their width
    ],
)
def test_h12_escaped_leaves_letters_and_shows_the_rest(text, shown):
    assert escaped(text) == shown


def test_h02_marks_without_end_on_one_letter_cost_no_time():
    began = time.process_time()
    assert one_line("a" + "\u0315\u0316" * 60_000) == unicodedata.normalize("NFC", "a" + "\u0315\u0316" * 15)
    assert time.process_time() - began < 1.0
