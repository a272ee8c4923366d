"""Keep certificates in files. Started by the playbook, and every day by a timer on the server.

Usage: certificates.py SETTINGS [--check]   (a JSON file; with --check nothing is written)
       certificates.py DIRECTORY            (each *.json in it; servers are told whether or not something was written)

Source "internal" or "provided" is the pair that Traefik serves: certificate and key are one file, called by its
content, and a file beside it tells Traefik which one to read, so it never sees one half of an old pair and one of a new
one. Source "inside" is the pair of a service that others of the stack ask: its key stays, so that renewing it replaces
one file. A CA that is made here signs, but for "provided", where the pair is what somebody else has put there. The CA
is renewed with the same key and name, so what it has signed before is trusted by the new one, and what it signs later
by the old one, until that ends.
Prints a line for each thing that was done, or would be.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import subprocess
import sys
import time
import typing as t
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

# The directory as Traefik's container sees it.
SEEN_AS = "/etc/traefik/dynamic"
CONFIG = "certificates.yml"
# What services inside are told to read, by the names that MinIO gives them.
KEY, CERTIFICATE, AUTHORITY = "private.key", "public.crt", "CAs/ca.crt"
BEGIN_CERTIFICATE = b"-----BEGIN CERTIFICATE-----"
# A server's clock may run behind the clients'.
EARLIER = timedelta(hours=1)
# Traefik reads a pair within two seconds of being told.
SETTLE_SECONDS = 5

Settings = t.Mapping[str, t.Any]


class Found(t.NamedTuple):
    """What is there: key and certificate of the CA, the pair in use, and the pair that was provided."""

    ca_key: bytes | None
    ca: bytes | None
    pair: bytes | None
    provided: bytes | None


class Wanted(t.NamedTuple):
    """What should be there, and why it differs. `ca_key` and `ca` are None where there is no CA."""

    ca_key: bytes | None
    ca: bytes | None
    pair: bytes
    reasons: list[str]


def ends(certificate: x509.Certificate) -> datetime:
    """When a certificate ends; older releases of cryptography know only the naive time."""
    aware = getattr(certificate, "not_valid_after_utc", None)
    return aware if aware is not None else certificate.not_valid_after.replace(tzinfo=timezone.utc)


def days_left(certificate: x509.Certificate, now: datetime) -> float:
    return (ends(certificate) - now) / timedelta(days=1)


def names_of(certificate: x509.Certificate) -> set[str]:
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return set()
    return set(extension.value.get_values_for_type(x509.DNSName))


def load_key(pem: bytes | None) -> ec.EllipticCurvePrivateKey | None:
    with suppress(ValueError, TypeError):
        key = serialization.load_pem_private_key(pem or b"", password=None)
        return key if isinstance(key, ec.EllipticCurvePrivateKey) else None
    return None


def load_certificate(pem: bytes | None) -> x509.Certificate | None:
    with suppress(ValueError):
        return x509.load_pem_x509_certificate(pem or b"")
    return None


def key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def public_der(key: t.Any) -> bytes:
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def is_signed_by(certificate: x509.Certificate, ca: x509.Certificate) -> bool:
    try:
        algorithm = certificate.signature_hash_algorithm
        ca.public_key().verify(certificate.signature, certificate.tbs_certificate_bytes, ec.ECDSA(algorithm))
    except (InvalidSignature, TypeError, AttributeError):
        return False
    return certificate.issuer == ca.subject


def usage(**used: bool) -> x509.KeyUsage:
    names = (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    )
    return x509.KeyUsage(**{**dict.fromkeys(names, False), **used})


def make_ca(key: ec.EllipticCurvePrivateKey, name: x509.Name, now: datetime, days: int) -> x509.Certificate:
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - EARLIER)
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage(key_cert_sign=True, crl_sign=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def make_pair(
    names: t.Sequence[str],
    ca: x509.Certificate,
    ca_key: ec.EllipticCurvePrivateKey,
    now: datetime,
    days: int,
    key: ec.EllipticCurvePrivateKey | None = None,
) -> bytes:
    """A certificate for the names, signed by the CA, and its key, a new one where none is given, in one text."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    certificate = (
        x509.CertificateBuilder()
        # Only some 64 characters fit in, and clients read the alternative names.
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])]))
        .issuer_name(ca.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - EARLIER)
        .not_valid_after(min(now + timedelta(days=days), ends(ca)))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage(digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    return key_pem(key) + certificate.public_bytes(serialization.Encoding.PEM)


def pair_fault(pem: bytes | None, ca: x509.Certificate, settings: Settings, now: datetime) -> str:
    """Why another certificate is needed, '' when the one in use serves."""
    leaf, key = load_certificate(pem), load_key(pem)
    if leaf is None or key is None or public_der(leaf.public_key()) != public_der(key.public_key()):
        return "there is none yet"
    if not is_signed_by(leaf, ca):
        return "the CA has not signed the one in use"
    if names_of(leaf) != set(settings["names"]):
        return "the one in use is for other names"
    left = days_left(leaf, now)
    return f"the one in use ends in {left:.1f} days" if left < settings["renew_days"] else ""


def plan_internal(settings: Settings, found: Found, now: datetime) -> Wanted:
    reasons = []
    key, ca = load_key(found.ca_key), load_certificate(found.ca)
    if key is None or ca is None or public_der(ca.public_key()) != public_der(key.public_key()):
        reasons.append("a CA was made")
        key = key or ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, settings["ca_name"][:64])])
        ca = make_ca(key, name, now, settings["ca_days"])
    elif days_left(ca, now) < max(settings["ca_renew_days"], settings["renew_days"]):
        # No certificate outlives its CA, so that is renewed first.
        reasons.append(f"the CA was renewed, with the same key: it would have ended in {days_left(ca, now):.1f} days")
        ca = make_ca(key, ca.subject, now, settings["ca_days"])
    pair = found.pair or b""
    fault = pair_fault(found.pair, ca, settings, now) if settings["names"] else ""
    if fault:
        kept = load_key(found.pair) if settings["source"] == "inside" else None
        pair = make_pair(settings["names"], ca, key, now, settings["days"], kept)
        reasons.append(f"a certificate for {', '.join(settings['names'])} was made: {fault}")
    ca_key = found.ca_key if load_key(found.ca_key) else key_pem(key)
    ca_pem = found.ca if found.ca and load_certificate(found.ca) == ca else ca.public_bytes(serialization.Encoding.PEM)
    return Wanted(ca_key, ca_pem, pair, reasons)


