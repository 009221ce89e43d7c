"""The container files say what is so: commands that exist, variables that are ours, nothing published, no rights."""

import pathlib
import re

import pytest
import yaml
from typer.testing import CliRunner

ROOT = pathlib.Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
ROLES = {name: service for name, service in SERVICES.items() if service.get("image") == "wirewatch"}


def test_compose_has_the_roles_of_the_procfile():
    lines = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())
    assert set(ROLES) == set(lines)
    for name, service in ROLES.items():
        verb = [word for word in lines[name].split()[1:] if not word.startswith(("--port", "$"))]
        assert service["command"][: len(verb)] == verb


@pytest.mark.parametrize("name", ROLES)
def test_compose_commands_are_verbs_with_their_options(name):
    from worker.cli import cli

    verb, *options = ROLES[name]["command"]
    shown = CliRunner().invoke(cli, [verb, "--help"], env={"COLUMNS": "200"})
    assert shown.exit_code == 0
    for option in (word for word in options if word.startswith("--")):
        assert option in shown.output


def test_compose_sets_only_variables_that_the_code_reads():
    code = "".join(path.read_text() for path in (ROOT / "worker").rglob("*.py"))
    for service in ROLES.values():
        for name in service["environment"]:
            assert f'"{name}"' in code, name


def test_j08_compose_publishes_nothing_and_gives_no_rights():
    for name, service in SERVICES.items():
        assert "ports" not in service, name
        assert service["security_opt"] == ["no-new-privileges:true"], name
    for service in ROLES.values():
        assert service["read_only"] is True and service["cap_drop"] == ["ALL"]
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    assert {name for name, service in SERVICES.items() if service["networks"] == ["inside"]} == {"postgres", "redis"}


def test_j08_compose_has_no_password_of_its_own():
    text = (ROOT / "docker-compose.yml").read_text()
    assert "--requirepass" in text
    for found in re.findall(r"\$\{(\w+PASSWORD)([^}]*)\}", text):
        assert found[1].startswith(":?"), "an unset password must stop the start"
    assert re.findall(r"PASSWORD: (?!\$)\S", text) == []


def test_dockerfile_runs_as_nobody_and_copies_only_what_the_package_is_made_of():
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    assert "USER 10001:10001" in lines
    copied = {word for line in lines if line.startswith("COPY") for word in line.split()[1:-1]}
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert copied == allowed
    assert all((ROOT / name).exists() for name in copied)
