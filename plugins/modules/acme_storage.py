#!/usr/bin/python
# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: acme_storage
version_added: 0.1.0
short_description: Take care of the file in which Traefik keeps ACME certificates
description:
  - Traefik writes its ACME account and certificates into one JSON file, in place. After a power cut half of it may be
    left, and with wrong permissions Traefik leaves it alone. In both cases it serves a certificate that nobody trusts,
    or orders all of them anew, of which ACME servers allow a few a week.
  - A file that can be used is never replaced or removed. Its permissions are repaired, and a copy of it is kept beside
    it, called like it with C(.last-good) appended.
  - A file that is gone, empty or broken is replaced by that copy. Where there is none, a broken one becomes an empty
    one, with which Traefik starts from nothing. What was broken is kept, with C(.broken) appended.
  - Traefik should not run while the file is mended; M(ansible.builtin.include_tasks) of what stops it can hang on the
    answer in check mode.
author:
  - OpenGeoAI ModelHub contributors (@OpenGeoAI)
extends_documentation_fragment:
  - opengeoai.modelhub._attributes
  - opengeoai.modelhub._attributes.actiongroup_modelhub
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  path:
    description: Absolute path of the file.
    type: path
    required: true
  mend:
    description: Whether to change the file itself. With V(false) only the copy is kept up to date.
    type: bool
    default: true
"""

EXAMPLES = r"""
- name: See whether the storage must be mended
  opengeoai.modelhub.acme_storage:
    path: /opt/modelhub/traefik/acme/acme.json
  check_mode: true
  register: storage

- name: Mend it, while Traefik is stopped
  opengeoai.modelhub.acme_storage:
    path: /opt/modelhub/traefik/acme/acme.json
  when: storage is changed
"""

RETURN = r"""
state:
  description: What the file was. V(broken) when it is no JSON that Traefik could have written.
  returned: success
  type: str
  sample: valid
mode:
  description: Its permissions, empty when it was not there.
  returned: success
  type: str
  sample: "0600"
action:
  description: >-
    What became of it, or would in check mode: V(kept), its owner and its V(mode) were repaired, the copy was
    V(restored), or it was V(emptied).
  returned: success
  type: str
  sample: kept
certificates:
  description: How many certificates were in it.
  returned: success
  type: int
  sample: 3
changed_paths:
  description: What was changed, or would be in check mode. The copy does not count.
  returned: success
  type: list
  elements: str
  sample: [/opt/modelhub/traefik/acme/acme.json]
diff:
  description: What was changed, before and after. Contents are never shown.
  returned: success
  type: dict
  sample:
    before: "/opt/modelhub/traefik/acme/acme.json: file\nowner 65532, group 65532, mode 0644\n(a secret, not shown)\n"
    after: "/opt/modelhub/traefik/acme/acme.json: file\nowner 65532, group 65532, mode 0600\n(a secret, not shown)\n"
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.opengeoai.modelhub.plugins.module_utils._acme import care
from ansible_collections.opengeoai.modelhub.plugins.module_utils._disk import LocalDisk
from ansible_collections.opengeoai.modelhub.plugins.module_utils._errors import ModelhubError
from ansible_collections.opengeoai.modelhub.plugins.module_utils._files import check_path


def argument_spec() -> dict[str, t.Any]:
    return {
        "path": {"type": "path", "required": True},
        "mend": {"type": "bool", "default": True},
    }


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True)
    try:
        result = care(check_path(module.params["path"]), module.params["mend"], LocalDisk(), module.check_mode)
    except ModelhubError as exc:
        module.fail_json(msg=str(exc))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