def plan(settings: Settings, found: Found, now: datetime) -> Wanted:
    if settings["source"] in ("internal", "inside"):
        return plan_internal(settings, found, now)
    if found.provided is None:
        raise FileNotFoundError(f"{settings['base']}/provided.pem is missing")
    reasons = [] if found.pair == found.provided else ["the certificate that was provided is used"]
    return Wanted(None, None, found.provided, reasons)


def read(path: Path) -> bytes | None:
    with suppress(FileNotFoundError):
        return path.read_bytes()
    return None


def write(path: Path, content: bytes, mode: int) -> bool:
    """Replace a file all at once, where it differs. It belongs to whom its directory does."""
    folder = path.parent.stat()
    wanted = (mode, folder.st_uid, folder.st_gid)
    if read(path) == content:
        found = path.stat()
        if (found.st_mode & 0o7777, found.st_uid, found.st_gid) == wanted:
            return False
    temporary = path.with_name(f".{path.name}.modelhub-certificates")
    with suppress(FileNotFoundError):
        temporary.unlink()
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fchown(stream.fileno(), folder.st_uid, folder.st_gid)
        os.fchmod(stream.fileno(), mode)
        os.fsync(stream.fileno())
    temporary.replace(path)
    return True


def pair_in_use(dynamic: Path) -> bytes | None:
    with suppress(ValueError, KeyError, IndexError, TypeError):
        entry = json.loads(read(dynamic / CONFIG) or b"")["tls"]["certificates"][0]
        return read(dynamic / Path(entry["certFile"]).name)
    return None


def config_text(pair_name: str) -> bytes:
    # JSON is YAML as well.
    pair = {"certFile": f"{SEEN_AS}/{pair_name}", "keyFile": f"{SEEN_AS}/{pair_name}"}
    # For names that it does not have, where those are answered at all.
    stores = {"default": {"defaultCertificate": pair}}
    return (json.dumps({"tls": {"certificates": [pair], "stores": stores}}) + "\n").encode()


