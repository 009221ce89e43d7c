"""The one writer of configuration files. Decides when an edit may stand: checked as a whole, then put in place at once.

What the edit is like in the text is edit.py's.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel

from worker.config.edit import add_items, remove_item
from worker.config.load import LISTS, load_config
from worker.config.schema import Config
from worker.errors import ConfigError, WirewatchError

BOM: Final = "\ufeff"


@dataclass(frozen=True)
class Editor:
    """A configuration that nobody else writes meanwhile, `config` as it was read, without secrets. For one edit."""

    folder: Path
    config: Config

    def add(self, part: str, items: Sequence[BaseModel]) -> Config:
        """Writes `items` at the end of the part's list and gives the configuration as it is then.

        Raises ConfigError for what `wirewatch check` would, WirewatchError where the file cannot be written or edited;
        the file is then as it was.
        """
        plain = [item.model_dump(mode="json", by_alias=True, exclude_defaults=True) for item in items]
        held = getattr(self.config, part)
        return self._edit(part, lambda text: add_items(text, LISTS[part][1], plain), wanted=(*held, *items))

    def remove(self, part: str, item_id: str) -> Config:
        """Takes the item of this id out of the part's list. Raises KeyError, and what `add` raises."""
        held = getattr(self.config, part)
        n = next((n for n, item in enumerate(held) if item.id == item_id), None)
        if n is None:
            raise KeyError(item_id)
        return self._edit(part, lambda text: remove_item(text, LISTS[part][1], n), wanted=held[:n] + held[n + 1 :])

    def _edit(self, part: str, edit: Callable[[str], str], *, wanted: tuple[Any, ...]) -> Config:
        path = (self.folder / LISTS[part][0]).resolve()  # where it is a link, the link stays
        try:
            before = path.read_bytes()
            text = before.decode()
            mark = BOM if text.startswith(BOM) else ""
            after = (mark + edit(text.removeprefix(BOM))).encode()
            with _written_beside(path, after) as draft:
                config = self._checked(part, draft)
                if getattr(config, part) != wanted or path.read_bytes() != before:
                    raise ValueError("not what was meant")
                os.replace(draft, path)
            _sync(path.parent)
        except ValueError as error:
            words = "was changed meanwhile, or is written in a way that cannot be edited here"
            raise WirewatchError(f"{path.name} {words}. Nothing was written: try again, or edit it by hand.") from error
        except OSError as error:
            raise WirewatchError(f"{path} cannot be written: {error.strerror}. Nothing was changed.") from error
        return config

    def _checked(self, part: str, draft: Path) -> Config:
        try:
            return load_config(self.folder, environ={}, files={part: draft}, secrets=False)
        except ConfigError as error:
            name = LISTS[part][0]
            named = [replace(one, file=name) if one.file == draft.name else one for one in error.problems]
            raise ConfigError(named) from error


@contextlib.contextmanager
def editing(folder: Path) -> Iterator[Editor]:
    """The configuration in `folder`, to be edited; whoever else wants to edit it waits.

    Whoever edits it need not be able to read its secrets.

    Raises ConfigError for a configuration with problems: what is broken is not edited.
    """
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        words = "`wirewatch init` writes an example."
        raise WirewatchError(f"{folder}: no configuration can be read there: {error.strerror}. {words}") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield Editor(folder, load_config(folder, environ={}, secrets=False))
    finally:
        os.close(handle)


@contextlib.contextmanager
def _written_beside(path: Path, content: bytes) -> Iterator[Path]:
    """A file in the same folder, of the same mode and owner, safe on the disk; at the end it is gone."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with open(handle, "wb") as file:
            like = path.stat()
            os.fchmod(handle, stat.S_IMODE(like.st_mode))
            with contextlib.suppress(PermissionError):  # only root may give files away, and only root needs to
                os.fchown(handle, like.st_uid, like.st_gid)
            file.write(content)
            file.flush()
            os.fsync(handle)
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    """The new name, too, outlasts a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
