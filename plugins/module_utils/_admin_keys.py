# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection. It can have breaking changes at any time.

"""The clients behind KeysClient, over MinIO's admin API."""

from __future__ import annotations

import json
import typing as t
from dataclasses import replace

from ansible_collections.opengeoai.modelhub.plugins.module_utils._admin import AdminMissing, MinioAdminClient
from ansible_collections.opengeoai.modelhub.plugins.module_utils._aspects import normal_policy
from ansible_collections.opengeoai.modelhub.plugins.module_utils._keys import Account, Keys, KeysClient
from ansible_collections.opengeoai.modelhub.plugins.module_utils._s3 import error_code, operation, s3_api

REMEDY = "Make the account with the store's own tools, and use the keys that these give."


def policy_of(text: t.Any) -> dict[str, t.Any]:
    found = json.loads(text) if isinstance(text, str) and text else text
    return normal_policy(found) if found else {}


class SecretClient(MinioAdminClient):
    """What users and service accounts have in common."""

    remedy = REMEDY

    def fits(self, name: str, secret: str) -> bool:
        api = s3_api(replace(self._store, access_key=name, secret_key=secret, session_token=None))
        with operation(self._store, f'try the keys of account "{name}"'):
            try:
                api.list_buckets()
            except api.exceptions.ClientError as exc:
                # Who signs right and may not do it has the right secret.
                if error_code(exc) not in ("AccessDenied", "SignatureDoesNotMatch"):
                    raise
                return error_code(exc) == "AccessDenied"
        return True


class UserClient(SecretClient):
    """A user of its own, with a policy that the store keeps by the user's name."""

    def describe(self, name: str) -> Account | None:
        try:
            found = self.look(f'look at user "{name}"', lambda api: str(api.user_info(name)))
        except AdminMissing:
            return None
        policies = tuple(sorted(part for part in str(found.get("policyName") or "").split(",") if part))
        policy = self.kept_policy(name) if name in policies else {}
        return Account(found.get("status") == "enabled", policies, policy)

    def kept_policy(self, name: str) -> dict[str, t.Any]:
        try:
            found = self.look(f'look at policy "{name}"', lambda api: str(api.policy_info(name)))
        except AdminMissing:
            return {}
        # Some servers tell more than the policy itself.
        return policy_of(found.get("Policy") or found)

    def create(self, name: str, secret: str, policy: dict[str, t.Any]) -> None:
        if policy:
            self.ask(f'make policy "{name}"', lambda api: str(api.policy_add(name, policy=policy)))
        self.set_secret(name, secret)
        if policy:
            self._attach(name, name)

    def set_policy(self, name: str, policy: dict[str, t.Any]) -> None:
        if policy:
            self.ask(f'set policy "{name}"', lambda api: str(api.policy_add(name, policy=policy)))
        self._attach(name, name if policy else "")
        if not policy:
            self._remove_policy(name)

    def set_secret(self, name: str, secret: str) -> None:
        self.ask(f'set the secret of user "{name}"', lambda api: str(api.user_add(name, secret)))

    def set_enabled(self, name: str, enabled: bool) -> None:
        def switch(api: t.Any) -> str:
            return str(api.user_enable(name) if enabled else api.user_disable(name))

        self.ask(f'{"enable" if enabled else "disable"} user "{name}"', switch)

    def delete(self, name: str, own_policy: bool) -> None:
        self.ask(f'remove user "{name}"', lambda api: str(api.user_remove(name)))
        if own_policy:
            self._remove_policy(name)

    def _attach(self, name: str, policy: str) -> None:
        self.ask(f'attach policies to user "{name}"', lambda api: str(api.policy_set(policy, user=name)))

    def _remove_policy(self, name: str) -> None:
        try:
            self.ask(f'remove policy "{name}"', lambda api: str(api.policy_remove(name)))
        except AdminMissing:
            return


class ServiceAccountClient(SecretClient):
    """Further keys of the account that the module uses; a policy limits them to less than it may do."""

    def describe(self, name: str) -> Account | None:
        try:
            found = self.look(f'look at service account "{name}"', lambda api: str(api.get_service_account(name)))
        except AdminMissing:
            return None
        # Without one of its own the server tells that of the account it belongs to.
        policy = {} if found.get("impliedPolicy") else policy_of(found.get("policy"))
        return Account(found.get("accountStatus") == "on", (), policy)

    def kept_policy(self, _name: str) -> dict[str, t.Any]:
        return {}

    def create(self, name: str, secret: str, policy: dict[str, t.Any]) -> None:
        def add(api: t.Any) -> str:
            return str(api.add_service_account(access_key=name, secret_key=secret, policy=policy or None))

        self.ask(f'create service account "{name}"', add)

    def set_policy(self, name: str, policy: dict[str, t.Any]) -> None:
        self._update("set the policy of", name, policy=policy)

    def set_secret(self, name: str, secret: str) -> None:
        self._update("set the secret of", name, secret_key=secret)

    def set_enabled(self, name: str, enabled: bool) -> None:
        self._update("enable" if enabled else "disable", name, status="on" if enabled else "off")

    def delete(self, name: str, own_policy: bool) -> None:  # noqa: ARG002
        self.ask(f'remove service account "{name}"', lambda api: str(api.delete_service_account(name)))

    def _update(self, verb: str, name: str, **changes: t.Any) -> None:
        def update(api: t.Any) -> str:
            return str(api.update_service_account(access_key=name, **changes))

        self.ask(f'{verb} service account "{name}"', update)


def connect(keys: Keys) -> KeysClient:
    return ServiceAccountClient(keys.store) if keys.service_account else UserClient(keys.store)
