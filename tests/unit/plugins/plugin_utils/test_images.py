# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
import subprocess
import typing as t
from pathlib import Path

import jinja2
import pytest
import yaml
from ansible_collections.opengeoai.modelhub.plugins.plugin_utils import _images
from ansible_collections.opengeoai.modelhub.plugins.plugin_utils._images import (
    RECIPE_LABEL,
    ImagesError,
    chain_states,
    choose,
    find,
    local_reference,
    parse,
    recipe_hash,
)

ROOT = Path(__file__).parents[4]
DIGEST = "sha256:" + "a" * 64
OTHER_DIGEST = "sha256:" + "b" * 64
PUBLISHED = "docker.io/library/postgres:17.10-trixie"
LOCAL = "modelhub.local/postgres:17"


def image(*tags: str, digests: t.Sequence[str] = (), created: int = 1, **labels: str) -> dict[str, t.Any]:
    found = {f"org.opengeoai.modelhub.{name}": value for name, value in labels.items()}
    identity = f"sha256:{tags[0] if tags else digests[0]}"
    return {"id": identity, "tags": list(tags), "digests": list(digests), "labels": found, "created": created}


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("postgres", ("docker.io", "library/postgres", "latest", "")),
        ("postgres:17", ("docker.io", "library/postgres", "17", "")),
        ("library/postgres:17", ("docker.io", "library/postgres", "17", "")),
        ("docker.io/postgres:17", ("docker.io", "library/postgres", "17", "")),
        ("index.docker.io/library/postgres:17", ("docker.io", "library/postgres", "17", "")),
        ("pgsty/silo:RELEASE.2026-10-26T00-00-00Z", ("docker.io", "pgsty/silo", "RELEASE.2026-10-26T00-00-00Z", "")),
        ("ghcr.io/opengeoai/modelhub/mlflow:v3", ("ghcr.io", "opengeoai/modelhub/mlflow", "v3", "")),
        ("localhost/x:1", ("localhost", "x", "1", "")),
        ("127.0.0.1:5000/x", ("127.0.0.1:5000", "x", "latest", "")),
        ("registry:5000/a/b:1", ("registry:5000", "a/b", "1", "")),
        (f"postgres@{DIGEST}", ("docker.io", "library/postgres", "", DIGEST)),
        (f"registry:5000/a/b:1@{DIGEST}", ("registry:5000", "a/b", "1", DIGEST)),
        ("modelhub.local/base:trixie", ("modelhub.local", "base", "trixie", "")),
    ],
)
def test_references_are_read_as_docker_does(text: str, parts: tuple[str, ...]) -> None:
    assert parse(text) == parts


@pytest.mark.parametrize(
    ("reference", "there"),
    [
        ("docker.io/library/postgres:17", True),
        ("postgres:17", True),
        ("postgres:18", False),
        ("postgres", False),
        ("quay.io/library/postgres:17", False),
        ("other/postgres:17", False),
        (f"docker.io/library/postgres@{DIGEST}", True),
        (f"postgres:99@{DIGEST}", True),
        (f"postgres:17@{OTHER_DIGEST}", False),
    ],
)
def test_presence(reference: str, there: bool) -> None:
    images = [image("traefik:v3"), image("x:1", "postgres:17", digests=[f"postgres@{DIGEST}"])]
    assert find(images, reference) == (images[1] if there else None)


def test_an_image_without_names_is_nobodys() -> None:
    assert find([image(digests=["<none>"])], "postgres:17") is None


@pytest.mark.parametrize(
    ("service", "version", "reference"),
    [
        ("traefik", "v3.7.15", "modelhub.local/traefik:v3.7.15"),
        ("postgres", "17.10-trixie", "modelhub.local/postgres:17"),
        ("postgres", "17", "modelhub.local/postgres:17"),
        ("minio", "RELEASE.2026-10-26T00-00-00Z", "modelhub.local/minio:seaweedfs"),
        ("haproxy", "3.2.8-trixie", "modelhub.local/haproxy:trixie"),
        ("mlflow", "v3.17.2", "modelhub.local/mlflow:v3.17.2"),
        ("mlflow-base", "v3.17.2", "modelhub.local/mlflow-base:v3.17.2"),
        ("mlflow-oidc", "v3.17.2", "modelhub.local/mlflow-oidc:v3.17.2"),
        ("backup", "17.10-trixie", "modelhub.local/backup:17"),
        ("base", "", "modelhub.local/base:trixie"),
    ],
)
def test_local_names(service: str, version: str, reference: str) -> None:
    assert local_reference(service, version) == reference


def test_unknown_parameters_are_refused() -> None:
    with pytest.raises(ImagesError, match='"nginx", but must be one of'):
        local_reference("nginx", "1")
    with pytest.raises(ImagesError, match='no source "both"'):
        choose([], "postgres", PUBLISHED, "17", "both")
    with pytest.raises(ImagesError, match='for service "base"'):
        choose([], "base", PUBLISHED, "17", "auto")
    with pytest.raises(ImagesError, match="no published name"):
        choose([], "postgres", "", "17", "pull")


