# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection. It can have breaking changes at any time.

"""The rule for buckets as roles take them: by name alone, or with options of the module minio_bucket."""

from __future__ import annotations

import typing as t

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.opengeoai.modelhub.plugins.module_utils._bucket import BUCKET_SPEC, wanted_aspects
from ansible_collections.opengeoai.modelhub.plugins.module_utils._errors import InvalidOption
from ansible_collections.opengeoai.modelhub.plugins.module_utils._names import Setting, bucket, judge

# A role makes buckets and removes none.
SPEC = {name: option for name, option in BUCKET_SPEC.items() if name not in ("state", "force")}


def buckets(setting: Setting) -> list[str]:
    """One of the buckets, which the module is going to take."""
    if not isinstance(setting.value, t.Mapping):
        return bucket(setting)
    problems = judge(Setting(f"{setting.name}.name", setting.value.get("name"), setting.secret), bucket, {})
    if problems:
        return problems
    checked = ArgumentSpecValidator(SPEC).validate(dict(setting.value))
    if checked.error_messages:
        return [f"{setting.name} is refused: {message.rstrip('.')}" for message in checked.error_messages]
    try:
        wanted_aspects(checked.validated_parameters)
    except InvalidOption as exc:
        return [f"{setting.name} is refused: {str(exc).rstrip('.')}"]
    return []
