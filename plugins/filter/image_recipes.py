# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter opengeoai.modelhub.image_recipes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.opengeoai.modelhub.plugins.plugin_utils import _images

DOCUMENTATION = r"""
name: image_recipes
short_description: Tell whether images are what their recipes make
version_added: 0.1.0
author:
  - OpenGeoAI ModelHub contributors (@opengeoai)
description:
  - Compares images that the role P(opengeoai.modelhub.images#role) has built with the recipes of this collection.
  - Reads the files of the recipes on the controller. The engine's images come from M(opengeoai.modelhub.stack_info).
positional: images, root, version
options:
  _input:
    description: Recipes, each after the one whose image it builds on.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: V(base), V(mlflow-base) or a service.
        type: str
        required: true
      base:
        description: The O(_input[].name) of the recipe whose image it builds on. Empty for none.
        type: str
        required: true
      files:
        description: Patterns of the files that it is made from, relative to O(root). Each must match.
        type: list
        elements: str
        required: true
      args:
        description: Arguments of the build. Empty ones do not count.
        type: dict
        required: true
  images:
    description: The images, as in the return value RV(opengeoai.modelhub.stack_info#module:images).
    type: list
    elements: dict
    required: true
  root:
    description: Directory on the controller that the patterns of files begin at.
    type: path
    required: true
  version:
    description: Version of the service; the names of the images follow from it.
    type: str
    required: true
seealso:
  - plugin: opengeoai.modelhub.image_reference
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Name the images that were built from an older recipe
  ansible.builtin.debug:
    msg: "{{ states | selectattr('outdated') | map(attribute='reference') }}"
  vars:
    states: "{{ recipes | opengeoai.modelhub.image_recipes(found.images, playbook_dir, 'v3.7.15') }}"
    recipes:
      - name: base
        base: ""
        files: [images/base/*]
        args: {}
"""

RETURN = r"""
_value:
  description:
    - The recipes, in the same order, each with V(paths), its files relative to O(root), in the place of V(files).
    - V(reference) and V(base_reference) are the names of the image and of the one that it builds on.
    - V(recipe) is a hash over files, arguments and the base image. Empty while that image is missing.
    - V(present) tells whether the image is there, V(created) since when, in seconds since 1970.
    - V(outdated) tells whether it was made by another recipe, V(needed) whether it is missing or outdated, or stands on
      an image that is.
  type: list
  elements: dict
"""


def files_of(root: Path, patterns: list[str]) -> dict[str, str]:
    """Text of each file by its path relative to the root. ImagesError when a pattern matches nothing."""
    found: dict[str, str] = {}
    for pattern in patterns:
        paths = [path for path in root.glob(pattern) if path.is_file()]
        if not paths:
            raise _images.ImagesError(f"no file matches {pattern} in {root}")
        found.update({str(path.relative_to(root)): path.read_text(encoding="utf-8") for path in paths})
    return dict(sorted(found.items()))


def image_recipes(recipes: Any, images: Any, root: str, version: str) -> list[dict[str, Any]]:
    try:
        # pathlib refuses the kind of text that ansible-core 2.18 hands over.
        top = Path(str(root))
        read = [{**recipe, "files": files_of(top, [str(one) for one in recipe["files"]])} for recipe in recipes]
        states = _images.chain_states(read, images, str(version))
    except (_images.ImagesError, KeyError, OSError, TypeError, UnicodeError) as error:
        raise AnsibleFilterError(f"opengeoai.modelhub.image_recipes: {error!s}") from error
    for state in states:
        state["paths"] = list(state.pop("files"))
    return states


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"image_recipes": image_recipes}