BOTH = [image("postgres:17.10-trixie", engine="official"), image(LOCAL, engine="Debian's")]


@pytest.mark.parametrize(
    ("images", "source", "reference", "present"),
    [
        (BOTH, "auto", PUBLISHED, True),
        (BOTH[1:], "auto", LOCAL, True),
        ([], "auto", PUBLISHED, False),
        (BOTH, "pull", PUBLISHED, True),
        (BOTH[1:], "pull", PUBLISHED, False),
        (BOTH, "build", LOCAL, True),
        (BOTH[:1], "build", LOCAL, False),
    ],
)
def test_choice(images: list[dict[str, t.Any]], source: str, reference: str, present: bool) -> None:
    choice = choose(images, "postgres", PUBLISHED, "17.10-trixie", source)
    assert (choice["reference"], choice["present"]) == (reference, present)
    assert choice["local"] == (reference == LOCAL)
    assert choice["buildable"] == (source != "pull")
    assert (choice["local_reference"], choice["registry"]) == (LOCAL, "docker.io")
    assert choice["labels"] == (find(images, reference) or {"labels": {}})["labels"]
    assert bool(choice["id"]) == bool(choice["created"]) == present


@pytest.mark.parametrize(
    ("published", "buildable"),
    [
        ("postgres:17.10-trixie", True),
        (f"docker.io/library/postgres@{DIGEST}", True),
        (f"docker.io/library/postgres:17.10-trixie@{DIGEST}", True),
        ("", True),
        # Another version, by the name alone
        ("docker.io/library/postgres:17.11-trixie", False),
        ("postgres", False),
        # Somebody's own, or another registry's
        ("registry.example.org/postgres-with-extensions:17.10-trixie", False),
        ("registry.example.org/library/postgres:17.10-trixie", False),
    ],
)
def test_what_is_built_here_stands_in_for_the_default_only(published: str, buildable: bool) -> None:
    choice = choose([image(LOCAL)], "postgres", published, "17.10-trixie", "auto")
    assert choice["buildable"] == choice["present"] == buildable
    assert choice["reference"] == (LOCAL if buildable else published)
    assert choose([], "postgres", published, "17.10-trixie", "build")["buildable"]


@pytest.mark.parametrize(
    ("version", "images", "source", "package_manager", "build_problem", "problem"),
    [
        ("17.10-trixie", [], "build", "apt", "", ""),
        ("17.10-trixie", [], "build", "", "", ""),
        ("17.10-trixie", [], "build", "dnf", "has dnf instead of apt", "has dnf instead of apt"),
        ("17.10-trixie", [], "auto", "dnf", "has dnf instead of apt", ""),
        ("17.10-trixie", [image("modelhub.local/base:trixie")], "build", "dnf", "", ""),
        ("17.10-trixie", [image(LOCAL)], "build", "dnf", "has dnf instead of apt", ""),
        ("16.2", [], "build", "apt", "postgres_version is 16.2, but .* only 17 .* auto$", "only 17"),
        ("16.2", [], "auto", "apt", "only 17", ""),
    ],
)
def test_what_cannot_be_built(
    version: str,
    images: list[dict[str, t.Any]],
    source: str,
    package_manager: str,
    build_problem: str,
    problem: str,
) -> None:
    published = f"docker.io/library/postgres:{version}"
    choice = choose(images, "postgres", published, version, source, package_manager)
    for name, expected in (("build_problem", build_problem), ("problem", problem)):
        assert re.search(expected or "^$", choice[name]), name


def recipe(name: str, base: str, text: str = "FROM x") -> dict[str, t.Any]:
    return {"name": name, "base": base, "args": {"A": "1", "EMPTY": "", "NONE": None}, "files": {"Dockerfile": text}}


CHAIN = [recipe("base", ""), recipe("mlflow-base", "base"), recipe("mlflow", "mlflow-base")]


def built(chain: list[dict[str, t.Any]]) -> list[dict[str, t.Any]]:
    """The images that building a chain leaves on an engine."""
    images: list[dict[str, t.Any]] = []
    for _unused in chain:
        state = next(state for state in chain_states(chain, images, "v3") if not state["present"])
        images.append(image(state["reference"], recipe=state["recipe"], created=len(images) + 5))
    return images


def column(states: list[dict[str, t.Any]], name: str) -> list[t.Any]:
    return [state[name] for state in states]


