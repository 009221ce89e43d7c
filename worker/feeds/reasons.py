"""Why a feed gave nothing, in plain words with what to do: for the commands and the console. Pure: no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from worker.errors import FetchReason, ParseReason


@dataclass(frozen=True)
class Wording:
    """`says` is what is wrong, about "it", the feed; `advice` is what its reader can do."""

    says: str
    advice: str


WAIT: Final = "Nothing to do: it is asked again by itself, later each time."
BROWSER: Final = "Open the address in a browser"
NEW_ADDRESS: Final = "look on the publisher's site for the feed's new address, and set it in feeds.yaml"

WORDS: Final[Mapping[str, Wording]] = {
    FetchReason.REFUSED_ADDRESS: Wording(
        "its address is private or reserved, so it is not asked",
        "If the address is yours, allow it in network.yaml; otherwise correct it in feeds.yaml.",
    ),
    FetchReason.REFUSED_URL: Wording(
        "its address is none that is fetched",
        "Write a plain http or https address in feeds.yaml: no user name, no unusual port.",
    ),
    FetchReason.DNS: Wording(
        "its host's name leads nowhere",
        "Check the name's spelling; if every feed says so, check this machine's name server.",
    ),
    FetchReason.CONNECT: Wording(
        "its host takes no connection",
        f"{WAIT} If every feed says so, check this machine's own line.",
    ),
    FetchReason.TLS: Wording(
        "its host's certificate is not valid, or it speaks no TLS that we do",
        f"{BROWSER}: if it warns too, only the publisher can mend it.",
    ),
    FetchReason.TIMEOUT: Wording(
        "it did not answer in time", f"{WAIT} If it stays so, raise its interval or ask the publisher."
    ),
    FetchReason.RESET: Wording("its host broke the connection off", WAIT),
    FetchReason.TRUNCATED: Wording(
        # Also of a feed that works, of whose last document only the beginning came.
        "its answer broke off before its end",
        "Nothing to do: what did not come is asked for again.",
    ),
    FetchReason.TOO_LARGE: Wording(
        "its answer is larger than 10 MB", "Look for a shorter feed of this publisher, such as one of a section."
    ),
    FetchReason.ENCODING: Wording(
        "its answer is compressed in a way that we did not ask for", "Tell the publisher: other readers fail too."
    ),
    FetchReason.PROXY: Wording(
        "our own proxy, that of network.yaml, did not let the request through",
        "Check `proxy` in network.yaml: its address, user name and password, and whether it runs.",
    ),
    FetchReason.REDIRECT: Wording(
        "its address leads in a circle, on and on, or from https to http", f"{BROWSER}; {NEW_ADDRESS}."
    ),
    FetchReason.GONE: Wording(
        "its publisher says that it is gone for good (410)", f"It is asked no more: {NEW_ADDRESS}, or remove it."
    ),
    FetchReason.NOT_FOUND: Wording("nothing is at its address (404)", f"If it stays so, {NEW_ADDRESS}."),
    FetchReason.FORBIDDEN: Wording(
        "its publisher does not let us in (401, 403 or 451)",
        f"{BROWSER}: if that works, the publisher refuses programs; ask them, with the contact of settings.yaml. If it "
        "asks who you are there, set `username` and `password` in feeds.yaml, or check them.",
    ),
    FetchReason.RATE_LIMITED: Wording(
        "its publisher asks us to come less often", f"{WAIT} If it stays so, raise the interval of this host's feeds."
    ),
    FetchReason.SERVER: Wording("its server has trouble of its own (5xx)", WAIT),
    FetchReason.STATUS: Wording("it answered in a way that is no feed's", f"{BROWSER}; {NEW_ADDRESS}."),
    ParseReason.EMPTY: Wording("its answer has no content", f"{WAIT} If it stays so, {NEW_ADDRESS}."),
    ParseReason.NOT_A_FEED: Wording(
        "what is at its address is no feed",
        "Run `wirewatch feeds discover ADDRESS`: it lists the feeds that a page names. If it lists none, open it in a "
        f"browser: a page to sign in or prove oneself, or a page that moved? Then {NEW_ADDRESS}.",
    ),
    ParseReason.FORBIDDEN_MARKUP: Wording(
        "its document declares entities, as attacks do and no real feed does",
        "It is not read. Tell the publisher; if they need the declarations, remove the feed.",
    ),
    ParseReason.TOO_DEAR: Wording(
        "its document took too long or too much memory to read",
        "Look for a shorter feed of this publisher, or remove it.",
    ),
    ParseReason.CRASHED: Wording(
        "the program that was reading it ended", f"{WAIT} If it stays so, report it: that is our error."
    ),
    ParseReason.UNSTORABLE: Wording(
        "what it brought could not be stored", "Report it, with the log's lines: that is our error."
    ),
    ParseReason.POSSIBLE_GAP: Wording(
        # Also of a feed that works, until its next poll.
        "it shares no entry with the poll before, so some may have come and gone between the two",
        "If it stays so, ask it oftener: lower its interval in feeds.yaml.",
    ),
    ParseReason.NO_ENTRIES: Wording(
        "it answers, but has no entry any more", f"{BROWSER}: if the publisher's site has news, {NEW_ADDRESS}."
    ),
    ParseReason.QUIET: Wording(
        "it answers, but has brought nothing new for longer than ever before",
        f"{BROWSER}: if there is news that the feed does not have, {NEW_ADDRESS}.",
    ),
}


def wording(reason: str) -> Wording:
    """The words for a FetchReason or ParseReason value; one that we do not know stands for itself."""
    return WORDS.get(reason) or Wording(reason.replace("_", " "), "Look into the log.")


def explain(reason: str | None, detail: str | None = None) -> str:
    """What is wrong in one sentence, with its detail; '' without a reason. The detail may come from the publisher."""
    if not reason:
        return ""
    says = wording(reason).says
    return f"{says}: {detail}" if detail else says
