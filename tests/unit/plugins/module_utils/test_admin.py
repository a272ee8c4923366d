# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The clients of MinIO's admin API against a server that plays what is documented of it, signed and encrypted."""

from __future__ import annotations

import functools
import hashlib
import hmac
import io
import json
import secrets
import threading
import typing as t
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
from ansible_collections.opengeoai.modelhub.plugins.module_utils._admin import MinioAdminClient
from ansible_collections.opengeoai.modelhub.plugins.module_utils._admin_keys import connect
from ansible_collections.opengeoai.modelhub.plugins.module_utils._errors import (
    StorageError,
    StorageForbidden,
    StorageUnsupported,
)
from ansible_collections.opengeoai.modelhub.plugins.module_utils._keys import Keys, policy_for, run
from ansible_collections.opengeoai.modelhub.plugins.module_utils._store import STORE_SPEC, Store
from minio import crypto
from minio.crypto import decrypt, encrypt

ADMIN = "/minio/admin/v3/"
ROOT = "administrator"


class Refusal(Exception):
    """status, error code"""


def signature(request: BaseHTTPRequestHandler, secret: str) -> str:
    """What AWS's Signature Version 4 says that a request is to be signed with."""
    fields = dict(part.strip().split("=", 1) for part in request.headers["Authorization"].partition(" ")[2].split(","))
    _key, date, region, service, _end = fields["Credential"].split("/")
    url = urlsplit(request.path)
    names = fields["SignedHeaders"].split(";")
    lines = [request.command, url.path, "&".join(sorted(url.query.split("&")))]
    lines += [f"{name}:{request.headers[name].strip()}" for name in names]
    lines += ["", fields["SignedHeaders"], request.headers["x-amz-content-sha256"]]
    scope = f"{date}/{region}/{service}/aws4_request"
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    text = f"AWS4-HMAC-SHA256\n{request.headers['x-amz-date']}\n{scope}\n{digest}"
    key = f"AWS4{secret}".encode()
    for part in (*scope.split("/"), text):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key.hex()


