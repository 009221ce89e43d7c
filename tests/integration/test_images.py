"""What can be run of the container files without an engine: their health checks, their Redis, and what the image holds.

The checks are run as compose would run them, but for the paths and ports that are this machine's.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import time
import zipfile

import psutil
import pytest
import redis
import yaml
from postgres import find_postgres

from worker.embedded import find_redis
from worker.up import choose_port

ROOT = pathlib.Path(__file__).parents[2]
SERVICES = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
BEATS = {name: SERVICES[name]["healthcheck"]["test"][1] for name in ("worker", "analyse", "scheduler")}
FORWARDER = yaml.safe_load((ROOT / "docker-compose.console.yml").read_text())["services"]["console-port"]
PASSWORD = "5f2b0c9d"
# For socat: a look takes the next of the answers, and without one kills the listener.
SOCAT = """#!/bin/sh
if [ "$1" != -u ]; then echo $$ > listener; exec /bin/sleep 60; fi
echo "$*" >> looks
answer=$(sed -n "$(wc -l < looks)p" answers)
[ -n "$answer" ] || kill "$(cat listener)"
[ "$answer" = yes ]
"""


def in_shell(command, **variables):
    """Whether it says yes. Compose writes $$ for a $ of the shell's."""
    line = command.replace("$$", "$")
    done = subprocess.run(["sh", "-c", line], env=os.environ | variables, capture_output=True, timeout=30, check=False)
    return done.returncode == 0


