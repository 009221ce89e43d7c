"""How well `wirewatch stories` groups articles whose stories are known by reading: the figures, and what went wrong."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from worker.articles.agreement import Agreement, bcubed, torn
from worker.judging import BadLine, read_line, story_lines


@dataclass(frozen=True)
class Grouped:
    """Articles that were read, each with its story by reading and as it was found."""

    titles: Sequence[str]
    truth: Sequence[str]
    found: Sequence[str]
    unread: int  # lines that are no article, or that name no story

    @property
    def agreement(self) -> Agreement:
        return bcubed(self.truth, self.found)

    def figures(self) -> dict[str, Any]:
        found = self.agreement
        return {
            "articles": len(self.titles),
            "unread": self.unread,
            "stories": len(set(self.truth)),
            "found": len(set(self.found)),
            "precision": round(found.precision, 4),
            "recall": round(found.recall, 4),
            "f1": round(found.f1, 4),
        }

    def errors(self) -> dict[str, list[list[list[str]]]]:
        """The stories that were split, and those that were mixed, each as the headlines of its parts."""
        return {
            "split": self._headlines(self.truth, self.found),
            "mixed": self._headlines(self.found, self.truth),
        }

    def _headlines(self, one: Sequence[str], other: Sequence[str]) -> list[list[list[str]]]:
        return [[[self.titles[at] for at in part] for part in parts] for parts in torn(one, other).values()]


def group_known(lines: Iterable[bytes]) -> Grouped:
    """Groups the articles of JSON lines as `wirewatch stories` does, and keeps their `story` beside. A line that is no
    article, or has no story, is left out and counted."""
    kept: list[tuple[bytes, str, str]] = []
    unread = 0
    for line in lines:
        if line.strip():
            try:
                kept.append((line, read_line(line).article.title, str(json.loads(line)["story"])))
            except (BadLine, KeyError, ValueError):
                unread += 1
    found = [str(answer["story"]) for answer in story_lines(line for line, _, _ in kept)]
    return Grouped([title for _, title, _ in kept], [story for _, _, story in kept], found, unread)
