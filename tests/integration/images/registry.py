"""A registry that holds one small image, for any repository and the tag `here`. It answers nobody else's questions.

Usage: registry.py PORT_FILE LOG   (writes the port it listens on, and a line for each request)
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import sys
import tarfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG = "application/vnd.docker.container.image.v1+json"
LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
LABELS = {"org.opengeoai.modelhub.engine": "a test"}


def digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def described(kind: str, data: bytes) -> dict[str, object]:
    return {"mediaType": kind, "size": len(data), "digest": digest(data)}


def blobs() -> tuple[dict[str, bytes], bytes]:
    """Return configuration and layer of the image by their digests, and its manifest."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        content = b"modelhub\n"
        entry = tarfile.TarInfo("modelhub")
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    layer = gzip.compress(packed.getvalue(), mtime=0)
    rootfs = {"type": "layers", "diff_ids": [digest(packed.getvalue())]}
    described_image = {"architecture": "amd64", "os": "linux", "config": {"Labels": LABELS}, "rootfs": rootfs}
    config = json.dumps(described_image).encode()
    manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": described(CONFIG, config)}
    text = json.dumps({**manifest, "layers": [described(LAYER, layer)]}).encode()
    return {digest(config): config, digest(layer): layer}, text


class Registry(BaseHTTPRequestHandler):
    blobs, manifest = blobs()
    log = Path()

    def do_GET(self) -> None:
        asked = re.fullmatch("/v2/.+/(manifests|blobs)/(.+)", self.path)
        if self.path == "/v2/":
            self.answer(200, "application/json", b"{}")
        elif asked and asked[1] == "manifests" and asked[2] in ("here", digest(self.manifest)):
            self.answer(200, MANIFEST, self.manifest)
        elif asked and asked[2] in self.blobs:
            self.answer(200, "application/octet-stream", self.blobs[asked[2]])
        else:
            error = {"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]}
            self.answer(404, "application/json", json.dumps(error).encode())

    do_HEAD = do_GET

    def answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Docker-Content-Digest", digest(body))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, form: str, *values: object) -> None:
        with self.log.open("a") as log:
            log.write(form % values + "\n")


def main() -> None:
    port_file, log = map(Path, sys.argv[1:])
    Registry.log = log
    server = ThreadingHTTPServer(("127.0.0.1", 0), Registry)
    log.touch()
    port_file.write_text(f"{server.server_port} {digest(Registry.manifest)}\n")
    server.serve_forever()


if __name__ == "__main__":
    main()
