# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection. It can have breaking changes at any time.

"""The one error tree. Every message names the operation or option, the cause and the remedy."""

from __future__ import annotations


class ModelhubError(Exception):
    """What a module reports to its user as a failure."""


class InvalidOption(ModelhubError):
    """An option's value was refused before anything was contacted."""


class MissingLibrary(ModelhubError):
    """A Python library that the module needs is not installed on the target."""

    def __init__(self, library: str, traceback: str) -> None:
        super().__init__(library)
        self.library = library
        self.traceback = traceback


class StorageError(ModelhubError):
    """The S3 server refused a request or did not answer."""


class StorageMissing(StorageError):
    """The bucket does not exist."""


class StorageForbidden(StorageError):
    """The bucket or the operation is out of reach for the credentials."""


class StorageUnsupported(StorageError):
    """This S3 server does not implement the operation."""


class DatabaseError(ModelhubError):
    """The database did not accept the connection."""


class TrackingError(ModelhubError):
    """The MLflow server refused a request or did not answer."""
