"""Give MLflow's administrator the password of the configuration, where it has another one.

Argument: the server's own URL; where that is https, by the CA of MODELHUB_OWN_CA. Runs in the MLflow container, whose
configuration of accounts is MLFLOW_AUTH_CONFIG_PATH. MLflow itself reads the password only to make the account. Prints
`changed` or `kept`; or ends with 1 and one line that says what is wrong.
"""

import base64
import configparser
import os
import ssl
import sys
import urllib.error
import urllib.request

# No proxy: the request must reach this very container.
OPENER = urllib.request.build_opener(
    urllib.request.ProxyHandler({}),
    urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=os.environ.get("MODELHUB_OWN_CA"))),
)
UNAUTHORIZED = 401


def logs_in(user: str, password: str) -> bool:
    """Ask the server whether it takes the password."""
    login = base64.b64encode(f"{user}:{password}".encode()).decode()
    url = f"{sys.argv[1]}/api/2.0/mlflow/users/current"
    try:
        OPENER.open(urllib.request.Request(url, headers={"Authorization": f"Basic {login}"}), timeout=60)
    except urllib.error.HTTPError as error:
        if error.code != UNAUTHORIZED:
            sys.exit(f"login of {user}: {url} answered {error.code}: {error.read(300).decode(errors='replace')}")
        return False
    except OSError as error:
        sys.exit(f"login of {user}: {url} failed: {error}")
    return True


def main() -> None:
    config = configparser.ConfigParser()
    config.read(os.environ["MLFLOW_AUTH_CONFIG_PATH"])
    settings = config["mlflow"]
    user, password = settings["admin_username"], settings["admin_password"]
    if logs_in(user, password):
        print("kept")
        return
    from mlflow.server.auth.sqlalchemy_store import SqlAlchemyStore

    store = SqlAlchemyStore()
    store.init_db(settings["database_uri"])
    # Whoever was locked out of the account may have lost its rights, too.
    store.update_user(user, password=password, is_admin=True)
    print("changed")


if __name__ == "__main__":
    main()
