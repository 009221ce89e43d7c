"""Loading: each file read, each value typed, each secret resolved, each reference checked; all problems together."""

from __future__ import annotations

import dataclasses
import ipaddress
import json
import ssl
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from worker.config.checks import check_references
from worker.config.namelist import FILE_FORM, NameList, find_lines, read_name_list
from worker.config.schema import (
    CALIBRATION,
    CHANNELS,
    MAYBE_SECRET_FIELDS,
    MODEL_FILES,
    SECRET_FIELDS,
    AllowSpec,
    Config,
    FeedSpec,
    HostSpec,
    Network,
    Person,
    RuleSpec,
    Settings,
    TopicSpec,
    WatchedEntity,
)
from worker.config.source import Path_, Source, read_source
from worker.config.topicchecks import read_example_file
from worker.config.typed import WORDS, shown, typed_item, unknown
from worker.config.values import SECRET_FORM, Secret, names_a_credential
from worker.errors import ConfigError, Problem
from worker.nlp.terms.files import read_languages

# part: (file, key of the list in it, type of its items)
LISTS: Mapping[str, tuple[str, str, type[BaseModel]]] = {
    "feeds": ("feeds.yaml", "feeds", FeedSpec),
    "topics": ("topics.yaml", "topics", TopicSpec),
    "watchlist": ("watchlist.yaml", "entities", WatchedEntity),
    "rules": ("rules.yaml", "rules", RuleSpec),
    "people": ("people.yaml", "people", Person),
}
BESIDE = {"topics": ("model", "terms"), "entities": ("files",)}  # what may stand beside the list of that key
PARTS = frozenset({*LISTS, "channels", "network", "settings"})
FILES = {part: file for part, (file, _, _) in LISTS.items()} | {
    part: f"{part}.yaml" for part in ("channels", "network", "settings")
}
NO_LITERAL = "never write a secret here; write ${NAME} (an environment variable) or ${file:PATH}"
DISABLE, REMOVE = "set `enabled: false`", "remove this key"  # what else to do about a secret that is not there
NEEDED_SECRETS = {"secret", "key"}  # without which their channel can do nothing
MAX_SECRET = 64 * 1024  # bytes: the longest secret is a key of a few thousand


def load_config(
    folder: Path,
    *,
    environ: Mapping[str, str],
    only: frozenset[str] | None = None,
    files: Mapping[str, Path] | None = None,
    lists: Mapping[str, Path] | None = None,
    secrets: bool = True,
) -> Config:
    """The configuration in `folder`. Raises ConfigError with every problem found.

    With `only`, just those parts are read; what is wrong with references between them is a warning, and so is a rule
    that cannot be read, which is left out. `files`: parts that are read from elsewhere, `lists` the same of lists of
    names. Without `secrets`, their
    references are read and the secrets are not: for who edits a file, and need not be able to read them.
    """
    wanted = PARTS if only is None else only
    places = {part: folder / FILES[part] for part in wanted} | dict(files or {})
    sources = {part: read_source(places[part]) for part in sorted(wanted)}
    reader = Reader(folder, environ if secrets else None)
    parts: dict[str, Any] = {
        part: reader.items(source, LISTS[part][1], LISTS[part][2]) for part, source in sources.items() if part in LISTS
    }
    if "watchlist" in sources:
        named = {file: (lists or {}).get(file, folder / file) for file in reader.list_files(sources["watchlist"])}
        parts["lists"] = reader.name_lists(sources["watchlist"], parts["watchlist"], named)
    if "topics" in sources:
        parts["topic_model"] = reader.topic_model(sources["topics"])
        parts["language_terms"] = reader.language_terms(sources["topics"])
    if "channels" in sources:
        parts["channels"] = reader.channels(sources["channels"])
    if "network" in sources:
        parts["network"] = reader.network(sources["network"])
    if "settings" in sources:
        parts["settings"] = reader.whole(sources["settings"], Settings)
    config = Config(folder=folder, **{part: value for part, value in parts.items() if value is not None})
    unread = [problem for part in sources for problem in sources[part].problems if part != "rules"]
    check_references(config, sources)
    found = [problem for source in sources.values() for problem in sorted(source.problems, key=_place)]
    if unread or (found and only is None):
        raise ConfigError(found)
    return dataclasses.replace(config, warnings=tuple(found))


