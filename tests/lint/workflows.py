"""The workflows keep what they promise: what starts them, who may push, what is published, what a build may read."""

from __future__ import annotations

import json
import re
import sys
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
PUBLISH = "mlflow-image-publish.yml"
BUILD, SCAN = "docker/build-push-action", "aquasecurity/trivy-action"
PLATFORMS = "linux/amd64,linux/arm64"
# What the image with logins by an OpenID provider is built of
BASE = "BASE_IMAGE=${{ env.IMAGE }}@${{ steps.push.outputs.digest }}"
# What the role's default adds where an OpenID provider knows the users
WITH_LOGINS = "{{ '-oidc' if mlflow_auth == 'oidc' else '' }}"
# Tag, its name in docs/image.md, and whether a release that is not the Dockerfile's default gets it too
TAGS = {
    "type=ref,event=branch": ("main", False),
    "type=sha,prefix={{branch}}-": ("main-<commit>", False),
    "type=raw,value=latest": ("latest", False),
    "type=raw,value=v": ("v{0}.{1}.{2}", True),
    "type=semver,pattern={{version}}": ("{0}.{1}.{2}", True),
    "type=semver,pattern={{major}}.{{minor}}": ("{0}.{1}", False),
    "type=semver,pattern={{major}}": ("{0}", False),
}
NOT_FOR_PULL_REQUESTS = "github.event_name != 'pull_request'"
# The event of a schedule, which always runs on the default branch, has no repository.
DEFAULT_BRANCH_ONLY = (
    f"{NOT_FOR_PULL_REQUESTS} && (github.event_name == 'schedule' ||"
    " github.ref == format('refs/heads/{0}', github.event.repository.default_branch))"
)
PUSHES = re.compile(r'"push": (?!false)|login-action|docker login|type=registry|secrets|github\.token')
Workflow = dict[Any, Any]


def triggers(workflow: Workflow) -> dict[str, Any]:
    """Return the part `on`, which YAML 1.1 reads as true, and which may be a name or a list of names."""
    events = workflow.get(True) or workflow.get("on") or {}
    return events if isinstance(events, dict) else dict.fromkeys([events] if isinstance(events, str) else events)


def jobs_problems(name: str, workflow: Workflow) -> list[str]:
    """Least rights: none by default, none that write where a pull request may run."""
    found = [] if workflow.get("permissions") == {} else [f"{name}: `permissions: {{}}` is missing on top"]
    events = triggers(workflow)
    if "pull_request_target" in events or "workflow_run" in events:
        found.append(f"{name}: strangers' code would run with our rights")
    for key, job in workflow["jobs"].items():
        found += [] if "timeout-minutes" in job else [f"{name}: {key} has no timeout-minutes"]
        # Only what stands before every `||` holds for the whole condition.
        condition = re.sub(r"\((?:[^()]|\([^()]*\))*\)", "", str(job.get("if", "")))
        if "pull_request" not in events or (condition.startswith(NOT_FOR_PULL_REQUESTS) and "||" not in condition):
            continue
        text = json.dumps(job)
        if "write" in json.dumps(job.get("permissions")) or PUSHES.search(text):
            found.append(f"{name}: {key} runs for pull requests and could push")
    return found


def filter_problems(name: str, workflow: Workflow) -> list[str]:
    """Path filters name files that exist, and the same for pushes and pull requests."""
    filters = {event: (triggers(workflow).get(event) or {}).get("paths") for event in ("push", "pull_request")}
    found = [
        f"{name}: no file matches the path filter {path}"
        for paths in filters.values()
        for path in paths or []
        if not any(ROOT.glob(f"{path}/*" if path.endswith("**") else path))
    ]
    if any(filters.values()) and filters["push"] != filters["pull_request"]:
        found.append(f"{name}: pushes and pull requests have different path filters")
    return found


def copied() -> list[str]:
    """Return the files that dockerfile.mlflow copies from its context."""
    text = (ROOT / "dockerfile.mlflow").read_text().replace("\\\n", " ")
    lines = re.findall(r"^COPY (?!.*--from)(.*)$", text, re.MULTILINE)
    return [word for line in lines for word in line.split()[:-1] if not word.startswith("--")]


def with_logins() -> list[str]:
    """Return the files of the image with logins by an OpenID provider."""
    return [str(path.relative_to(ROOT)) for path in (ROOT / "images/mlflow-oidc").iterdir()]


def context_problems(workflow: Workflow) -> list[str]:
    """A change of any input of the build starts the workflow, and .dockerignore lets it through."""
    paths = triggers(workflow)["push"]["paths"]
    allowed = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    inputs = copied()
    found = [] if inputs else ["dockerfile.mlflow copies nothing"]
    found += [
        f"{PUBLISH}: a change of {needed} does not start it"
        for needed in [*inputs, "dockerfile.mlflow", ".dockerignore", f".github/workflows/{PUBLISH}", *with_logins()]
        if not any(fnmatch(needed, path) for path in paths)
    ]
    found += [f".dockerignore keeps {path} from dockerfile.mlflow" for path in inputs if path not in allowed]
    return found


