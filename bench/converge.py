"""Time the collection against `docker compose up -d` of the reference stack, on one SSH host with images present.

Usage: converge.py [ROUNDS [REVISION]]   (default 3)
A round is: first converge, second converge, removal; the same without accounts, and with the collection as it was at
REVISION, when that is given; then compose cold, compose again, removal. Prints the medians in seconds, the tasks of the
second converge that reached the host, where its time goes by role, the ratios to the others in the same round, and the
proportional set size of the MLflow containers at rest in MB.
The host is Molecule's test host of the scenario `default`: a Debian 13 container with its own engine.
"""

from __future__ import annotations

import configparser
import json
import os
import re
import secrets
import shutil
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / "tests" / "output" / "bench"
ROLE_TIMES = WORK / "role_times.json"
IMAGES = ("traefik", "postgres", "minio", "mlflow")
IDLE_SECONDS = 20
NO_ACCOUNTS = ("-e", "mlflow_auth=none", "-e", '{"mlflow_allow_no_accounts": true}')
# What a user waits for: the first answer of MLflow through the front door.
READY = (
    "until curl -fsk --resolve mlflow.modelhub.test:443:127.0.0.1 https://mlflow.modelhub.test/health;"
    " do sleep 0.2; done"
)
# Sums the proportional set sizes of a container's processes, in kB.
MEMORY = (
    "for p in $(sudo docker top {name} -o pid | tail -n +2); do sudo cat /proc/$p/smaps_rollup; done"
    " | awk '/^Pss:/ {{ sum += $2 }} END {{ print sum }}'"
)


def run(*command: str, **kwargs: object) -> str:
    """Run a command and return its standard output; its output is shown when it fails."""
    result = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, **kwargs)  # type: ignore[call-overload]
    if result.returncode != 0:
        sys.exit(f"{' '.join(command)} failed ({result.returncode}):\n{result.stdout[-4000:]}\n{result.stderr[-4000:]}")
    return str(result.stdout)


def molecule(action: str) -> None:
    run("molecule", action, "--scenario-name", "default")


class Host:
    """The test host: playbooks and shell commands over SSH."""

    def __init__(self) -> None:
        self.inventory = str(next(WORK.rglob("ansible_inventory.yml")).parent)

    def playbook(self, name: str, *arguments: str, tree: Path = ROOT) -> tuple[float, str]:
        """Run a playbook of a checkout of the collection, with the callbacks that its ansible.cfg enables."""
        config = configparser.ConfigParser()
        config.read(tree / "ansible.cfg")
        callbacks = ["role_times", *config.get("defaults", "callbacks_enabled", fallback="").split()]
        env = {
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": f"{tree / '.collections'}:{os.environ.get('ANSIBLE_COLLECTIONS_PATH', '')}",
            "ANSIBLE_CONFIG": str(tree / "ansible.cfg"),
            "ANSIBLE_CALLBACK_PLUGINS": str(ROOT / "bench/callback_plugins"),
            "ANSIBLE_CALLBACKS_ENABLED": ",".join(callbacks),
            "ROLE_TIMES_PATH": str(ROLE_TIMES),
        }
        started = time.monotonic()
        output = run("ansible-playbook", "-i", self.inventory, str(tree / f"playbooks/{name}.yml"), *arguments, env=env)
        return time.monotonic() - started, output

    def shell(self, command: str) -> tuple[float, str]:
        started = time.monotonic()
        output = run(
            "ansible", "-i", self.inventory, "modelhub", "-m", "ansible.builtin.shell", "-a", command, "--one-line"
        )
        return time.monotonic() - started, output

    def memory_mb(self, container: str) -> float:
        time.sleep(IDLE_SECONDS)
        _, output = self.shell(MEMORY.format(name=container))
        match = re.search(r"\(stdout\) (\d+)", output)
        assert match, output
        return int(match[1]) / 1024


def image_names(host: Host) -> dict[str, str]:
    """Return the names of the images on the host, by service."""
    run("ansible", "-i", host.inventory, "modelhub", "-m", "ansible.builtin.setup", "-a", "gather_subset=!all")
    output = host.shell("sudo docker ps --format '{% raw %}{{.Names}}={{.Image}}{% endraw %}'")[1]
    return dict(re.findall(r"(traefik|postgres|minio|mlflow)=([^\s\\]+)", output))


