"""Bodies unpacked: exact, whatever the chunks, and never over their limit."""

import gzip
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.errors import FetchError, FetchReason
from worker.unpack import Unpacker

MIB = 1024 * 1024
DOCUMENT = b"<rss>" + b"feed " * 100 + b"</rss>"


def name(value):
    """Of a row: the bytes would make each run's names its own, for gzip writes the time into them."""
    return f"{len(value)}" if isinstance(value, bytes) else str(value)


def unpack(wire, coding="gzip", *, limit=MIB, size=7):
    reader = Unpacker(limit, coding)
    for at in range(0, len(wire), size):
        reader.feed(wire[at : at + size])
    return reader.finish()


def raw_deflate(body):
    packer = zlib.compressobj(9, wbits=-15)
    return packer.compress(body) + packer.flush()


def bomb(mib, *, wbits=31):
    """So many MiB of zeros, packed. Each block begins anew, so that one is enough to make them all."""
    packer = zlib.compressobj(9, wbits=wbits)
    head = packer.compress(b"\0" * MIB) + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(b"\0" * MIB) + packer.flush(zlib.Z_FULL_FLUSH)
    return head + block * (mib - 1)


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=4), st.integers(1, 50))
def test_f20_gzip_members_and_chunks_do_not_matter(parts, size):
    assert unpack(b"".join(map(gzip.compress, [b"<", *parts])), size=size) == b"<" + b"".join(parts)


@pytest.mark.parametrize("pack", [zlib.compress, raw_deflate], ids=["zlib", "bare"])
@given(body=st.binary(max_size=300), size=st.integers(1, 50))
def test_f20_deflate_is_read_in_both_its_forms(pack, body, size):
    assert unpack(pack(b"<" + body), "deflate", size=size) == b"<" + body


@pytest.mark.parametrize("coding", ["", "gzip", "deflate"])
@given(wire=st.binary(max_size=200), size=st.integers(1, 50))
def test_h03_any_bytes_are_a_body_or_broken(coding, wire, size):
    try:
        assert len(unpack(wire, coding, limit=1000, size=size)) <= 1000
    except FetchError as error:
        assert error.reason in (FetchReason.TRUNCATED, FetchReason.TOO_LARGE)


@pytest.mark.parametrize(
    ("wire", "coding", "body"),
    [
        (DOCUMENT, "", DOCUMENT),
        (gzip.compress(DOCUMENT), "", DOCUMENT),  # a file that was packed, and nobody said so
        (gzip.compress(gzip.compress(DOCUMENT)), "gzip", DOCUMENT),  # the same, packed again on its way
        (zlib.compress(gzip.compress(DOCUMENT)), "deflate", DOCUMENT),
        (gzip.compress(gzip.compress(DOCUMENT)), "", gzip.compress(DOCUMENT)),  # once, and no more
        (DOCUMENT, "gzip", DOCUMENT),  # announced, and plain after all
        (b"\xef\xbb\xbf \n<rss/>", "gzip", b"\xef\xbb\xbf \n<rss/>"),
        (b'\n {"version": 1}', "gzip", b'\n {"version": 1}'),
        ("<rss/>".encode("utf-16"), "gzip", "<rss/>".encode("utf-16")),
        (b"", "", b""),
        (b"", "gzip", b""),
        (b"", "deflate", b""),
        (b"\x1f", "", b"\x1f"),  # half a magic number is none
    ],
    ids=name,
)
@pytest.mark.parametrize("size", [1, 7, 5000])
def test_f20_what_is_packed_is_unpacked(wire, coding, body, size):
    assert unpack(wire, coding, size=size) == body


def broken(wire):
    wire = bytearray(wire)
    wire[-6] ^= 0xFF
    return bytes(wire)


@pytest.mark.parametrize(
    ("wire", "coding", "words"),
    [
        (gzip.compress(DOCUMENT)[:-9], "gzip", "breaks off"),
        (gzip.compress(DOCUMENT)[:-9], "", "breaks off"),
        (broken(gzip.compress(DOCUMENT)), "gzip", "is broken"),  # the checksum
        (b"\x1f", "gzip", "breaks off"),
        (b"no gzip", "gzip", "is broken"),
        (zlib.compress(DOCUMENT), "gzip", "is broken"),
        (zlib.compress(DOCUMENT)[:-9], "deflate", "breaks off"),
        (raw_deflate(DOCUMENT)[:-2], "deflate", "breaks off"),
        (zlib.compress(DOCUMENT)[:-1] + b"\0", "deflate", "is broken"),
        (b"\x78", "deflate", "breaks off"),
        (b"\xff\xff no deflate", "deflate", "is broken"),
    ],
    ids=name,
)
@pytest.mark.parametrize("size", [1, 7, 5000])
def test_f23_a_packed_body_that_is_not_whole(wire, coding, words, size):
    with pytest.raises(FetchError, match=f"truncated: the .* body {words}"):
        unpack(wire, coding, size=size)


@pytest.mark.parametrize("padding", [b"\0" * 30, b"garbage", b"\x1fgarbage", b"\x1f"])
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_f20_padding_after_the_end_is_ignored(padding, size):
    assert unpack(gzip.compress(DOCUMENT) + padding, size=size) == DOCUMENT
    assert unpack(zlib.compress(DOCUMENT) + padding, "deflate", size=size) == DOCUMENT


@pytest.mark.parametrize(
    ("wire", "coding"),
    [
        (bomb(1024), "gzip"),  # one MB to a GB
        (bomb(1024), ""),
        (bomb(1024, wbits=15), "deflate"),
        (bomb(1024, wbits=-15), "deflate"),
        (gzip.compress(bomb(1024)), "gzip"),  # a few KB to a GB
    ],
    ids=["gzip", "unannounced", "deflate", "bare", "double"],
)
def test_h03_a_bomb_ends_at_the_limit_in_little_memory(wire, coding):
    assert len(wire) < 1.1 * MIB
    tracemalloc.start()
    try:
        with pytest.raises(FetchError) as caught:
            unpack(wire, coding, limit=10 * MIB, size=65536)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert caught.value.reason is FetchReason.TOO_LARGE
    assert peak < 50 * MIB


def test_h03_a_packed_pack_within_the_limit_is_not_unpacked_without_end():
    """Its inside is no document, which is the parser's to say."""
    inside = gzip.compress(bomb(1024))
    assert unpack(gzip.compress(gzip.compress(inside)), "gzip", limit=2 * MIB, size=65536) == inside


def test_h03_endless_members_are_refused():
    with pytest.raises(FetchError, match="members"):
        unpack(gzip.compress(b"") * 2000, size=4096)