def publish_problems(workflow: Workflow) -> list[str]:
    """Tags, platforms and what goes with the image are as documented; nothing is pushed that was not verified."""
    verify, publish = workflow["jobs"]["verify"]["steps"], workflow["jobs"]["publish"]["steps"]
    builds, gates, pushes = by_action(verify, BUILD), by_action(verify, SCAN), by_action(publish, BUILD)
    [meta], text = by_action(publish, "docker/metadata-action"), json.dumps(workflow["jobs"]["publish"])
    runs = [step.get("env", {}) for step in verify if step.get("run") == "tests/integration/image/run"]
    # The engine itself builds the second one of the first, which no action could see.
    built = [build["tags"] for build in builds] + re.findall(r"--tag (\S+)", json.dumps(verify))
    matrix = workflow["jobs"]["verify"]["strategy"]["matrix"]["include"]
    role = yaml.safe_load((ROOT / "roles/mlflow/defaults/main.yml").read_text())
    image = f"{workflow['env']['IMAGE']}:{{{{ mlflow_version }}}}"
    promises = {
        "publish does not wait for verify": "verify" in workflow["jobs"]["publish"]["needs"],
        "not only the default branch is published": workflow["jobs"]["publish"].get("if") == DEFAULT_BRANCH_ONLY,
        "the second image is not made of the first": [push.get("build-args") for push in pushes[1:]] == [BASE],
        "the second image is not named after the first": "$IMAGE-oidc:" in text,
        f"the platforms to publish are not {PLATFORMS}": {push["platforms"] for push in pushes} == {PLATFORMS},
        f"the platforms to verify are not {PLATFORMS}": ",".join(one["platform"] for one in matrix) == PLATFORMS,
        "provenance or SBOM is missing": {(push.get("provenance"), push.get("sbom")) for push in pushes}
        == {("mode=max", True)},
        "an image is not signed and checked": all(
            part in text for part in ("cosign sign", "cosign verify", "$IMAGE@$DIGEST", "$IMAGE-oidc@$DIGEST_LOGINS")
        ),
        "the images are not those of the role": image == role["mlflow_image"].replace(WITH_LOGINS, ""),
        "what is built is not run": [env.get("MLFLOW_IMAGE") for env in runs] == [builds[0]["tags"]],
        "what is built is not scanned": [gate["image-ref"] for gate in gates] == built and len(built) == len(pushes),
        "a scan lets holes through": {(gate.get("exit-code"), gate.get("severity")) for gate in gates}
        == {("1", "HIGH,CRITICAL")},
        "it may publish a version with known holes": "ALLOW_VULNERABLE_VERSION" not in json.dumps(workflow),
    }
    found = [problem for problem, kept in promises.items() if not kept]
    names = {tag: next((wanted for wanted in TAGS if plain(tag) == wanted), None) for tag in meta["tags"].splitlines()}
    found += [f"the tag {tag} is not expected" for tag, name in names.items() if name is None]
    page = (ROOT / "docs/image.md").read_text()
    versions = yaml.safe_load((ROOT / "roles/common/vars/main/versions.yml").read_text())["modelhub_versions"]
    documented = [tag[0].format(*versions["mlflow"][1:].split(".")) for tag in TAGS.values()]
    found += [f"docs/image.md does not tell of the tag {name}" for name in documented if f"`{name}`" not in page]
    found += [f"docs/image.md does not tell of {one}" for one in PLATFORMS.split(",") if one not in page]
    found += [f"the tag {wanted} is missing" for wanted in TAGS if wanted not in names.values()]
    found += [
        f"the tag {tag} would move to an older release"
        for tag, name in names.items()
        if name and not TAGS[name][1] and "needs.version.outputs.latest" not in tag.partition("enable=")[2]
    ]
    return [f"{PUBLISH}: {problem}" for problem in found]


def by_action(steps: list[Workflow], action: str) -> list[Workflow]:
    """Return the inputs of the steps that use an action."""
    return [step["with"] for step in steps if str(step.get("uses")).partition("@")[0] == action]


def plain(tag: str) -> str:
    """Return a tag's rule without value and condition, but with the value of `raw`."""
    parts = [part for part in tag.split(",") if not part.startswith("enable=")]
    if not tag.startswith("type=raw"):
        parts = [part for part in parts if not part.startswith("value=")]
    return re.sub(r"\$\{\{.*", "", ",".join(parts))


def pin_problems() -> list[str]:
    """What stands in two places is the same in both."""
    dockerfile = (ROOT / "dockerfile.mlflow").read_text()
    constraints = (ROOT / "images/mlflow-server/constraints.txt").read_text()
    role = yaml.safe_load((ROOT / "roles/mlflow/vars/main/checks.yml").read_text())["__mlflow_floor"]
    image = json.loads((ROOT / "images/mlflow-server/floor.json").read_text())
    found = [] if role == image else ["images/mlflow-server/floor.json is not the floor of the role mlflow"]
    for name, package in (("BOTO3_VERSION", "boto3"), ("PSYCOPG2_VERSION", "psycopg2-binary")):
        default = re.findall(rf"^ARG {name}=(\S+)$", dockerfile, re.MULTILINE)
        if not default or default != re.findall(rf"^{package}==(\S+) ", constraints, re.MULTILINE):
            found.append(f"dockerfile.mlflow: {name} is not that of constraints.txt")
    return found


def main() -> int:
    workflows = {
        path.name: yaml.safe_load(path.read_text()) for path in sorted((ROOT / ".github/workflows").glob("*.yml"))
    }
    found = [problem for name, workflow in workflows.items() for problem in jobs_problems(name, workflow)]
    found += [problem for name, workflow in workflows.items() for problem in filter_problems(name, workflow)]
    found += context_problems(workflows[PUBLISH]) + publish_problems(workflows[PUBLISH]) + pin_problems()
    print("\n".join(found) or f"{len(workflows)} workflows keep their promises")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