def ours(host: Host, sample: dict[str, list[float]], before: Path | None, images: dict[str, str]) -> None:
    """Deploy twice and remove, each way that is compared, another one first each round."""
    trees: list[tuple[str, Path, tuple[str, ...]]] = [("", ROOT, ()), ("without accounts: ", ROOT, NO_ACCOUNTS)]
    trees += [("before: ", before, old_images(images))] if before else []
    if len(sample["second converge"]) % 2:
        trees.reverse()
    for prefix, tree, arguments in trees:
        seconds, _ = host.playbook("site", *arguments, tree=tree)
        sample[f"{prefix}first converge, verified"].append(seconds)
        seconds, output = host.playbook("site", *arguments, tree=tree)
        sample[f"{prefix}second converge"].append(seconds)
        recap = re.search(r"ok=\d+\s+changed=(\d+)", output)
        assert recap, output[-2000:]
        sample[f"{prefix}second converge: tasks changed"].append(int(recap[1]))
        roles = json.loads(ROLE_TIMES.read_text())
        sample[f"{prefix}second converge: tasks that reach the host"].append(
            sum(role["tasks"] for role in roles.values())
        )
        for role, figures in roles.items():
            sample[f"{prefix}second converge, seconds: {role}"].append(figures["seconds"])
        sample[f"{prefix}idle memory of mlflow, PSS MB"].append(host.memory_mb("mlflow"))
        host.playbook("uninstall", *arguments, "-e", '{"modelhub_purge": true}', tree=tree)


def old_images(images: dict[str, str]) -> tuple[str, ...]:
    """Return the arguments by which an earlier revision runs the images that are there."""
    return tuple(part for name in IMAGES for part in ("-e", f"{name}_image={images[name]}"))


def reference(host: Host, sample: dict[str, list[float]]) -> None:
    up = "cd /opt/reference && sudo docker-compose up -d"
    seconds, _ = host.shell(f"{up} && sleep 0")
    sample["compose up -d, cold (returns at once)"].append(seconds)
    waited, _ = host.shell(READY)
    sample["compose up -d, cold, until MLflow answers"].append(seconds + waited)
    sample["compose up -d, again"].append(host.shell(up)[0])
    sample["idle memory of the reference's mlflow, PSS MB"].append(host.memory_mb("ref-mlflow"))
    host.shell("cd /opt/reference && sudo docker-compose down -v")


def install_reference(host: Host, images: dict[str, str]) -> None:
    values = {f"{name.upper()}_IMAGE": images[name] for name in IMAGES}
    values |= {"POSTGRES_USER": "mlflow", "POSTGRES_DB": "mlflow", "POSTGRES_PASSWORD": secrets.token_hex(16)}
    values |= {"MINIO_ROOT_USER": "minioroot", "MINIO_ROOT_PASSWORD": secrets.token_hex(16)}
    values |= {"MINIO_BUCKET_NAME": "mlflow", "DOMAIN": "modelhub.test"}
    env = WORK / "reference.env"
    env.write_text("".join(f"{key}={value}\n" for key, value in values.items()))
    env.chmod(0o600)
    host.shell(
        "sudo apt-get install -y --no-install-recommends docker-compose curl"
        " && sudo install -d -o deploy /opt/reference"
    )
    for source, target in ((ROOT / "bench/reference/docker-compose.yml", "docker-compose.yml"), (env, ".env")):
        arguments = f"src={source} dest=/opt/reference/{target} mode=0600"
        run("ansible", "-i", host.inventory, "modelhub", "-m", "ansible.builtin.copy", "-a", arguments)


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    WORK.mkdir(parents=True, exist_ok=True)
    os.environ["MOLECULE_EPHEMERAL_DIRECTORY"] = str(WORK / "molecule")
    samples: dict[str, list[float]] = defaultdict(list)
    before = None
    if len(sys.argv) > 2:
        before = WORK / "before"
        run("git", "worktree", "add", "--force", "--detach", str(before), sys.argv[2])
    molecule("create")
    try:
        molecule("prepare")
        host = Host()
        # Brings engine, libraries and images, so that the rounds measure the deployment alone.
        host.playbook("site")
        images = image_names(host)
        install_reference(host, images)
        host.playbook("uninstall", "-e", '{"modelhub_purge": true}')
        for number in range(rounds):
            print(f"round {number + 1} of {rounds}", flush=True)
            ours(host, samples, before, images)
            reference(host, samples)
    finally:
        molecule("destroy")
        if before:
            run("git", "worktree", "remove", "--force", str(before))
            shutil.rmtree(before, ignore_errors=True)
    (WORK / "converge.json").write_text(json.dumps(samples, indent=2))
    for name, values in samples.items():
        ratio = ""
        for other in ("without accounts", "before"):
            ratios = [now / then for now, then in zip(values, samples.get(f"{other}: {name}", [])) if then]
            ratio += f"   {statistics.median(ratios):.2f} of {other}" if ratios else ""
        print(f"{name:52} {statistics.median(values):8.1f}   {[round(value, 1) for value in values]}{ratio}")


if __name__ == "__main__":
    main()