def test_a_chain_from_nothing() -> None:
    states = chain_states(CHAIN, [], "v3")
    assert column(states, "needed") == [True, True, True]
    assert column(states, "outdated") == column(states, "present") == [False, False, False]
    assert column(states, "reference") == [
        "modelhub.local/base:trixie",
        "modelhub.local/mlflow-base:v3",
        "modelhub.local/mlflow:v3",
    ]
    assert column(states, "base_reference") == ["", *column(states, "reference")[:2]]
    # What a recipe makes is known once its base is there.
    assert [bool(text) for text in column(states, "recipe")] == [True, False, False]
    assert states[0]["args"] == {"A": "1"}


def test_a_chain_that_is_built() -> None:
    states = chain_states(CHAIN, built(CHAIN), "v3")
    assert column(states, "present") == [True, True, True]
    assert column(states, "outdated") == column(states, "needed") == [False, False, False]
    assert column(states, "created") == [5, 6, 7]
    assert len(set(column(states, "recipe"))) == 3


@pytest.mark.parametrize(
    ("changed", "outdated", "needed"),
    [
        (0, [True, False, False], [True, True, True]),
        (1, [False, True, False], [False, True, True]),
        (2, [False, False, True], [False, False, True]),
    ],
)
def test_a_changed_recipe(changed: int, outdated: list[bool], needed: list[bool]) -> None:
    images = built(CHAIN)
    chain = [recipe(one["name"], one["base"], "FROM y") if place == changed else one for place, one in enumerate(CHAIN)]
    states = chain_states(chain, images, "v3")
    assert (column(states, "outdated"), column(states, "needed")) == (outdated, needed)


def test_a_new_base_outdates_what_stands_on_the_old_one() -> None:
    images = built(CHAIN)
    images[0]["id"] = "sha256:new"
    states = chain_states(CHAIN, images, "v3")
    assert column(states, "outdated") == [False, True, False]


def test_without_its_base_an_image_is_not_called_outdated() -> None:
    states = chain_states(CHAIN, built(CHAIN)[2:], "v3")
    assert column(states, "outdated") == [False, False, False]
    assert column(states, "needed") == [True, True, True]


def test_an_image_of_another_origin_is_outdated() -> None:
    images = [image("modelhub.local/base:trixie")]
    assert RECIPE_LABEL not in images[0]["labels"]
    assert chain_states(CHAIN[:1], images, "v3")[0]["outdated"]


def test_everything_counts_for_the_recipe() -> None:
    hashes = [
        recipe_hash({"a": "1", "b": "2"}, {}, ""),
        recipe_hash({"a": "2", "b": "1"}, {}, ""),
        recipe_hash({"a": "1", "c": "2"}, {}, ""),
        recipe_hash({"a": "1", "b": "2"}, {"A": "1"}, ""),
        recipe_hash({"a": "1", "b": "2"}, {}, "sha256:1"),
    ]
    assert len(set(hashes)) == len(hashes)
    assert recipe_hash({"b": "2", "a": "1"}, {}, "") == hashes[0]
    assert re.fullmatch("[0-9a-f]{64}", hashes[0])


def test_the_published_names_are_the_defaults_of_the_roles() -> None:
    defaults: dict[str, str] = {}
    for role in ("traefik", "postgres", "minio", "mlflow"):
        defaults.update(yaml.safe_load((ROOT / f"roles/{role}/defaults/main.yml").read_text()))
    names = {name: f"{name}_image" for name in _images.PUBLISHED if name != "backup"}
    names |= {"haproxy": "traefik_docker_proxy_image", "mlflow-oidc": "mlflow_image"}
    found = {
        service: jinja2.Template(defaults[name]).render(mlflow_auth=service.partition("-")[2]).split(":")[0]
        for service, name in names.items()
    }
    # Which nobody publishes
    assert found | {"backup": ""} == _images.PUBLISHED


@pytest.mark.parametrize("name", ["postgres", "backup"])
def test_the_recipe_of_postgresql_builds_the_major_release_that_is_named(name: str) -> None:
    dockerfile = (ROOT / f"images/{name}/Dockerfile").read_text()
    assert re.findall("^ARG PG_MAJOR=(.*)$", dockerfile, re.MULTILINE) == [_images.POSTGRES_MAJOR]


@pytest.mark.parametrize("service", [*_images.LOCAL_TAGS, "mlflow-base", "base"])
def test_the_shell_helper_prints_local_names(service: str) -> None:
    versions = yaml.safe_load((ROOT / "roles/common/vars/main/versions.yml").read_text())["modelhub_versions"]
    names = {"minio": "silo", "mlflow-base": "mlflow", "mlflow-oidc": "mlflow", "backup": "postgres"}
    version = versions.get(names.get(service, service), "")
    printed = subprocess.run([ROOT / "bin/lib/images.sh", service], capture_output=True, text=True, check=True).stdout
    assert printed == local_reference(service, version) + "\n"


def test_the_shell_helper_refuses_others() -> None:
    result = subprocess.run([ROOT / "bin/lib/images.sh", "nginx"], capture_output=True, text=True, check=False)
    assert result.returncode != 0
    assert "there is no image of nginx" in result.stderr
