"""A mail's header fields, written and read back by our own hand: no flaw of a library's can add one. Pure: no I/O."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Sequence
from typing import Final

Fields = Sequence[tuple[str, str]]

LINE_LIMIT: Final = 998  # RFC 5322 §2.1.1
ADDRESS: Final = re.compile(r"[^\s\x00-\x20\x7f,;:<>()\[\]\"\\@]+@[^\s\x00-\x20\x7f,;:<>()\"\\@]+", re.ASCII)
FIELD: Final = re.compile(rb"([A-Za-z]+(?:-[A-Za-z]+)*): (\S.*)", re.DOTALL)
STRAY: Final = re.compile(rb"\r(?!\n)|(?<!\r)\n|[^\t\r\n\x20-\x7e]")  # half a line's end, a control, not ASCII


def header_block(fields: Fields) -> bytes:
    """The fields, each on a line of its own, a subject folded. Raises ValueError for a value that cannot be one."""
    block = b"".join(f"{name}: {value}\r\n".encode("ascii", "strict") for name, value in fields)
    if read_fields(block) != [(name, unfolded(value)) for name, value in fields]:
        raise ValueError("a header's value would become another header")
    return block


def check_mail(body: bytes, fields: Fields, *, recipient: str) -> None:
    """Raises ValueError unless a strict reader finds these fields before the first empty line, then what MIME needs,
    nothing else, and one address in To."""
    head, gap, _ = body.partition(b"\r\n\r\n")
    found = read_fields(head + b"\r\n") if gap else []
    ours = [(name, unfolded(value)) for name, value in fields]
    if found[: len(ours)] != ours or sorted(name for name, _ in found[len(ours) :]) != ["Content-Type", "MIME-Version"]:
        raise ValueError("the rendered mail has other headers than ours")
    if [value for name, value in found if name == "To"] != [recipient] or not ADDRESS.fullmatch(recipient):
        raise ValueError("the rendered mail is to another than its one recipient")
    if STRAY.search(body) or max(map(len, body.split(b"\r\n"))) > LINE_LIMIT:
        raise ValueError("the rendered mail is not plain lines of ASCII")


def read_fields(block: bytes) -> list[tuple[str, str]]:
    """Names and values, unfolded, in their order; RFC 5322 §2.2 without its obsolete forms. Raises ValueError."""
    if STRAY.search(block) or not block.endswith(b"\r\n"):
        raise ValueError("a header holds a linefeed, a control or a letter that is not ASCII")
    fields = []
    for line in _logical_lines(block):
        field = FIELD.fullmatch(line)
        if field is None:
            raise ValueError("a header's line is none")
        fields.append((field[1].decode(), field[2].decode()))
    return fields


def _logical_lines(block: bytes) -> Iterator[bytes]:
    """A line that begins with a space goes on with the one before."""
    line = b""
    for one in block.removesuffix(b"\r\n").split(b"\r\n"):
        if one.startswith((b" ", b"\t")) and one.strip():
            line += one
            continue
        if line:
            yield line
        line = one
    yield line


def unfolded(value: str) -> str:
    return re.sub(r"\r\n(?=[ \t])", "", value)


def encoded_text(text: str) -> str:
    """RFC 2047, spaces inside the encoded words. The standard library encodes word by word, and a reader's mail program
    then drops the spaces between: in Korean a sentence without any."""
    if text.isascii():
        return text
    chunks = [""]
    for character in text:
        if len((chunks[-1] + character).encode()) > 39:  # 52 letters of base64: a line ends at 76, with "Subject: "
            chunks.append("")
        chunks[-1] += character
    return "\r\n ".join(f"=?utf-8?b?{base64.b64encode(chunk.encode()).decode()}?=" for chunk in chunks)


def in_ascii_letters(text: str) -> str:
    """An address that has no such form keeps its place, and is left to the server to refuse."""
    return text.encode("ascii", "replace").decode()


def id_part(text: str) -> str:
    """What of `text` may stand in a Message-ID or List-Id; a name of ours is all of it."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", text).strip("-")[:80] or "none"