@pytest.fixture
def commands(tmp_path, monkeypatch):
    """A folder on the PATH for commands under the names that the images give them."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return folder


@pytest.mark.parametrize("command", [*BEATS.values(), "the image's own"])
def test_images_health_is_a_beat_of_the_last_minutes(tmp_path, command):
    if command == "the image's own":
        command = re.search(r"^    CMD (.+)$", (ROOT / "Dockerfile").read_text(), re.M)[1]
        name = "analyse.ready"
    else:
        name = re.search(r"[a-z-]+\.ready", command)[0]

    def healthy():
        return in_shell(command.replace("/tmp/", f"{tmp_path}/"), WIREWATCH_READY=str(tmp_path))

    assert not healthy(), "it never served"
    (tmp_path / name).touch()
    assert healthy()
    silent = time.time() - 4 * 60
    os.utime(tmp_path / name, (silent, silent))
    assert not healthy(), "it is wedged"


def test_images_health_of_the_database_is_a_query_by_password(commands, postgres_tcp):
    if not (find_postgres() / "psql").exists():
        pytest.skip("there is no psql here")
    (commands / "psql").symlink_to(find_postgres() / "psql")
    command = SERVICES["postgres"]["healthcheck"]["test"][1]
    settings = {"PGPORT": str(postgres_tcp.port), "PGDATABASE": "postgres"}
    assert in_shell(command, POSTGRES_PASSWORD=postgres_tcp.password, **settings)
    assert not in_shell(command, POSTGRES_PASSWORD="another", **settings)
    assert not in_shell(command, POSTGRES_PASSWORD=postgres_tcp.password, **settings | {"PGPORT": str(choose_port(0))})


@pytest.fixture
def composed_redis(commands):
    """Redis as compose starts it, at a port of our own: (process, port)."""
    (commands / "valkey-server").symlink_to(find_redis())
    shell, option, line = SERVICES["redis"]["command"]
    port = choose_port(0)
    line = line.replace("$$", "$").replace("valkey-server - ", f"valkey-server - --port {port} --bind 127.0.0.1 ")
    server = subprocess.Popen(
        [shell, option, line], env=os.environ | {"REDIS_PASSWORD": PASSWORD}, cwd=commands, stdout=subprocess.DEVNULL
    )
    yield server, port
    server.kill()
    server.wait()


def ping(port, password):
    """What Redis answers, once it is there."""
    with redis.Redis(port=port, password=password, socket_timeout=5) as client:
        for _ in range(200):
            try:
                return client.ping()
            except redis.AuthenticationError as error:
                return str(error)
            except redis.ConnectionError:
                time.sleep(0.05)
        return None


def test_images_redis_asks_for_the_password_and_shows_it_to_nobody(composed_redis):
    server, port = composed_redis
    assert ping(port, PASSWORD) is True
    assert ping(port, "another") is not True and ping(port, None) is not True
    everyone = [psutil.Process(server.pid), *psutil.Process(server.pid).children(recursive=True)]
    assert PASSWORD not in str([one.cmdline() for one in everyone])
    with redis.Redis(port=port, password=PASSWORD) as client:
        kept = {name: client.config_get(name)[name] for name in ("maxmemory-policy", "save", "appendonly")}
    assert kept == {"maxmemory-policy": "noeviction", "save": "", "appendonly": "no"}
    server.terminate()
    assert server.wait(10) == 0, "the shell must not stand between it and its stop"


def test_images_health_of_redis_is_an_answer_to_its_password(commands, composed_redis):
    client = shutil.which("redis-cli") or shutil.which("redis-cli", path=f"{sys.prefix}/bin")
    if client is None:
        pytest.skip("there is no redis-cli here")
    server, port = composed_redis
    (commands / "valkey-cli").symlink_to(client)
    command = SERVICES["redis"]["healthcheck"]["test"][1].replace("valkey-cli", f"valkey-cli -p {port}")
    assert ping(port, PASSWORD) is True
    assert in_shell(command, REDIS_PASSWORD=PASSWORD)
    assert not in_shell(command, REDIS_PASSWORD="another")
    server.kill()
    server.wait()
    assert not in_shell(command, REDIS_PASSWORD=PASSWORD)


@pytest.mark.parametrize(
    ("answers", "looks"),
    [
        (["yes", "no", "yes", "no", "no"], [5]),  # one look in vain is none; two in a row end it
        (["no", "no"], [2]),  # the console's old loopback, where nobody ever answers again
        (["yes"], [2, 3]),  # the listener itself is gone, which the shell may learn a look later
    ],
)
def test_images_port_of_the_console_ends_itself_when_the_console_is_gone(commands, answers, looks):
    for name, text in (("socat", SOCAT), ("sleep", "#!/bin/sh\nexec /bin/sleep 0.1\n")):
        (commands / name).write_text(text)
        (commands / name).chmod(0o755)
    (commands / "answers").write_text("".join(f"{answer}\n" for answer in answers))
    (script,) = FORWARDER["command"]
    shell = [*FORWARDER["entrypoint"], script.replace("$$", "$")]
    done = subprocess.run(shell, cwd=commands, env=os.environ, capture_output=True, timeout=30, check=False)
    assert done.returncode == 1, "an end that its keeper takes for a failure"
    asked = (commands / "looks").read_text().splitlines()
    assert len(asked) in looks and set(asked) == {"-u OPEN:/dev/null TCP:127.0.0.1:8420,connect-timeout=4"}
    assert not psutil.pid_exists(int((commands / "listener").read_text())), "nothing is left behind"


def test_unit_of_the_document_is_one_that_systemd_reads(tmp_path):
    """Under a program and a user that are here; what systemd does not know, it says."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("there is no systemd here")
    unit = re.search(r"^```ini\n(.*?)^```$", (ROOT / "docs" / "running-apart.md").read_text(), re.M | re.S)[1]
    file = tmp_path / "wirewatch@analyse-1.service"
    file.write_text(unit.replace("/opt/wirewatch/bin/wirewatch", "/bin/true").replace("User=wirewatch", "User=root"))
    done = subprocess.run(["systemd-analyze", "verify", file], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_images_hold_the_whole_package(tmp_path):
    """A build from a copy of what .dockerignore lets through brings every file of the package: pages, model, desk."""
    context = tmp_path / "context"
    context.mkdir()
    for line in (ROOT / ".dockerignore").read_text().split()[1:-1]:
        for path in ROOT.glob(line.removeprefix("!")):
            there = context / path.relative_to(ROOT)
            there.parent.mkdir(exist_ok=True)
            if path.is_dir():
                shutil.copytree(path, there, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copyfile(path, there)
    quiet = ["--quiet", "--disable-pip-version-check", "--no-deps", "--no-build-isolation", "--no-index"]
    argv = [sys.executable, "-m", "pip", "wheel", *quiet, "--wheel-dir", tmp_path, context]
    done = subprocess.run([str(part) for part in argv], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        held = set(wheel.namelist())
    files = {
        str(path.relative_to(ROOT))
        for path in [*(ROOT / "worker").rglob("*"), *(ROOT / "worker/config/shipped").rglob("*")]
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert sorted(files - held) == []
