# Copyright (c) 2026, OpenGeoAI ModelHub contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection. It can have breaking changes at any time.

"""Which image a service runs, and whether the images that were built here are what their recipes make.

Images come as the module stack_info describes them: dictionaries with id, tags, digests, labels and created. Nothing
but the standard library is imported: bin/lib/images.sh asks this file for names as well.
"""

from __future__ import annotations

import hashlib
import json
import re
import typing as t

LOCAL_REGISTRY = "modelhub.local"
RECIPE_LABEL = "org.opengeoai.modelhub.recipe"
DEFAULT_REGISTRY = "docker.io"
# Tags of the images that are built here; {version} is the service's, {major} its first number. Where the version is not
# ours to choose, the tag says what is inside.
BASE = f"{LOCAL_REGISTRY}/base:trixie"
MLFLOW_BASE = f"{LOCAL_REGISTRY}/mlflow-base:{{version}}"
LOCAL_TAGS = {
    "traefik": "{version}",
    "postgres": "{major}",
    "minio": "seaweedfs",
    "mlflow": "{version}",
    "mlflow-oidc": "{version}",
    "haproxy": "trixie",
    "backup": "{major}",
}
# What an image that is built here may stand in for: nobody's own image, though it may have the same tag.
PUBLISHED = {
    "traefik": "docker.io/library/traefik",
    "postgres": "docker.io/library/postgres",
    "minio": "docker.io/pgsty/silo",
    "mlflow": "ghcr.io/opengeoai/modelhub/mlflow",
    "mlflow-oidc": "ghcr.io/opengeoai/modelhub/mlflow-oidc",
    "haproxy": "docker.io/library/haproxy",
    # Nobody offers it.
    "backup": "",
}
# What Debian trixie has.
POSTGRES_MAJOR = "17"
AUTO, PULL, BUILD = SOURCES = ("auto", "pull", "build")
Image = t.Mapping[str, t.Any]


class ImagesError(ValueError):
    """A parameter is wrong. The author's mistake, not the user's."""


class Reference(t.NamedTuple):
    """An image reference with everything that Docker leaves out. `tag` is empty when there is a digest alone."""

    registry: str
    repository: str
    tag: str
    digest: str

    @property
    def name(self) -> str:
        """Registry and repository."""
        return f"{self.registry}/{self.repository}"


def parse(text: str) -> Reference:
    """The parts of a reference as Docker understands it. Does not judge whether it is a valid one."""
    rest, _unused, digest = text.partition("@")
    head, slash, last = rest.rpartition("/")
    last, _unused, tag = last.partition(":")
    path = f"{head}{slash}{last}"
    registry, slash, repository = path.partition("/")
    if not slash or not (re.search("[.:]", registry) or registry == "localhost"):
        registry, repository = DEFAULT_REGISTRY, path
    if registry == "index.docker.io":
        registry = DEFAULT_REGISTRY
    if registry == DEFAULT_REGISTRY and "/" not in repository:
        repository = f"library/{repository}"
    return Reference(registry, repository, tag or ("" if digest else "latest"), digest)


def find(images: t.Iterable[Image], reference: str) -> Image | None:
    """The image that `docker run` would take for a reference, None when it is not there. A digest beats a tag."""
    wanted = parse(reference)
    for image in images:
        names = map(parse, image["digests"] if wanted.digest else image["tags"])
        if any((one.name, one.digest or one.tag) == (wanted.name, wanted.digest or wanted.tag) for one in names):
            return image
    return None


def major(version: str) -> str:
    """The number that a version begins with, or all of it when it begins with something else."""
    return re.split("[^0-9]", version, maxsplit=1)[0] or version


def local_reference(service: str, version: str) -> str:
    """Name of the image of a service, or of `base` or `mlflow-base`, that is built here. ImagesError if unknown."""
    named = {"base": BASE, "mlflow-base": MLFLOW_BASE}
    named.update({name: f"{LOCAL_REGISTRY}/{name}:{tag}" for name, tag in LOCAL_TAGS.items()})
    if service not in named:
        raise ImagesError(f'service is "{service}", but must be one of {", ".join(named)}')
    return named[service].format(version=version, major=major(version))


def stands_in(service: str, published: str, version: str) -> bool:
    """Whether what is built here in this version is meant by a published name, be it its tag or any digest of it."""
    wanted = parse(published)
    return wanted.name == PUBLISHED[service] and wanted.tag in ("", version)


