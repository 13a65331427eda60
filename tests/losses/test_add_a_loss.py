"""The loss of the page on adding a loss keeps what every loss keeps, as the page's last step says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from jaxtyping import Float, Int
from torch import Tensor

from tests.losses.test_contract import Case, categories, random_output, truth_of

ROOT = Path(__file__).parents[2]
BLOCKS = re.findall(r"^```python\n(.*?)^```", (ROOT / "docs/add-a-loss.md").read_text(), re.S | re.M)


def dice_case() -> Case:
    names: dict[str, object] = {"torch": torch, "Float": Float, "Int": Int, "Tensor": Tensor}
    exec(compile(BLOCKS[0], "add-a-loss.md", "exec", dont_inherit=True), names)
    function = names["dice_loss"]
    assert callable(function)
    return categories(function)


@pytest.mark.parametrize("kind", ["mixed", "void", "single", "empty"])
def test_the_loss_of_the_page_keeps_the_contract(kind: str):
    case, truth = dice_case(), truth_of(kind)
    output = random_output(case, truth)
    loss = case.loss(output, truth)
    assert loss.shape == (len(truth),)
    assert loss.isfinite().all()
    loss.sum().backward()
    assert output.grad is not None
    assert output.grad.isfinite().all()
    if kind == "mixed":
        assert (case.loss(case.perfect(truth), truth) < loss.detach()).all()
