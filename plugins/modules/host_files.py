#!/usr/bin/python
# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: host_files
version_added: 0.1.0
short_description: Make directories and files of a host what they should be
description:
  - Creates, replaces, repairs and removes all directories and files of a service in one round trip, where
    M(ansible.builtin.copy) and M(ansible.builtin.file) take one or more for each.
  - Exact in check mode. Those modules cannot tell what they would do where the directory above is missing and would
    be created by a task before.
  - A file is replaced all at once and is on disk when the module ends. A run that is killed, or a host that loses its
    power, leaves the old file or the new one, never half of one, and the next run removes the temporary file.
    M(ansible.builtin.copy) does not wait for the disk.
  - Looks at every path before it changes the first. What cannot become what it should be makes the module fail with
    nothing changed.
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
  entries:
    description:
      - The directories and files, which are handled in their order.
      - What is given for a path twice must be the same. Below a path that is to be absent, all is to be absent.
    type: list
    elements: dict
    required: true
    suboptions:
      path:
        description:
          - Absolute path, without V(.) and V(..).
          - Directories above it that are missing are created with mode V(0755), for root or the user that the module
            runs as, unless an entry before it creates them. They may be links to directories.
        type: path
        required: true
      state:
        description:
          - V(directory) makes sure of the directory itself, not of what is in it.
          - V(file) makes sure of a regular file with its content.
          - V(absent) removes a file or a link, or a directory with all that is in it. Links are not followed.
            It fails when the path or something below it is a mount point.
        type: str
        choices: [directory, file, absent]
        default: file
      content:
        description:
          - Content of the file, which is written in UTF-8 and shown in the diff.
          - Excludes O(entries[].secret). O(entries[].state=file) needs one of them.
        type: str
      secret:
        description:
          - Content of a file that holds a secret, which is shown nowhere. It must not be empty.
        type: str
      owner:
        description:
          - Number of the user that owns it.
        type: int
        default: 0
      group:
        description:
          - Number of the group that owns it.
        type: int
        default: 0
      mode:
        description:
          - Permissions in octal, with a leading zero and in quotes, for example V("0640").
          - Required with O(entries[].state=file) and O(entries[].state=directory).
        type: str
notes:
  - A directory, link or device at the path of a file, and anything but a directory at the path of a directory, is
    left alone and makes the module fail. So does a file that is a mount point.
  - Needs root's rights, but for files of the user that it runs as.
  - Access control lists and SELinux contexts are those that the file system gives to a new file.
seealso:
  - module: opengeoai.modelhub.stack_info
  - module: ansible.builtin.copy
  - module: ansible.builtin.file
"""

EXAMPLES = r"""
---
- name: Write the files of a service
  opengeoai.modelhub.host_files:
    entries:
      - path: /opt/modelhub/postgres
        state: directory
        mode: "0750"
      - path: /opt/modelhub/postgres/data
        state: directory
        owner: 999
        group: 999
        mode: "0700"
      - path: /opt/modelhub/postgres/postgresql.conf
        content: "{{ lookup('ansible.builtin.template', 'postgresql.conf.j2') }}"
        mode: "0644"
      - path: /opt/modelhub/postgres/password
        secret: "{{ postgres_password }}"
        owner: 999
        group: 999
        mode: "0400"

- name: Remove them again, with the data
  opengeoai.modelhub.host_files:
    entries:
      - path: /opt/modelhub/postgres
        state: absent
"""

RETURN = r"""
changed_paths:
  description:
    - What was changed, or would be in check mode, in this order.
    - Contains directories that were created above a path, and temporary files of a killed run.
  returned: success
  type: list
  elements: str
  sample: [/opt/modelhub/postgres, /opt/modelhub/postgres/password]
diff:
  description: >-
    One block of text for each path that changes, before and after. A fixed text stands for a secret, and the size for
    content that is longer than 64 KiB or not UTF-8.
  returned: success
  type: dict
  sample:
    before: "/opt/modelhub/postgres/password: absent\n"
    after: "/opt/modelhub/postgres/password: file\nowner 999, group 999, mode 0400\n(a secret, not shown)\n"
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.opengeoai.modelhub.plugins.module_utils._disk import LocalDisk
from ansible_collections.opengeoai.modelhub.plugins.module_utils._errors import ModelhubError
from ansible_collections.opengeoai.modelhub.plugins.module_utils._files import Entry, run


def argument_spec() -> dict[str, t.Any]:
    options = {
        "path": {"type": "path", "required": True},
        "state": {"type": "str", "choices": ["directory", "file", "absent"], "default": "file"},
        "content": {"type": "str"},
        "secret": {"type": "str", "no_log": True},
        "owner": {"type": "int", "default": 0},
        "group": {"type": "int", "default": 0},
        "mode": {"type": "str"},
    }
    return {
        "entries": {"type": "list", "elements": "dict", "required": True, "options": options},
    }


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True)
    try:
        entries = [Entry.from_module(option) for option in module.params["entries"]]
        result = run(entries, LocalDisk(), module.check_mode)
    except ModelhubError as exc:
        module.fail_json(msg=str(exc))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
