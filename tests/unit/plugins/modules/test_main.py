# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import typing as t
from pathlib import Path

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.opengeoai.modelhub.plugins.module_utils import _admin, _postgres, _s3
from ansible_collections.opengeoai.modelhub.plugins.modules import (
    host_files,
    minio_bucket,
    minio_user,
    mlflow_schema_info,
    s3_access_info,
    stack_info,
)

BUCKET = {
    "name": "artifacts",
    "endpoint_url": "https://s3.example.org",
    "access_key": "someone",
    "secret_key": "hush-hush",
}
SCHEMA = {"login_host": "127.0.0.1", "login_user": "mlflow", "login_db": "mlflow", "image_schema": {}}
# Where each module learns that a library is missing.
LIBRARIES: dict[str, tuple[t.Any, str]] = {
    "boto3": (_s3, "BOTO_IMPORT_ERROR"),
    "minio >= 7.2": (_admin, "MINIO_IMPORT_ERROR"),
    "psycopg2": (_postgres, "PSYCOPG2_IMPORT_ERROR"),
}

FILE = {"path": "/nowhere/file", "mode": "0600"}


def succeed(main: t.Callable[[], None], args: dict[str, t.Any], capsys: pytest.CaptureFixture[str]) -> dict[str, t.Any]:
    """Run main() and return its result."""
    with patch_module_args(args), pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    result: dict[str, t.Any] = json.loads(capsys.readouterr().out)
    return result


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
        ({"quota": "5 elephants"}, "quota"),
        ({"lifecycle_rules": [{"days": 1}]}, "days"),
        ({"policy": "hush"}, "policy is no JSON"),
        ({"access_key": None}, "access_key and secret_key belong together"),
        ({"addressing_style": "dns"}, "value of addressing_style must be one of: path, virtual, auto"),
        ({"nonsense": 1}, "nonsense"),
    ],
)
def test_minio_bucket_arguments(args: dict[str, t.Any], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    message, output = fail(minio_bucket.main, {**BUCKET, **args}, capsys)
    assert says in message
    assert "hush-hush" not in output


@pytest.mark.parametrize(
    ("args", "says"),
    [
        ({"buckets": [], "policy": {}}, "mutually exclusive"),
        ({"enabled": "perhaps"}, "enabled"),
        ({"secret": "hush"}, "secret is shorter than 8 characters"),
        ({"update_secret": "never"}, "value of update_secret must be one of: always, on_create"),
    ],
)
def test_minio_user_arguments(args: dict[str, t.Any], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    message, output = fail(minio_user.main, {**BUCKET, "secret": "hush-another", **args}, capsys)
    assert says in message
    assert "hush" not in output


@pytest.mark.parametrize(
    ("args", "says"),
    [
        ({"name": "My_Bucket"}, "name is"),
        ({"prefix": "check"}, "prefix is"),
        ({"ca_content": "hush-hush"}, "ca_content holds no certificates"),
        ({"secret_key": None}, "access_key and secret_key belong together"),
    ],
)
def test_s3_access_info_arguments(args: dict[str, t.Any], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    message, output = fail(s3_access_info.main, {**BUCKET, **args}, capsys)
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
        ({"version_table": "versions"}, "value of version_table must be one of: alembic_version, alembic_version_auth"),
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
        (minio_bucket, {**BUCKET, "quota": "50G"}, "minio >= 7.2"),
        (minio_user, BUCKET, "minio >= 7.2"),
        (s3_access_info, BUCKET, "boto3"),
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
    monkeypatch.setattr(*LIBRARIES[library], "the traceback")
    message, _output = fail(module.main, args, capsys)
    assert f"Failed to import the required Python library ({library})" in message


@pytest.mark.parametrize(
    ("args", "says"),
    [
        ({"timeout_seconds": 0}, "timeout_seconds is 0"),
        ({"timeout_seconds": 3601}, "timeout_seconds is 3601"),
        ({"socket": "docker.sock"}, '"docker.sock" in socket or paths is no absolute path'),
        ({"paths": ["/opt", "opt"]}, '"opt" in socket or paths is no absolute path'),
        ({"ports": ["https"]}, "ports"),
        ({"engine": "perhaps"}, "engine"),
    ],
)
def test_stack_info_arguments(args: dict[str, t.Any], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    message, _output = fail(stack_info.main, args, capsys)
    assert says in message


def test_stack_info_without_an_engine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "secret").write_text("hush-hush")
    args = {
        "socket": f"{tmp_path}/nothing",
        "libraries": ["json", "no_such_library"],
        "paths": [f"{tmp_path}/secret"],
        "ports": [1],
    }
    found = succeed(stack_info.main, {**args, "_ansible_check_mode": True}, capsys)
    assert found["engine"]["version"] == ""
    assert found["engine"]["error"].startswith("There is no socket ")
    assert found["engine"]["socket_gid"] is None
    assert found["python"]["missing"] == ["no_such_library"]
    assert found["paths"][f"{tmp_path}/secret"]["content"] == "hush-hush"
    assert [found[name] for name in ("containers", "networks", "images", "listeners")] == [[], [], [], {}]
    assert succeed(stack_info.main, {**args, "engine": False}, capsys)["engine"]["error"] == ""


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ({"secret": "hush-hush", "content": "x"}, "/nowhere/file needs either content or secret, but has content and"),
        ({"secret": "hush-hush", "mode": None}, "mode of /nowhere/file is missing"),
        ({"secret": "hush-hush", "mode": 420}, 'mode of /nowhere/file is "420"'),
        ({"secret": "hush-hush", "path": "file"}, 'path "file" is no plain absolute path'),
        ({"secret": "hush-hush", "owner": "root"}, "owner"),
        ({"secret": "hush-hush", "state": "link"}, "value of state must be one of: directory, file, absent"),
        ({"secret": "hush-hush", "path": "/dev/null"}, "/dev/null must be a file, but is a device, pipe or socket"),
    ],
)
def test_host_files_arguments(entry: dict[str, t.Any], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    message, output = fail(host_files.main, {"entries": [{**FILE, **entry}]}, capsys)
    assert says in message
    assert "hush-hush" not in output


def test_host_files_changes_in_a_real_run_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = {"owner": os.geteuid(), "group": os.getegid(), "mode": "0600"}
    args = {"entries": [{**mine, "path": f"{tmp_path}/new/file", "secret": "hush-hush"}]}
    results = []
    for check_mode in (True, False, False):
        with patch_module_args({**args, "_ansible_check_mode": check_mode}), pytest.raises(SystemExit):
            host_files.main()
        output = capsys.readouterr().out
        assert "hush-hush" not in output
        results.append(json.loads(output))
        assert (tmp_path / "new").exists() is not check_mode
    assert [result["changed"] for result in results] == [True, True, False]
    assert results[0] == results[1]
    assert (tmp_path / "new/file").read_text() == "hush-hush"
