"""The one writer of configuration files. Decides when an edit may stand: checked as a whole, then put in place at once.

What the edit is like in the text is edit.py's.
"""

from __future__ import annotations

import contextlib
import fcntl
import math
import os
import stat
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel

from worker.config.edit import add_items, remove_item, replace_items, set_words
from worker.config.load import LISTS, load_config
from worker.config.namelist import FOLDER
from worker.config.schema import Config, WatchedEntity
from worker.config.source import MAX_BYTES
from worker.errors import ConfigError, WirewatchError

BOM: Final = "\ufeff"
NONE: Final[Mapping[str, Path]] = {}
DRAFT: Final = ".draft"  # how a file ends that is to replace another: no editor's own beside it ends so


@dataclass(frozen=True)
class Editor:
    """A configuration that nobody else writes meanwhile, `config` as it was read, without secrets. For one edit.

    `only`: the parts that were read; what is wrong in rules.yaml alone then stands in no edit's way.
    """

    folder: Path
    config: Config
    only: frozenset[str] | None = None

    def add(self, part: str, items: Sequence[BaseModel], *, write: bool = True) -> Config:
        """Writes `items` at the end of the part's list and gives the configuration as it is then.

        Without `write` it only sees whether the file can be edited so, and would not be too long.
        Raises ConfigError for what `wirewatch check` would, WirewatchError where the file cannot be written or edited;
        the file is then as it was, unless the words say that it is written.
        """
        plain = [item.model_dump(mode="json", by_alias=True, exclude_defaults=True) for item in items]
        held = getattr(self.config, part)

        def edit(text: str) -> str:
            return add_items(text, LISTS[part][1], plain)

        return self._edit(part, edit, wanted=(*held, *items), write=write)

    def remove(self, part: str, item_id: str) -> Config:
        """Takes the item of this id out of the part's list. Raises KeyError, and what `add` raises."""
        held = getattr(self.config, part)
        n = next((n for n, item in enumerate(held) if item.id == item_id), None)
        if n is None:
            raise KeyError(item_id)
        return self._edit(part, lambda text: remove_item(text, LISTS[part][1], n), wanted=held[:n] + held[n + 1 :])

    def import_names(
        self, entities: Sequence[WatchedEntity], lists: Mapping[str, bytes], *, replace: bool, write: bool = True
    ) -> Config:
        """Adds entities to watchlist.yaml, and writes whole lists of names beside it; with `replace`, they are all that
        is watched for. A list that is left out stays in its folder. The lists are in place a moment before the file
        that includes them: who is killed between the two imports again. Raises what `add` raises.
        """
        plain = [item.model_dump(mode="json", by_alias=True, exclude_defaults=True) for item in entities]
        held = () if replace else self.config.watchlist
        files = [] if replace else [one.file for one in self.config.lists]
        files = list(dict.fromkeys([*files, *lists]))

        def edit(text: str) -> str:
            change = replace_items if replace else add_items
            text = change(text, LISTS["watchlist"][1], plain) if plain or replace else text
            return set_words(text, "files", files, above=LISTS["watchlist"][1])

        with contextlib.ExitStack() as stack:
            try:
                if lists:
                    (self.folder / FOLDER).mkdir(exist_ok=True)
                beside = {name: _written_beside(self.folder / name, body) for name, body in lists.items()}
                drafts = {name: stack.enter_context(draft) for name, draft in beside.items()}
            except OSError as error:
                words = f"{self.folder / FOLDER} cannot be written: {error.strerror}. Nothing was changed."
                raise WirewatchError(words) from error
            return self._edit("watchlist", edit, wanted=(*held, *entities), write=write, drafts=drafts)

    def _edit(
        self,
        part: str,
        edit: Callable[[str], str],
        *,
        wanted: tuple[Any, ...],
        write: bool = True,
        drafts: Mapping[str, Path] = NONE,
    ) -> Config:
        """`drafts`: lists of names that go into their places with it."""
        path = (self.folder / LISTS[part][0]).resolve()  # where it is a link, the link stays
        try:
            before = path.read_bytes()
            text = before.decode()
            mark = BOM if text.startswith(BOM) else ""
            after = (mark + edit(text.removeprefix(BOM))).encode()
            _refuse_long(path.name, len(after))
            if not write:
                return self.config
            with _written_beside(path, after) as draft:
                config = self._checked(part, draft, drafts)
                if getattr(config, part) != wanted or path.read_bytes() != before:
                    raise ValueError("not what was meant")
                for file, written in drafts.items():
                    os.replace(written, self.folder / file)
                os.replace(draft, path)
        except ValueError as error:
            words = "was changed meanwhile, or is written in a way that cannot be edited here"
            raise WirewatchError(f"{path.name} {words}. Nothing was written: try again, or edit it by hand.") from error
        except OSError as error:
            raise WirewatchError(f"{path} cannot be written: {error.strerror}. Nothing was changed.") from error
        _sync(path)
        return config

    def _checked(self, part: str, draft: Path, drafts: Mapping[str, Path]) -> Config:
        places = dict(files={part: draft}, lists=drafts)
        try:
            return _read(self.folder, self.only, **places)
        except ConfigError as error:
            name = LISTS[part][0]
            named = [replace(one, file=name) if one.file == draft.name else one for one in error.problems]
            raise ConfigError(named) from error


