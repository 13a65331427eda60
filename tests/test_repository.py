"""The files around the code are what the tools that read them expect."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
SCHEMAS = {
    ".github/workflows/*.yml": "vendor.github-workflows",
    ".github/ISSUE_TEMPLATE/[!c]*.yml": "vendor.github-issue-forms",
    ".github/ISSUE_TEMPLATE/config.yml": "vendor.github-issue-config",
    ".github/dependabot.yml": "vendor.dependabot",
    "CITATION.cff": "vendor.citation-file-format",
}


def read(path: str) -> Any:
    return yaml.safe_load((ROOT / path).read_text())


def steps(workflow: str) -> list[str]:
    """What a workflow types into a shell."""
    jobs = read(f".github/workflows/{workflow}.yml")["jobs"].values()
    return [step["run"] for job in jobs for step in job["steps"] if "run" in step]


@pytest.mark.parametrize("pattern", SCHEMAS)
def test_a_file_fits_its_schema(pattern: str):
    files = sorted(str(path) for path in ROOT.glob(pattern))
    assert files
    words = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", SCHEMAS[pattern], *files]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_workflow_calls_only_targets_that_exist():
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([\w-]+)(?: [\w-]+)*:(?!=)", makefile, re.MULTILINE))
    targets |= set(re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[0].split())
    words = {word for step in steps("ci") for word in re.findall(r"\bmake ([\w-]+)", step)}
    matrix = set(read(".github/workflows/ci.yml")["jobs"]["sanitizers"]["strategy"]["matrix"]["target"])
    assert "lint" in words
    assert words | matrix <= targets


def test_all_that_the_local_check_runs_runs_in_the_workflow():
    local = set(re.findall(r"^make ([\w-]+)", (ROOT / ".ci/run").read_text(), re.MULTILINE))
    remote = set(re.findall(r"make ([\w-]+)", "\n".join(steps("ci"))))
    assert local
    assert local - remote <= {"test"}  # which the matrix spells out, for Windows


def test_hooks_run_the_tools_of_the_project():
    hooks = [hook for repo in read(".pre-commit-config.yaml")["repos"] for hook in repo["hooks"]]
    tools = {hook["entry"].split()[0] for hook in hooks if hook["language"] == "system"}
    assert tools == {".venv/bin/ruff", ".venv/bin/lint-imports"}
    assert all({"id", "name", "language"} <= hook.keys() for hook in hooks)


@pytest.mark.parametrize(
    ("message", "passes"),
    [
        ("commands: one way to write", True),
        ("fixup! commands: one way to write\n\nWhy: because.", True),
        ('Revert "commands: one way to write"', True),
        ("one way to write\n\nWhy: because.", False),
        ("commands:", False),
    ],
)
def test_the_subject_of_a_commit_has_a_scope(message: str, passes: bool):
    hooks = [hook for repo in read(".pre-commit-config.yaml")["repos"] for hook in repo["hooks"]]
    [hook] = [hook for hook in hooks if hook.get("stages") == ["commit-msg"]]
    assert bool(re.search(hook["entry"], message, re.MULTILINE)) is passes


def test_the_version_is_the_same_wherever_it_stands():
    assert read("CITATION.cff")["version"] == PROJECT["version"]
    assert f"## [{PROJECT['version']}]" in (ROOT / "CHANGELOG.md").read_text()


def test_the_changelog_has_the_form_that_it_names():
    headings = re.findall(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] == "Unreleased"
    parts = set(re.findall(r"^### (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE))
    assert parts <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


@pytest.mark.parametrize("page", ["SECURITY.md", "CODE_OF_CONDUCT.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_links_of_a_page_at_the_top_lead_somewhere(page: str):
    for target in re.findall(r"\]\((?!http)([^)#]+)", (ROOT / page).read_text()):
        assert (ROOT / target).exists(), target
