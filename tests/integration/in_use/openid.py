# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logins by an OpenID provider: in a browser, with tokens, by groups, and while the provider is down.

Usage: openid.py INVENTORY   with the inventory of the Molecule scenario `oidc`, which is up
"""

from __future__ import annotations

import base64
import json
import secrets
import ssl
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from scenario import PATIENCE_SECONDS, Bed, require, tell

# In the client: prints status and text of the answer to one call. What it logs in with comes by the environment.
ASK = """
import json, os, sys, requests
method, path, body = sys.argv[1:]
login = {name.lower(): value for name, value in os.environ.items() if name in ("COOKIE", "TOKEN", "USER", "PASSWORD")}
answer = requests.request(
    method, os.environ["MLFLOW_TRACKING_URI"] + path, json=json.loads(body), timeout=120, allow_redirects=False,
    headers={"Authorization": "Bearer " + login["token"]} if login.get("token") else {},
    cookies={"__Host-mlflow": login["cookie"]} if login.get("cookie") else {},
    auth=(login["user"], login["password"]) if login.get("user") else None,
)
print(json.dumps([answer.status_code, answer.text]))
"""
# In MLflow's container: all that its Flask application serves, and what the plugin takes from MLflow's FastAPI.
ROUTES = """
import json, re
from mlflow.server import app
rules = {(method, re.sub("<[^>]*>", "x", rule.rule)) for rule in app.url_map.iter_rules() for method in rule.methods}
rules |= {("POST", "/v1/traces"), ("GET", "/api/3.0/mlflow/mcp-servers"), ("GET", "/ajax-api/3.0/mlflow/mcp-servers")}
print(json.dumps(sorted(rule for rule in rules if rule[0] not in ("HEAD", "OPTIONS"))))
"""
# In the client: prints what is answered otherwise than by a refusal to whoever does not log in.
STRANGER = """
import json, os, sys, requests
from concurrent.futures import ThreadPoolExecutor
def ask(route):
    method, path = route
    url, body = os.environ["MLFLOW_TRACKING_URI"] + path, None if method == "GET" else {}
    return requests.request(method, url, json=body, timeout=120, allow_redirects=False).status_code
routes = json.loads(sys.argv[1])
with ThreadPoolExecutor(4) as pool:
    found = list(zip(routes, pool.map(ask, routes)))
print(json.dumps([[*route, status] for route, status in found if status not in (401, 403)]))
"""
# In the client: whoever asks for a name that is not served is told nothing.
UNKNOWN = """
import socket, ssl, sys
address, name = sys.argv[1:]
context = ssl.create_default_context(cafile="/ca/ca.crt")
try:
    context.wrap_socket(socket.create_connection((address, 443), 60), server_hostname=name)
except ssl.SSLError as error:
    print(f"{name} is answered by nobody: {error.reason}")
else:
    sys.exit(f"{name} is answered")
"""
# They answer anybody: whether the server is up, and scripts of the page.
OPEN = ("/health", "/metrics", "/static-files/")
API = "/api/2.0/mlflow"
BY_NAME = f"{API}/experiments/get-by-name?experiment_name"
SEARCH = {"max_results": 5}
NO_LOGIN = dict.fromkeys(("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"), "")


class Provider:
    """The OpenID provider of the test bed."""

    def __init__(self, bed: Bed) -> None:
        self.container = f"{bed.network}-openid"
        folder = bed.work.parent
        self._config = json.loads((folder / "openid" / "config.json").read_text(encoding="utf-8"))
        self.secret = str(self._config["clients"][0]["client_secret"])
        self._context = ssl.create_default_context(cafile=str(folder / "openid-ca" / "ca.pem"))

    def token(self, client: str, resource: str = "https://mlflow.test") -> str:
        """A token of a client of its own, a machine's."""
        form = urllib.parse.urlencode({"grant_type": "client_credentials", "resource": resource}).encode()
        login = base64.b64encode(f"{client}:{self.secret}".encode()).decode()
        request = urllib.request.Request(f"{self._config['issuer']}/token", form, {"Authorization": f"Basic {login}"})
        proxyless = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=self._context)
        )
        with proxyless.open(request, timeout=60) as answer:
            return str(json.load(answer)["access_token"])

    def do(self, command: str) -> None:
        subprocess.run(["docker", command, self.container], check=True, capture_output=True)


