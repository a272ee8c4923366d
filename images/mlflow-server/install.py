"""Install into /added what the MLflow server needs on top of its base image.

Runs in the first stage of dockerfile.mlflow, with the build's arguments as environment. What can be refused is refused
before anything is downloaded. What constraints.txt lists is installed by hash; a BOTO3_VERSION or PSYCOPG2_VERSION of
one's own, or an empty one, is resolved by pip, which must leave the packages of the base image as they are.
"""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

HERE = Path(__file__).parent
PREFIX = Path("/added")
PLATFORMS = {"x86_64": "linux/amd64", "aarch64": "linux/arm64"}
RELEASE = re.compile(r"\d+(\.\d+)+((rc|a|b|\.?post|\.?dev)\d+)?")
# Build argument: the package whose version it is, and what comes with that package.
PINS = {
    "BOTO3_VERSION": ("boto3", ("botocore", "jmespath", "s3transfer")),
    "PSYCOPG2_VERSION": ("psycopg2-binary", ()),
}


def argument_problem(args: dict[str, str], floor: dict[str, str]) -> str | None:
    """Return what is wrong with the build's arguments, or None.

    args: the build's arguments, by name. floor: lowest safe MLflow release (`version`) and why (`reason`).
    """
    wanted = args["MLFLOW_VERSION"].removeprefix("v")
    if not RELEASE.fullmatch(wanted):
        return f"MLFLOW_VERSION is '{args['MLFLOW_VERSION']}'; give a release, such as v3.17.2."
    for name in PINS:
        if args[name] and not RELEASE.fullmatch(args[name]):
            return f"{name} is '{args[name]}'; give a release, such as 1.2.3, or nothing for the newest."
    if release(wanted) < release(floor["version"]) and args["ALLOW_VULNERABLE_VERSION"] != "true":
        return (
            f"MLflow {wanted} is below {floor['version']}: {floor['reason']}."
            " To build it nevertheless: --build-arg ALLOW_VULNERABLE_VERSION=true"
        )
    return None


def base_problem(wanted: str, target: str, machine: str) -> str | None:
    """Return why the base image cannot be the base of MLflow `wanted`, or None.

    target: platform of the build, such as linux/amd64, or empty. machine: what the base image runs on, as of uname.
    """
    base = PLATFORMS.get(machine, machine)
    target = target or base
    if target not in PLATFORMS.values():
        return f"there are no packages for {target}; build for {' or '.join(PLATFORMS.values())}."
    if target != base:
        return f"BASE_IMAGE is for {base}, but this is a build for {target}."
    try:
        found = version("mlflow")
    except PackageNotFoundError:
        return f"BASE_IMAGE holds no MLflow; use an image of MLflow {wanted}."
    if found != wanted:
        return f"MLFLOW_VERSION is {wanted}, but BASE_IMAGE holds MLflow {found}; make them agree."
    return None


def release(text: str) -> tuple[int, ...]:
    """Return the numbers of a release, for comparison."""
    return tuple(int(number) for number in re.findall(r"\d+", text)[:3])


def choose(constraints: str, args: dict[str, str]) -> tuple[str, list[str]]:
    """Return the constraints to install by hash, and the requirements left to pip.

    constraints: text of constraints.txt, one entry a package, its hashes on indented lines.
    """
    entries = re.split(r"\n(?=\S)", constraints)
    resolved = []
    for name, (package, companions) in PINS.items():
        if any(entry.startswith(f"{package}=={args[name]} ") for entry in entries):
            continue
        resolved.append(f"{package}=={args[name]}" if args[name] else package)
        entries = [entry for entry in entries if entry.split("==")[0] not in (package, *companions)]
    return "\n".join(entries) + "\n", resolved


def pip(*arguments: str) -> None:
    """Install into the prefix. Few retries: a build without network should say so soon."""
    command = [sys.executable, "-m", "pip", "install", "--no-cache-dir", "--no-warn-script-location", "--retries=2"]
    command += ["--root-user-action=ignore", "--timeout=20", "--only-binary=:all:", f"--prefix={PREFIX}", *arguments]
    if subprocess.run(command, check=False).returncode != 0:
        sys.exit(
            "dockerfile.mlflow: pip could not install the packages, its reason is above. If it reached no index:"
            " the build needs network, and behind a private CA --secret id=ca,src=BUNDLE."
        )


def main() -> None:
    args = {name: os.environ.get(name, "") for name in ("MLFLOW_VERSION", "ALLOW_VULNERABLE_VERSION", *PINS)}
    problem = argument_problem(args, json.loads((HERE / "floor.json").read_text()))
    target = os.environ.get("TARGETPLATFORM", "")
    problem = problem or base_problem(args["MLFLOW_VERSION"].removeprefix("v"), target, platform.machine())
    if problem:
        sys.exit(f"dockerfile.mlflow: {problem}")
    by_hash, resolved = choose((HERE / "constraints.txt").read_text(), args)
    locked, base = Path("/tmp/locked.txt"), Path("/tmp/base.txt")
    locked.write_text(by_hash)
    pip("--no-deps", "--require-hashes", f"--requirement={locked}")
    if resolved:
        freeze = [sys.executable, "-m", "pip", "list", "--format=freeze", "--exclude=pip"]
        base.write_bytes(subprocess.run(freeze, check=True, capture_output=True).stdout)
        pip(f"--constraint={base}", *resolved)


if __name__ == "__main__":
    main()
