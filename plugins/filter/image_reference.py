# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter opengeoai.modelhub.image_reference."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.opengeoai.modelhub.plugins.plugin_utils import _images

DOCUMENTATION = r"""
name: image_reference
short_description: Tell which image a service runs
version_added: 0.1.0
author:
  - OpenGeoAI ModelHub contributors (@opengeoai)
description:
  - Chooses between the image of a service that its publisher offers and the one that the role
    P(opengeoai.modelhub.images#role) builds, by what is present on a Docker engine.
  - Asks nobody. The engine's images come from M(opengeoai.modelhub.stack_info).
  - Names are compared as Docker understands them, so V(postgres:17), V(docker.io/library/postgres:17) and
    V(index.docker.io/postgres:17) are the same. A name with a digest is present when that digest is.
positional: service, published, version, source, package_manager
options:
  _input:
    description: The images, as in the return value RV(opengeoai.modelhub.stack_info#module:images).
    type: list
    elements: dict
    required: true
  service:
    description: The service.
    type: str
    required: true
    choices: [traefik, postgres, minio, mlflow, mlflow-oidc, haproxy, backup]
  published:
    description: Name under which the image is pulled. Empty when it is not to be pulled.
    type: str
    required: true
  version:
    description: Version of the service; the name of the image that is built here follows from it.
    type: str
    required: true
  source:
    description:
      - With V(auto), the published image when it is present, else the one that was built here.
      - The latter counts only where it stands in for the published one, which means that O(published) is the
        collection's own default of O(version), or a digest of that image. It never replaces an image of somebody else.
      - With V(pull), the published image alone. With V(build), the one that is built here alone.
    type: str
    required: true
    choices: [auto, pull, build]
  package_manager:
    description: The host's C(ansible_facts.pkg_mgr), to judge whether it can build at all. Empty when it is not known.
    type: str
    default: ""
seealso:
  - module: opengeoai.modelhub.stack_info
"""

EXAMPLES = r"""
- name: Look at the engine
  opengeoai.modelhub.stack_info:
  register: found

- name: Say which image PostgreSQL runs
  ansible.builtin.debug:
    msg: "{{ choice.reference }}{{ '' if choice.present else ', which is missing' }}"
  vars:
    choice: "{{ found.images | opengeoai.modelhub.image_reference('postgres', 'postgres:17.10', '17.10', 'auto') }}"
"""

RETURN = r"""
_value:
  description:
    - V(reference) is the name of the image, V(present) whether it is there, V(local) whether it is the one that is
      built here. When none is present, it is the one that is wanted first.
    - V(buildable) tells whether building is allowed, V(local_reference) the name of what is built, V(registry) where
      the published image comes from.
    - V(build_problem) says why the image cannot be built on this host, and what to do. It is empty when it can.
      V(problem) says the same when there is no other way to have an image that is missing.
    - V(id), V(labels) and V(created), seconds since 1970, are those of the image. They are empty, or V(0), when it is
      not there.
  type: dict
  sample:
    reference: modelhub.local/postgres:17
    present: true
    local: true
    buildable: true
    local_reference: modelhub.local/postgres:17
    build_problem: ""
    problem: ""
    registry: docker.io
    id: sha256:4a1d3e8e7e0c0d6f2b9a5c7d8e9f00112233445566778899aabbccddeeff0011
    labels: {org.opengeoai.modelhub.engine: PostgreSQL 17 (Debian)}
    created: 1767225600
"""


def image_reference(
    images: Any, service: str, published: str, version: str, source: str, package_manager: str = ""
) -> dict[str, Any]:
    try:
        texts = map(str, (service, published, version, source, package_manager))
        return _images.choose(images, *texts)
    except (_images.ImagesError, KeyError, TypeError) as error:
        raise AnsibleFilterError(f"opengeoai.modelhub.image_reference: {error!s}") from error


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"image_reference": image_reference}
