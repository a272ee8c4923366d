"""Look which headers of a request reach what is behind Traefik. Usage: headers.py CA_FILE SERVER HOST (of echo.py)

MLflow's WSGI layer takes X_Forwarded_For for X-Forwarded-For: who could send the former could claim any address (R18).
"""

from __future__ import annotations

import json
import sys

from status import Connection


def main() -> None:
    ca_file, server, host = sys.argv[1:]
    connection = Connection(ca_file, server, host)
    connection.request("GET", "/", headers={"X_Forwarded_For": "192.0.2.1", "X-Plain": "kept"})
    seen = {name.lower(): value for name, value in json.loads(connection.getresponse().read())}
    if seen.get("x-plain") != "kept" or "x_forwarded_for" in seen or "192.0.2.1" in seen.get("x-forwarded-for", ""):
        raise SystemExit(f"X-Plain must arrive and X_Forwarded_For must not, but these arrived: {seen}")
    print(f"of the headers these arrived: {sorted(seen)}")


if __name__ == "__main__":
    main()
