"""The child's half of a warm child process: documents in, answers out, each under limits of CPU and memory.

Its arguments are CPU_SECONDS (for one document) and MEMORY_MB (above what it needs to begin with). It ends when its
input does.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import struct
import sys
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO, Final

LENGTH: Final = struct.Struct(">I")
GARBAGE: Final = 20_000  # new objects between two looks for garbage; Python's 700 are made for small programs
OUT_OF_MEMORY: Final = 77  # our exit code for it


def serve(answer: Callable[[Mapping[str, Any], bytes], dict[str, Any]]) -> None:
    """Answers one document after another. A MemoryError of `answer`'s ends the child."""
    cpu_seconds, memory_mb = int(sys.argv[1]), int(sys.argv[2])
    source, sink = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever prints must not disturb the pipe
    # What was imported is never garbage, and a parse makes few cycles: a first poll costs a fifth less this way.
    gc.freeze()
    gc.set_threshold(GARBAGE, 10, 10)
    limit = _memory_in_use() + memory_mb * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sink.write(b"!")
    sink.flush()
    while True:
        header, body = _read(source), _read(source)
        if header is None or body is None:
            return
        _rearm(cpu_seconds)
        try:
            found = answer(json.loads(header), body)
        except MemoryError:
            os._exit(OUT_OF_MEMORY)
        encoded = json.dumps(found, ensure_ascii=True).encode()
        sink.write(LENGTH.pack(len(encoded)) + encoded)
        sink.flush()


def _memory_in_use() -> int:
    with open("/proc/self/statm") as handle:
        return int(handle.read().split()[0]) * resource.getpagesize()


def _rearm(seconds: int) -> None:
    """At most `seconds` for this document, in whole seconds. The limit counts from the process's start: it moves on."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime) + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.RLIM_INFINITY))


def _read(source: BinaryIO) -> bytes | None:
    head = source.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    (length,) = LENGTH.unpack(head)
    body = source.read(length)
    return body if len(body) == length else None
