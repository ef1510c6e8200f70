"""What containers are told is what Weft can do: the files are read, and their commands parsed by the command line."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from typer.main import get_command

from engine.cli import app
from engine.service.scopes import OPEN

ROOT = Path(__file__).parents[1]
PORT = 8000


def from_dockerfile() -> list[str]:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    found = re.search(r"^CMD (\[.*\])$", text, re.MULTILINE)
    assert found is not None
    return list(json.loads(found[1]))


def from_kubernetes() -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((ROOT / "deploy" / "kubernetes.yaml").read_text(encoding="utf-8")))


def container() -> dict[str, Any]:
    deployment = next(one for one in from_kubernetes() if one["kind"] == "Deployment")
    return dict(deployment["spec"]["template"]["spec"]["containers"][0])


@pytest.mark.parametrize("arguments", [from_dockerfile(), container()["args"]], ids=["docker", "kubernetes"])
def test_the_commands_are_those_of_weft(arguments: list[str]) -> None:
    command = get_command(app)
    assert isinstance(command, typer.core.TyperGroup)
    serve = command.get_command(typer.Context(command), arguments[0])
    assert serve is not None
    told = serve.make_context("serve", list(arguments[1:]))
    assert (told.params["host"], told.params["port"]) == ("0.0.0.0", PORT)
    assert told.params["keys"] == Path("keys.json") and told.params["artefact"] == Path("artefacts/shop")


def test_probes_ask_what_needs_no_key() -> None:
    one = container()
    assert one["ports"] == [{"name": "http", "containerPort": PORT}]
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert one[probe]["httpGet"]["path"] in OPEN
    assert one["securityContext"]["readOnlyRootFilesystem"] and not one["securityContext"]["allowPrivilegeEscalation"]
    assert f"127.0.0.1:{PORT}/healthz" in (ROOT / "Dockerfile").read_text(encoding="utf-8")


def test_every_mount_and_claim_is_there() -> None:
    names = {(one["kind"], one["metadata"]["name"]) for one in from_kubernetes()}
    assert names == {("PersistentVolumeClaim", "weft"), ("Service", "weft"), ("Deployment", "weft")}
    pod = next(one for one in from_kubernetes() if one["kind"] == "Deployment")["spec"]["template"]["spec"]
    assert {mount["name"] for mount in container()["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}


def test_what_the_image_copies_is_not_ignored() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    for line in re.findall(
        r"^COPY (?!--from)(.*) \S+$", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE
    ):
        for name in line.split():
            assert f"!{name}" in ignored and (ROOT / name).exists()


def test_compose_keeps_the_root_read_only_and_asks_for_a_password() -> None:
    services = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text(encoding="utf-8"))["services"]
    assert services["weft"]["read_only"] and services["weft"]["ports"] == [f"127.0.0.1:{PORT}:{PORT}"]
    assert (ROOT / "deploy" / services["weft"]["build"] / "Dockerfile").is_file()
    assert ":?" in services["neo4j"]["environment"]["NEO4J_AUTH"]
