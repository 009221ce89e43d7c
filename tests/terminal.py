"""A terminal for the tests: a command on a pty of a given size, everything that it wrote, and the keys to press."""

import contextlib
import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import threading

# The command gets the pty as its own terminal, as a shell would give it.
LAUNCH = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
ESCAPE = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07]*\x07|.)")


class Terminal:
    def __init__(self, argv, *, width=120, height=40, environ=None):
        self.master, self.slave = pty.openpty()
        self.resize(width, height)
        self.settings = termios.tcgetattr(self.slave)
        environ = dict(environ or os.environ) | {"TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8"}
        for name in ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR"):
            environ.pop(name, None)
        self.process = subprocess.Popen(
            [sys.executable, "-c", LAUNCH, *map(str, argv)],
            stdin=self.slave,
            stdout=self.slave,
            stderr=self.slave,
            env=environ,
            start_new_session=True,
        )
        self.written = bytearray()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        with contextlib.suppress(OSError):
            while chunk := os.read(self.master, 65536):
                self.written += chunk

    def resize(self, width, height):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    def press(self, keys):
        os.write(self.master, keys)

    @property
    def raw(self):
        return bytes(self.written).decode(errors="replace")

    @property
    def text(self):
        """All of it, without escapes."""
        return ESCAPE.sub("", self.raw)

    @property
    def left(self):
        """What stands on it when the picture is gone."""
        return ESCAPE.sub("", self.raw.rpartition("\x1b[?1049l")[2]).replace("\r\n", "\n")

    def frames(self):
        """Each picture as its lines, the last half-drawn one left out."""
        drawn = self.raw.split("\x1b[H")[1:-1]
        return [ESCAPE.sub("", frame).replace("\r", "").split("\n") for frame in drawn]

    def is_as_before(self):
        """The cursor, line wrapping, the screen and the keys as they were before the command."""
        last = {name: self.raw.rfind(f"\x1b[?{name}h") - self.raw.rfind(f"\x1b[?{name}l") for name in ("25", "7")}
        alternate = self.raw.rfind("\x1b[?1049l") > self.raw.rfind("\x1b[?1049h") >= 0
        return all(at > 0 for at in last.values()) and alternate and termios.tcgetattr(self.slave) == self.settings

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.slave)
        self._reader.join(5)
        os.close(self.master)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
