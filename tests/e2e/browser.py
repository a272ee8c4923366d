"""Open the MLflow UI in headless Chromium through Traefik and create an experiment: one of the UI's own POSTs.

Usage: browser.py URL CA_FILE SCREENSHOT
The CA goes into the browser's certificate store; certificate errors are errors. Where MLFLOW_TRACKING_USERNAME is set,
the page is refused without a login, opened with it, and refused again after the logout.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import time
import typing as t
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

TIMEOUT_SECONDS = 300
# Above the list, or in its place where the user may see none
NEW_EXPERIMENT = ("experiment_list_view.new_experiment_button", "experiment_list_table.create_experiment")


def trust(*ca_files: str) -> None:
    store = Path(os.environ["HOME"], ".pki", "nssdb")
    store.mkdir(parents=True, exist_ok=True)
    database = f"sql:{store}"
    if not (store / "cert9.db").exists():
        subprocess.run(["certutil", "-d", database, "-N", "--empty-password"], check=True)
    for place, file in enumerate(ca_files):
        subprocess.run(
            ["certutil", "-d", database, "-A", "-t", "C,,", "-n", f"modelhub-{place}", "-i", file], check=True
        )


def start() -> webdriver.Chrome:
    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1400,900"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    return webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))


def responses(driver: webdriver.Chrome, methods: dict[str, str]) -> t.Iterator[tuple[str, str, int]]:
    """Yield method, URL and status of every answer since the last call; methods remembers open requests."""
    for entry in driver.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        params = message.get("params", {})
        if message["method"] == "Network.requestWillBeSent":
            methods[params["requestId"]] = params["request"]["method"]
        elif message["method"] == "Network.responseReceived":
            response = params["response"]
            yield methods.get(params["requestId"], "?"), response["url"], response["status"]


def wait_for(
    driver: webdriver.Chrome, selector: str, act: t.Callable[[t.Any], object] = lambda _element: None
) -> t.Any:
    """Act on the first visible element and return it; say what the page shows when there is none in time."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        # The page draws itself anew at any moment, and with it another element in that one's place.
        with suppress(StaleElementReferenceException):
            for element in driver.find_elements(By.CSS_SELECTOR, selector):
                if element.is_displayed() and element.is_enabled():
                    act(element)
                    return element
        time.sleep(0.3)
    shown = driver.execute_script("return document.body.innerText")
    console = [entry["message"] for entry in driver.get_log("browser")]
    raise SystemExit(f"the UI never showed {selector}, but: {shown[:500]!r}. Console: {console[-10:]}")


def click(driver: webdriver.Chrome, selector: str) -> None:
    wait_for(driver, selector, lambda element: element.click())


def enter(driver: webdriver.Chrome, selector: str, text: str) -> None:
    """Type a text; again while the page, still moving the focus, gives the keys to another field."""
    held: list[t.Any] = []
    for _unused in range(20):
        wait_for(driver, selector, lambda field: (field.clear(), field.send_keys(text)))
        time.sleep(0.3)
        wait_for(driver, selector, lambda field: held.append(field.get_attribute("value")))
        if held[-1] == text:
            return
    raise SystemExit(f"the field {selector} holds {held[-1]!r} and never took {text!r}")


def wait_for_post(driver: webdriver.Chrome, url: str) -> None:
    methods: dict[str, str] = {}
    seen: list[str] = []
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        for method, target, status in responses(driver, methods):
            seen.append(f"{method} {status} {target}")
            if method == "POST" and target == url:
                if status != 200:
                    raise SystemExit(f"the UI's own POST to {target} was answered {status}")
                return
        time.sleep(0.3)
    raise SystemExit(f"no POST of the UI to {url} in {TIMEOUT_SECONDS} s. Requests: {seen[-20:]}")


def log_in(driver: webdriver.Chrome, url: str) -> None:
    """Log in where there are accounts; the browser keeps name and password for what the page asks later."""
    user, password = os.environ.get("MLFLOW_TRACKING_USERNAME"), os.environ.get("MLFLOW_TRACKING_PASSWORD", "")
    if not user:
        return
    driver.get(url)
    statuses = {status for _method, target, status in responses(driver, {}) if target.rstrip("/") == url}
    if statuses != {401}:
        raise SystemExit(f"without a login {url} answered {sorted(statuses)}")
    scheme, _separator, host = url.partition("://")
    driver.get(f"{scheme}://{quote(user, safe='')}:{quote(password, safe='')}@{host}")


def log_out(driver: webdriver.Chrome, url: str) -> None:
    """Log out by the page's own menu, where there are accounts: after that it is refused again."""
    if not os.environ.get("MLFLOW_TRACKING_USERNAME"):
        return
    click(driver, "button[aria-label^='Account menu']")
    click(driver, "[data-component-id='mlflow.sidebar.logout']")
    deadline = time.monotonic() + TIMEOUT_SECONDS
    statuses: set[int] = set()
    while statuses != {401}:
        if time.monotonic() > deadline:
            raise SystemExit(f"after the logout {url} still answers {sorted(statuses)}")
        time.sleep(1)
        list(responses(driver, {}))
        driver.get(url)
        statuses = {status for _method, target, status in responses(driver, {}) if target.rstrip("/") == url}


def create_experiment(driver: webdriver.Chrome, url: str, name: str) -> None:
    """Create an experiment with the page's own means."""
    driver.get(f"{url}/#/experiments")
    click(driver, ", ".join(f"button[data-component-id='mlflow.{name}']" for name in NEW_EXPERIMENT))
    enter(driver, "[role=dialog] input[placeholder*='experiment name']", name)
    click(driver, "[role=dialog] button[class*=primary]")
    wait_for_post(driver, f"{url}/ajax-api/2.0/mlflow/experiments/create")


def main() -> None:
    url, ca_file, screenshot = sys.argv[1:]
    trust(ca_file)
    name = f"browser-{secrets.token_hex(4)}"
    driver = start()
    try:
        log_in(driver, url)
        create_experiment(driver, url, name)
        driver.save_screenshot(screenshot)
        log_out(driver, url)
    except BaseException:
        driver.save_screenshot(screenshot)
        raise
    finally:
        driver.quit()
    print(f"the UI loaded and created the experiment {name} by its own POST; screenshot: {screenshot}")


if __name__ == "__main__":
    main()
