"""Make certificates of every kind that somebody may provide, good ones and bad ones.

Usage: certificates.py DIRECTORY DOMAIN
All are for mlflow.DOMAIN and *.DOMAIN and lead over an intermediate CA to ca.pem. good and next serve; proxy.pem holds
certificate and key in one file. The names of the others tell what is wrong with them.
"""

from __future__ import annotations

import datetime
import sys
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

PEM = serialization.Encoding.PEM
NOW = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)


def key_pem(key: Any, passphrase: bytes = b"") -> bytes:
    protection = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    return bytes(key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, protection))


class Authority:
    """A CA, of its own making or issued by another one."""

    def __init__(self, name: str, issuer: Authority | None = None) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.certificate = (issuer or self).sign(self.name, self.key.public_key(), -1, 365, [], ca=True)

    def sign(self, name: x509.Name, public_key: Any, begins: int, ends: int, names: list[str], ca: bool = False) -> Any:
        """A certificate that is valid from and until so many days from now."""
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self.name)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW + datetime.timedelta(days=begins))
            .not_valid_after(NOW + datetime.timedelta(days=ends))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
        )
        if ca:
            # Newer clients insist on it.
            builder = builder.add_extension(
                x509.KeyUsage(False, False, False, False, False, True, True, False, False), critical=True
            )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(list(map(x509.DNSName, names))), critical=False)
        return builder.sign(self.key, hashes.SHA256())


def main() -> None:
    folder, domain = Path(sys.argv[1]), sys.argv[2]
    folder.mkdir(parents=True, exist_ok=True)
    root = Authority("Test CA")
    middle = Authority("Test intermediate CA", root)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"mlflow.{domain}")])
    key, other = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())

    def leaf(begins: int = -1, ends: int = 60, of: Any = key) -> bytes:
        names = [f"mlflow.{domain}", f"*.{domain}"]
        return bytes(middle.sign(subject, of.public_key(), begins, ends, names).public_bytes(PEM))

    chain = middle.certificate.public_bytes(PEM)
    good, after = leaf(), leaf(of=other)
    files = {
        "ca.pem": root.certificate.public_bytes(PEM),
        "good.pem": good + chain,
        "good.key": key_pem(key),
        "next.pem": after + chain,
        "next.key": key_pem(other),
        "proxy.pem": good + chain + key_pem(key),
        "other.key": key_pem(other),
        "encrypted.key": key_pem(key, b"passphrase"),
        "expired.pem": leaf(-30, -1) + chain,
        "later.pem": leaf(2, 60) + chain,
        "reversed.pem": root.certificate.public_bytes(PEM) + chain + good,
        "other_ca.pem": Authority("Another CA").certificate.public_bytes(PEM),
        "none.txt": b"no certificate\n",
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)


if __name__ == "__main__":
    main()
