# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter opengeoai.modelhub.traefik_labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

DOCUMENTATION = r"""
name: traefik_labels
short_description: Write routes as labels for Traefik's Docker provider
version_added: 0.1.0
author:
  - OpenGeoAI ModelHub contributors (@opengeoai)
description:
  - Returns the labels by which a Traefik that discovers containers routes to one of them.
  - TLS and certificates are the entry point's.
options:
  _input:
    description: Routes, as in the variable C(modelhub_routes).
    type: list
    elements: dict
    required: true
  service:
    description: Host in the routes' backends that the container answers to.
    type: str
    required: true
  prefix:
    description: Goes before the name of each router, so that several stacks can share a Traefik.
    type: str
    required: true
  network:
    description: Docker network on which Traefik reaches the container.
    type: str
    required: true
positional: service, prefix, network
"""

EXAMPLES = r"""
- name: Show the labels of MLflow's container
  ansible.builtin.debug:
    msg: "{{ modelhub_routes | opengeoai.modelhub.traefik_labels('mlflow', '', 'traefik-network') }}"
"""

RETURN = r"""
_value:
  description: Labels and their values. Empty when no route leads to the service.
  type: dict
  sample: {traefik.enable: "true", traefik.http.routers.mlflow.rule: "Host(`mlflow.ml.example.org`)"}
"""


def traefik_labels(routes: Sequence[Mapping[str, Any]], service: str, prefix: str, network: str) -> dict[str, str]:
    """Return the labels of one container; routes with another backend do not count."""
    labels: dict[str, str] = {}
    for route in routes:
        backend = urlsplit(route["backend"])
        if backend.hostname != service:
            continue
        name = f"{prefix}{route['name']}"
        router, balancer = f"traefik.http.routers.{name}", f"traefik.http.services.{name}.loadbalancer"
        labels[f"{router}.rule"] = f"Host(`{route['host']}`)"
        labels[f"{router}.entrypoints"] = route["entry_point"]
        labels[f"{router}.service"] = name
        # Port only: together with a URL Traefik drops the router.
        labels[f"{balancer}.server.port"] = str(backend.port)
        if backend.scheme == "https":
            labels[f"{balancer}.server.scheme"] = "https"
            # It names the certificate, because a discovered server goes by its address.
            labels[f"{balancer}.serverstransport"] = f"inside-{service}@file"
    return {"traefik.enable": "true", "traefik.docker.network": network, **labels} if labels else {}


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"traefik_labels": traefik_labels}
