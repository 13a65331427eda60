"""The command that trains; torch is imported when it is called."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import tyro

__all__ = ["train"]


def train(
    recipe: Annotated[str, tyro.conf.Positional],
    overrides: Annotated[tuple[str, ...], tyro.conf.Positional] = (),
    *,
    out: str = "",
    method: str = "",
) -> Path:
    """Train by a recipe, or continue the run in a folder, exactly where its last checkpoint is.

    The run folder gets the resolved recipe, metrics.csv, curves.png, pictures of validation images,
    TensorBoard events, and the models `best` and `last`, which `intarsia.load` takes. When the run ends,
    `best` is exported, so that it predicts without torch (`export=false` leaves that out).

    Args:
        recipe: A shipped recipe (`intarsia recipes` lists them), `module:function` or `file.py:function`
            of your own, or the folder of a run to continue.
        overrides: Leaves of the recipe's tree, such as `data=DIR optim.lr=3e-4`.
        out: The run folder; by default runs/RECIPE-DATE.
        method: A class of your own, as `file.py:Class`: one that trains by the recipe's settings, or that of
            a run to continue. A run's folder never decides by itself what code is run.

    Returns:
        The run folder.

    Raises:
        ValueError: The recipe, a key or the data set is wrong, a loss became infinite or NaN, or torch is not
            installed.
    """
    from intarsia.engine.run_request import resolve_run
    from intarsia.engine.train import run_to_the_end

    return run_to_the_end(resolve_run(recipe, overrides, out=out, method=method))
