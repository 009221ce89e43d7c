"""The container files say what is so: commands and files that exist, variables that are ours, nothing published, no
rights, no secret. No engine runs here; tests/integration/test_images.py runs what can be run of them without one."""

import ast
import functools
import pathlib
import re

import pytest
import yaml
from typer.testing import CliRunner

from worker.beats import beat_file
from worker.config.schema import Timing

ROOT = pathlib.Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
CONSOLE = yaml.safe_load((ROOT / "docker-compose.console.yml").read_text())
SERVICES = COMPOSE["services"]
ROLES = {name: service for name, service in SERVICES.items() if service.get("image") == "wirewatch"}
EVERYTHING = SERVICES | {"console-port": CONSOLE["services"]["console-port"]}
PROCFILE = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())
DOCKERFILE = (ROOT / "Dockerfile").read_text()
DOCS = (ROOT / "docs" / "running-apart.md").read_text()
# Each role's own name for itself, which names its beat's file.
BEATS = {"worker": "poll-deliver", "analyse": "analyse", "scheduler": "scheduler", "console": "console"}


@functools.cache
def variables_of_the_code():
    """The names that the code asks the environment for, said there or by a constant."""
    code = [ast.parse(path.read_text()) for path in (ROOT / "worker").rglob("*.py")]
    constants = {
        target.id: node.value.value
        for tree in code
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(getattr(node.value, "value", None), str)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name)
    }
    asked = [ask for tree in code for node in ast.walk(tree) for ask in asked_for(node)]
    names = {ask.value if isinstance(ask, ast.Constant) else constants.get(getattr(ask, "id", "")) for ask in asked}
    return names - {None}


def asked_for(node):
    """`environ[X]`, `environ.get(X)`, `environ.setdefault(X)`, `X in environ`: the Xs."""
    if isinstance(node, ast.Subscript) and is_environ(node.value):
        return [node.slice]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and is_environ(node.func.value):
        return node.args[:1]
    if isinstance(node, ast.Compare) and any(is_environ(one) for one in node.comparators):
        return [node.left]
    return []


def is_environ(node):
    return getattr(node, "id", getattr(node, "attr", "")) == "environ"


def variables_of_the_files():
    """What the container files and the Procfile set or ask for, but what the foreign images alone understand."""
    text = (ROOT / "docker-compose.yml").read_text() + (ROOT / "Procfile").read_text()
    text = re.sub(r"^ *#.*$", "", text, flags=re.M)
    given = {name for service in ROLES.values() for name in service["environment"]}
    return given | set(re.findall(r"(?<!\$)\$\{(\w+)", text))


def documented_variables():
    return re.findall(r"^\| `([A-Z_]+)` \|", DOCS, re.M)


def test_containers_compose_has_the_roles_of_the_procfile():
    assert set(ROLES) == set(PROCFILE) == set(BEATS)
    for name, service in ROLES.items():
        words = PROCFILE[name].replace("${PORT:-8420}", "8420").split()[2:]
        assert service["command"] == [*words, "--config", "/desk/config", "--data", "/data"]


@pytest.mark.parametrize("name", ROLES)
def test_containers_compose_commands_are_verbs_with_their_options(name):
    from worker.cli import cli

    verb, *options = ROLES[name]["command"]
    shown = CliRunner().invoke(cli, [verb, "--help"], env={"COLUMNS": "200"})
    assert shown.exit_code == 0
    for option in (word for word in options if word.startswith("--")):
        assert option in shown.output


def test_containers_every_variable_is_documented_and_every_documented_one_is_used():
    used = variables_of_the_code() | variables_of_the_files()
    assert {"DATABASE_URL", "REDIS_URL", "SENTRY_DSN", "WIREWATCH_READY"} <= variables_of_the_code()
    assert sorted(documented_variables()) == sorted(used)


def test_containers_compose_sets_only_variables_that_the_code_reads():
    for service in ROLES.values():
        assert set(service["environment"]) <= variables_of_the_code()


def test_j08_containers_publish_nothing_but_the_console_to_this_machine():
    assert [name for name, service in SERVICES.items() if "ports" in service] == []
    assert CONSOLE["services"]["console"] == {"ports": ["127.0.0.1:8420:8421"]}
    forwarder = CONSOLE["services"]["console-port"]
    (script,) = forwarder["command"]
    assert script.startswith("socat TCP-LISTEN:8421,fork,reuseaddr TCP:127.0.0.1:8420 &\n")
    assert forwarder["network_mode"] == "service:console" and "ports" not in forwarder
    assert "8420" in ROLES["console"]["command"]
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    assert {name for name, service in SERVICES.items() if service["networks"] == ["inside"]} == {"postgres", "redis"}


@pytest.mark.parametrize("name", EVERYTHING)
def test_j08_containers_have_no_rights_and_an_end_to_what_they_take(name):
    service = EVERYTHING[name]
    assert service["read_only"] is True and service["cap_drop"] == ["ALL"] and "privileged" not in service
    assert service["security_opt"] == ["no-new-privileges:true"] and service["restart"] == "unless-stopped"
    # Without its rights no root could become another user: who does not come as one by itself is told to.
    assert name in ROLES or re.fullmatch(r"[1-9]\d+:[1-9]\d+", service["user"])
    assert re.fullmatch(r"\d+[mg]", service["mem_limit"]) and 32 <= service["pids_limit"] <= 256
    if name in SERVICES:
        assert service["logging"]["options"] == {"max-size": "10m", "max-file": "5"}


