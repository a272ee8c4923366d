# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection. It can have breaking changes at any time.

"""The client of MLflow's REST API behind UserClient, and the words for what can go wrong."""

from __future__ import annotations

import json
import typing as t
from urllib.error import HTTPError
from urllib.parse import urlencode

from ansible.module_utils.urls import open_url
from ansible_collections.opengeoai.modelhub.plugins.module_utils._accounts import Resource, Server, User
from ansible_collections.opengeoai.modelhub.plugins.module_utils._connection import connection_advice, find_at
from ansible_collections.opengeoai.modelhub.plugins.module_utils._errors import TrackingError

USERS, GRANTS = "/api/2.0/mlflow/users", "/api/3.0/mlflow/users/permissions"
UNAUTHORIZED, FORBIDDEN, NOT_FOUND = 401, 403, 404
ADVICE = {
    UNAUTHORIZED: "login_user and login_password do not belong together. Check both",
    FORBIDDEN: "login_user is no administrator. Log in as one",
    NOT_FOUND: "this server has no accounts, or is older than 3.13. Start it with --app-name basic-auth",
}


class Refused(TrackingError):
    """The server answered, but not with success."""

    def __init__(self, operation: str, status: int, body: bytes) -> None:
        """body: {"error_code": ..., "message": ...} in JSON, or anything else where it is not MLflow that answers."""
        try:
            self.code, message = (str(json.loads(body).get(key, "")) for key in ("error_code", "message"))
        except (ValueError, AttributeError):
            self.code, message = "", body.decode(errors="replace")[:200]
        self.status = status
        advice = "" if self.code else ADVICE.get(status, "")
        said = f"{self.code or status}: {message.strip().rstrip('.')}"
        super().__init__(f"{operation}: {advice} (server: {said})." if advice else f"{operation}: {said}.")


class RestUserClient:
    """UserClient over MLflow's REST API (mlflow.server.auth.routes of 3.17)."""

    def __init__(self, server: Server) -> None:
        self._server = server
        if server.server_address:
            find_at(server.tracking_uri, server.server_address)
        self._login = (server.login_user, server.login_password)
        self._experiments: dict[str, str] = {}

    def names(self) -> list[str]:
        return [user["username"] for user in self._call("list the users", "GET", f"{USERS}/list")["users"]]

    def describe(self, name: str) -> User | None:
        try:
            user = self._call(f'look at user "{name}"', "GET", f"{USERS}/get?{urlencode({'username': name})}")["user"]
        except Refused as exc:
            if exc.code != "RESOURCE_DOES_NOT_EXIST":
                raise
            return None
        operation, query = f'read the permissions of user "{name}"', urlencode({"username": name})
        rows = self._call(operation, "GET", f"{GRANTS}/list?{query}")["permissions"]
        # What was given to the account itself belongs to a role of this name.
        own = [row for row in rows if row["role_name"] == f"__user_{user['id']}__"]
        return User(
            user["is_admin"], {(row["resource_type"], row["resource_pattern"]): row["permission"] for row in own}
        )

    def logs_in(self, name: str, password: str) -> bool:
        try:
            self._call(f'log in as "{name}"', "GET", f"{USERS}/current", login=(name, password))
        except Refused as exc:
            if exc.status != UNAUTHORIZED:
                raise
            return False
        return True

    def experiment_id(self, name: str) -> str:
        if name not in self._experiments:
            path = f"/api/2.0/mlflow/experiments/get-by-name?{urlencode({'experiment_name': name})}"
            found = self._call(f'look at experiment "{name}"', "GET", path)
            self._experiments[name] = str(found["experiment"]["experiment_id"])
        return self._experiments[name]

    def create(self, name: str, password: str) -> None:
        self._call(f'create user "{name}"', "POST", f"{USERS}/create", {"username": name, "password": password})

    def set_password(self, name: str, password: str) -> None:
        body = {"username": name, "password": password}
        if name == self._server.login_user:
            body["current_password"] = self._login[1]
        self._call(f'change the password of user "{name}"', "PATCH", f"{USERS}/update-password", body)
        if name == self._server.login_user:
            self._login = (name, password)

    def set_admin(self, name: str, admin: bool) -> None:
        operation = f'{"make" if admin else "no longer make"} user "{name}" an administrator'
        self._call(operation, "PATCH", f"{USERS}/update-admin", {"username": name, "is_admin": admin})

    def revoke(self, name: str, resource: Resource) -> None:
        self._permission("revoke", name, resource)

    def grant(self, name: str, resource: Resource, permission: str) -> None:
        self._permission("grant", name, resource, permission=permission)

    def delete(self, name: str) -> None:
        self._call(f'delete user "{name}"', "DELETE", f"{USERS}/delete", {"username": name})

    def _permission(self, verb: str, name: str, resource: Resource, **more: str) -> None:
        kind, identity = resource
        body = {"username": name, "resource_type": kind, "resource_id": identity, **more}
        self._call(f'{verb} user "{name}" a permission on {kind} "{identity}"', "POST", f"{GRANTS}/{verb}", body)

    def _call(
        self,
        operation: str,
        method: str,
        path: str,
        body: dict[str, t.Any] | None = None,
        login: tuple[str, str] | None = None,
    ) -> dict[str, t.Any]:
        """Return the server's answer, an object in JSON."""
        uri, (name, password) = self._server.tracking_uri, login or self._login
        operation = f"{operation} at {uri}"
        try:
            answer = open_url(
                uri + path,
                method=method,
                data=json.dumps(body) if body is not None else None,
                headers={"Content-Type": "application/json"},
                url_username=name,
                url_password=password,
                force_basic_auth=True,
                validate_certs=self._server.validate_certs,
                ca_path=self._server.ca_file,
                timeout=self._server.timeout_seconds,
            )
            return dict(json.loads(answer.read() or b"{}"))
        except HTTPError as exc:
            raise Refused(operation, exc.code, exc.read()) from exc
        except ValueError as exc:
            raise TrackingError(
                f"{operation}: what answers there is no MLflow server. Check tracking_uri ({exc})."
            ) from exc
        except OSError as exc:
            advice = connection_advice(str(exc), "tracking_uri", "the MLflow server", self._server.ca_file)
            raise TrackingError(f"{operation}: {advice} ({exc}).") from exc
