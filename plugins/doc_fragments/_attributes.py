# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The attributes that all modules of the collection share."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and return the changed status prediction without modifying the target.
  diff_mode:
    description: Returns details on what has changed, or would change in C(check_mode), when in diff mode.
  idempotent:
    description: When run twice in a row outside check mode with the same arguments, the second run changes nothing.
"""

    ACTIONGROUP_MODELHUB = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/opengeoai.modelhub.modelhub) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - opengeoai.modelhub.modelhub
"""

    INFO_MODULE = r"""
options: {}
attributes:
  check_mode:
    support: full
    details:
      - This module does not modify the target.
  diff_mode:
    support: N/A
    details:
      - This module does not modify the target.
  idempotent:
    support: full
    details:
      - This module does not modify the target.
"""
