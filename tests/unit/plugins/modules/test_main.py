# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import typing as t

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.opengeoai.modelhub.plugins.modules import minio_bucket, mlflow_schema_info

BUCKET = {
    "name": "artifacts",
    "endpoint_url": "https://s3.example.org",
    "access_key": "someone",
    "secret_key": "hush-hush",
}
SCHEMA = {"login_host": "127.0.0.1", "login_user": "mlflow", "login_db": "mlflow", "image_revisions": {}}


def fail(main: t.Callable[[], None], args: dict[str, t.Any], capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    """Run main() and return its message and all of its output."""
    with patch_module_args(args), pytest.raises(SystemExit):
        main()
    output = capsys.readouterr().out
    result = json.loads(output)
    assert result["failed"] is True
    return result["msg"], output


@pytest.mark.parametrize(
    ("args", "says"),
    [
        ({"name": "My_Bucket"}, "name is"),
        ({"state": "gone"}, "value of state must be one of: present, absent"),
        ({"timeout_seconds": "5s"}, "timeout_seconds"),
        ({"timeout_seconds": 0}, "timeout_seconds is 0"),
        ({"endpoint_url": "ftp://s3.example.org"}, "endpoint_url is"),
        ({"versioning": "perhaps"}, "versioning"),
        ({"nonsense": 1}, "nonsense"),
    ],
)
def test_minio_bucket_arguments(args: dict[str, t.Any], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    message, output = fail(minio_bucket.main, {**BUCKET, **args}, capsys)
    assert says in message
    assert "hush-hush" not in output


@pytest.mark.parametrize(
    "url", ["https://me:pa%21ss@s3.example.org", "me:pa%21ss@s3.example.org", "ftp://me:pa%21ss@h"]
)
def test_b45_no_output_repeats_credentials_of_a_url(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    message, output = fail(minio_bucket.main, {**BUCKET, "endpoint_url": url}, capsys)
    assert message.startswith("endpoint_url is ")
    assert "pa%21ss" not in output
    assert "pa!ss" not in output


@pytest.mark.parametrize(
    ("args", "says"),
    [
        ({"login_port": 70000}, "login_port is 70000"),
        ({"connect_timeout_seconds": "5s"}, "connect_timeout_seconds"),
        ({"connect_timeout_seconds": 0}, "connect_timeout_seconds is 0"),
        ({"login_db": ""}, "login_db is required"),
    ],
)
def test_mlflow_schema_info_arguments(args: dict[str, t.Any], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    message, output = fail(mlflow_schema_info.main, {**SCHEMA, "login_password": "hush-hush", **args}, capsys)
    assert says in message
    assert "hush-hush" not in output


@pytest.mark.parametrize(
    ("module", "args", "library"),
    [
        (minio_bucket, BUCKET, "boto3"),
        (mlflow_schema_info, SCHEMA, "psycopg2"),
    ],
)
def test_a_missing_library_is_named(
    module: t.Any,
    args: dict[str, t.Any],
    library: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    namespace = module.connect.__globals__
    monkeypatch.setitem(namespace, f"{'BOTO' if library == 'boto3' else 'PSYCOPG2'}_IMPORT_ERROR", "the traceback")
    message, _output = fail(module.main, args, capsys)
    assert f"Failed to import the required Python library ({library})" in message
