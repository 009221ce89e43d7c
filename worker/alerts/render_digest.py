"""A digest: many alerts that came faster than people read, told in one message. Pure: no I/O, no clock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from worker.alerts.render import FRAME
from worker.alerts.wording import SEVERITY, direction, header_text, local_time, severity_word, web_link
from worker.display import SHORT, as_markup

LINES: Final = 200  # alerts that are listed; a longer mail is cut by mail programs, and read by nobody
RULES: Final = 20  # of the rest, as many are counted by name
RANK: Final = {name: n for n, name in enumerate(reversed(SEVERITY))}  # the gravest first


@dataclass(frozen=True)
class DigestLine:
    """One alert of it. `kind`: alert.raised, alert.updated or alert.reminder. `url`: its article's; '' for none."""

    title: str
    severity: str
    rule_name: str
    at: datetime
    alert_id: str
    url: str = ""
    kind: str = "alert.raised"


def digest_subject(lines: Sequence[DigestLine]) -> str:
    """'312 alerts in one message: 3 high, 309 normal'."""
    return header_text(f"{len(lines)} alerts in one message: {_counts(lines)}")


def digest_text(lines: Sequence[DigestLine], zone: str) -> str:
    """The gravest first, then in order of time."""
    shown, rest = _parted(lines)
    parts = [_opening(lines), ""]
    for line in shown:
        parts += [f"[{severity_word(line.severity)}] {header_text(line.title)}{_again(line)}"]
        parts += [f"  {_when(line, zone)}"]
        parts += [f"  {web_link(line.url)}"] if web_link(line.url) else []
        parts.append("")
    return "\n".join([*parts, *([*_rest(rest), ""] if rest else [])])


def digest_html(lines: Sequence[DigestLine], zone: str) -> str:
    shown, rest = _parted(lines)
    items = "".join(_item(line, zone) for line in shown)
    more = "".join(f"<p>{as_markup(words)}</p>" for words in _rest(rest)) if rest else ""
    body = f"<p>{as_markup(_opening(lines))}</p>{items}{more}"
    return FRAME.format(title=as_markup(digest_subject(lines)), body=body)


def _item(line: DigestLine, zone: str) -> str:
    title = as_markup(header_text(line.title))
    url = as_markup(web_link(line.url))
    headline = f'<a href="{url}">{title}</a>' if url else title
    # Only the headline runs its own way: in a paragraph from right to left, the date would be torn apart.
    return (
        f'<p style="margin:0 0 14px"><b>{as_markup(severity_word(line.severity))}</b> '
        f'<span dir="{direction(line.title)}">{headline}</span>{as_markup(_again(line))}<br>'
        f'<span style="font-size:14px">{as_markup(_when(line, zone))}</span></p>'
    )


def _when(line: DigestLine, zone: str) -> str:
    return f"{local_time(line.at, zone)} · {header_text(line.rule_name)} · alert {line.alert_id[:SHORT]}"


def _parted(lines: Sequence[DigestLine]) -> tuple[Sequence[DigestLine], Sequence[DigestLine]]:
    """Those that are listed, and the rest."""
    ranked = sorted(lines, key=lambda line: (RANK.get(line.severity, len(RANK)), line.at))
    return ranked[:LINES], ranked[LINES:]


def _opening(lines: Sequence[DigestLine]) -> str:
    return (
        f"{len(lines)} alerts came faster than a message each would be read: {_counts(lines)}. "
        "Each stands in the record by itself. Critical ones are always sent by themselves."
    )


def _counts(lines: Sequence[DigestLine]) -> str:
    counts = Counter(line.severity for line in lines)
    return ", ".join(f"{counts[name]} {name}" for name in sorted(counts, key=lambda name: RANK.get(name, len(RANK))))


def _rest(rest: Sequence[DigestLine]) -> Iterator[str]:
    yield f"And {len(rest)} more: {_counts(rest)}."
    rules = Counter(header_text(line.rule_name) for line in rest).most_common()
    named = ", ".join(f"{count} by {name}" for name, count in rules[:RULES])
    yield f"{named}{', and others' if len(rules) > RULES else ''}."


def _again(line: DigestLine) -> str:
    return {"alert.updated": " (update)", "alert.reminder": " (reminder)"}.get(line.kind, "")