def _read(folder: Path, only: frozenset[str] | None, **places: Mapping[str, Path]) -> Config:
    """Raises ConfigError, also for what is only a warning where no more than `only` is read; but for the rules'."""
    config = load_config(folder, environ={}, secrets=False, only=only, **places)
    wrong = [one for one in config.warnings if one.file != LISTS["rules"][0]]
    if wrong:
        raise ConfigError(wrong)
    return config


@contextlib.contextmanager
def editing(folder: Path, *, only: frozenset[str] | None = None) -> Iterator[Editor]:
    """The configuration in `folder`, or `only` these parts of it, to be edited; whoever else wants to edit it waits.

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
        _sweep(folder)
        yield Editor(folder, _read(folder, only), only)
    finally:
        os.close(handle)


@contextlib.contextmanager
def _written_beside(path: Path, content: bytes) -> Iterator[Path]:
    """A file in the same folder, of the same mode and owner, safe on the disk; at the end it is gone."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=DRAFT)
    try:
        with open(handle, "wb") as file:
            like = _like(path).stat()
            os.fchmod(handle, stat.S_IMODE(like.st_mode))
            with contextlib.suppress(PermissionError):  # only root may give files away, and only root needs to
                os.fchown(handle, like.st_uid, like.st_gid)
            file.write(content)
            file.flush()
            os.fsync(handle)
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


def _like(path: Path) -> Path:
    """Whose mode and owner a file gets: its own, or those of watchlist.yaml for a list of names that is new."""
    return path if path.exists() else path.parent.parent / LISTS["watchlist"][0]


def _refuse_long(name: str, size: int) -> None:
    """Raises WirewatchError: such a file would not be read again, and reading it whole only to see so takes long."""
    if size > MAX_BYTES:
        became, most = math.ceil(size / 2**20 * 10) / 10, MAX_BYTES // 2**20
        raise WirewatchError(f"{name} would become {became} MB, {most} at most: import fewer; nothing was written.")


def _sweep(folder: Path) -> None:
    """Drafts of writers that were killed. Whoever holds the folder's lock is the only one that writes any there; those
    beside a file that is linked to from here are not ours to judge, and stay."""
    names = [f".{file}.*{DRAFT}" for file, _, _ in LISTS.values()]
    for name in [*names, f"{FOLDER}/.*.csv.*{DRAFT}"]:
        for draft in folder.glob(name):
            with contextlib.suppress(OSError):
                draft.unlink()


def _sync(path: Path) -> None:
    """The new name, too, outlasts a power cut. Raises WirewatchError, which says that the edit stands."""
    try:
        handle = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        words = "is written, but may be as it was before after a power cut"
        raise WirewatchError(f"{path} {words}: its folder cannot be synced: {error.strerror}.") from error
