# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection. It can have breaking changes at any time.

"""A server that goes by a name or a CA of its own, and the words for one that cannot be reached."""

from __future__ import annotations

import socket
import ssl
import typing as t
from urllib.parse import urlsplit

from ansible_collections.opengeoai.modelhub.plugins.module_utils._errors import InvalidOption


def find_at(url: str, address: str) -> None:
    """Let this process find the host of a URL, and names below it, at an address.

    For libraries that take a name and its address in one. The names below it are those of buckets.
    """
    ask, host = socket.getaddrinfo, urlsplit(url).hostname

    def answer(name: t.Any, *args: t.Any, **kwargs: t.Any) -> t.Any:
        own = isinstance(name, str) and (name == host or name.endswith(f".{host}"))
        return ask(address if own else name, *args, **kwargs)

    setattr(socket, "getaddrinfo", answer)  # noqa: B010 (its types are more than can be said here)


def trusting(ca_content: str) -> ssl.SSLContext:
    """The authorities of the system, and these."""
    context = ssl.create_default_context()
    if ca_content:
        try:
            context.load_verify_locations(cadata=ca_content)
        except (ssl.SSLError, ValueError) as exc:
            raise InvalidOption(f"ca_content holds no certificates as PEM text: {exc}.") from exc
    return context


def connection_advice(error: str, option: str, server: str, ca_file: str | None) -> str:
    """Return cause and remedy of a failure below HTTP (name, port, TLS, time).

    error: what the library said. option: the one that holds the address. server: its name in a sentence.
    """
    low = error.lower()
    if "certificate" in low:
        trusted = f'the certificates in "{ca_file}"' if ca_file else "the authorities of the target's system"
        return f"its TLS certificate does not verify against {trusted}. Set ca_file to the PEM file of its authority"
    if "ssl" in low:
        return f"it does not speak TLS as this host does. Check the scheme and the port of {option}"
    if "name resolution" in low or "name or service not known" in low or "nodename nor servname" in low:
        return f"its host name does not resolve on the target. Check {option}, DNS and /etc/hosts"
    if "timed out" in low or "timeout" in low:
        return f"it did not answer in time. Check {option}, firewalls and timeout_seconds"
    if "refused" in low or "could not connect" in low:
        return f"nothing accepts connections there. Start {server} or correct {option}"
    return f"the request failed. Check {option}"
