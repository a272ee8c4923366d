# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts pip into the virtual environments of ansible-test, from what Python itself brings.

ansible-test calls it like the get-pip script that it would download: options of that script and of `pip install`,
perhaps with packages to install besides pip.
"""

from __future__ import annotations

import ensurepip
import subprocess
import sys

GET_PIP_OPTIONS = {"--no-setuptools", "--no-wheel"}


def main(arguments: list[str]) -> int:
    ensurepip.bootstrap(upgrade=True)
    # The pip on board serves as well as the release that is asked for.
    wanted = [value for value in arguments if value not in GET_PIP_OPTIONS and not value.startswith("pip=")]
    if all(value.startswith("-") for value in wanted):
        return 0
    return subprocess.call([sys.executable, "-m", "pip", "install", *wanted])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
