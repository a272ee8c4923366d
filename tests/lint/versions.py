"""Each version stands in one place, and Renovate finds it there, and wherever it has to be repeated.

The custom managers of renovate.json say where versions are written. Laws: every line of HOMES that holds a version is
found by exactly one manager, and every pattern finds something; all that managers find of one dependency says the same.
The versions of modelhub_versions stand nowhere else, but as an example. What the documentation says of a product, of
Python and ansible-core is true. The lowest ansible-core is the same wherever it is told, and workflows deploy with it
and with the newest.
"""

from __future__ import annotations

import json
import os
import re
import sys
import typing as t
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
VERSIONS = "roles/common/vars/main/versions.yml"
ENGINE = "roles/docker/vars/main/engine.yml"
# Files whose versions are the ones that others repeat, and how a line looks that holds one.
HOMES = {
    VERSIONS: r"^  \w+: ",
    "dockerfile.mlflow": r"^ARG \w+_VERSION=.",
    "images/minio/Dockerfile": r"^ARG \w+_VERSION=.",
    "tests/lint/action_pins.yml": r"^[\w./-]+: \{commit",
    "bin/test": r"\b\w+_version=v",
}
# How Renovate and people call what modelhub_versions names.
DEPENDENCIES = {
    "traefik": "traefik",
    "postgres": "postgres",
    "silo": "pgsty/silo",
    "mlflow": "mlflow",
    "haproxy": "haproxy",
}
NAMES = {"MLflow": "mlflow", "Traefik": "traefik", "PostgreSQL": "postgres", "HAProxy": "haproxy"}
IMAGES = {
    "docker.io/library/traefik": "traefik",
    "docker.io/library/postgres": "postgres",
    "docker.io/library/haproxy": "haproxy",
    "docker.io/pgsty/silo": "silo",
    "ghcr.io/mlflow/mlflow": "mlflow",
    "ghcr.io/opengeoai/modelhub/mlflow": "mlflow",
    "ghcr.io/opengeoai/modelhub/mlflow-oidc": "mlflow",
}
DOCUMENTATION = ("README.md", "CONTRIBUTING.md", "docs/*.md", "roles/*/README.md")
# Other releases that documentation may name: those that work as well, or that can be upgraded from.
OTHER_RELEASES = {"mlflow": ("3.1.1",), "postgres": ("15", "16", "18")}
# Samples of what a user or an engine might say
SAMPLES = ("plugins", "tests/unit", "tests/integration/bad_input")
EXAMPLE = re.compile(r"(such as|e\.g\.) \S*$")
# Hidden folders that belong to the project, and results that do not
HIDDEN = (".ci", ".config", ".github")
RESULTS = ("docs/bench", "tests/output")
# RE2, which Renovate uses, has no look-around.
LOOKAROUND = re.compile(r"\(\?(=|!|<=|<!)")


class Place(t.NamedTuple):
    """A version that a manager has found: by which pattern, in which file, where, and whose it is."""

    pattern: str
    file: str
    start: int
    end: int
    dependency: str
    version: str


def tracked(root: Path) -> dict[str, str]:
    """The text files of the project, by their path."""
    found = {}
    for folder, folders, names in os.walk(root):
        here = Path(folder).relative_to(root)
        folders[:] = [
            name
            for name in folders
            if (not name.startswith(".") or name in HIDDEN) and (here / name).as_posix() not in RESULTS
        ]
        for name in names:
            try:
                found[(here / name).as_posix()] = (root / here / name).read_text()
            except UnicodeDecodeError:
                continue
    return found


def series(version: str) -> str:
    """Major and minor number of a release."""
    return ".".join(version.split(".")[:2])


def bare(version: str) -> str:
    """A version as one says it: without the v of a tag, without Debian's name."""
    return re.sub(r"^v|^RELEASE\.|-[a-z]+$", "", version)


def places(managers: list[dict[str, t.Any]], files: dict[str, str]) -> list[Place]:
    found = []
    for manager in managers:
        paths = [pattern.strip("/") for pattern in manager["managerFilePatterns"]]
        for pattern in manager["matchStrings"]:
            expression = re.compile(re.sub(r"\(\?<(?=\w)", "(?P<", pattern))
            for file in sorted(files):
                if not any(re.search(path, file) for path in paths):
                    continue
                for match in expression.finditer(files[file]):
                    groups = match.groupdict()
                    name = groups.get("depName") or manager["depNameTemplate"]
                    # From its own line on: the line break before it is no part of it.
                    start = match.start() + len(match[0]) - len(match[0].lstrip("\n"))
                    found.append(Place(pattern, file, start, match.end(), name, groups["currentValue"]))
    return found


def manager_problems(managers: list[dict[str, t.Any]], found: list[Place], files: dict[str, str]) -> t.Iterator[str]:
    """Every line of a home is found once, and every pattern has something to find."""
    for pattern in [pattern for manager in managers for pattern in manager["matchStrings"]]:
        if LOOKAROUND.search(pattern):
            yield f"renovate.json: RE2 cannot do {pattern}"
        if not any(place.pattern == pattern for place in found):
            yield f"renovate.json: nothing is found by {pattern}"
    for file, line_pattern in HOMES.items():
        lines = list(re.finditer(f"{line_pattern}.*$", files.get(file, ""), re.MULTILINE))
        if not lines:
            yield f"{file} holds no version"
        for line in lines:
            times = sum(place.file == file and line.start() <= place.start < line.end() for place in found)
            if times != 1:
                yield f"renovate.json: {times} patterns find `{line[0]}` of {file}, not one"


