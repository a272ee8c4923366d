# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import socket

import pytest
from ansible_collections.opengeoai.modelhub.plugins.module_utils import _connection


def test_one_name_is_found_at_an_address_and_others_where_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda name, *_: asked.append(name))
    _connection.find_at("https://minio:9000", "192.0.2.7")
    for name in ("minio", "mlflow.minio", "myminio", "example.org", None):
        socket.getaddrinfo(name, 9000)
    assert asked == ["192.0.2.7", "192.0.2.7", "myminio", "example.org", None]
