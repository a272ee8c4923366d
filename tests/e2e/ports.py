"""Scan every TCP port of a host from outside and compare with the ports that may answer.

Usage: ports.py HOST PORT [PORT ...]
"""

from __future__ import annotations

import asyncio
import sys

AT_ONCE = 500
TIMEOUT_SECONDS = 30


async def answers(host: str, port: int) -> bool:
    try:
        _unused, writer = await asyncio.wait_for(asyncio.open_connection(host, port), TIMEOUT_SECONDS)
    except (OSError, asyncio.TimeoutError):
        return False
    writer.close()
    return True


async def scan(host: str) -> list[int]:
    found: list[int] = []
    ports = iter(range(1, 65536))

    async def work() -> None:
        for port in ports:
            if await answers(host, port):
                found.append(port)

    await asyncio.gather(*(work() for _unused in range(AT_ONCE)))
    return sorted(found)


def main() -> None:
    host, *wanted = sys.argv[1:]
    open_ports = asyncio.run(scan(host))
    if open_ports != sorted(map(int, wanted)):
        raise SystemExit(f"{host}: ports {', '.join(wanted)} may answer, but these do: {open_ports}")
    print(f"{host}: of 65535 ports only {open_ports} answer")


if __name__ == "__main__":
    main()
