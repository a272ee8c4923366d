# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter as Ansible sees it."""

from __future__ import annotations

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.opengeoai.modelhub.plugins.filter import setting_problems
from ansible_collections.opengeoai.modelhub.plugins.plugin_utils import _settings


def test_filter_returns_the_messages() -> None:
    check = setting_problems.FilterModule().filters()["setting_problems"]
    assert check([{"name": "p", "value": 80, "rule": "port"}]) == []
    assert check([{"name": "p", "value": "0", "rule": "port"}])[0].startswith('p is "0", but')


def test_unknown_rule_is_a_filter_error() -> None:
    with pytest.raises(AnsibleFilterError, match="setting_problems: check of p: unknown rule 'prot'"):
        setting_problems.setting_problems([{"name": "p", "value": 80, "rule": "prot"}])


def test_every_rule_is_documented() -> None:
    options = yaml.safe_load(setting_problems.DOCUMENTATION)["options"]
    assert set(options["_input"]["suboptions"]["rule"]["choices"]) == set(_settings.RULES)
