"""One run of a series: begun, continued, or left as it is where it is done."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from intarsia._check import fail
from intarsia.configs import differing
from intarsia.engine.checkpoint import load_checkpoint
from intarsia.engine.run_folder import CHECKPOINT_FILE, RECIPE_FILE, load_recipe
from intarsia.engine.run_request import RunRequest, resolve_run
from intarsia.engine.train import run_to_the_end

__all__ = ["train_or_resume"]

_OF_THE_MACHINE = ("device", "threads", "workers")
"""Settings that may differ between the parts of one run."""


def train_or_resume(
    recipe: str, overrides: Sequence[str], folder: Path, *, decoding: Sequence[str] = ()
) -> Path:
    """Train a recipe in a folder, go on where its run was stopped, or do nothing where it is done.

    Args:
        recipe: The name of a shipped recipe, or `file.py:function`.
        overrides: Leaves of its tree.
        folder: Of the run.
        decoding: Leaves and groups, by their paths, that do not matter to training.

    Returns:
        The folder.

    Raises:
        ValueError: The folder has a run with other settings, or as `intarsia.train`.
    """
    request = resolve_run(recipe, tuple(overrides), out=str(folder))
    if not (folder / RECIPE_FILE).is_file():
        return run_to_the_end(request)
    name, cls, tree = load_recipe(folder, stranger=request.method_class)
    free_keys = (*_OF_THE_MACHINE, *decoding)
    changes = [
        path
        for path in differing(tree, request.tree)
        if not any(path == name or path.startswith(name + ".") for name in free_keys)
    ]
    if changes:
        hint = "Ask for the same, or take another folder."
        fail(str(folder), "a run with the settings asked for", f"others of {', '.join(changes)}", hint=hint)
    if not _is_done(folder, tree.schedule.steps):
        run_to_the_end(RunRequest(name, tree, cls, folder, is_new=False))
    return folder


def _is_done(folder: Path, steps: int) -> bool:
    checkpoint = folder / CHECKPOINT_FILE
    return checkpoint.is_file() and load_checkpoint(checkpoint)["step"] >= steps