def repetition_problems(versions: dict[str, str], found: list[Place]) -> t.Iterator[str]:
    """One dependency has one version, that of versions.yml if it is there."""
    known = {DEPENDENCIES[name]: version for name, version in versions.items() if name in DEPENDENCIES}
    for name in versions:
        if name not in DEPENDENCIES:
            yield f"{VERSIONS}: tests/lint/versions.py does not know {name}"
    for place in found:
        version = known.setdefault(place.dependency, place.version)
        if place.version != version and f"v{place.version}" != version:
            yield f"{place.file}: {place.dependency} is {place.version}, but {version} elsewhere"


def stray_problems(versions: dict[str, str], found: list[Place], files: dict[str, str]) -> t.Iterator[str]:
    """No other place repeats a version, or names an image of ours by another one."""
    literal = "|".join(re.escape(bare(version)) for version in versions.values())
    repeated = re.compile(rf"(?<![\d.])(?:{literal})(?![\d.]*\d)")
    image = re.compile(rf"({'|'.join(map(re.escape, IMAGES))}):(\w[\w.-]*)(?![\w.$-])")
    for file, text in files.items():
        if file.startswith(SAMPLES):
            continue
        covered = [range(place.start, place.end) for place in found if place.file == file]
        for match in repeated.finditer(text):
            line = text[text.rfind("\n", 0, match.start()) + 1 : match.start()]
            if not EXAMPLE.search(line) and not any(match.start() in span for span in covered):
                yield f"{file}: {match[0]} is written here, too; read it from {VERSIONS}, or let renovate.json know"
        for match in image.finditer(text):
            if match[2] != versions.get(IMAGES[match[1]]):
                yield f"{file}: {match[0]} is not the version of {VERSIONS}"


def documentation_problems(versions: dict[str, str], lowest: str, root: Path, files: dict[str, str]) -> t.Iterator[str]:
    """`Product 1.2` is the beginning of its version, or one of the others that may be named."""
    said = {name: [bare(versions[key]), *OTHER_RELEASES.get(key, ())] for name, key in NAMES.items() if key in versions}
    said["ansible-core"] = [lowest]
    # Of the controller, from and to, and of servers
    said["Python"] = [".".join(bound) for bound in re.findall(r"\((3), (\d+)\)", files["bin/lib/venv.sh"])]
    said["Python"].append(yaml.safe_load(files[ENGINE])["__docker_minimum_python"])
    mention = re.compile(rf"\b({'|'.join(said)})[ `]+v?(\d+(?:\.\d+)*)")
    for path in sorted({path for pattern in DOCUMENTATION for path in root.glob(pattern)}):
        for name, version in mention.findall(path.read_text()):
            if not any(f"{known}.".startswith(f"{version}.") for known in said[name]):
                yield f"{path.relative_to(root)}: {name} {version} is not one of {', '.join(said[name])}"


def core_problems(lowest: str, root: Path, files: dict[str, str]) -> t.Iterator[str]:
    """The lowest ansible-core is the same everywhere, and workflows deploy with it and with the newest."""
    told = {
        f"{path.relative_to(root)}": yaml.safe_load(path.read_text())["galaxy_info"]["min_ansible_version"]
        for path in sorted(root.glob("roles/*/meta/main.yml"))
    }
    told[ENGINE] = yaml.safe_load(files[ENGINE])["__docker_minimum_ansible"]
    names = ("requirements/lowest.txt", "requirements.txt", "requirements/newest.txt")
    cores = [series(re.findall(r"^ansible-core==(.*)$", files[name], re.MULTILINE)[0]) for name in names]
    told[names[0]] = cores[0]
    for file, version in told.items():
        if version != lowest:
            yield f"{file}: the lowest ansible-core is {version}, but {lowest} in meta/runtime.yml"
    jobs = yaml.safe_load(files[".github/workflows/ci.yml"])["jobs"]
    tested = [one["core"] for one in jobs["cores"]["strategy"]["matrix"]["include"]]
    if (tested[0], tested[-1]) != (lowest, cores[-1]) or not set(cores) <= set(tested):
        yield f"ci.yml: the job cores tests {', '.join(tested)}, but must do so from {lowest} to {cores[-1]}"
    deployed = [one["requirements"] for one in jobs["stack"]["strategy"]["matrix"]["include"]]
    if sorted(deployed) != sorted(names):
        yield f"ci.yml: the job stack deploys with {', '.join(deployed)}, not with {', '.join(names)}"
    galaxy = yaml.safe_load(files["galaxy.yml"])["dependencies"]
    if galaxy != {one["name"]: one["version"] for one in yaml.safe_load(files["requirements.yml"])["collections"]}:
        yield "requirements.yml does not ask for the collections of galaxy.yml"


def problems(root: Path) -> list[str]:
    files = tracked(root)
    managers = json.loads(files["renovate.json"])["customManagers"]
    versions = yaml.safe_load(files[VERSIONS])["modelhub_versions"]
    lowest = series(yaml.safe_load(files["meta/runtime.yml"])["requires_ansible"].lstrip(">="))
    found = places(managers, files)
    return [
        *manager_problems(managers, found, files),
        *repetition_problems(versions, found),
        *stray_problems(versions, found, files),
        *documentation_problems(versions, lowest, root, files),
        *core_problems(lowest, root, files),
    ]


def main() -> int:
    found = problems(ROOT)
    print("\n".join(found) or "every version stands in one place, or is known to repeat it")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
