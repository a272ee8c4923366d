"""Wait until the server at MLFLOW_TRACKING_URI answers over HTTPS, without the patience of a client's retries.

Usage: wait.py SECONDS
"""

from __future__ import annotations

import os
import ssl
import sys
import time
import urllib.request


def main() -> None:
    seconds = float(sys.argv[1])
    url = os.environ["MLFLOW_TRACKING_URI"] + "/health"
    context = ssl.create_default_context(cafile=os.environ["REQUESTS_CA_BUNDLE"])
    started = time.monotonic()
    seen = "nothing"
    while time.monotonic() - started < seconds:
        try:
            with urllib.request.urlopen(url, timeout=60, context=context):
                print(f"{url} answered after {time.monotonic() - started:.0f} s")
                return
        except OSError as exc:
            seen = str(exc)
            time.sleep(1)
    raise SystemExit(f"{url} did not answer within {seconds:.0f} s; last seen: {seen}")


if __name__ == "__main__":
    main()
