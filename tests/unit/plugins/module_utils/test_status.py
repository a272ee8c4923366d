# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.opengeoai.modelhub.plugins.module_utils import _status
from ansible_collections.opengeoai.modelhub.plugins.module_utils._engine import EngineError
from ansible_collections.opengeoai.modelhub.plugins.module_utils._errors import InvalidOption
from ansible_collections.opengeoai.modelhub.plugins.module_utils._status import (
    StatusParams,
    data_folders,
    describe,
    file_systems,
    look,
    out_of_memory_kills,
    seconds_since,
    share,
    tag_of,
)

OPTIONS: dict[str, t.Any] = {
    "stack": "modelhub",
    "base_dir": "/nowhere/modelhub",
    "services": ["mlflow"],
    "socket": "/nowhere.sock",
    "timeout_seconds": 5,
}
LABELS = {"org.opengeoai.modelhub.stack": "modelhub"}
# Of a timer's job, which is stopped most of the time, and for which there is no answer here
JOB = {**LABELS, "org.opengeoai.modelhub.job": "backup"}
INSPECT: dict[str, t.Any] = {
    "Name": "/hub-mlflow",
    "State": {
        "Status": "running",
        "Running": True,
        "Pid": 0,
        "OOMKilled": False,
        "ExitCode": 0,
        "StartedAt": "1970-01-01T00:01:40.123456789Z",
        "FinishedAt": "0001-01-01T00:00:00Z",
        "Health": {"Status": "healthy"},
    },
    "RestartCount": 2,
    "Config": {"Image": "modelhub.local/mlflow:v3.17.2"},
    "HostConfig": {"Memory": 1000},
    "NetworkSettings": {"Networks": {"edge": {"Aliases": ["mlflow", "abc"]}}},
    "Mounts": [{"Type": "bind", "Source": "/nowhere/data", "RW": True}, {"Source": "/etc", "RW": False}],
}


class FakeEngine:
    def __init__(self, **answers: t.Any) -> None:
        self.answers = {
            "/version": {"ApiVersion": "1.45"},
            "/v1.45/info": {"ServerVersion": "26.1", "DockerRootDir": "/nowhere/docker"},
            "/v1.45/containers/json?all=1": [
                {"Id": "1", "Labels": LABELS},
                {"Id": "2", "Labels": None},
                {"Id": "3", "Labels": JOB},
            ],
            "/v1.45/containers/1/json": INSPECT,
            **answers,
        }

    def get(self, path: str) -> t.Any:
        return self.answers[path]


def test_what_is_told_of_a_container() -> None:
    assert describe(INSPECT, ["mlflow"], 160.0, 3) == {
        "name": "hub-mlflow",
        "service": "mlflow",
        "state": "running",
        "health": "healthy",
        "exit_code": None,
        "seconds": 60,
        "restarts": 2,
        "out_of_memory": False,
        "out_of_memory_kills": 3,
        "memory_limit_bytes": 1000,
        "image": "modelhub.local/mlflow:v3.17.2",
        "version": "v3.17.2",
    }


def test_what_is_told_of_one_that_ended() -> None:
    state = {"Status": "exited", "ExitCode": 137, "OOMKilled": True, "FinishedAt": "1970-01-01T00:02:00Z"}
    told = describe({**INSPECT, "State": state, "HostConfig": {"Memory": 0}}, [], 160.0, None)
    assert (told["exit_code"], told["seconds"], told["health"], told["out_of_memory"]) == (137, 40, "none", True)
    assert told["service"] == "hub-mlflow"
    assert told["memory_limit_bytes"] is None


@pytest.mark.parametrize(
    ("moment", "seconds"),
    [("0001-01-01T00:00:00Z", None), ("", None), ("1970-01-01T00:00:01Z", 9), ("2100-01-01T00:00:00Z", 0)],
)
def test_seconds_since(moment: str, seconds: int | None) -> None:
    assert seconds_since(moment, 10.0) == seconds


