"""Breaks one thing at a time in a copy of the code; each fault must turn its named test red.

A fault that no test notices is a hole in the tests, and is mended there first. The product has no such
switches: the copy is changed as text.
"""

import argparse
import concurrent.futures
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
COPIED = ("contracts", "shared", "services", "tests", "pyproject.toml", "README.md")


def main() -> int:
    """Run the faults, print a table, and return 1 when one was not noticed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("only", nargs="*", help="names of faults; default: all")
    parser.add_argument("--jobs", type=int, default=2, help="faults tried at once")
    parser.add_argument("--markdown", type=Path, help="write the table to this file")
    arguments = parser.parse_args()
    faults = tomllib.loads((Path(__file__).parent / "faults.toml").read_text(encoding="utf-8"))["fault"]
    wanted = [fault for fault in faults if not arguments.only or fault["name"] in arguments.only]
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        results = list(pool.map(report, wanted))
    if arguments.markdown:
        arguments.markdown.write_text(table(wanted, results), encoding="utf-8")
    unnoticed = [fault["name"] for fault, result in zip(wanted, results, strict=True) if result != "red"]
    print(f"{len(wanted) - len(unnoticed)} of {len(wanted)} faults were noticed")
    return 1 if unnoticed else 0


def report(fault: dict[str, Any]) -> str:
    """Try one fault and say how it went."""
    began = time.monotonic()
    result = attempt(fault)
    print(f"{result:9} {fault['name']} ({time.monotonic() - began:.0f} s): {fault['test']}", flush=True)
    return result


def attempt(fault: dict[str, Any]) -> str:
    """`red` when the named test notices the fault, `green` when it does not, else what is wrong with the fault."""
    with tempfile.TemporaryDirectory(prefix="busbar-sabotage-") as name:
        copy = Path(name)
        for part in COPIED:
            source = ROOT / part
            if source.is_dir():
                shutil.copytree(source, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, copy / part)
        file = copy / fault["file"]
        text = file.read_text(encoding="utf-8")
        if text.count(fault["old"]) != 1:
            return f"stale: the text to break stands {text.count(fault['old'])} times in {fault['file']}"
        text = text.replace(fault["old"], fault["new"])
        if "also_old" in fault and text.count(fault["also_old"]) != 1:
            return f"stale: also_old is not in {fault['file']} once"
        if "also_old" in fault:
            text = text.replace(fault["also_old"], fault["also_new"])
        file.write_text(text, encoding="utf-8")
        return "red" if run(copy, fault["test"]) else "green"


def run(copy: Path, test: str) -> bool:
    """Whether the test fails in the copy. A test that cannot even be found counts as not noticing."""
    paths = [str(copy / part) for part in ("contracts", "shared", "services", "tests")]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    if test.startswith("demo"):
        command = [sys.executable, "-m", "busbar_cli", "demo", *test.split()[1:]]
    else:
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", test]
    done = subprocess.run(command, cwd=copy, env=environ, capture_output=True, text=True, check=False)
    # pytest: 1 is a failed test; 2 to 5 are errors of the run itself.
    return done.returncode == 1


def table(faults: list[dict[str, Any]], results: list[str]) -> str:
    """The result as Markdown."""
    rows = [
        f"| {fault['sentence']} | `{fault['test']}` | {result} |"
        for fault, result in zip(faults, results, strict=True)
    ]
    head = [
        "# What happens when the code is broken",
        "",
        "Made by `make sabotage ARGS='--markdown docs/sabotage.md'` from the faults in `tests/sabotage/faults.toml`.",
        "Each fault is tried alone in a copy of the code; red means that the named test noticed it.",
        "A fault that stays green is a hole in the tests, and is mended there.",
        "",
        "| What is broken | Which test notices | Result |",
        "|---|---|---|",
    ]
    return "\n".join([*head, *rows, ""])


if __name__ == "__main__":
    sys.exit(main())