class Reader:
    """Turns sources into typed values, noting each problem in its source. Without `environ` it resolves no secret."""

    def __init__(self, folder: Path, environ: Mapping[str, str] | None) -> None:
        self.folder, self.environ = folder, environ

    def items(self, source: Source, key: str, kind: type[BaseModel]) -> tuple[Any, ...]:
        """The items of the file's one list; each is read by itself, so one bad item hides no other."""
        if kind is FeedSpec:
            return self._keep(source, key, lambda path, raw: self._feed(source, path, raw))
        if kind is TopicSpec:
            return self._keep(source, key, lambda path, raw: self._topic(source, path, raw))
        return self._keep(source, key, lambda path, raw: typed_item(source, path, raw, kind))

    def _topic(self, source: Source, path: Path_, raw: Any) -> Any:
        """With the examples of the file that it names, as if they stood there."""
        name = raw.get("examples") if isinstance(raw, dict) else None
        if isinstance(name, str):
            found = read_example_file(source, (*path, "examples"), self.folder / name, name=name)
            if found is None:
                return None
            raw = {**raw, "examples": found}
        return typed_item(source, path, raw, TopicSpec)

    def list_files(self, source: Source) -> Iterator[str]:
        """The lists under `files:`, beside the entities; each as it is written there."""
        given = source.value.get("files") if source.readable and isinstance(source.value, dict) else None
        if not isinstance(given, list | None):
            source.add(("files",), WORDS["tuple_type"])
            return
        for n, file in enumerate(given or ()):
            if not isinstance(file, str) or not FILE_FORM.fullmatch(file):
                source.add(("files", n), f"{shown(file)} is no list's name; write one such as watchlist/sanctions.csv")
            elif file in given[:n]:
                source.add(("files", n), "given twice; keep one")
            else:
                yield file

    def name_lists(
        self, source: Source, entities: Sequence[WatchedEntity], places: Mapping[str, Path]
    ) -> tuple[NameList, ...]:
        """The lists of names at `places`. Ids are unique over all of them, and `entities`."""
        found: list[NameList] = []
        owners = {entity.id: FILES["watchlist"] for entity in entities}
        for file, path in places.items():
            read, problems = read_name_list(path, file)
            source.problems += problems
            if read is None:
                source.lost.add(None)
                continue
            twins = {entity.id: owners[entity.id] for entity in read.entities if entity.id in owners}
            for name, line in find_lines(path, twins).items():
                words = f"{name} is already used in {twins[name]}; ids are unique"
                source.problems.append(Problem(file, line, "id", words))
            owners.update(dict.fromkeys((entity.id for entity in read.entities), file))
            found.append(read)
        return tuple(found)

    def topic_model(self, source: Source) -> Path | None:
        """The folder under `model:`, beside the list of topics; None for the shipped model."""
        given = source.value.get("model") if source.readable and isinstance(source.value, dict) else None
        if given is None:
            return None
        try:
            json.loads((self.folder / given / CALIBRATION).read_text(encoding="utf-8"))
            whole = all((self.folder / given / name).is_file() for name in MODEL_FILES)
        except (OSError, ValueError, TypeError):
            whole = False
        if not whole:
            words = "no topic model is there; write the folder that `wirewatch topics train --out` wrote"
            source.refuse(("model",), f"{shown(given)}: {words}")
            return None
        return self.folder / given

    def language_terms(self, source: Source) -> Path | None:
        """The folder under `terms:`; None where the shipped rules stand alone. What its files say is read, and kept by
        nobody: whoever judges reads it again."""
        given = source.value.get("terms") if source.readable and isinstance(source.value, dict) else None
        if given is None:
            return None
        if not isinstance(given, str) or not any((self.folder / given).glob("*.yaml")):
            words = "no term files are there; write one for a language, as ko.yaml"
            source.refuse(("terms",), f"{shown(given)}: {words}")
            return None
        try:
            read_languages(self.folder / given)
        except ConfigError as error:
            found = (dataclasses.replace(problem, file=f"{given}/{problem.file}") for problem in error.problems)
            source.problems.extend(found)
            return None
        return self.folder / given

    def channels(self, source: Source) -> tuple[Any, ...]:
        return self._keep(source, "channels", lambda path, raw: self._channel(source, path, raw))

    def _channel(self, source: Source, path: Path_, raw: Any) -> Any:
        if not isinstance(raw, dict):
            source.add(path, WORDS["dict_type"])
            return None
        kind = CHANNELS.get(str(raw.get("kind")))
        if kind is None:
            words = f"{shown(raw['kind'])} is no kind of channel" if "kind" in raw else "missing"
            source.add((*path, "kind"), f"{words}; choose {', '.join(CHANNELS)}")
            return None
        wanted = raw.get("enabled", True) is not False
        values = self._with_secrets(source, path, raw, must=SECRET_FIELDS, may=MAYBE_SECRET_FIELDS, wanted=wanted)
        for name in raw:
            if "${" in str(raw[name]) and name not in SECRET_FIELDS | MAYBE_SECRET_FIELDS:
                _refuse_reference(source, (*path, name))
        return typed_item(source, path, values, kind)

    def _feed(self, source: Source, path: Path_, raw: Any) -> Any:
        if not isinstance(raw, dict):
            return typed_item(source, path, raw, FeedSpec)
        wanted = raw.get("enabled", True) is not False
        values = self._with_secrets(source, path, raw, must={"password"}, may={"username"}, wanted=wanted)
        if isinstance(given := raw.get("headers"), dict):
            secret = {name for name in given if names_a_credential(name)}
            where = (*path, "headers")
            values["headers"] = self._with_secrets(source, where, given, must=secret, may=given.keys(), wanted=wanted)
        spec = typed_item(source, path, values, FeedSpec)
        if spec is not None and spec.ca_file and wanted and self.environ is not None:
            self._check_certificates(source, (*path, "ca_file"), spec.ca_file)
        return spec

    def _check_certificates(self, source: Source, where: Path_, name: str) -> None:
        try:
            with (self.folder / name).open("rb"):
                ssl.create_default_context(cafile=self.folder / name)
        except (OSError, ValueError) as error:
            why = "it holds none" if isinstance(error, ssl.SSLError) else getattr(error, "strerror", None) or "no path"
            words = f"no certificate can be read there: {why}; write a PEM file's path, relative to this folder"
            source.refuse(where, words)

    def _keep(self, source: Source, key: str, read: Callable[[Path_, Any], Any]) -> tuple[Any, ...]:
        """The items that `read` could type; the source notes their positions, and the ids of the others."""
        found = [(path, raw, read(path, raw)) for path, raw in self._raw_items(source, key)]
        self._refuse_twins(source, [(path, item) for path, _, item in found if item is not None])
        if source.readable and isinstance(source.value, dict) and isinstance(source.value.get(key, 0), list | None):
            source.lost = {_id(raw) for _, raw, item in found if item is None}
        source.kept = [int(path[-1]) for path, _, item in found if item is not None]
        return tuple(item for _, _, item in found if item is not None)

    def network(self, source: Source) -> Network | None:
        value = source.value if source.value is not None else {}
        if not self._is_mapping(source, value, ("allow", "hosts", "proxy")):
            return None
        given = {name: value[name] for name in ("proxy",) if value.get(name) is not None}
        proxy = self._with_secrets(source, (), given, must=(), may={"proxy"}, instead=REMOVE)
        found = typed_item(source, (), proxy, Network)
        allow = [
            typed_item(source, ("allow", n), raw, AllowSpec)
            for n, raw in self._listed(source, value.get("allow"), "allow")
        ]
        hosts = {} if value.get("hosts") is None else value["hosts"]
        if not isinstance(hosts, dict):
            source.add(("hosts",), WORDS["dict_type"])
            hosts = {}
        typed = {name: typed_item(source, ("hosts", name), raw, HostSpec) for name, raw in hosts.items()}
        ranges = []
        for n, spec in enumerate(allow):
            try:
                ranges += [spec.network()] if spec else []
            except ValueError:
                source.add(("allow", n, "cidr"), "not an address range; write one such as 10.1.2.0/24 or 127.0.0.1/32")
        for name in typed:
            if not any(_inside(name, one) for one in ranges):
                source.add(("hosts", name), "only an address inside an allow-listed range may have its own politeness")
        if source.problems:
            return None
        opened = {"allow": tuple(spec for spec in allow if spec), "hosts": {k: v for k, v in typed.items() if v}}
        return found.model_copy(update=opened)  # type: ignore[no-any-return]

    def whole(self, source: Source, kind: type[BaseModel]) -> Any:
        if not source.readable:
            return None
        return typed_item(source, (), source.value if source.value is not None else {}, kind)

    def _raw_items(self, source: Source, key: str) -> Iterator[tuple[Path_, Any]]:
        if self._is_mapping(source, source.value, (key, *BESIDE.get(key, ()))):
            if key not in source.value:
                source.add((), f"the list `{key}:` is missing")
            for n, raw in self._listed(source, source.value.get(key), key):
                yield (key, n), raw

    def _is_mapping(self, source: Source, value: Any, keys: tuple[str, ...]) -> bool:
        if not source.readable:
            return False
        if not isinstance(value, dict):
            source.add((), f"must begin with `{keys[0]}:`")
            return False
        for key in value.keys() - set(keys):
            source.add((key,), unknown(key, keys))
        return True

    def _listed(self, source: Source, value: Any, key: str) -> Iterator[tuple[int, Any]]:
        if value is None:
            return
        if not isinstance(value, list):
            source.add((key,), WORDS["tuple_type"])
            return
        yield from enumerate(value)

    def _refuse_twins(self, source: Source, found: list[tuple[Path_, Any]]) -> None:
        seen: dict[str, int] = {}
        for path, item in found:
            if item.id in seen:
                source.add((*path, "id"), f"{item.id} is already used in line {seen[item.id]}; ids are unique")
            seen.setdefault(item.id, source.line((*path, "id")))

    def _with_secrets(
        self,
        source: Source,
        path: Path_,
        raw: dict[str, Any],
        *,
        must: Collection[str],
        may: Collection[str],
        wanted: bool = True,
        instead: str = DISABLE,
    ) -> dict[str, Any]:
        """Secrets in place of their references: `must` be references, `may` be. Those that are not `wanted` (what they
        belong to is disabled) stay, and all where none is to be looked for."""
        values = dict(raw)
        for name in (name for name in raw if name in must or name in may):
            given, where = raw[name], (*path, name)
            found = SECRET_FORM.fullmatch(given) if isinstance(given, str) else None
            if found is None and name in must and (given != "" or name in NEEDED_SECRETS):
                source.refuse(where, NO_LITERAL)
                values[name] = Secret("")
            elif found is None and not isinstance(given, str):
                source.refuse(where, WORDS["string_type"])
                values[name] = Secret("")
            elif found is None and "${" in given:
                _refuse_reference(source, where)
            elif found is not None and self.environ is not None and wanted:
                value = self._resolve(source, where, found, instead=instead)
                values[name] = (value or given) if name in MAYBE_SECRET_FIELDS else Secret(value)
        return values

    def _resolve(self, source: Source, where: Path_, found: Any, *, instead: str) -> str:
        """The secret, or '' with the problem noted."""
        name, path = found["name"], found["path"]
        if name:
            value = (self.environ or {}).get(name, "")
            if not value:
                source.refuse(where, f"the environment variable {name} is not set; set it, or {instead}")
            return value
        try:
            with (self.folder / path).open("rb") as handle:
                secret = handle.read(MAX_SECRET).decode().strip()
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "not UTF-8"
            source.refuse(where, f"the secret file {path} cannot be read: {reason}; write it, or {instead}")
            return ""
        if not secret:
            source.refuse(where, f"the secret file {path} is empty; write the secret into it")
        return secret


def _place(problem: Problem) -> tuple[str, int]:
    return problem.file, problem.line


def _refuse_reference(source: Source, where: Path_) -> None:
    words = "${…} must be the whole value, and only of a secret, of a username or a header, or of a channel's url"
    source.refuse(where, words)


def _id(raw: Any) -> str | None:
    given = raw.get("id") if isinstance(raw, dict) else None
    return given if isinstance(given, str) else None


def _inside(name: str, network: Any) -> bool:
    try:
        address = ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return address.is_private and address in network