class FakeMinio(ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.root_secret = secrets.token_hex(12)
        self.users: dict[str, dict[str, t.Any]] = {}
        self.services: dict[str, dict[str, t.Any]] = {}
        self.policies: dict[str, t.Any] = {}
        self.quotas: dict[str, int] = {"b1x": 0}
        self.log: list[str] = []
        self.failures = 0

    @property
    def changes(self) -> list[str]:
        return [line for line in self.log if not line.startswith("GET")]

    def store(self, **changes: t.Any) -> Store:
        options: dict[str, t.Any] = {
            **{name: spec.get("default") for name, spec in STORE_SPEC.items()},
            "endpoint_url": f"http://127.0.0.1:{self.server_address[1]}",
            "access_key": ROOT,
            "secret_key": self.root_secret,
            "timeout_seconds": 5,
            "retries": 0,
            "total_timeout_seconds": 60,
        }
        return Store(**{**options, **changes})

    def keys(self, **options: t.Any) -> Keys:
        return Keys(**{"name": "ada", "store": self.store(), **options})

    def secret_of(self, key: str) -> str:
        if key == ROOT:
            return self.root_secret
        account = self.users.get(key) or self.services.get(key)
        if not account or account["status"] not in ("enabled", "on"):
            raise Refusal(403, "InvalidAccessKeyId")
        return str(account["secret"])

    def opened(self, body: bytes) -> dict[str, t.Any]:
        response = io.BytesIO(body)
        response.release_conn = response.close  # type: ignore[attr-defined]
        return dict(json.loads(decrypt(t.cast("t.Any", response), self.root_secret)))

    def get_user_info(self, query: dict[str, str], _body: bytes) -> str:
        user = self.found(self.users, query["accessKey"], "XMinioAdminNoSuchUser")
        policies = {"policyName": user["policy"]} if user["policy"] else {}
        return json.dumps({**policies, "status": user["status"], "updatedAt": "2026-11-26T00:00:00Z"})

    def put_add_user(self, query: dict[str, str], body: bytes) -> None:
        wanted = self.opened(body)
        if len(wanted["secretKey"]) < 8:
            raise Refusal(400, "XMinioAdminInvalidSecretKey")
        user = self.users.setdefault(query["accessKey"], {"policy": ""})
        user.update(secret=wanted["secretKey"], status=wanted["status"])

    def put_set_user_status(self, query: dict[str, str], _body: bytes) -> None:
        self.found(self.users, query["accessKey"], "XMinioAdminNoSuchUser")["status"] = query["status"]

    def delete_remove_user(self, query: dict[str, str], _body: bytes) -> None:
        self.found(self.users, query["accessKey"], "XMinioAdminNoSuchUser")
        del self.users[query["accessKey"]]

    def get_info_canned_policy(self, query: dict[str, str], _body: bytes) -> str:
        return json.dumps(self.found(self.policies, query["name"], "XMinioAdminNoSuchPolicy"))

    def put_add_canned_policy(self, query: dict[str, str], body: bytes) -> None:
        self.policies[query["name"]] = json.loads(body)

    def delete_remove_canned_policy(self, query: dict[str, str], _body: bytes) -> None:
        self.found(self.policies, query["name"], "XMinioAdminNoSuchPolicy")
        if any(query["name"] in user["policy"].split(",") for user in self.users.values()):
            raise Refusal(400, "XMinioAdminPolicyInUse")
        del self.policies[query["name"]]

    def put_set_user_or_group_policy(self, query: dict[str, str], _body: bytes) -> None:
        assert query["isGroup"] == "false"
        policy = query.get("policyName", "")
        if policy:
            self.found(self.policies, policy, "XMinioAdminNoSuchPolicy")
        self.found(self.users, query["userOrGroup"], "XMinioAdminNoSuchUser")["policy"] = policy

    def get_info_service_account(self, query: dict[str, str], _body: bytes) -> bytes:
        found = self.found(self.services, query["accessKey"], "XMinioInvalidIAMCredentials")
        policy = found["policy"] or policy_for(["whatever-the-parent-may"])
        answer = {"parentUser": ROOT, "accountStatus": found["status"], "impliedPolicy": not found["policy"]}
        return encrypt(json.dumps({**answer, "policy": json.dumps(policy)}).encode(), self.root_secret)

    def put_add_service_account(self, _query: dict[str, str], body: bytes) -> bytes:
        wanted = self.opened(body)
        self.services[wanted["accessKey"]] = {
            "secret": wanted["secretKey"],
            "status": "on",
            "policy": wanted.get("policy"),
        }
        return encrypt(json.dumps({"credentials": {"accessKey": wanted["accessKey"]}}).encode(), self.root_secret)

    def post_update_service_account(self, query: dict[str, str], body: bytes) -> None:
        found, wanted = self.services[query["accessKey"]], self.opened(body)
        for name, field in (("newSecretKey", "secret"), ("newPolicy", "policy"), ("newStatus", "status")):
            found[field] = wanted.get(name, found[field])

    def delete_delete_service_account(self, query: dict[str, str], _body: bytes) -> None:
        del self.services[query["accessKey"]]

    def get_get_bucket_quota(self, query: dict[str, str], _body: bytes) -> str:
        size = self.found(self.quotas, query["bucket"], "NoSuchBucket")
        if not size:
            raise Refusal(404, "XMinioAdminNoSuchQuotaConfiguration")
        return json.dumps({"quota": size, "size": size, "rate": 0, "requests": 0, "quotatype": "hard"})

    def put_set_bucket_quota(self, query: dict[str, str], body: bytes) -> None:
        self.quotas[query["bucket"]] = json.loads(body)["quota"]

    @staticmethod
    def found(where: dict[str, t.Any], name: str, code: str) -> t.Any:
        if name not in where:
            raise Refusal(404, code)
        return where[name]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def reply(self) -> None:
        fake = t.cast("FakeMinio", self.server)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        url = urlsplit(self.path)
        admin, call = url.path.startswith(ADMIN), f"{self.command} {url.path[len(ADMIN) :]}"
        fake.log.append(call if admin else f"{self.command} {url.path}")
        status, answer = 200, b""
        try:
            if fake.failures:
                fake.failures -= 1
                raise Refusal(503, "XMinioServerNotInitialized")
            key = self.headers["Authorization"].partition("Credential=")[2].partition("/")[0]
            if not self.headers["Authorization"].endswith(signature(self, fake.secret_of(key))):
                raise Refusal(403, "SignatureDoesNotMatch")
            if key != ROOT:
                raise Refusal(403, "AccessDenied")
            query = {name: values[0] for name, values in parse_qs(url.query).items()}
            method = getattr(fake, call.lower().replace("-", "_").replace(" ", "_"))
            said = method(query, body) or b""
            answer = said if isinstance(said, bytes) else said.encode()
        except Refusal as refusal:
            status, code = refusal.args
            told = {"Code": code, "Message": "said"}
            xml = f"<Error><Code>{code}</Code><Message>said</Message></Error>"
            answer = json.dumps(told).encode() if admin else xml.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_PUT = do_POST = do_DELETE = reply

    def log_message(self, *_args: object) -> None:
        """Stay silent."""


@pytest.fixture
def minio(monkeypatch: pytest.MonkeyPatch) -> t.Iterator[FakeMinio]:
    # Client and server derive the same key, which is slow by intention.
    monkeypatch.setattr(crypto, "_generate_key", functools.lru_cache(crypto._generate_key))
    server = FakeMinio()
    threading.Thread(target=server.serve_forever, args=[0.05], daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def step(minio: FakeMinio, **options: t.Any) -> dict[str, t.Any]:
    """Predict, apply, apply again, and return what was told."""
    keys = minio.keys(**options)
    before = len(minio.changes)
    predicted = run(keys, connect(keys), check_mode=True)
    assert len(minio.changes) == before
    applied = run(keys, connect(keys), check_mode=False)
    assert applied == predicted
    assert (len(minio.changes) > before) == applied["changed"]
    after = len(minio.changes)
    again = run(keys, connect(keys), check_mode=False)
    assert not again["changed"]
    assert len(minio.changes) == after
    assert again["user"] == applied["user"]
    told = {key: value for key, value in applied["diff"]["after"].items() if key != "secret"}
    assert again["diff"]["before"] == told
    return applied


@pytest.mark.parametrize("service_account", [False, True])
def test_an_account_from_state_to_state(minio: FakeMinio, service_account: bool) -> None:
    first, second = secrets.token_hex(12), secrets.token_hex(12)
    accounts = minio.services if service_account else minio.users
    kind = {"service_account": service_account}
    assert not step(minio, **kind, state="absent")["changed"]

    made = step(minio, **kind, secret=first, policy=policy_for(["b1x"]))
    assert made["diff"]["before"] == {"state": "absent"}
    assert made["user"]["policy"] == policy_for(["b1x"])
    assert accounts["ada"]["secret"] == first
    assert not step(minio, **kind)["changed"]
    assert not step(minio, **kind, secret=second, update_secret="on_create")["changed"]

    rotated = step(minio, **kind, secret=second)
    assert (rotated["diff"]["before"]["secret"], rotated["diff"]["after"]["secret"]) == ("another", "as given")
    assert accounts["ada"]["secret"] == second
    assert rotated["user"]["policy"] == policy_for(["b1x"])

    assert step(minio, **kind, policy=policy_for(["b2x"]))["user"]["policy"] == policy_for(["b2x"])
    assert step(minio, **kind, enabled=False)["user"]["enabled"] is False
    # Of an account that is kept out nobody can tell, so it is set when it is let in.
    assert not step(minio, **kind, secret=first)["changed"]
    let_in = step(minio, **kind, secret=first, enabled=True)
    assert let_in["diff"]["before"]["secret"] == "unknown"
    assert accounts["ada"]["secret"] == first

    assert step(minio, **kind, state="absent")["changed"]
    assert (minio.users, minio.services, minio.policies) == ({}, {}, {})
    secret_less = [first, second, minio.root_secret]
    assert not any(secret in json.dumps([made, rotated, let_in, minio.log]) for secret in secret_less)


def test_what_a_service_account_may_by_its_parent_is_no_policy_of_its_own(minio: FakeMinio) -> None:
    made = step(minio, service_account=True, secret=secrets.token_hex(12))
    assert made["user"]["policy"] == {}
    assert minio.services["ada"]["policy"] is None


def test_a_new_account_that_is_kept_out(minio: FakeMinio) -> None:
    assert step(minio, secret=secrets.token_hex(12), enabled=False)["user"]["enabled"] is False
    assert minio.users["ada"]["status"] == "disabled"


def test_a_policy_takes_the_place_of_all_others(minio: FakeMinio) -> None:
    minio.policies["other"] = policy_for(["b9x"])
    minio.users["ada"] = {"secret": secrets.token_hex(12), "status": "enabled", "policy": "other"}
    assert step(minio)["user"]["policies"] == ["other"]
    assert step(minio, policy=policy_for(["b1x"]))["user"]["policies"] == ["ada"]
    assert step(minio, policy={})["user"]["policies"] == []
    assert minio.policies == {"other": policy_for(["b9x"])}


def test_an_interrupted_creation_is_finished(minio: FakeMinio) -> None:
    minio.policies["ada"] = policy_for(["b1x"])
    assert step(minio, secret=secrets.token_hex(12), policy=policy_for(["b1x"]))["changed"]
    assert minio.users["ada"]["policy"] == "ada"


@pytest.mark.parametrize("check_mode", [True, False])
def test_what_an_account_is_refused(minio: FakeMinio, check_mode: bool) -> None:
    minio.policies["ada"] = policy_for(["b9x"])
    minio.services["svc"] = {"secret": secrets.token_hex(12), "status": "on", "policy": policy_for(["b1x"])}
    cases: list[tuple[dict[str, t.Any], str]] = [
        ({}, "it does not exist, and secret is not set"),
        ({"secret": secrets.token_hex(12), "policy": policy_for(["b1x"])}, "it may be somebody else's"),
        ({"name": "svc", "service_account": True, "policy": {}}, "MinIO's client cannot. Remove the account"),
    ]
    for options, says in cases:
        keys = minio.keys(**options)
        with pytest.raises(StorageError, match=says):
            run(keys, connect(keys), check_mode)
    assert minio.changes == []


def test_f25_wrong_keys(minio: FakeMinio) -> None:
    minio.users["eve"] = {"secret": secrets.token_hex(12), "status": "enabled", "policy": ""}
    cases: list[tuple[dict[str, t.Any], type[StorageError], str]] = [
        ({"access_key": "nobody"}, StorageError, "Check access_key, it may have been revoked"),
        ({"secret_key": secrets.token_hex(12)}, StorageError, "Check secret_key"),
        ({"access_key": "eve", "secret_key": minio.users["eve"]["secret"]}, StorageForbidden, "may not do this"),
        ({"endpoint_url": "http://127.0.0.1:1"}, StorageError, "nothing accepts connections there"),
    ]
    for options, kind, says in cases:
        keys = minio.keys(store=minio.store(**options))
        with pytest.raises(kind, match=f'look at user "ada".*{says}'):
            run(keys, connect(keys), check_mode=False)


# The library's own destructor takes its constructor for finished.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_region_that_is_none(minio: FakeMinio) -> None:
    with pytest.raises(StorageError, match=r"invalid region.*Check endpoint_url and region"):
        MinioAdminClient(minio.store(region="not a region"))


def test_requests_are_repeated(minio: FakeMinio) -> None:
    minio.failures = 2
    assert MinioAdminClient(minio.store(retries=2)).quota("b1x") == 0
    minio.failures = 2
    with pytest.raises(StorageError, match="still starting"):
        MinioAdminClient(minio.store(retries=1)).quota("b1x")


def test_quota(minio: FakeMinio) -> None:
    client = MinioAdminClient(minio.store())
    assert (client.quota("b1x"), client.quota("no-such-bucket")) == (0, 0)
    client.set_quota("b1x", 5_000_000_000)
    assert client.quota("b1x") == minio.quotas["b1x"] == 5_000_000_000
    client.set_quota("b1x", 0)
    assert client.quota("b1x") == 0
    minio.users["eve"] = {"secret": secrets.token_hex(12), "status": "enabled", "policy": ""}
    stranger = minio.store(access_key="eve", secret_key=minio.users["eve"]["secret"])
    assert MinioAdminClient(stranger).quota("b1x") == "unknown"


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, "<Error><Code>NoSuchBucket</Code></Error>"),
        (403, "<Error><Code>AccessDenied</Code></Error>"),
        (200, "<html>a console</html>"),
        (501, "<Error><Code>NotImplemented</Code></Error>"),
    ],
)
@pytest.mark.parametrize("service_account", [False, True])
def test_a_store_without_the_api(
    minio: FakeMinio, monkeypatch: pytest.MonkeyPatch, status: int, body: str, service_account: bool
) -> None:
    def reply(handler: BaseHTTPRequestHandler) -> None:
        minio.log.append(handler.command)
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body.encode())

    monkeypatch.setattr(Handler, "do_GET", reply)
    keys = minio.keys(service_account=service_account, secret=secrets.token_hex(12))
    with pytest.raises(
        StorageUnsupported, match=r"no admin API as MinIO has it\. Make the account with the store's own"
    ):
        run(keys, connect(keys), check_mode=False)
    assert minio.log == ["GET"]