def ask(bed: Bed, method: str, path: str, body: object = None, **login: str) -> tuple[int, Any]:
    """Status and answer of one call. login: cookie, token, or user and password."""
    secret = {**NO_LOGIN, **{name.upper(): value for name, value in login.items()}}
    status, text = json.loads(bed.client("python3", "-c", ASK, method, path, json.dumps(body), secret=secret))
    return status, text


def answers(bed: Bed, wanted: int, method: str, path: str, body: object = None, **login: str) -> str:
    status, text = ask(bed, method, path, body, **login)
    require(status == wanted, f"{method} {path} by {sorted(login)} was answered {status}, not {wanted}: {text[:500]}")
    return str(text)


def browser(bed: Bed, user: str, *arguments: str) -> dict[str, str]:
    url = f"https://mlflow.{bed.domain}"
    files = ("/ca/ca.crt", "/ca/openid.crt")
    shown = bed.client("/usr/bin/python3", "/e2e/openid.py", url, *files, user, f"/output/{user}.png", *arguments)
    return dict(json.loads(shown.splitlines()[-1]))


def people(bed: Bed) -> dict[str, str]:
    """A user of a group that may, in a browser and with a token of hers; one of another group is turned away."""
    ada = browser(bed, "ada")
    require(ada["user"] == "ada", f"MLflow calls the user {ada['user']}")
    said = browser(bed, "eve", "refused")["said"]
    tell(f"ada has logged in with a browser; eve, of another group, is told: {' '.join(said.split())[:120]}")
    # Who has made it may do everything with it; others may not even see it.
    path = f"{BY_NAME}={ada['experiment']}"
    answers(bed, 200, "GET", path, user="ada", password=ada["token"])
    answers(bed, 401, "GET", path, user="ada", password=f"{ada['token'][:-4]}none")
    answers(bed, 401, "GET", path)
    user = {"MLFLOW_TRACKING_USERNAME": "ada", "MLFLOW_TRACKING_PASSWORD": ada["token"]}
    bed.client("python3", "/e2e/client.py", "--light", secret=user)
    tell("the stock client logs with a token that ada made")
    return ada


def strangers(bed: Bed) -> None:
    """Who does not log in is refused on every route, also on those to which mlflow-server has a shorter way."""
    routes = bed.server(f"docker exec --interactive mlflow python3 - <<'PYTHON' 2>/dev/null\n{ROUTES}\nPYTHON").strip()
    require(len(json.loads(routes)) > 200, f"MLflow serves no more than {routes}")
    answered = json.loads(bed.client("python3", "-c", STRANGER, routes, secret=NO_LOGIN))
    told = [one for one in answered if not one[1].startswith(OPEN)]
    require(not told, f"without a login these were answered: {told}")
    tell(f"{len(json.loads(routes))} routes refuse whoever does not log in")


