# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection. It can have breaking changes at any time.

"""Whether a certificate and a key that somebody provides can serve, told before anything uses them.

A private key is never part of a message.
"""

from __future__ import annotations

import datetime
import re
import typing as t

from ansible_collections.opengeoai.modelhub.plugins.module_utils._names import Setting

try:
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import serialization
    from cryptography.x509.oid import NameOID
except ImportError:
    # ansible-core brings it, but documentation can be read without.
    HAS_CRYPTOGRAPHY = False
else:
    HAS_CRYPTOGRAPHY = True

Chain = t.Sequence["x509.Certificate"]
MISSING_LIBRARY = "Python on the controller has no library cryptography to judge it"


def certificate(
    setting: Setting,
    *,
    content: str | None,
    hosts: t.Sequence[str] = (),
    ca_content: str | None = "",
    min_days: int | str = 0,
    now: datetime.datetime | None = None,
) -> list[str]:
    """A file with the certificate of a server and what leads from it to a CA, in this order."""
    want = "a file with the server's certificate and those that lead from it to the CA, in PEM form"
    if not HAS_CRYPTOGRAPHY:
        return setting.bad(MISSING_LIBRARY, remedy="Install cryptography there")
    if not content:
        return setting.bad("there is no such file on the controller, or it is empty", want)
    try:
        chain = x509.load_pem_x509_certificates(content.encode())
    except ValueError:
        return setting.bad("it holds no certificate in PEM form", want)
    now = now or datetime.datetime.now(datetime.timezone.utc)
    faults = [*_order_faults(chain), *_date_faults(chain, now, int(min_days)), *_name_faults(chain[0], hosts)]
    if not faults and ca_content:
        faults = _root_faults(chain, ca_content)
    return setting.bad(" and ".join(faults), want) if faults else []


def certificate_key(setting: Setting, *, content: str | None, certificate_content: str | None = "") -> list[str]:
    """A file with the private key of a certificate, which Traefik can read without a passphrase."""
    want = "the file with the private key of the certificate, in PEM form"
    if not HAS_CRYPTOGRAPHY:
        return setting.bad(MISSING_LIBRARY, remedy="Install cryptography there")
    if not content:
        return setting.bad("there is no such file on the controller, or it is empty", want)
    try:
        key = serialization.load_pem_private_key(content.encode(), password=None)
    except TypeError:
        return setting.bad(
            "the key in it is encrypted, and Traefik cannot ask for a passphrase",
            remedy=f"Set {setting.name} to a file with the plain key (openssl pkey -in FILE -out PLAIN_FILE writes"
            " one); Ansible Vault may encrypt that file",
        )
    except Exception as error:  # the library raises exceptions of several kinds for what is no key
        encrypted = "ENCRYPTED" in content
        why = "the key in it is encrypted" if encrypted else "it holds no private key in PEM form that can be read"
        return setting.bad(f"{why} ({type(error).__name__})", want)
    try:
        leaf = x509.load_pem_x509_certificates((certificate_content or "").encode())[0]
    except ValueError:
        # The other rule says so.
        return []
    if _public(leaf.public_key()) != _public(key.public_key()):
        return setting.bad(f"the key in it does not match the certificate of {_name(leaf)}", want)
    return []


def _public(key: t.Any) -> bytes:
    return bytes(key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo))


def _name(certificate: x509.Certificate) -> str:
    found = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    # Names of somebody else's making: short, and in one line.
    text = str(found[0].value) if found else certificate.subject.rfc4514_string() or "no name"
    return f'"{re.sub(r"[^ -~]", "?", text)[:80]}"'


def _is_ca(certificate: x509.Certificate) -> bool:
    try:
        return bool(certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca)
    except (x509.ExtensionNotFound, ValueError):
        return False


def _is_issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _order_faults(chain: Chain) -> list[str]:
    if _is_ca(chain[0]) and not all(_is_ca(one) for one in chain):
        return [f"the first certificate in it, {_name(chain[0])}, is a CA's: the server's own must come first"]
    return [
        f"certificate {position} in it, {_name(one)}, was not issued by the one after it, {_name(issuer)}"
        for position, (one, issuer) in enumerate(zip(chain, chain[1:]), 1)
        if not _is_issued_by(one, issuer)
    ]


def _date_faults(chain: Chain, now: datetime.datetime, min_days: int) -> list[str]:
    faults = []
    for one in chain:
        begins, ends = one.not_valid_before_utc, one.not_valid_after_utc
        if ends < now:
            faults.append(f"the certificate of {_name(one)} has expired on {ends:%Y-%m-%d}")
        elif begins > now:
            faults.append(f"the certificate of {_name(one)} is not valid before {begins:%Y-%m-%d %H:%M} UTC")
        elif ends < now + datetime.timedelta(days=min_days):
            left = (ends - now) / datetime.timedelta(days=1)
            faults.append(f"the certificate of {_name(one)} ends in {left:.1f} days, and {min_days} are wanted")
    return faults


def _name_faults(leaf: x509.Certificate, hosts: t.Sequence[str]) -> list[str]:
    try:
        alternative = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names = {name.lower() for name in alternative.get_values_for_type(x509.DNSName)}
    except (x509.ExtensionNotFound, ValueError):
        names = set()
    missing = [host for host in hosts if not names & {host, f"*.{host.partition('.')[2]}"}]
    if not missing:
        return []
    shown = re.sub(r"[^ -~]", "?", ", ".join(sorted(names)))[:200] or "no names at all"
    return [f"it is for {shown} and not for {', '.join(missing)}"]


def _root_faults(chain: Chain, ca_content: str) -> list[str]:
    try:
        authorities = x509.load_pem_x509_certificates(ca_content.encode())
    except ValueError:
        return []
    last = chain[-1]
    if last in authorities or any(_is_issued_by(last, one) for one in authorities):
        return []
    issuer = re.sub(r"[^ -~]", "?", last.issuer.rfc4514_string())[:120]
    return [f"nothing in it leads to a CA of modelhub_ca_file: one by {issuer} is missing"]