def test_j08_containers_hold_no_password():
    text = (ROOT / "docker-compose.yml").read_text()
    assert "requirepass $$REDIS_PASSWORD" in text
    for found in re.findall(r"(?<!\$)\$\{(\w+PASSWORD)([^}]*)\}", text):
        assert found[1].startswith(":?"), "an unset password must stop the start"
    assert re.findall(r"PASSWORD: (?!\$\{)\S", text) == []
    for service in SERVICES.values():
        assert "${" not in " ".join(service.get("command", [])), "a command line is read by everyone on the machine"
    ignored = (ROOT / ".gitignore").read_text().split()
    assert {".env", "desk.env", "/desk/"} <= set(ignored)


def test_containers_share_what_they_must_and_see_no_more():
    for service in ROLES.values():
        desk, kept = service["volumes"]
        assert desk["source"] == "./desk" and desk["read_only"] is True and kept == "data:/data"
        assert f"--config {desk['target']}" in " ".join(service["command"])
        # A missing folder must be said, not made by the engine as root.
        assert desk["bind"] == {"create_host_path": False}
        assert service["tmpfs"] == ["/tmp"] and service["environment"]["WIREWATCH_READY"] == "/tmp"
        assert service["env_file"] == [{"path": "desk.env", "required": False}]
    assert SERVICES["postgres"]["volumes"] == ["postgres:/var/lib/postgresql/data"]
    assert "volumes" not in SERVICES["redis"] and "/data" in SERVICES["redis"]["tmpfs"]
    assert set(COMPOSE["volumes"]) == {"data", "postgres"}


@pytest.mark.parametrize("name", BEATS)
def test_containers_health_is_the_role_s_own_beat(name):
    kind, *test = ROLES[name]["healthcheck"]["test"]
    if name == "console":
        assert kind == "CMD" and "http://127.0.0.1:8420/readyz" in test[-1]
    else:
        minutes = re.fullmatch(r"find (/tmp/[a-z-]+\.ready) -mmin -(\d+) \| grep -q \.", test[0])
        assert minutes[1] == str(beat_file(pathlib.Path("/tmp"), BEATS[name]))
        assert int(minutes[2]) * 60 > Timing().silent_after, "a silent role ends itself first"


def test_containers_every_service_has_health_and_time_to_stop():
    for name, service in EVERYTHING.items():
        assert service["healthcheck"]["test"] and service["healthcheck"]["interval"], name
    for name, service in ROLES.items():
        assert int(service["stop_grace_period"].removesuffix("s")) >= 30, name
        assert service["init"] is True, name
        assert set(service["depends_on"]) == {"postgres", "redis"}, name
        assert all(on == {"condition": "service_healthy"} for on in service["depends_on"].values()), name


def test_containers_port_of_the_console_comes_back_after_the_console():
    """What it runs is run in tests/integration/test_images.py."""
    forwarder = CONSOLE["services"]["console-port"]
    assert forwarder["restart"] == "unless-stopped" and forwarder["init"] is True
    assert forwarder["depends_on"] == {"console": {"condition": "service_healthy", "restart": True}}
    (address,) = (word for word in forwarder["healthcheck"]["test"] if word.startswith("http"))
    assert address.startswith("http://127.0.0.1:8421/static/"), "through the forwarder, to what needs no key"


def test_containers_port_of_the_console_outlives_an_upgrade():
    """Without the second file in `.env`, the documented commands would take the port away."""
    assert "COMPOSE_FILE=docker-compose.yml:docker-compose.console.yml" in DOCS
    assert not re.search(r"docker compose .*-f ", DOCS)


def test_containers_redis_keeps_nothing_and_evicts_nothing():
    line = SERVICES["redis"]["command"][-1]
    assert '--save ""' in line and "--appendonly no" in line and "--maxmemory-policy noeviction" in line


def test_containers_image_runs_as_nobody_in_particular():
    build, image = re.split(r"^FROM ", DOCKERFILE, flags=re.M)[1:]
    assert build.startswith("python:3.13-slim AS build\n") and image.startswith("python:3.13-slim\n")
    assert "USER 10001:10001" in image.splitlines()
    assert "PYTHONDONTWRITEBYTECODE=1" in image and 'ENTRYPOINT ["wirewatch"]' in image
    assert "pip" not in image, "what builds stays behind"
    assert re.search(r'CMD find "\$WIREWATCH_READY" .* -name "\*\.ready" -mmin -3 \| grep -q \.', image)
    assert not re.search(r"^(ARG|ENV).*(PASSWORD|SECRET|TOKEN|KEY)", DOCKERFILE, re.M)


def test_containers_image_installs_what_the_lock_names():
    installs = re.findall(r"^RUN pip (.+)$", DOCKERFILE, re.M)
    assert len(installs) == 2
    assert all("--constraint requirements.lock" in line for line in installs)
    assert "--no-build-isolation" in installs[1], "else the build's own tools would be whatever is newest"
    locked = set(re.findall(r"^(\w+)==", (ROOT / "requirements.lock").read_text(), re.M))
    assert {"setuptools", "wheel"} <= locked


def test_containers_image_is_made_of_the_package_and_never_of_a_desk_s_secrets():
    lines = re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.M)
    copied = {word for line in lines for word in line.split()[:-1]}
    allowed = (ROOT / ".dockerignore").read_text().split()
    assert allowed[0] == "*" and allowed[-1] == "**/__pycache__"
    assert {line[1:].removesuffix("/*.yaml") for line in allowed[1:-1]} == copied
    assert "!config/*.yaml" in allowed and "!config" not in allowed, "config/secrets may lie there"
    assert all((ROOT / name).exists() for name in copied)
