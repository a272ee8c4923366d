# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two filters of the role images as Ansible sees them."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.opengeoai.modelhub.plugins.filter import image_recipes, image_reference

RECIPE: dict[str, t.Any] = {
    "name": "base",
    "base": "",
    "files": ["images/base/*", "recipe"],
    "args": {},
    "context": ".",
}
reference = image_reference.FilterModule().filters()["image_reference"]
recipes = image_recipes.FilterModule().filters()["image_recipes"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "images/base/folder").mkdir(parents=True)
    for name in ("images/base/b", "images/base/a", "recipe"):
        (tmp_path / name).write_text(name)
    return tmp_path


def test_a_version_may_be_a_number() -> None:
    assert reference([], "postgres", "postgres:17", 17, "build")["reference"] == "modelhub.local/postgres:17"


def test_wrong_parameters_are_filter_errors() -> None:
    with pytest.raises(AnsibleFilterError, match='image_reference: service is "nginx"'):
        reference([], "nginx", "nginx:1", "1", "auto")
    with pytest.raises(AnsibleFilterError, match="image_reference: 'tags'"):
        reference([{}], "traefik", "traefik:v3", "v3", "auto")


def test_recipes_are_read_from_their_files(root: Path) -> None:
    [state] = recipes([RECIPE], [], str(root), "")
    assert state["paths"] == ["images/base/a", "images/base/b", "recipe"]
    assert "files" not in state
    assert state["context"] == "."
    (root / "recipe").write_text("changed")
    assert recipes([RECIPE], [], str(root), "")[0]["recipe"] != state["recipe"]


def test_a_recipe_without_its_files_is_a_filter_error(root: Path) -> None:
    with pytest.raises(AnsibleFilterError, match=r"image_recipes: no file matches images/none/\* in "):
        recipes([{**RECIPE, "files": ["images/none/*"]}], [], str(root), "")
    with pytest.raises(AnsibleFilterError, match="image_recipes: 'base'"):
        recipes([{"name": "base", "files": ["recipe"]}], [], str(root), "")