def publish(settings: Settings, wanted: Wanted) -> list[str]:
    """Write the CA: what is trusted comes before what is served."""
    base = Path(settings["base"])
    if wanted.ca_key is not None and wanted.ca is not None:
        write(base / "ca/ca.key", wanted.ca_key, 0o600)
        write(base / "ca/ca.crt", wanted.ca, 0o644)
    published = (wanted.ca or b"") + settings["trusted"].encode()
    if published and write(Path(settings["published"]), published, 0o644):
        return [f"{settings['published']} was written"]
    return []


def serve_public(settings: Settings, wanted: Wanted) -> list[str]:
    dynamic = Path(settings["base"]) / "dynamic"
    name = f"server-{hashlib.sha256(wanted.pair).hexdigest()[:16]}.pem"
    stale = [path for path in sorted(dynamic.glob("server*")) if path.name != name]
    written = [write(dynamic / name, wanted.pair, 0o600), write(dynamic / CONFIG, config_text(name), 0o600)]
    said = ["what Traefik reads was put right"] if any(written) and not wanted.reasons else []
    if stale:
        time.sleep(SETTLE_SECONDS)
    for path in stale:
        path.unlink()
        said.append(f"{path.name} was removed")
    return said


def serve_inside(settings: Settings, wanted: Wanted) -> list[str]:
    """Write what a service reads: key, certificate, and the CA that it trusts others by. Who is not asked has none."""
    if not settings["names"]:
        return []
    folder = Path(settings["service"])
    key, _begin, certificate = wanted.pair.partition(BEGIN_CERTIFICATE)
    written = [
        write(folder / AUTHORITY, wanted.ca or b"", 0o644),
        write(folder / KEY, key, 0o600),
        write(folder / CERTIFICATE, BEGIN_CERTIFICATE + certificate, 0o644),
    ]
    return [f"what is read in {folder} was put right"] if any(written) and not wanted.reasons else []


def pair_inside(settings: Settings) -> bytes:
    folder = Path(settings["service"])
    return (read(folder / KEY) or b"") + (read(folder / CERTIFICATE) or b"")


def tell(settings: Settings) -> None:
    """Have a server that does not look at its files itself read them again; it keeps its connections meanwhile."""
    mine = (f"--filter=label=org.opengeoai.modelhub.stack={settings['stack']}", f"--filter=name=^/{settings['tells']}$")
    # Without an engine nobody is there to be told.
    with suppress(FileNotFoundError):
        listed = subprocess.run(["docker", "ps", "--quiet", *mine], capture_output=True, text=True, check=False)
        for container in listed.stdout.split():
            subprocess.run(["docker", "kill", "--signal=HUP", container], stdout=subprocess.DEVNULL, check=False)


def run(settings: Settings, now: datetime, check: bool = False, daily: bool = False) -> list[str]:
    base, inside = Path(settings["base"]), settings["source"] == "inside"
    pair = pair_inside(settings) if inside else pair_in_use(base / "dynamic")
    found = Found(read(base / "ca/ca.key"), read(base / "ca/ca.crt"), pair, read(base / "provided.pem"))
    wanted = plan(settings, found, now)
    if check:
        return wanted.reasons
    said = wanted.reasons + publish(settings, wanted)
    said += serve_inside(settings, wanted) if inside else serve_public(settings, wanted)
    # A run that was killed has written and not told: the next day's makes up for it.
    if settings.get("tells") and (said or daily):
        tell(settings)
    return said


def keep(path: Path, **how: bool) -> list[str]:
    # The timer and a playbook may meet.
    lock = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        settings = json.loads(path.read_text())
        # Older releases of Ansible write numbers as text.
        settings.update({name: int(settings[name]) for name in ("ca_days", "ca_renew_days", "days", "renew_days")})
        return run(settings, datetime.now(timezone.utc).replace(microsecond=0), **how)
    finally:
        os.close(lock)


def main() -> None:
    path = Path(sys.argv[1])
    if path.is_dir():
        said = [line for one in sorted(path.glob("*.json")) for line in keep(one, daily=True)]
    else:
        said = keep(path, check="--check" in sys.argv[2:])
    print("\n".join(said), end="\n" if said else "")


if __name__ == "__main__":
    main()
