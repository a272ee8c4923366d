"""Prove that the public address leads through Traefik to MLflow, its database and its object store.

Arguments: the public URL and, where only others know who may log in there, the server's own URL, at which it is asked
then, by the CA of MODELHUB_OWN_CA where that is https; the public one must refuse whoever does not log in. Runs in the
MLflow container, trusts the CAs of AWS_CA_BUNDLE, or else the system's, and logs in as the administrator where there
are accounts (MLFLOW_AUTH_CONFIG_PATH).
Exits non-zero with one line that names the part that failed.
"""

import base64
import configparser
import json
import os
import ssl
import sys
import urllib.error
import urllib.request
import uuid

public, base = sys.argv[1], sys.argv[-1]
context = ssl.create_default_context(cafile=os.environ.get("AWS_CA_BUNDLE"))
if os.environ.get("MLFLOW_S3_IGNORE_TLS") == "true":
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
# Who has signed the certificate inside has signed none outside, and the other way round.
asked = ssl.create_default_context(cafile=os.environ.get("MODELHUB_OWN_CA")) if public != base else context
# The server's own address: a proxy that the environment names is for the world outside.
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=asked))
headers = {}
accounts = os.environ.get("MLFLOW_AUTH_CONFIG_PATH")
if accounts:
    config = configparser.ConfigParser()
    config.read(accounts)
    login = f"{config['mlflow']['admin_username']}:{config['mlflow']['admin_password']}"
    headers["Authorization"] = f"Basic {base64.b64encode(login.encode()).decode()}"


def call(what: str, method: str, path: str, body: "bytes | None" = None) -> bytes:
    more = {"Content-Type": "application/json"} if method == "POST" else {}
    request = urllib.request.Request(base + path, data=body, method=method, headers={**headers, **more})
    try:
        with opener.open(request, timeout=20) as response:
            return response.read()
    except urllib.error.HTTPError as error:
        sys.exit(f"{what}: {method} {base}{path} answered {error.code}: {error.read(300).decode(errors='replace')}")
    except OSError as error:
        sys.exit(f"{what}: {method} {base}{path} failed: {error}")


class Stay(urllib.request.HTTPRedirectHandler):
    """What leads to a page for the login is a refusal."""

    def redirect_request(self, *_unused: object) -> None:
        return None


def require_refusal() -> None:
    guarded = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context), Stay
    )
    try:
        status = guarded.open(public + "/api/2.0/mlflow/experiments/get?experiment_id=0", timeout=20).status
    except urllib.error.HTTPError as error:
        status = error.code
    except OSError as error:
        sys.exit(f"login: {public} failed: {error}")
    if status not in (301, 302, 303, 307, 308, 401, 403):
        sys.exit(f"login: {public} answered {status} without a login, where the proxy was to refuse")


if public != base:
    require_refusal()
call("database", "POST", "/api/2.0/mlflow/experiments/search", json.dumps({"max_results": 1}).encode())
artifact = f"/api/2.0/mlflow-artifacts/artifacts/.modelhub-check/{uuid.uuid4()}"
content = uuid.uuid4().bytes
call("object store", "PUT", artifact, content)
if call("object store", "GET", artifact) != content:
    sys.exit(f"object store: {artifact} came back with other content")
call("object store", "DELETE", artifact)
print("ok")
