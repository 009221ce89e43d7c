"""Dates as feeds write them: each form that is read, each that is not, and what no article's date can be."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.feeds.datenames import MONTHS, OFFSETS
from worker.feeds.dates import AHEAD, EARLIEST, published_at, read_date, within_reason, zone_of

NOW = datetime(2026, 8, 13, 12, 0, tzinfo=UTC)


def at(*parts):
    return datetime(*parts, tzinfo=UTC)


SEOUL = at(2022, 7, 27, 19, 35, 5)  # 04:35:05 there, the day after


@pytest.mark.parametrize(
    ("raw", "moment"),
    [
        # RFC 822 and 2822, and their errors
        ("Thu, 28 Jul 2022 04:35:05 +0900", SEOUL),
        ("Thu, 28 Jul 2022 04:35:05 GMT", at(2022, 7, 28, 4, 35, 5)),
        ("28 Jul 2022 04:35 Z", at(2022, 7, 28, 4, 35)),
        ("Thu,28 Jul 2022 4:35:5 GMT+9", SEOUL),  # no space, single digits, a zone of its own kind
        ("Thu, 28 Jul 2022 04:35:05 UTC+09:00", SEOUL),
        ("Thu, 28 Jul 2022 04:35:05 +9", SEOUL),
        ("Thu, 28 Jul 2022 04:35:05 +900", SEOUL),
        ("Thu, 28 Jul 2022 04:35:05 +0900 (KST)", SEOUL),
        ("Thu Jul 28 2022 04:35:05 GMT+0900 (Korean Standard Time)", SEOUL),  # JavaScript's
        ("Thu Jul 28 04:35:05 KST 2022", SEOUL),  # Java's
        ("Thu Jul 28 04:35:05 2022", at(2022, 7, 28, 4, 35, 5)),  # C's
        ("Thu, 28 July 2022 04:35:05 GMT", at(2022, 7, 28, 4, 35, 5)),
        ("Thursday, July 28, 2022 - 4:35 pm", at(2022, 7, 28, 16, 35)),
        ("July 28th, 2022 12:35 a.m.", at(2022, 7, 28, 0, 35)),
        ("28-Jul-2022 04:35", at(2022, 7, 28, 4, 35)),
        ("Mon, 13 Aug 2026 04:04:22 +0000", at(2026, 8, 13, 4, 4, 22)),  # it was a Thursday
        ("Thu, 13 Aug 2026 04:04:60 +0000", at(2026, 8, 13, 4, 5)),
        ("Thu, 13 Aug 2026 24:00:00 +0000", at(2026, 8, 14)),
        ("02 Jan 24 10:00 GMT", at(2024, 1, 2, 10)),
        ("02 Jan 99 10:00 GMT", at(1999, 1, 2, 10)),
        ("Thu, 28 Jul 2022", at(2022, 7, 28)),
        ("Thu, 28 Jul 2022 00:05:05 -0000", at(2022, 7, 28, 0, 5, 5)),
        ("\n Thu, 28 Jul\u00a02022 04:35:05 −0300 ", at(2022, 7, 28, 7, 35, 5)),  # a minus sign, a hard space
        # zones by name
        ("Wed, 5 Nov 2025 22:21:32 EST", at(2025, 11, 6, 3, 21, 32)),
        ("Wed, 5 Nov 2025 22:21:32 edt", at(2025, 11, 6, 2, 21, 32)),
        ("Wed, 5 Nov 2025 22:21:32 PST", at(2025, 11, 6, 6, 21, 32)),
        ("Sat, 5 Jul 2025 22:21:32 ET", at(2025, 7, 6, 2, 21, 32)),  # in summer time, by the date
        ("Wed, 5 Nov 2025 22:21:32 ET", at(2025, 11, 6, 3, 21, 32)),
        ("Sun, 17 Oct 2021 14:06:48 BST", at(2021, 10, 17, 13, 6, 48)),
        ("Sun, 17 Oct 2021 14:06:48 CEST", at(2021, 10, 17, 12, 6, 48)),
        ("Sun, 17 Oct 2021 14:06:48 CET", at(2021, 10, 17, 13, 6, 48)),
        ("Sun, 17 Oct 2021 14:06:48 MSK", at(2021, 10, 17, 11, 6, 48)),
        ("Sun, 17 Oct 2021 14:06:48 JST", at(2021, 10, 17, 5, 6, 48)),
        ("Thu, 28 Jul 2022 04:35:05 KST", SEOUL),
        ("Sun, 17 Oct 2021 14:06:48 IST", at(2021, 10, 17, 8, 36, 48)),
        ("Thu, 13 Aug 2026 07:34:22 +0330", at(2026, 8, 13, 4, 4, 22)),
        # ISO 8601 and its neighbours
        ("2022-07-28T04:35:05Z", at(2022, 7, 28, 4, 35, 5)),
        ("2022-07-28T04:35:05.123456+09:00", SEOUL),
        ("2022-07-28T04:35:05,1+09", SEOUL),
        ("2022-07-28T04:35:05+0900", SEOUL),
        ("2022-07-28 04:35:05 +0900", SEOUL),
        ("2022-07-28T04:35+09:00", at(2022, 7, 27, 19, 35)),
        ("2022-07-28T043505Z", at(2022, 7, 28, 4, 35, 5)),
        ("20220728T043505Z", at(2022, 7, 28, 4, 35, 5)),
        ("20220728043505", at(2022, 7, 28, 4, 35, 5)),
        ("202207280435", at(2022, 7, 28, 4, 35)),
        ("20220728", at(2022, 7, 28)),
        ("2022-07-28", at(2022, 7, 28)),
        ("2022-07-28+09:00", at(2022, 7, 27, 15)),
        ("2022/7/28 04:35", at(2022, 7, 28, 4, 35)),
        ("2022-07-28 04:35:05", at(2022, 7, 28, 4, 35, 5)),
        # Korean, Japanese, Chinese
        ("2022년 7월 28일 (목) 04:35", at(2022, 7, 28, 4, 35)),
        ("2022-07-28 오전 4:35:05", at(2022, 7, 28, 4, 35, 5)),
        ("2022-07-28 오후 12:05", at(2022, 7, 28, 12, 5)),
        ("2022. 7. 28. 오후 4:35", at(2022, 7, 28, 16, 35)),
        ("2024.8.4.", at(2024, 8, 4)),
        ("2022年7月28日 16:35", at(2022, 7, 28, 16, 35)),
        ("２０２２-０７-２８ 04:35", at(2022, 7, 28, 4, 35)),  # full width
        # seconds and milliseconds since 1970
        ("1724716800", at(2024, 8, 27)),
        ("1724716800.5", at(2024, 8, 27)),
        ("1724716800000", at(2024, 8, 27)),
        ("946684800", at(2000, 1, 1)),
        ("999999999999", at(2001, 9, 9, 1, 46, 39, 999_000)),
        # other languages
        ("Seg, 24 Set 2018 19:42:40 -0300", at(2018, 9, 24, 22, 42, 40)),
        ("Mar, 28 mar 2022 04:35:05 +0000", at(2022, 3, 28, 4, 35, 5)),  # a Tuesday, in Spanish
        ("28 de julio de 2022 04:35", at(2022, 7, 28, 4, 35)),
        ("jeu., 28 juil. 2022 04:35:05 +0200", at(2022, 7, 28, 2, 35, 5)),
        ("1er août 2022 04:35", at(2022, 8, 1, 4, 35)),
        ("Do, 28. März 2022 04:35 Uhr", at(2022, 3, 28, 4, 35)),
        ("Чт, 28 июля 2022 04:35:05 +0300", at(2022, 7, 28, 1, 35, 5)),
        ("Pt, 28 paź 2022 04:35:05 +0200", at(2022, 10, 28, 2, 35, 5)),
        ("28 Ağustos 2022 04:35", at(2022, 8, 28, 4, 35)),
        ("28 Μαΐου 2022 04:35", at(2022, 5, 28, 4, 35)),
        ("٢٨ يوليو ٢٠٢٢ ٠٤:٣٥", at(2022, 7, 28, 4, 35)),
        ("28.07.2022 04:35", at(2022, 7, 28, 4, 35)),
        ("04:35 28/07/2022", at(2022, 7, 28, 4, 35)),
        ("07/28/2022 04:35 PM", at(2022, 7, 28, 16, 35)),
        ("05/05/2022", at(2022, 5, 5)),  # either way round
    ],
)
def test_g07_read_date_reads_what_feeds_write(raw, moment):
    assert read_date(raw) == moment


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "yesterday",
        "2 hours ago",
        "05/06/2022",  # May or June: a guess would be wrong half the time
        "Mon, 01 Jan 12026 00:00:00 +0000",
        "Thu, 13 Aug 2026 04:04:22 +9999",  # no such zone
        "Thu, 13 Aug 2026 04:04:22 +0875",
        "Thu, 13 Aug 2026 25:04:22 +0000",
        "Thu, 13 Aug 2026 24:35:00 +0000",  # to some half past midnight of that day, to others of the next
        "Thu, 13 Aug 2026 04:64:22 +0000",
        "Thu, 31 Feb 2026 04:04:22 +0000",
        "2026-13-01",
        "Thu, 13 Xyz 2026 04:04:22 +0000",
        "Thu, 13 Aug 04:04:22 +0000",  # no year
        "04:35",
        "99999999999999999999",
        "2026",
        "13 Aug 2026 " * 20,
        "Thu, 28 Jul 2022 04:35:05 XQZT",  # a zone that nobody knows
    ],
)
def test_g07_read_date_guesses_nothing(raw):
    assert read_date(raw) is None


@pytest.mark.parametrize(
    ("raw", "zone", "language", "moment"),
    [
        ("2022-07-28 04:35:05", "", "ko-KR", SEOUL),
        ("2022-07-28 04:35:05", "", "JA", SEOUL),
        ("2022-07-28 04:35:05", "", "he-il", at(2022, 7, 28, 1, 35, 5)),  # summer time
        ("2022-01-28 04:35:05", "", "he", at(2022, 1, 28, 2, 35, 5)),
        ("2022-07-28 04:35:05", "", "fa", at(2022, 7, 28, 0, 5, 5)),
        ("2022-07-28 04:35:05", "", "en-US", at(2022, 7, 28, 4, 35, 5)),  # it has many
        ("2022-07-28 04:35:05", "", "US", at(2022, 7, 28, 4, 35, 5)),
        ("2022-07-28 04:35:05", "Asia/Seoul", "en", SEOUL),
        ("2022-07-28 04:35:05", "Europe/Berlin", "ko", at(2022, 7, 28, 2, 35, 5)),  # what the desk says counts more
        ("2022-07-28 04:35:05 GMT", "Asia/Seoul", "ko", at(2022, 7, 28, 4, 35, 5)),  # and what the feed says most
        ("2024.8.4.", "", "ko", at(2024, 8, 3, 15)),
        ("1724716800000", "Asia/Seoul", "ko", at(2024, 8, 27)),
        ("28 Jul 2022 04:35:05 IST", "", "he", at(2022, 7, 28, 2, 35, 5)),
        ("28 Jul 2022 04:35:05 IST", "", "en-IE", at(2022, 7, 28, 3, 35, 5)),
        ("28 Jul 2022 04:35:05 IST", "", "hi", at(2022, 7, 27, 23, 5, 5)),
        ("28 Jul 2022 04:35:05 IST", "Asia/Jerusalem", "en", at(2022, 7, 28, 2, 35, 5)),
        ("28 Jul 2022 04:35:05 CST", "", "zh-CN", at(2022, 7, 27, 20, 35, 5)),
        ("28 Jul 2022 04:35:05 CST", "Asia/Shanghai", "en", at(2022, 7, 27, 20, 35, 5)),
        ("28 Jul 2022 04:35:05 CST", "", "en", at(2022, 7, 28, 10, 35, 5)),
        ("28 Jul 2022 04:35:05 XQZT", "Asia/Seoul", "", SEOUL),  # the publisher's own, most likely
    ],
)
def test_g07_read_date_takes_the_publishers_zone(raw, zone, language, moment):
    assert read_date(raw, zone=zone, language=language) == moment


@pytest.mark.parametrize("raw", ["۱۴۰۵/۰۵/۲۲", "1405/05/22", "۲۲ مرداد ۱۴۰۵", "Mon, 01 Jan 0001 00:00:00 +0000"])
def test_g07_published_at_takes_no_date_of_another_calendar(raw):
    assert published_at([raw], now=NOW, language="fa") is None


@pytest.mark.parametrize(
    ("moment", "kept"),
    [
        (NOW, NOW),
        (NOW - timedelta(days=4 * 365), NOW - timedelta(days=4 * 365)),  # old, and so it says
        (NOW + timedelta(minutes=3), NOW),  # its clock is fast
        (NOW + AHEAD, NOW),
        (NOW + AHEAD + timedelta(seconds=1), None),
        (at(2099, 8, 13), None),
        (EARLIEST, EARLIEST),
        (EARLIEST - timedelta(seconds=1), None),
        (at(1970, 1, 1), None),
        (None, None),
    ],
)
def test_g07_within_reason(moment, kept):
    assert within_reason(moment, NOW) == kept


def test_published_at_takes_the_first_that_can_be():
    assert published_at(["soon", "2099-01-01", "2026-08-12", "2026-08-11"], now=NOW) == at(2026, 8, 12)
    assert published_at([], now=NOW) is None


def test_zone_of_a_language_that_has_one():
    assert (zone_of("ko_KR"), zone_of("ja"), zone_of("en-GB"), zone_of("")) == ("Asia/Seoul", "Asia/Tokyo", "", "")


@pytest.mark.parametrize("name", sorted(OFFSETS))
def test_every_zone_name_is_read(name):
    expected = at(2022, 7, 28, 12) - timedelta(minutes=OFFSETS[name])
    assert read_date(f"Thu, 28 Jul 2022 12:00:00 {name}") == expected


def test_every_month_name_is_read():
    for name, month in MONTHS.items():
        assert read_date(f"28 {name} 2022 12:00 +0000") == at(2022, month, 28, 12), name


MOMENTS = st.integers(int(at(1990, 1, 2).timestamp()), int(at(2049, 12, 30).timestamp())).map(
    lambda seconds: datetime.fromtimestamp(seconds, UTC)
)


@given(MOMENTS, st.sampled_from(["%a, %d %b %Y %H:%M:%S GMT", "%Y-%m-%dT%H:%M:%SZ", "%d %b %y %H:%M:%S +0000"]))
def test_read_date_reads_back_what_was_written(moment, form):
    assert read_date(moment.strftime(form), zone="Asia/Seoul", language="ko") == moment


PIECES = st.sampled_from(["28", "Jul", "2022", "04:35", "+09:00", "GMT", "오후", "년", "-", "T", ":", "9" * 30, "²"])


@given(st.text(max_size=60) | st.lists(PIECES, max_size=9).map(" ".join), st.sampled_from(["", "Asia/Seoul"]))
def test_published_at_takes_any_text_and_stays_within_reason(raw, zone):
    found = published_at([raw], now=NOW, zone=zone)
    assert found is None or EARLIEST <= found <= NOW
