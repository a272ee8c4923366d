"""No pipe ends in a command that may stop reading before the one in front of it is done writing.

`producer | grep -q word` under `set -o pipefail` fails when grep finds its word early: the producer dies of SIGPIPE.
How often depends on the machine. Read the output into a variable or a file first. Looks at shell scripts, at the text
in YAML files, at the strings in Python programs and at Dockerfiles; before that it must find what is planted below.
"""

from __future__ import annotations

import ast
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
FOLDERS = (".ci", ".github", "bench", "bin", "images", "molecule", "playbooks", "roles", "tests")
KINDS = ("shell script", "YAML file", "Python program", "Dockerfile")

# Neither half of `||`, nor `>|`
PIPE = re.compile(r"(?<![|>\\])\|&?(?!\|)")
COMMENT = re.compile(r"^[ \t]*#.*$", re.MULTILINE)
WORD = re.compile(r"""[ \t]*((?:[^\s|;&()'"`\\]|\\.|'[^']*'?|"(?:[^"\\]|\\.)*"?)+)""", re.DOTALL)
# What may stand before a command's name
BEFORE = re.compile(r"\w+=.*|[{!]|command|exec|sudo|env|time|timeout|\d+[smh]?")
HEAD_READS_ON = re.compile(r"(-n|-c|--lines=?|--bytes=?) ?-\d")
GREP_STOPS = re.compile(r"(?:^| )(-[a-zA-Z]*[qmlL]|--(quiet|silent|max-count|files-with))")
SED_STOPS = re.compile(r"(^|[\s;{}/$\d])[qQ]\d*\s*($|[\s;}])")
AWK_STOPS = re.compile(r"\bexit\b")
AWK_END = re.compile(r"\bEND\s*\{.*", re.DOTALL)

PLANTED = (
    "docker logs a 2>&1 | grep -q ready",
    "docker logs a |& grep --quiet ready",
    "cat a | LC_ALL=C grep -aiq ready && echo yes",
    "ps | timeout 5 egrep -m1 a",
    "version=$(tool --version | head -n 1)",
    "version=`tool --version | head`",
    "tool --version |\n  # the first line\n  head -1",
    "tool --version \\\n  | head --lines=1",
    "cat a | sed -n '/b/{p;q}'",
    "cat a | sed 10q",
    "cat a | awk '/b/ {print; exit}'",
    "cat a | read -r line",
    "cat a | { read -r line; echo $line; }",
    "sh -c 'until docker logs a | grep -q end; do sleep 1; done'",
)
HARMLESS = (
    'grep -q ready <<<"$log"',
    "grep -q ready file || head -n 1 file",
    "# cat a | head",
    "cat a | grep -c b",
    "cat a | grep -e quick -- -q",
    "cat a | tail -n 1 | sed 's/.*quick//'",
    "cat a | head -n -1",
    "cat a | awk '{n++} END {exit n}'",
    "cat a | while read -r line; do echo $line; done",
    "cat a >| head",
)


def after(text: str) -> list[str]:
    """Return name and arguments of the command that the text begins with."""
    words: list[str] = []
    at = len(text) - len(text.lstrip(" \t\n("))
    while found := WORD.match(text, at):
        at = found.end()
        word = found[1].strip("'\"")
        if words or not BEFORE.fullmatch(word):
            words.append(word)
    return words


def stops_early(command: list[str]) -> bool:
    """Tell whether a command may end before its input does."""
    name, options = (command or [""])[0], " ".join(command[1:])
    if name.endswith("grep"):
        return bool(GREP_STOPS.search(options.partition(" -- ")[0]))
    if name == "head":
        return not HEAD_READS_ON.search(options)
    if name == "sed":
        return bool(SED_STOPS.search(options))
    if name.endswith("awk"):
        return bool(AWK_STOPS.search(AWK_END.sub("", options)))
    return name in ("read", "cmp", "dd")


def pipes(text: str) -> Iterator[tuple[int, str]]:
    """Return each pipe that is closed early: the number of its line, from 0, and the command that closes it."""
    # Of the same length, so that positions stay.
    joined = COMMENT.sub(lambda comment: " " * len(comment[0]), text).replace("\\\n", "  ")
    for pipe in PIPE.finditer(joined):
        command = after(joined[pipe.end() :])
        if stops_early(command):
            yield text.count("\n", 0, pipe.start()), " ".join(command)


def kind(path: Path) -> str:
    """Return which of KINDS a file is, or nothing."""
    if path.suffix in (".yml", ".yaml"):
        return "YAML file"
    if path.suffix == ".py":
        return "Python program"
    if path.name.lower().startswith("dockerfile"):
        return "Dockerfile"
    with path.open("rb") as file:
        is_script = path.suffix == ".sh" or re.match(rb"#!.*\b(ba|da|k)?sh\b", file.readline())
    return "shell script" if is_script else ""


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """Return what may hold shell commands in a file, each with the number of its first line."""
    text = path.read_text(encoding="utf-8")
    if kind(path) == "YAML file":
        # Composed and not loaded, because Ansible's own tags mean nothing here.
        for document in yaml.compose_all(text, Loader=yaml.SafeLoader):
            yield from scalars(document)
    elif kind(path) == "Python program":
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.lineno, node.value
    else:
        yield 1, text


def scalars(node: yaml.Node | None) -> Iterator[tuple[int, str]]:
    """Return the texts below a node of a YAML document."""
    if isinstance(node, yaml.ScalarNode):
        # The first line of a block is below its indicator.
        yield node.start_mark.line + (2 if node.style in ("|", ">") else 1), node.value
    elif isinstance(node, yaml.CollectionNode):
        for child in node.value:
            for part in child if isinstance(child, tuple) else (child,):
                yield from scalars(part)


def files() -> list[Path]:
    """Return the files to look at, but neither this one nor what tests leave behind."""
    found = [ROOT / "dockerfile.mlflow"]
    for top in FOLDERS:
        for folder, folders, names in os.walk(ROOT / top):
            folders[:] = sorted(name for name in folders if Path(folder, name) != ROOT / "tests/output")
            found += [Path(folder, name) for name in sorted(names)]
    return [path for path in found if path != Path(__file__) and not path.is_symlink() and kind(path)]


def main() -> int:
    found = [f"this check does not find: {text}" for text in PLANTED if not any(pipes(text))]
    found += [f"this check takes for a fault: {text}" for text in HARMLESS if any(pipes(text))]
    checked = files()
    found += [f"there is no {one} to check" for one in KINDS if one not in map(kind, checked)]
    found += [
        f"{path.relative_to(ROOT)}:{first + line}: `{command}` closes its pipe early; read into a variable or a file"
        for path in checked
        for first, text in texts(path)
        for line, command in pipes(text)
    ]
    print("\n".join(found) or f"{len(checked)} files have no pipe that is closed early")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
