"""The language of a text, offline: by its script where that settles it, else by py3langid."""

from __future__ import annotations

import functools
import re
from typing import Any, Final

ENOUGH: Final = 20  # letters: of fewer no statistic tells
SCRIPTS: Final = (
    ("ja", re.compile(r"[\u3040-\u30ff]")),  # before Chinese: only Japanese mixes kana in
    ("ko", re.compile(r"[\uac00-\ud7a3]")),
    ("zh", re.compile(r"[\u4e00-\u9fff]")),
    ("he", re.compile(r"[\u0590-\u05ff]")),
)
SHARE: Final = 0.2  # of the letters: an article may quote a name in another script
READ: Final = 600  # letters read: more changes no answer
# Of the hundred that the library knows, those that news in our feeds is written in.
LIKELY: Final = "en ru uk ar fa tr fr de es it pt nl pl vi id hi ur ps az".split()
RECOGNISED: Final = frozenset((*LIKELY, *(code for code, _ in SCRIPTS)))


def detect(title: str, text: str, *, hint: str | None = None) -> str:
    """A code of ISO 639. The hint (a feed's word for it, such as 'en-GB') counts where there is too little text to tell
    and where it names a language that is never told from its text; 'und' without one."""
    sample = f"{title} {text}"[:READ]
    letters = sum(character.isalpha() for character in sample)
    for code, pattern in SCRIPTS:
        if letters and len(pattern.findall(sample)) > SHARE * letters:
            return code
    hinted = re.match(r"[A-Za-z]{2,3}(?![A-Za-z])", hint or "")
    code = hinted[0].lower() if hinted else ""
    if letters < ENOUGH:
        return code or "und"
    return code if code and code not in RECOGNISED else str(_identifier().classify(sample)[0])


@functools.cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE)
    identifier.set_languages(LIKELY)
    return identifier
