"""How soon `wirewatch up` serves, and what it holds in memory when idle: `python bench/idle.py [seconds]`.

Memory is summed PSS: shared pages are counted once, so the figure is what the machine really gives.
"""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import psutil
import yaml

ROOT = pathlib.Path(__file__).parents[1]


def quiet_desk(folder):
    """The example desk, its feeds at names that lead nowhere (RFC 6761): no publisher hears of a bench."""
    shutil.copytree(ROOT / "config", folder)
    feeds = yaml.safe_load((folder / "feeds.yaml").read_text())
    for feed in feeds["feeds"]:
        feed["url"] = f"https://{feed['id']}.invalid/"
    settings = (folder / "settings.yaml").read_text()
    (folder / "settings.yaml").write_text(settings.replace("example.org", "wirewatch.example"))
    (folder / "feeds.yaml").write_text(yaml.safe_dump(feeds, allow_unicode=True))
    return folder


def pss(process):
    try:
        return process.memory_full_info().pss
    except psutil.Error:
        return 0


def wait_until_up(up):
    for line in up.stdout:
        if "Wirewatch is up" in line:
            return
    sys.exit("wirewatch up ended before it served")


def main():
    settle = float(sys.argv[1]) if len(sys.argv) > 1 else 20.0
    with tempfile.TemporaryDirectory() as folder:
        desk, data = quiet_desk(pathlib.Path(folder, "config")), pathlib.Path(folder, "var")
        where = ["--config", str(desk), "--data", str(data), "--port", "0"]
        command = [sys.executable, "-m", "worker", "up", *where]
        began = time.monotonic()
        up = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        wait_until_up(up)
        ready = time.monotonic() - began
        time.sleep(settle)
        everyone = [psutil.Process(up.pid), *psutil.Process(up.pid).children(recursive=True)]
        sizes = sorted(((pss(one) / 2**20, " ".join(one.cmdline()[1:6])) for one in everyone), reverse=True)
        up.terminate()
        began = time.monotonic()
        up.wait()
        stopped = time.monotonic() - began
    for size, name in sizes:
        print(f"{size:7.1f} MB  {name}", file=sys.stderr)
    figures = {"ready_seconds": ready, "summed_pss_mb": sum(size for size, _ in sizes), "stop_seconds": stopped}
    print(json.dumps({name: round(value, 1) for name, value in figures.items()}))


main()
