"""Cut uploads off in the middle: nothing may be listed, and nothing else may suffer.

Usage: cut.py        a PUT with a length and one in chunks, each left in the middle; then the same name whole
       cut.py slow   one PUT that takes its time, during which the store is stopped; prints the status, 0 for none
       cut.py again  the same name, whole, which must be taken
The environment holds address, login and CA. Prints what it did.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import ssl
import sys
import time
import typing as t
from urllib.parse import urlencode, urlsplit

HOST = str(urlsplit(os.environ["MLFLOW_TRACKING_URI"]).hostname)
TLS = ssl.create_default_context(cafile=os.environ["REQUESTS_CA_BUNDLE"])
LOGIN = f"{os.environ.get('MLFLOW_TRACKING_USERNAME')}:{os.environ.get('MLFLOW_TRACKING_PASSWORD')}"
HEADERS = {"Authorization": f"Basic {base64.b64encode(LOGIN.encode()).decode()}"}
ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"
FOLDER = "cut"
MIB = bytes(2**20)
MIBS = 64
SLOW_SECONDS = 0.3


def connect() -> http.client.HTTPSConnection:
    return http.client.HTTPSConnection(HOST, timeout=300, context=TLS)


def begin(name: str, headers: dict[str, str]) -> http.client.HTTPSConnection:
    connection = connect()
    connection.putrequest("PUT", f"{ARTIFACTS}/{FOLDER}/{name}")
    for header, value in {**HEADERS, **headers}.items():
        connection.putheader(header, value)
    connection.endheaders()
    return connection


def leave(name: str, headers: dict[str, str], frame: t.Callable[[bytes], bytes]) -> None:
    """Send half of a file and hang up."""
    connection = begin(name, headers)
    for _piece in range(MIBS // 2):
        connection.send(frame(MIB))
    connection.close()


def send(name: str, pause: float = 0) -> int:
    """Send a file whole, and return the status of the answer."""
    connection = begin(name, {"Content-Length": str(MIBS * len(MIB))})
    try:
        for _piece in range(MIBS):
            time.sleep(pause)
            connection.send(MIB)
        return connection.getresponse().status
    except OSError as error:
        print(f"the connection ended: {error}", file=sys.stderr)
        return 0


def listed() -> dict[str, int]:
    connection = connect()
    connection.request("GET", f"{ARTIFACTS}?{urlencode({'path': FOLDER})}", headers=HEADERS)
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != 200:
        raise SystemExit(f"listing was answered {answer.status}: {body!r}")
    return {file["path"]: int(file.get("file_size", 0)) for file in json.loads(body).get("files", [])}


def whole(name: str) -> None:
    status = send(name)
    if status != 200 or listed().get(name) != MIBS * len(MIB):
        raise SystemExit(f"{name} was answered {status}, and listed are {listed()}")


def main() -> None:
    if sys.argv[1:] == ["slow"]:
        print(send("stopped.bin", SLOW_SECONDS))
        return
    if sys.argv[1:] == ["again"]:
        if "stopped.bin" in listed():
            raise SystemExit(f"half of it is listed: {listed()}")
        whole("stopped.bin")
        print("the upload was taken after the store was back")
        return
    leave("length.bin", {"Content-Length": str(MIBS * len(MIB))}, lambda piece: piece)
    leave("chunks.bin", {"Transfer-Encoding": "chunked"}, lambda piece: b"%x\r\n%b\r\n" % (len(piece), piece))
    time.sleep(2)
    found = listed().keys() & {"length.bin", "chunks.bin"}
    if found:
        raise SystemExit(f"uploads that were cut off are listed: {found}")
    whole("length.bin")
    print("two uploads that were cut off left nothing, and the same name was taken afterwards")


if __name__ == "__main__":
    main()
