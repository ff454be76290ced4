"""What is in deploy/: the image, the compose file, the certificates. What only Docker can tell is asked of it where it
is."""

import json
import os
import re
import shutil
import ssl
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import typer
from pytest_httpserver import HTTPServer

from search.cli import app
from search.service.app import create_app
from search.settings import Settings
from transcribe.library.store import Library

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text()
COMPOSE_TEXT = (DEPLOY / "compose.yaml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(COMPOSE_TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
RAY = ("ray-head", "ray-worker")
NODES = ("search-1", "search-2", "search-3")
OURS = ("service", *RAY)
SECRET = re.compile(r"PASSWORD|TOKEN|SECRET|API_KEY|CREDENTIAL")
FROM_OUTSIDE = re.compile(r"\$\{(\w+:-)?(\$\{)?\w+:\?[^}]*\}*")  # and an error where it is not given
IN_COMPOSE = {
    "LIBRARY": "/somewhere",
    "OPENSEARCH_INITIAL_ADMIN_PASSWORD": "no-password",
    "RAY_AUTH_TOKEN": "no-token",
}

needs_openssl = pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is not on this machine")


def environment(service: str) -> dict[str, str]:
    return SERVICES[service].get("environment") or {}


def networks(service: str) -> set[str]:
    return set(SERVICES[service].get("networks", ()))


def mounts(service: str) -> dict[str, str]:
    """What is mounted where, by the place in the container; `:ro` is part of the value."""
    found = {}
    for volume in SERVICES[service].get("volumes", ()):
        source, place, *options = re.sub(r"\$\{(\w+)[^}]*\}", r"$\1", volume).split(":")
        found[place] = ":".join([source, *options])
    return found


def instructions(name: str) -> list[str]:
    """Those of the Dockerfile that begin with a word, each in one line."""
    lines = re.sub(r"\\\n\s*", "", re.sub(r"(?m)^#.*\n", "", DOCKERFILE)).splitlines()
    return [line.removeprefix(name).strip() for line in lines if line.startswith(f"{name} ")]


# Secrets


def test_no_password_and_no_token_stands_in_the_compose_file() -> None:
    secrets = [
        (service, name, value)
        for service in SERVICES
        for name, value in environment(service).items()
        if SECRET.search(name)
    ]
    assert {name for _, name, _ in secrets} == {
        "OPENSEARCH_INITIAL_ADMIN_PASSWORD",
        "PLAYHEAD_INDEX_PASSWORD",
        "RAY_AUTH_TOKEN",
    }
    for service, name, value in secrets:
        assert FROM_OUTSIDE.fullmatch(value), f"{service}: {name} is {value}"
    assert not re.search(r"://[^/\s]*@", COMPOSE_TEXT), "a URL holds a password"
    assert "--user" not in COMPOSE_TEXT


def test_the_file_of_secrets_goes_neither_into_git_nor_into_the_image() -> None:
    assert ".env" in (DEPLOY / ".gitignore").read_text().split()
    ignored = (ROOT / ".dockerignore").read_text().split("\n")
    assert "*" in ignored
    assert not any("deploy" in line for line in ignored if line.startswith("!"))


# What can be reached from where


def test_the_service_alone_publishes_a_port_and_that_to_this_machine_alone() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {"service": ["127.0.0.1:8000:8000"]}


@pytest.mark.parametrize("name", RAY)
def test_ray_is_on_networks_of_compose_alone_and_asks_for_a_token(name: str) -> None:
    assert "ports" not in SERVICES[name]
    assert "network_mode" not in SERVICES[name]
    assert environment(name)["RAY_AUTH_MODE"] == "token"
    assert environment(name)["RAY_AUTH_TOKEN"] == environment("ray-head")["RAY_AUTH_TOKEN"]


def test_the_service_and_the_search_nodes_do_not_reach_rays_workers() -> None:
    for name in ("service", *NODES):
        assert not networks(name) & networks("ray-worker")


def test_the_owner_of_the_library_hands_its_work_to_the_ray_that_it_belongs_to() -> None:
    assert environment("ray-head")["PLAYHEAD_RAY"] == "auto"
    assert "/library" in mounts("ray-head")


def test_ray_runs_without_its_dashboard() -> None:
    head = SERVICES["ray-head"]["command"]
    assert head[head.index("--include-dashboard") + 1] == "false"


def test_workers_are_told_the_name_and_port_of_the_head() -> None:
    head, worker = (SERVICES[name]["command"] for name in RAY)
    host, port = worker[worker.index("--address") + 1].split(":")
    assert head[head.index("--port") + 1] == port
    assert host in SERVICES["ray-head"]["networks"]["work"]["aliases"]
    assert "work" in networks("ray-worker")


# The service and the library


def test_the_service_has_a_healthcheck_which_is_the_images() -> None:
    assert SERVICES["service"]["image"].startswith("playhead:")
    assert SERVICES["service"].get("healthcheck") is None
    assert any("/livez" in check for check in instructions("HEALTHCHECK"))


@pytest.mark.parametrize(("status", "healthy"), [(200, True), (503, False)])
def test_the_healthcheck_is_what_livez_answers(httpserver: HTTPServer, status: int, healthy: bool) -> None:
    (check,) = instructions("HEALTHCHECK")
    command = json.loads(check.partition("CMD")[2])
    httpserver.expect_request("/livez").respond_with_data("", status)
    assert command[0] == "python"
    ended = subprocess.run(
        [sys.executable, *command[1:]],
        env={**os.environ, "PLAYHEAD_PORT": str(httpserver.port)},
        capture_output=True,
        check=False,
    )
    assert (ended.returncode == 0) == healthy


def test_livez_is_there(tmp_path: Path) -> None:
    assert "/livez" in create_app(Library(tmp_path)).openapi()["paths"]


def test_the_library_is_read_only_to_the_service_and_written_by_the_owner_alone() -> None:
    assert mounts("service")["/library"] == "$LIBRARY:ro"
    assert mounts("ray-head")["/library"] == "$LIBRARY"
    assert [name for name in SERVICES if "/library" in mounts(name)] == ["service", "ray-head"]


def test_every_setting_of_playhead_that_is_named_exists() -> None:
    text = "\n".join(path.read_text() for path in DEPLOY.iterdir() if path.is_file())
    named = set(re.findall(r"PLAYHEAD_([A-Z_]+)", text))
    assert {"INDEX", "INDEX_USER", "INDEX_PASSWORD", "INDEX_CA", "LIBRARY", "RAY"} <= named
    assert named - {"LIBRARY"} <= {name.upper() for name in Settings.model_fields}


def test_the_service_is_started_with_options_that_there_are() -> None:
    serve: Any = typer.main.get_command(app).commands["serve"]  # type: ignore[attr-defined]
    for command in (SERVICES["service"]["command"], json.loads(instructions("CMD")[-1])):
        verb, *options = command
        assert verb == "serve"
        given = serve.make_context("serve", list(options)).params
        assert given["host"] == "0.0.0.0"
    assert serve.make_context("serve", SERVICES["service"]["command"][1:]).params["workers"] == 2


def test_what_is_mounted_by_name_is_declared() -> None:
    sources = {source.split(":")[0] for name in SERVICES for source in mounts(name).values()}
    assert {source for source in sources if source[0] not in "./$"} == set(COMPOSE["volumes"])
    assert set().union(*map(networks, SERVICES)) == set(COMPOSE["networks"])
    for source in sources:
        assert not source.startswith("./") or (DEPLOY / source).is_file()


# The search cluster


@pytest.mark.parametrize("name", NODES)
def test_each_search_node_is_one_of_three_with_its_security_plugin_on(name: str) -> None:
    node, settings = SERVICES[name], environment(name)
    assert node["image"] == "opensearchproject/opensearch:2.19.1"
    assert settings["node.name"] == name
    assert settings["discovery.seed_hosts"].split(",") == list(NODES)
    assert settings["cluster.initial_cluster_manager_nodes"].split(",") == list(NODES)
    assert not {"DISABLE_SECURITY_PLUGIN", "plugins.security.disabled", "DISABLE_INSTALL_DEMO_CONFIG"} & set(settings)
    assert node["healthcheck"]["test"]
    assert settings["bootstrap.memory_lock"] == "true"
    assert node["ulimits"]["memlock"] == {"soft": -1, "hard": -1}
    assert {"-Xms", "-Xmx"} == {option[:4] for option in settings["OPENSEARCH_JAVA_OPTS"].split()}
    assert f"{name}" in mounts(name)["/usr/share/opensearch/data"]


def test_the_demonstration_certificates_are_replaced_for_both_transports() -> None:
    for name in NODES:
        for transport in ("transport", "http"):
            for kind in ("pemcert", "pemkey", "pemtrustedcas"):
                path = environment(name)[f"plugins.security.ssl.{transport}.{kind}_filepath"]
                assert path.startswith("certificates/")
        assert mounts(name)["/usr/share/opensearch/config/certificates"] == "certificates:ro"


@pytest.mark.parametrize("name", ["service", "ray-head"])
def test_those_who_search_use_tls_and_trust_the_nodes_authority(name: str) -> None:
    urls = [urlsplit(url) for url in environment(name)["PLAYHEAD_INDEX"].split(",")]
    assert [(url.scheme, url.hostname, url.port) for url in urls] == [("https", node, 9200) for node in NODES]
    assert "search" in networks(name)
    folder, _, file = environment(name)["PLAYHEAD_INDEX_CA"].rpartition("/")
    assert (mounts(name)[folder], file) == ("authority:ro", "ca.pem")
    assert "certificates" not in mounts(name).values(), "the nodes' key"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    nodes, clients = tmp_path_factory.mktemp("nodes"), tmp_path_factory.mktemp("clients")
    subprocess.run(["sh", DEPLOY / "certificates.sh", nodes, clients], check=True, capture_output=True)
    return nodes, clients


def shake_hands(nodes: Path, clients: Path, name: str) -> None:
    """A client that trusts the authority alone, and a node; raises ssl.SSLError where they do not agree."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(nodes / "node.pem", nodes / "node-key.pem")
    client = ssl.create_default_context(cafile=str(clients / "ca.pem"))
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    sides = [client.wrap_bio(back, there, server_hostname=name), server.wrap_bio(there, back, server_side=True)]
    for _ in range(3):
        for side in sides:
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    assert sides[0].version()


@needs_openssl
@pytest.mark.parametrize("name", [*NODES, "localhost"])
def test_a_node_shows_a_certificate_for_each_name_it_is_asked_by(certificates: tuple[Path, Path], name: str) -> None:
    shake_hands(*certificates, name)


@needs_openssl
def test_a_node_under_another_name_is_not_trusted(certificates: tuple[Path, Path]) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        shake_hands(*certificates, "search.example.org")


@needs_openssl
def test_nodes_know_one_another_by_the_subject_of_their_certificate(certificates: tuple[Path, Path]) -> None:
    command = ["openssl", "x509", "-in", str(certificates[0] / "node.pem"), "-noout", "-subject", "-nameopt", "RFC2253"]
    subject = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    assert subject == f"subject={environment('search-1')['plugins.security.nodes_dn']}"


@needs_openssl
def test_the_key_of_the_authority_is_kept_nowhere_and_that_of_the_nodes_from_others(
    certificates: tuple[Path, Path],
) -> None:
    nodes, clients = certificates
    assert sorted(path.name for path in nodes.iterdir()) == ["ca.pem", "node-key.pem", "node.pem"]
    assert [path.name for path in clients.iterdir()] == ["ca.pem"]
    assert (nodes / "node-key.pem").stat().st_mode & 0o777 == 0o600


@needs_openssl
def test_certificates_that_are_there_stay(certificates: tuple[Path, Path]) -> None:
    before = [path.read_bytes() for path in sorted(certificates[0].iterdir())]
    subprocess.run(["sh", str(DEPLOY / "certificates.sh"), *map(str, certificates)], check=True, capture_output=True)
    assert [path.read_bytes() for path in sorted(certificates[0].iterdir())] == before


# The image


def test_the_image_does_not_run_as_root() -> None:
    last_stage = DOCKERFILE[DOCKERFILE.rindex("\nFROM ") :]
    (user,) = re.findall(r"(?m)^USER (\S+)", last_stage)
    assert user not in ("root", "0")
    assert f"useradd --uid 1000 --create-home {user}" in last_stage
    assert last_stage.index("\nUSER ") > last_stage.rindex("\nRUN ")
    assert not any("user" in SERVICES[name] for name in OURS)


def test_everything_is_installed_at_the_versions_that_are_tested() -> None:
    installs = re.findall(r"pip install ([^;\n]*)", DOCKERFILE)
    assert len(installs) == 3
    for install in installs:
        assert "--constraint constraints.txt" in install


def test_torch_is_for_processors_or_cards_by_a_build_argument() -> None:
    assert "TORCH=cpu" in instructions("ARG")
    (choice,) = (run for run in instructions("RUN") if run.startswith("case"))
    assert "--index-url https://download.pytorch.org/whl/cpu torch" in choice
    assert "gpu) pip install --constraint constraints.txt torch" in choice
    assert SERVICES["service"]["build"]["args"] == {"TORCH": "${TORCH:-cpu}"}


def test_the_extras_of_the_image_exist_and_are_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (extras,) = re.findall(r"'\.\[(.*)\]'", DOCKERFILE)
    assert set(extras.split(",")) == {"offline", "faster", "opensearch", "ray"}
    pinned = {line.partition("==")[0].lower() for line in (ROOT / "constraints.txt").read_text().splitlines()}
    for extra in extras.split(","):
        for requirement in project["optional-dependencies"][extra]:
            name = re.match(r"[\w.-]+", requirement)
            assert name
            assert name[0].lower() in pinned


def test_the_image_is_built_of_what_docker_is_shown() -> None:
    shown = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {source for copy in instructions("COPY") if "--from" not in copy for source in copy.split()[:-1]}
    assert copied == shown
    assert all((ROOT / name).exists() for name in copied)


def test_the_library_is_a_volume_and_the_entrypoint_is_the_command() -> None:
    assert instructions("VOLUME") == ["/library"]
    assert json.loads(instructions("ENTRYPOINT")[0]) == ["playhead"]
    assert "PLAYHEAD_LIBRARY=/library" in instructions("ENV")[-1]


# Docker's own opinion


def compose_is_missing() -> str:
    if not shutil.which("docker"):
        return "docker is not on this machine"
    known = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode == 0
    return "" if known else "docker is on this machine, but not its compose"


@pytest.mark.parametrize("files", [["compose.yaml"], ["compose.yaml", "compose.gpu.yaml"]], ids=" and ".join)
def test_docker_compose_takes_the_files(files: list[str]) -> None:
    if reason := compose_is_missing():
        pytest.skip(reason)
    command = ["docker", "compose", *(part for file in files for part in ("--file", file)), "config", "--quiet"]
    ended = subprocess.run(
        command, cwd=DEPLOY, env={**os.environ, **IN_COMPOSE}, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr


def test_docker_compose_starts_nothing_without_its_secrets() -> None:
    if reason := compose_is_missing():
        pytest.skip(reason)
    for name in IN_COMPOSE:
        given = {**os.environ, **IN_COMPOSE, name: ""}
        ended = subprocess.run(
            ["docker", "compose", "--file", "compose.yaml", "--env-file", os.devnull, "config", "--quiet"],
            cwd=DEPLOY,
            env=given,
            capture_output=True,
            check=False,
        )
        assert ended.returncode != 0, f"without {name}"
