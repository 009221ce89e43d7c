"""Brings PostgreSQL for the tests where it may: a Debian machine, as root. Does nothing when it is there already.

Elsewhere it says what to do; the tests on PostgreSQL then skip loudly, and fail in CI. Run by `make test`.
"""

import os
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "tests"))
from postgres import find_postgres

ADVICE = "PostgreSQL is not installed, so nothing is tested on it. Install it (apt install postgresql), then run again."
# The package would make a cluster on port 5432 and start it; the tests bring up a private one of their own.
NO_CLUSTER = pathlib.Path("/etc/postgresql-common/createcluster.d/wirewatch-tests.conf")


def main():
    if find_postgres() is not None:
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        print(ADVICE, file=sys.stderr)
        return
    NO_CLUSTER.parent.mkdir(parents=True, exist_ok=True)
    NO_CLUSTER.write_text("create_main_cluster = false\n")
    quiet = {"env": os.environ | {"DEBIAN_FRONTEND": "noninteractive"}, "stdout": subprocess.DEVNULL, "check": False}
    subprocess.run(["apt-get", "update", "-qq"], **quiet)
    subprocess.run(["apt-get", "install", "-qq", "-y", "--no-install-recommends", "postgresql"], **quiet)
    if find_postgres() is None:
        print(ADVICE, file=sys.stderr)


main()