def machines(bed: Bed, provider: Provider, private: str) -> None:
    """Tokens of the provider, and what groups may do."""
    pipeline, reader = provider.token("pipeline"), provider.token("reader")
    bed.client("python3", "/e2e/client.py", "--light", secret={**NO_LOGIN, "MLFLOW_TRACKING_TOKEN": pipeline})
    tell("the stock client logs with MLFLOW_TRACKING_TOKEN, a token of the provider")
    name = f"shared-{secrets.token_hex(4)}"
    shared = json.loads(answers(bed, 200, "POST", f"{API}/experiments/create", {"name": name}, token=pipeline))
    run = {"experiment_id": shared["experiment_id"], "start_time": 1}
    answers(bed, 200, "GET", f"{BY_NAME}={name}", token=reader)
    answers(bed, 403, "POST", f"{API}/runs/create", run, token=reader)
    answers(bed, 403, "GET", f"{BY_NAME}={private}", token=reader)
    answers(bed, 403, "GET", f"{BY_NAME}={private}", token=pipeline)
    found = json.loads(answers(bed, 200, "POST", f"{API}/experiments/search", {"max_results": 100}, token=reader))
    names = [one["name"] for one in found["experiments"]]
    others = [one for one in names if not one.startswith("shared-")]
    require(name in names and not others, f"a search shows a reader {names}")
    # A group that may not log in, and a token for another server
    answers(bed, 401, "POST", f"{API}/experiments/search", SEARCH, token=provider.token("stranger"))
    other = provider.token("pipeline", "https://other.test")
    answers(bed, 401, "POST", f"{API}/experiments/search", SEARCH, token=other)
    tell("groups may do what is declared for them, and tokens for others, or of other groups, are refused")


def without_provider(bed: Bed, provider: Provider, ada: dict[str, str]) -> None:
    """The provider stops: sessions and MLflow's own tokens go on, over a restart of MLflow too; its tokens do not."""
    token = provider.token("pipeline")
    admin = bed.login()
    known = {
        "session": {"cookie": ada["cookie"]},
        "token": {"user": "ada", "password": ada["token"]},
        "administrator": {"user": admin["MLFLOW_TRACKING_USERNAME"], "password": admin["MLFLOW_TRACKING_PASSWORD"]},
    }
    provider.do("stop")
    for login in known.values():
        answers(bed, 200, "POST", f"{API}/experiments/search", SEARCH, **login)
    bed.server("docker restart mlflow")
    bed.until("docker inspect --format '{{.State.Health.Status}}' mlflow", "healthy")
    for login in known.values():
        answers(bed, 200, "POST", f"{API}/experiments/search", SEARCH, **login)
    answers(bed, 401, "POST", f"{API}/experiments/search", SEARCH, token=token)
    tell(f"without the provider, and after a restart, {', '.join(known)} go on; its own tokens are refused")
    provider.do("start")
    deadline = time.monotonic() + PATIENCE_SECONDS
    while ask(bed, "POST", f"{API}/experiments/search", SEARCH, token=token)[0] != 200:
        require(time.monotonic() < deadline, "the provider is back, but its tokens are still refused")
        time.sleep(1)
    browser(bed, "root")
    tell("the provider is back: its tokens are taken, and a user logs in")


def hidden(bed: Bed) -> None:
    """Nobody but MLflow reaches the store: no address, no name in the certificate, no network with Traefik."""
    tell(bed.client("python3", "-c", UNKNOWN, bed.address, f"minio-api.{bed.domain}").strip())
    networks = bed.server("docker inspect --format '{{range $n, $_ := .NetworkSettings.Networks}}{{$n}} {{end}}' minio")
    require(networks.split() == ["modelhub-backend"], f"the store is on the networks {networks}")


def kept(bed: Bed, provider: Provider) -> None:
    """The server keeps the client's secret, and shows it nowhere."""
    before = bed.listing()
    bed.playbook("site", given={"mlflow_oidc_client_secret": ""})
    require(before == bed.listing(), f"a run without the secret changed {sorted(set(before) ^ set(bed.listing()))}")
    inspected = bed.server("docker inspect mlflow")
    for name, value in {
        "client": provider.secret,
        "session": bed.server("cat /opt/modelhub/secrets/mlflow_flask_key"),
    }.items():
        require(value.strip() not in inspected, f"docker inspect shows the secret of the {name}")
    tell("a run without the client's secret changes nothing, and docker inspect shows none")


def main() -> None:
    bed = Bed(Path(sys.argv[1]))
    provider = Provider(bed)
    ada = people(bed)
    strangers(bed)
    machines(bed, provider, ada["experiment"])
    without_provider(bed, provider, ada)
    kept(bed, provider)
    hidden(bed)


if __name__ == "__main__":
    main()
