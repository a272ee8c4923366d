"""Log in to MLflow in headless Chromium as a user of an OpenID provider, create an experiment, and make a token.

Usage: openid.py URL CA_FILE PROVIDER_CA_FILE USER SCREENSHOT [refused]
Prints in JSON `cookie`, that of the session, `token`, `experiment`, and `user`, MLflow's own name of the user. With
`refused` MLflow must turn the user away, and `said` is printed, what its page says.
"""

from __future__ import annotations

import json
import secrets
import sys
import time
import typing as t
from datetime import datetime, timedelta, timezone

from browser import TIMEOUT_SECONDS, click, create_experiment, start, trust, wait_for

if t.TYPE_CHECKING:
    from selenium import webdriver

COOKIE = "__Host-mlflow"
# As the page itself would
FETCH = """
const [method, path, body, done] = arguments;
const options = {method, body: body && JSON.stringify(body), headers: {'Content-Type': 'application/json'}};
fetch(path, options)
  .then(async answer => done([answer.status, await answer.text()]), error => done([0, String(error)]));
"""


def ask(driver: webdriver.Chrome, method: str, path: str, status: int, body: object = None) -> dict[str, t.Any]:
    """Call the server with the session's cookie; the answer must have this status."""
    found, text = driver.execute_async_script(FETCH, method, path, body)
    if found != status:
        raise SystemExit(f"{method} {path} was answered {found}: {text[:500]}")
    return dict(json.loads(text))


def log_in(driver: webdriver.Chrome, url: str, user: str) -> None:
    """Open the page, which leads to the provider, and log in there."""
    driver.get(url)
    wait_for(driver, "input[name=login]", lambda field: field.send_keys(user))
    wait_for(driver, "input[name=password]", lambda field: field.send_keys("any"))
    click(driver, "button[type=submit]")
    # The consent
    click(driver, "form:not(:has(input[name=login])) button[type=submit]")
    # Whoever goes on before the provider has led back begins another login, and the first one fails.
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while not driver.current_url.startswith(f"{url}/") or "/callback" in driver.current_url:
        if time.monotonic() > deadline:
            raise SystemExit(f"the provider never led back to {url}, but to {driver.current_url}")
        time.sleep(0.3)


def wait_for_refusal(driver: webdriver.Chrome) -> str:
    deadline = time.monotonic() + TIMEOUT_SECONDS
    shown = ""
    while "not allowed" not in shown:
        if time.monotonic() > deadline:
            raise SystemExit(f"{driver.current_url} never told of a refusal, but: {shown[:500]!r}")
        time.sleep(0.3)
        shown = str(driver.execute_script("return document.body.innerText"))
    ask(driver, "POST", "/api/2.0/mlflow/experiments/search", 401, {"max_results": 1})
    return shown


def session(driver: webdriver.Chrome, url: str, user: str) -> dict[str, str]:
    experiment = f"private-of-{user}-{secrets.token_hex(4)}"
    create_experiment(driver, url, experiment)
    cookie = next(one for one in driver.get_cookies() if one["name"] == COOKIE)
    guards = {name: cookie.get(name) for name in ("secure", "httpOnly", "sameSite", "path")}
    if guards != {"secure": True, "httpOnly": True, "sameSite": "Lax", "path": "/"}:
        raise SystemExit(f"the session's cookie is guarded by {guards}")
    wanted = {"name": experiment, "expiration": (datetime.now(timezone.utc) + timedelta(days=1)).isoformat()}
    token = ask(driver, "POST", "/api/2.0/mlflow/users/current/tokens", 201, wanted)["token"]
    name = ask(driver, "GET", "/api/2.0/mlflow/users/current", 200)["username"]
    return {"cookie": cookie["value"], "token": token, "user": name, "experiment": experiment}


def main() -> None:
    url, ca_file, provider_ca_file, user, screenshot, *refused = sys.argv[1:]
    trust(ca_file, provider_ca_file)
    driver = start()
    try:
        log_in(driver, url, user)
        answer = {"said": wait_for_refusal(driver)} if refused else session(driver, url, user)
    finally:
        driver.save_screenshot(screenshot)
        driver.quit()
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
