# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who reaches the store, at which address, and whether MLflow signs URLs for it: what follows from few variables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

ROOT = Path(__file__).parents[3]
GIVEN: dict[str, Any] = {
    "ansible_facts": {"processor_vcpus": 2},
    "inventory_hostname": "server",
    "playbook_dir": "/srv/playbooks",
    "modelhub_domain": "ml.example.org",
    "modelhub_found": {"engine": {}, "paths": {"/opt/modelhub/ca/public.crt": {"content": "PEM"}}},
}
PUBLIC, INSIDE = "https://minio-api.ml.example.org", "http://minio:9000"
INTERNAL, PRIVATE = {"modelhub_tls_mode": "internal"}, {"minio_public": False}
ELSEWHERE = {"minio_enabled": False, "modelhub_s3_endpoint_url": "https://s3.example.org"}
NO_CONSOLE = {"minio_console_enabled": False}


def look(given: dict[str, Any], expression: str) -> Any:
    loader = DataLoader()
    variables: dict[str, Any] = {}
    for role in ("common", "minio", "mlflow", "security"):
        for pattern in ("defaults/main.yml", "vars/main/*.yml"):
            for path in sorted((ROOT / "roles" / role).glob(pattern)):
                variables.update(loader.load_from_file(str(path), trusted_as_template=True) or {})
    return Templar(loader, variables={**variables, **GIVEN, **given}).template(trust_as_template(expression))


@pytest.mark.parametrize(
    ("given", "address", "routes", "presigned"),
    [
        ({}, PUBLIC, ["mlflow", "minio-api", "minio"], True),
        (INTERNAL, PUBLIC, ["mlflow", "minio-api", "minio"], False),
        ({**INTERNAL, "modelhub_s3_presigned": True}, PUBLIC, ["mlflow", "minio-api", "minio"], True),
        ({"modelhub_ca_file": "/ca.pem"}, PUBLIC, ["mlflow", "minio-api", "minio"], False),
        (PRIVATE, INSIDE, ["mlflow", "minio"], False),
        ({**PRIVATE, "modelhub_inside_tls": True}, "https://minio:9000", ["mlflow", "minio"], False),
        ({**ELSEWHERE, **INTERNAL}, "https://s3.example.org", ["mlflow"], True),
        ({**ELSEWHERE, **PRIVATE}, "https://s3.example.org", ["mlflow"], True),
    ],
)
def test_address_routes_and_presigned_transfers(
    given: dict[str, Any], address: str, routes: list[str], presigned: bool
) -> None:
    assert look(given, "{{ modelhub_store_url }}") == address
    assert look(given, "{{ modelhub_routes | map(attribute='name') | list }}") == routes
    assert look(given, "{{ __mlflow_env.MLFLOW_PRESIGNED_TRANSFERS }}") == str(presigned).lower()


@pytest.mark.parametrize(
    ("given", "networks"),
    [
        ({}, ["traefik-network", "modelhub-backend"]),
        (PRIVATE, ["traefik-network", "modelhub-backend"]),
        (NO_CONSOLE, ["traefik-network", "modelhub-backend"]),
        ({**PRIVATE, **NO_CONSOLE}, ["modelhub-backend"]),
    ],
)
def test_the_store_shares_a_network_with_traefik_only_where_it_has_a_route(
    given: dict[str, Any], networks: list[str]
) -> None:
    assert look(given, "{{ __minio_networks | map(attribute='name') | list }}") == networks


@pytest.mark.parametrize(
    ("given", "public", "store"),
    [
        (INTERNAL, "/run/secrets/ca.crt", "/run/secrets/ca.crt"),
        ({**INTERNAL, **PRIVATE}, "/run/secrets/ca.crt", "/run/secrets/ca.crt"),
        ({**INTERNAL, **PRIVATE, "modelhub_inside_tls": True}, "/run/secrets/ca.crt", "/run/tls/CAs/ca.crt"),
        ({**INTERNAL, "modelhub_inside_tls": True}, "/run/secrets/ca.crt", "/run/secrets/ca.crt"),
    ],
)
def test_the_store_is_trusted_by_the_ca_of_its_address(given: dict[str, Any], public: str, store: str) -> None:
    assert look(given, "{{ __mlflow_public_ca }}") == public
    assert look(given, "{{ __mlflow_store_ca }}") == store
