"""Bring the administrator's account about, and what groups may do, where an OpenID provider knows who users are.

Runs in the MLflow container. The administrator's name and password are in MLFLOW_AUTH_CONFIG_PATH: a service account,
which no login at the provider reaches, whatever name it claims. Argument: what groups may do, as a JSON list of
{"group", "permission", "pattern"}; each holds for experiments, models and prompts whose names match. Permissions of
this priority that are not among them are taken back; all others are left alone. Prints `changed` or `kept`; or ends
with 1 and one line that says what is wrong.
"""

import configparser
import datetime
import json
import os
import sys
import typing as t

from mlflow_oidc_auth.db.models import (
    SqlExperimentGroupRegexPermission,
    SqlGroup,
    SqlRegisteredModelGroupRegexPermission,
    SqlUser,
    SqlUserToken,
)
from mlflow_oidc_auth.repository.user_token import TOKEN_HASH_METHOD
from mlflow_oidc_auth.store import store
from werkzeug.security import generate_password_hash

# Of this program's permissions alone. What is granted by hand has a lower number as a rule, and goes first.
PRIORITY = 1000
# Where they are kept; models and prompts share a table.
TABLES = (
    (SqlExperimentGroupRegexPermission, {}),
    (SqlRegisteredModelGroupRegexPermission, {"prompt": False}),
    (SqlRegisteredModelGroupRegexPermission, {"prompt": True}),
)
Wanted = t.Dict[t.Tuple[str, str], str]


def give_admin(name: str, password: str) -> bool:
    """Make the administrator, or give it back its rights and its password. Return whether that was needed."""
    if not store.has_user(name):
        store.create_user(name, "Administrator of the stack", is_admin=True, is_service_account=True)
    profile = store.get_user_profile(name)
    if not profile.is_service_account:
        sys.exit(
            f"{name} is the name of somebody who logs in at the provider; set modelhub_mlflow_admin_user to another"
        )
    if profile.is_admin and profile.active and store.authenticate_user(name, password):
        return False
    with store.ManagedSessionMaker(read_only=False) as session:
        user = session.query(SqlUser).filter(SqlUser.username == profile.username).one()
        user.is_admin = user.active = True
        # One without a prefix is a password: the plugin keeps those so that came from its first releases.
        own = session.query(SqlUserToken).filter(SqlUserToken.user_id == user.id, SqlUserToken.token_prefix.is_(None))
        own.delete(synchronize_session=False)
        now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
        session.add(
            SqlUserToken(
                user_id=user.id,
                name="modelhub",
                token_hash=generate_password_hash(password, method=TOKEN_HASH_METHOD),
                created_at=now,
                created_by="modelhub",
                expires_at=datetime.datetime(9999, 1, 1),
            )
        )
    return True


def grant(wanted: Wanted) -> bool:
    """Let groups do this, by group and pattern, and nothing else by this priority. Return whether that was needed."""
    changed = bool(store.populate_groups(sorted({group for group, _pattern in wanted})))
    with store.ManagedSessionMaker(read_only=False) as session:
        groups = {group.id: group.group_name for group in session.query(SqlGroup)}
        ids = {name: identity for identity, name in groups.items()}
        for table, kind in TABLES:
            rows = {(groups[row.group_id], row.regex): row for row in session.query(table).filter_by(**kind)}
            for key, row in rows.items():
                if row.priority == PRIORITY and key not in wanted:
                    session.delete(row)
                    changed = True
            for key, permission in wanted.items():
                values = {"permission": permission, "priority": PRIORITY}
                row = rows.get(key)
                if row is None:
                    session.add(table(group_id=ids[key[0]], regex=key[1], **values, **kind))
                elif (row.permission, row.priority) == (permission, PRIORITY):
                    continue
                else:
                    row.permission, row.priority = permission, PRIORITY
                changed = True
    return changed


def main() -> None:
    config = configparser.ConfigParser()
    config.read(os.environ["MLFLOW_AUTH_CONFIG_PATH"])
    wanted = {(entry["group"], entry["pattern"]): entry["permission"] for entry in json.loads(sys.argv[1])}
    done = [give_admin(config["mlflow"]["admin_username"], config["mlflow"]["admin_password"]), grant(wanted)]
    print("changed" if any(done) else "kept")


if __name__ == "__main__":
    main()