@pytest.mark.parametrize(
    ("image", "version"),
    [
        ("postgres:17", "17"),
        ("localhost:5000/postgres:17.6-trixie", "17.6-trixie"),
        ("localhost:5000/postgres", ""),
        ("postgres:17@sha256:abc", "17"),
        ("postgres@sha256:abc", "sha256:abc"),
    ],
)
def test_versions(image: str, version: str) -> None:
    assert tag_of(image) == version


@pytest.mark.parametrize(
    ("groups", "file", "text", "kills"),
    [
        ("0::/docker/1\n", "docker/1/memory.events", "oom 5\noom_kill 4\noom_group_kill 0\n", 4),
        (
            "2:cpu,cpuacct:/x\n1:memory:/docker/1\n",
            "memory/docker/1/memory.oom_control",
            "under_oom 0\noom_kill 2\n",
            2,
        ),
        ("0::/docker/1\n", "docker/1/memory.events", "oom 5\n", None),
        ("0::/../elsewhere\n", "docker/1/memory.events", "oom_kill 4\n", None),
        ("nonsense\n", "docker/1/memory.events", "oom_kill 4\n", None),
    ],
)
def test_kills_are_counted_by_the_kernel(tmp_path: Path, groups: str, file: str, text: str, kills: int | None) -> None:
    (tmp_path / "proc/7").mkdir(parents=True)
    (tmp_path / "proc/7/cgroup").write_text(groups)
    path = tmp_path / "groups" / file
    path.parent.mkdir(parents=True)
    path.write_text(text)
    assert out_of_memory_kills(7, str(tmp_path / "proc"), str(tmp_path / "groups")) == kills
    assert out_of_memory_kills(8, str(tmp_path / "proc"), str(tmp_path / "groups")) is None


def test_file_systems_are_told_once(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    (tmp_path / "file").write_text("")
    (told,) = file_systems([str(tmp_path / name) for name in ("b", "a", "file", "gone")])
    assert told["paths"] == [str(tmp_path / "a"), str(tmp_path / "b")]
    assert str(tmp_path).startswith(told["mount"])
    assert 0 <= told["free_bytes"] <= told["total_bytes"]
    assert 0 <= told["free_percent"] <= 100
    assert share(1, 0) is None
    assert share(1, 3) == 33.3


def test_only_what_containers_write_to_holds_data() -> None:
    assert data_folders([INSPECT, {}]) == {"/nowhere/data"}


def test_only_the_stack_is_looked_at(tmp_path: Path) -> None:
    told = look(StatusParams(**{**OPTIONS, "base_dir": str(tmp_path)}), FakeEngine())
    assert told["engine"] == "26.1"
    assert [one["name"] for one in told["containers"]] == ["hub-mlflow"]
    assert [one["paths"] for one in told["file_systems"]] == [[str(tmp_path)]]
    nothing = look(StatusParams(**OPTIONS), FakeEngine(**{"/v1.45/containers/json?all=1": []}))
    assert (nothing["containers"], nothing["file_systems"]) == ([], [])


def test_an_engine_that_says_something_else_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EngineError, match="unknown form: KeyError 'ServerVersion'"):
        look(StatusParams(**OPTIONS), FakeEngine(**{"/v1.45/info": {}}))
    monkeypatch.setattr(_status, "versioned", lambda _api: lambda _path: None)
    with pytest.raises(EngineError, match="unknown form: TypeError"):
        look(StatusParams(**OPTIONS), FakeEngine())


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"base_dir": "here"}, 'base_dir is "here", no absolute path'),
        ({"socket": "here"}, 'socket is "here"'),
        ({"timeout_seconds": 0}, "timeout_seconds is 0"),
        ({"stack": " "}, "stack is required"),
    ],
)
def test_bad_options(options: dict[str, t.Any], says: str) -> None:
    with pytest.raises(InvalidOption, match=says):
        StatusParams.from_module({**OPTIONS, **options})
