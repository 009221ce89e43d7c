"""How much of an article is judged, and what a reader of its judgement must know besides. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import replace
from typing import Final

from worker.alerts.languages import language_name
from worker.model import ArticleText, Judgement, JudgementNote

READ: Final = 100_000  # characters of a title and of a text that are judged: no news is longer, and each costs time

NO_MODEL_WORDS: Final = "the topic model was missing"


def beginning(article: ArticleText) -> ArticleText:
    """What is judged of an article; itself where that is all of it."""
    if max(len(article.title), len(article.text)) <= READ:
        return article
    return replace(article, title=article.title[:READ], text=article.text[:READ])


def note_sentences(judgement: Judgement, article: ArticleText | None = None) -> list[str]:
    """One a note. `article`: as it was given, to say how long it is; None where it is kept no more."""
    return [_sentence(note, judgement, article) for note in judgement.notes]


def unjudged_words(notes: Container[str], language: str) -> str:
    """'no topic rules for this language (German)'; empty where topics were judged."""
    if JudgementNote.NO_MODEL in notes:
        return NO_MODEL_WORDS
    return _no_rules_words(language) if JudgementNote.NO_RULES in notes else ""


def _no_rules_words(language: str) -> str:
    return f"no topic rules for this language ({language_name(language)})"


def _sentence(note: JudgementNote, judgement: Judgement, article: ArticleText | None) -> str:
    if note is JudgementNote.NO_RULES:
        return f"{_no_rules_words(judgement.language)}: only watched names were looked for"
    if note is JudgementNote.NO_MODEL:
        return f"{NO_MODEL_WORDS}: only watched names were looked for; it is judged again when the model is back"
    if note is JudgementNote.UNSURE_LANGUAGE:
        return "too little text to tell the language by: judged as if it were English"
    longest = max(len(article.title), len(article.text)) if article else 0
    return f"judged by its first {READ:,} characters" + (f" of {longest:,}" if longest > READ else "")
