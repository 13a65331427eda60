"""The curves of a run, whatever its numbers are."""

from pathlib import Path

import pytest
from PIL import Image

from intarsia.engine.run_folder import MetricsFile, draw_curves


@pytest.mark.parametrize("losses", [[], [0.0], [0.0, 3.5], [2.0, 1.0]])
def test_losses_of_which_none_is_above_zero_are_drawn_without_a_warning(losses: list[float], tmp_path: Path):
    metrics = MetricsFile(tmp_path / "metrics.csv", up_to_step=0)
    for step, loss in enumerate(losses, start=1):
        metrics.add({"step": step, "loss": loss, "pq": 0.1})
    draw_curves(metrics, tmp_path / "curves.png")
    with Image.open(tmp_path / "curves.png") as picture:
        assert picture.size == (1100, 440)