def build_problem(images: t.Sequence[Image], service: str, version: str, package_manager: str) -> str:
    """Why the image of a service cannot be built on a host with these images, '' when it can."""
    if service == "postgres" and major(version) != POSTGRES_MAJOR:
        return (
            f"postgres_version is {version}, but of PostgreSQL only {POSTGRES_MAJOR} can be built here, from Debian"
            f" trixie. Set postgres_version to a release of {POSTGRES_MAJOR}, or make a container registry reachable"
            " and set modelhub_image_source to auto"
        )
    if service == "backup" and major(version) != POSTGRES_MAJOR:
        return (
            f"backup_version is {version}, but only the tools of PostgreSQL {POSTGRES_MAJOR} can be built here, from"
            " Debian trixie, and others may write dumps that the server cannot read. Set backup_image to an image that"
            f" images/backup/Dockerfile made with those of PostgreSQL {major(version)}"
        )
    if package_manager not in ("", "apt") and find(images, BASE) is None:
        return (
            f"the image of {service} cannot be built here: that takes debootstrap of Debian or Ubuntu, and this host"
            f" has {package_manager} instead of apt. Make a container registry reachable, or load the images by hand,"
            " and set modelhub_image_source to pull"
        )
    return ""


def choose(
    images: t.Sequence[Image], service: str, published: str, version: str, source: str, package_manager: str = ""
) -> dict[str, t.Any]:
    """Which image a service runs.

    `reference` is the first name that is present, else the first that is wanted; `present` tells which. `local`: it is
    the one that is built here. `buildable`: building it is allowed; `build_problem`: why it cannot be done all the
    same, and `problem`: the same where it would have to be. `registry`: where the published one comes from.
    `id`, `labels` and `created` (seconds since 1970) are those of the image, empty or 0 when none is present.
    ImagesError when the parameters make no sense.
    """
    local = local_reference(service, version)
    if source not in SOURCES or service not in PUBLISHED:
        raise ImagesError(f'there is no source "{source}" for service "{service}"')
    if source == PULL and not published:
        raise ImagesError("source is pull, but there is no published name")
    buildable = source == BUILD or (source == AUTO and (not published or stands_in(service, published, version)))
    wanted = [published] if published and source != BUILD else []
    wanted += [local] if buildable else []
    found = {name: image for name in wanted for image in [find(images, name)] if image is not None}
    reference = next(iter(found), wanted[0])
    image = found.get(reference, {})
    problem = build_problem(images, service, version, package_manager)
    return {
        "reference": reference,
        "present": bool(found),
        "local": reference == local,
        "local_reference": local,
        "buildable": buildable,
        "build_problem": problem,
        "problem": problem if reference == local and not found else "",
        "registry": parse(published).registry if published else "",
        "id": image.get("id", ""),
        "labels": dict(image.get("labels", {})),
        "created": image.get("created", 0),
    }


def recipe_hash(files: t.Mapping[str, str], args: t.Mapping[str, str], base_id: str) -> str:
    """SHA-256 of all that an image is made of."""
    text = json.dumps([dict(files), dict(args), base_id], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def chain_states(
    recipes: t.Iterable[t.Mapping[str, t.Any]], images: t.Sequence[Image], version: str
) -> list[dict[str, t.Any]]:
    """Recipes in the order of building, each with what is known of its image.

    A recipe has `name` and `base` as local_reference takes them ('' for no base), `args`, and `files`, the text of
    each. Added are `reference` and `base_reference`, `recipe`, its hash ('' while its base is not there), `present`,
    `created`, `outdated`: the image is there and was made by another recipe, and `needed`: it is missing or outdated,
    or stands on one that is.
    """
    states: list[dict[str, t.Any]] = []
    for recipe in recipes:
        reference = local_reference(recipe["name"], version)
        base_reference = local_reference(recipe["base"], version) if recipe["base"] else ""
        args = {name: str(value) for name, value in recipe["args"].items() if value not in ("", None)}
        base = find(images, base_reference) if base_reference else {"id": ""}
        recipe_id = "" if base is None else recipe_hash(recipe["files"], args, base["id"])
        image = find(images, reference)
        outdated = image is not None and recipe_id not in ("", image["labels"].get(RECIPE_LABEL))
        state = {
            **recipe,
            "args": args,
            "reference": reference,
            "base_reference": base_reference,
            "recipe": recipe_id,
            "present": image is not None,
            "created": image["created"] if image else 0,
            "outdated": outdated,
            "needed": image is None or outdated or any(state["needed"] for state in states),
        }
        states.append(state)
    return states
