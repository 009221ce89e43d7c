"""Brings Chromium for the tests in a browser where it may: a Debian machine, as root. Does nothing when it is there.

Elsewhere it says what to do; the tests in a browser then skip loudly, and fail in CI. Run by `make test`.
"""

import os
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "tests"))
from chromium import find_chromium

ADVICE = (
    "Chromium is not installed, so nothing is tested in a browser. Install it (apt install chromium), or name one in "
    "WIREWATCH_CHROMIUM, then run again."
)


def main():
    if find_chromium() is not None:
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        print(ADVICE, file=sys.stderr)
        return
    quiet = {"env": os.environ | {"DEBIAN_FRONTEND": "noninteractive"}, "stdout": subprocess.DEVNULL, "check": False}
    subprocess.run(["apt-get", "update", "-qq"], **quiet)
    subprocess.run(["apt-get", "install", "-qq", "-y", "--no-install-recommends", "chromium"], **quiet)
    if find_chromium() is None:
        print(ADVICE, file=sys.stderr)


main()
