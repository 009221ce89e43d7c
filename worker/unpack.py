"""A body unpacked as it comes in, never larger than its limit: gzip, deflate, and gzip that nobody announced.

Pure: no I/O. Which codings a request asks for, and which of an answer's are read at all, is net.py's.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Final, Protocol

from worker.errors import FetchError, FetchReason

PIECE: Final = 64 * 1024  # bytes unpacked at a time: a bomb is seen after its limit and one piece more
GZIP: Final = b"\x1f\x8b"
# How a document begins that is not packed after all: with markup, JSON, or the mark of its encoding.
PLAIN: Final = b"<{[\xef\xff\xfe"
GZIP_WBITS, ZLIB_WBITS, RAW_WBITS = 31, 15, -15


class Stage(Protocol):
    """One coding taken off. `finish` raises FetchError for a body that breaks off."""

    def feed(self, chunk: bytes) -> Iterator[bytes]: ...

    def finish(self) -> None: ...


class Unpacker:
    """One body. `coding` is what its server announced: '', 'gzip' or 'deflate'.

    A body that is gzip besides what was announced (a file that was packed before it was published) is unpacked once
    more. Every FetchError is TOO_LARGE or TRUNCATED.
    """

    def __init__(self, limit: int, coding: str = "") -> None:
        self._limit, self._between = limit, 0
        self._outer: Stage = {"": _Plain, "gzip": _Gunzip, "deflate": _Inflate}[coding]()
        self._inner: Stage | None = None
        self._head, self._body = b"", bytearray()

    def feed(self, chunk: bytes) -> None:
        for piece in self._outer.feed(chunk):
            self._between += len(piece)
            self._refuse_large(self._between)
            self._take(piece)

    def finish(self) -> bytes:
        """The whole body, once all of it was fed."""
        self._outer.finish()
        if self._inner is None:
            self._body += self._head
        else:
            self._inner.finish()
        return bytes(self._body)

    def begun(self) -> bytes:
        """What there is of a body that is too large: no more than the limit."""
        return bytes(self._body[: self._limit])

    def _take(self, piece: bytes) -> None:
        if self._inner is None:
            self._head += piece
            if len(self._head) < len(GZIP):
                return
            self._inner = _Gunzip() if self._head.startswith(GZIP) else _Plain()
            piece, self._head = self._head, b""
        for part in self._inner.feed(piece):
            self._body += part
            self._refuse_large(len(self._body))

    def _refuse_large(self, size: int) -> None:
        if size > self._limit:
            raise FetchError(FetchReason.TOO_LARGE, f"more than {self._limit} bytes")


class _Plain:
    def feed(self, chunk: bytes) -> Iterator[bytes]:
        yield chunk

    def finish(self) -> None:
        pass


class _Gunzip:
    """RFC 1952 members one after another; padding after the last is ignored.

    A document that is plain although gzip was announced is passed on as it is.
    """

    MEMBERS: Final = 1024  # 10 MiB from a block-wise compressor are 160; more only cost time

    def __init__(self) -> None:
        self._members, self._rest = 0, b""
        self._plain = self._padding = False
        self._inflater: zlib._Decompress | None = None  # None between two members

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        data, self._rest = self._rest + chunk, b""
        while data and not self._padding:
            if self._plain:
                yield data
                return
            inflater = self._inflater or self._begun(data)
            if inflater is None:
                if self._rest:
                    return
                continue
            piece, data = _inflated(inflater, data, "gzip")
            self._inflater = None if inflater.eof else inflater
            if piece:
                yield piece

    def _begun(self, data: bytes) -> zlib._Decompress | None:
        """A member's inflater; None where none begins: what comes is plain, padding, or told by the next chunk."""
        if len(data) < len(GZIP) and GZIP.startswith(data):
            self._rest = data
            return None
        if not data.startswith(GZIP):
            looks_plain = data.lstrip(b" \t\r\n\0")[:1] in PLAIN
            self._padding, self._plain = self._members > 0, not self._members and looks_plain
            if not self._padding and not self._plain:
                raise FetchError(FetchReason.TRUNCATED, "the gzip body is broken")
            return None
        self._members += 1
        if self._members > self.MEMBERS:
            raise FetchError(FetchReason.TOO_LARGE, f"more than {self.MEMBERS} gzip members")
        return zlib.decompressobj(wbits=GZIP_WBITS)

    def finish(self) -> None:
        if self._inflater is not None or (self._rest and not self._members):
            raise FetchError(FetchReason.TRUNCATED, "the gzip body breaks off")


class _Inflate:
    """What is announced as deflate: in its zlib wrapping, as RFC 9110 §8.4.1.2 has it, or bare, as some servers do."""

    def __init__(self) -> None:
        self._head = b""
        self._inflater: zlib._Decompress | None = None

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        data = self._head + chunk
        if self._inflater is None:
            if len(data) < 2:
                self._head = data
                return
            self._inflater, self._head = zlib.decompressobj(ZLIB_WBITS if _is_zlib(data) else RAW_WBITS), b""
        while data and not self._inflater.eof:  # what follows the end is padding
            piece, data = _inflated(self._inflater, data, "deflate")
            if piece:
                yield piece

    def finish(self) -> None:
        if self._head or (self._inflater is not None and not self._inflater.eof):
            raise FetchError(FetchReason.TRUNCATED, "the deflate body breaks off")


def _inflated(inflater: zlib._Decompress, data: bytes, coding: str) -> tuple[bytes, bytes]:
    """A piece unpacked, and what of the data is left."""
    try:
        piece = inflater.decompress(data, PIECE)
    except zlib.error as error:
        raise FetchError(FetchReason.TRUNCATED, f"the {coding} body is broken") from error
    return piece, inflater.unused_data if inflater.eof else inflater.unconsumed_tail


def _is_zlib(data: bytes) -> bool:
    """RFC 1950 §2.2: the method is 8, and the first two bytes are a multiple of 31. No bare block begins so."""
    return data[0] & 0x0F == 8 and int.from_bytes(data[:2], "big") % 31 == 0
