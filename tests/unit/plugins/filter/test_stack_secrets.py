# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter as Ansible sees it."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.opengeoai.modelhub.plugins.filter import stack_secrets


def test_filter_chooses() -> None:
    choose = stack_secrets.FilterModule().filters()["stack_secrets"]
    specs = {"a": {"length": 16}, "b": {"length": 16}}
    assert choose(specs, {"a": "stored", "b": "stored"}, {"b": "given"}) == {"a": "stored", "b": "given"}


def test_a_spec_that_makes_no_sense_is_a_filter_error() -> None:
    with pytest.raises(AnsibleFilterError, match="stack_secrets: length of a is 1, but"):
        stack_secrets.stack_secrets({"a": {"length": 1}}, {}, {})


@pytest.mark.parametrize(("position", "name"), [(0, "the input"), (1, "stored"), (2, "given")])
def test_what_is_no_dictionary(position: int, name: str) -> None:
    arguments: list[object] = [{}, {}, {}]
    arguments[position] = "hush-hush"
    with pytest.raises(AnsibleFilterError, match=f"stack_secrets: {name} must be a dictionary") as error:
        stack_secrets.stack_secrets(*arguments)
    assert "hush-hush" not in str(error.value)
